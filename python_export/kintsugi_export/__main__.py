# SPDX-License-Identifier: MIT
"""The command line: `python3 -m kintsugi_export convert` and `reference`.

Exit codes: 0 done, 1 a file or a tensor is wrong (one sentence on stderr), 2 wrong usage.
"""

import argparse
import sys

from .convert import DTYPES, convert, port_settings
from .errors import ExportError
from .networks import NETWORKS
from .reference import Example, reference


def main(arguments=None) -> int:
    args = _parser().parse_args(arguments)
    try:
        print(args.run(args))
        return 0
    except ExportError as error:
        print(f"kintsugi_export: {error}", file=sys.stderr)
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        print(f"kintsugi_export: {place}{error.strerror or error}", file=sys.stderr)
    except MemoryError:
        print("kintsugi_export: not enough memory", file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="kintsugi_export", description="Exports networks from PyTorch."
    )
    verbs = parser.add_subparsers(dest="verb", required=True)

    verb = verbs.add_parser("convert", help="checkpoint -> model file")
    verb.add_argument("network", choices=NETWORKS)
    verb.add_argument("checkpoint", help=".pt, .pth, .ckpt, .t7 or .safetensors")
    verb.add_argument("-o", "--output", required=True, help="model file, .safetensors")
    verb.add_argument(
        "--dtype", choices=DTYPES, default="f32", help="storage type of the weights (default f32)"
    )
    mean = verb.add_mutually_exclusive_group()
    mean.add_argument(
        "--mean",
        type=_triple,
        metavar="R,G,B",
        help="the mean of the training set, RGB in [0, 1] (default: the checkpoint's, if it has "
        "one, else the network's)",
    )
    mean.add_argument(
        "--config", metavar="FILE", help="the port's own settings, JSON (GLCIC by otenim: mpv)"
    )
    verb.add_argument(
        "--blocks",
        type=_positive,
        metavar="N",
        help="how often a shared residual block runs (CycleGAN by MindSpore; default 9)",
    )
    verb.add_argument(
        "--norm",
        choices=("stored", "instance"),
        help="the statistics that norms use (CycleGAN by MindSpore; default stored)",
    )
    verb.add_argument(
        "--prefix", default="", help="of the networks in the checkpoint, the one behind this prefix"
    )
    verb.add_argument("--title", help="modelspec.title")
    verb.add_argument("--license", help="modelspec.license: the licence of the weights")
    verb.set_defaults(run=_convert)

    verb = verbs.add_parser("reference", help="model file -> inputs, outputs and taps by PyTorch")
    verb.add_argument("network", choices=NETWORKS)
    verb.add_argument("model", help="model file, .safetensors")
    verb.add_argument("-o", "--output", required=True, help="reference file, .safetensors")
    verb.add_argument("--size", type=_size, default=(256, 256), metavar="HxW")
    verb.add_argument("--batch", type=_positive, default=1)
    verb.add_argument("--seed", type=_natural, default=0, help="of the example input")
    verb.add_argument("--input", help=".safetensors with the inputs, instead of an example")
    verb.add_argument("--double", action="store_true", help="compute in float64")
    verb.set_defaults(run=_reference)
    return parser


def _convert(args) -> str:
    options = {} if args.config is None else port_settings(args.network, args.config)
    given = {"mean": args.mean, "blocks": args.blocks, "norm": args.norm}
    options.update((name, value) for name, value in given.items() if value is not None)
    names = {"title": args.title, "licence": args.license, "prefix": args.prefix}
    return convert(
        args.network, args.checkpoint, args.output, dtype=args.dtype, options=options, **names
    )


def _reference(args) -> str:
    example = Example(args.batch, *args.size, args.seed)
    return reference(
        args.network, args.model, args.output, example, inputs=args.input, double=args.double
    )


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return value


def _natural(text: str) -> int:
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{text} is negative")
    return value


def _size(text: str):
    parts = text.lower().split("x")
    if len(parts) != 2:
        raise argparse.ArgumentTypeError(f"{text} is not HEIGHTxWIDTH")
    return _positive(parts[0]), _positive(parts[1])


def _triple(text: str):
    values = tuple(float(part) for part in text.split(","))
    if len(values) != 3 or not all(0 <= value <= 1 for value in values):
        raise argparse.ArgumentTypeError(f"{text} is not three numbers in [0, 1]")
    return values


if __name__ == "__main__":
    sys.exit(main())
