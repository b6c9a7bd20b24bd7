#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""PyTorch on a GPU at the layers of layers.txt, GLCIC and CycleGAN, as JSON beside that of gpu_kernels.

    torch_gpu.py --output FILE [--limit SECONDS]
    torch_gpu.py --output FILE --dry-run     on the processor, a few pixels, no times

Every layer runs eagerly in both orders of memory, as a CUDA graph of the eager call, and compiled,
by default and for few launches (reduce-overhead); what is quick to begin comes first, so that the
limit takes compilations away and not whole layers.  cuDNN chooses its kernels by trying them
(cudnn.benchmark).  Exit codes: 0 done, 1 it failed, 2 a mistake in the command, 5 there is no
PyTorch that sees a GPU.
"""

import argparse
import copy
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "comparison"))
from common import DRY_SIZES, LAYERS, ROOT, SIZES, read_layers, timing, tiny, write_json  # noqa: E402
from torch_layers import flops_of, modules, network  # noqa: E402

SAMPLES, REPLAY_US = 21, 300.0
ROTATION_BYTES, MOST_SETS = 384 << 20, 64  # as timing.h; a set is a module here, and slow to copy
EAGER = ("eager NCHW", "eager channels_last", "graph channels_last")
COMPILED = ("compiled channels_last", "reduce-overhead channels_last")


class Refused(Exception):
    """A sentence for the report: this form does not run here."""


# ---- Measuring

class Bench:
    def __init__(self, torch, dry: bool):
        self.torch, self.dry = torch, dry
        self.device = "cpu" if dry else "cuda"

    def numbers(self, shape, dtype, order):
        """Random, in [-1, 1), never zero."""
        made = self.torch.rand(shape) * 2 - 1
        made[made == 0] = 0.5
        return made.to(self.device, dtype).contiguous(memory_format=order)

    def time_of(self, calls):
        """One after the other, by events around many; None where nothing is timed."""
        cuda = self.torch.cuda
        for call in calls:
            call()
        if self.dry:
            return None
        begin, end = (cuda.Event(enable_timing=True) for _ in range(2))

        def run(count):
            begin.record()
            for i in range(count):
                calls[i % len(calls)]()
            end.record()
            end.synchronize()
            return 1e3 * begin.elapsed_time(end)

        run(len(calls))
        once = max(run(len(calls)), 0.5)
        count = len(calls) * max(1, min(1000, round(REPLAY_US / once)))
        run(count)
        return timing([run(count) / count for _ in range(SAMPLES)], count)

    def graph_of(self, calls):
        """A callable that replays all calls, each `repeats` times; how many calls that is."""
        if self.dry:
            raise Refused("a CUDA graph takes a GPU")
        torch = self.torch
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for call in calls:
                call()
        torch.cuda.current_stream().wait_stream(side)
        repeats = max(1, 32 // len(calls))
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            for _ in range(repeats):
                for call in calls:
                    call()
        return graph.replay, repeats * len(calls)

    def compiled(self, module, form):
        if not hasattr(self.torch, "compile"):
            raise Refused(f"PyTorch {self.torch.__version__.split('+')[0]} has no compiler")
        if self.dry:
            raise Refused("a dry run compiles nothing")
        self.torch._dynamo.reset()
        mode = "reduce-overhead" if form.startswith("reduce") else "default"
        return self.torch.compile(module, mode=mode, dynamic=False)

    def contender(self, form, module, inputs) -> dict:
        torch = self.torch
        made = {"name": f"PyTorch {form}", "how": "cudnn.benchmark", "cold": None}
        order = torch.contiguous_format if form.endswith("NCHW") else torch.channels_last
        module = module.to(memory_format=order)
        inputs = [x.contiguous(memory_format=order) for x in inputs]
        if form in COMPILED:
            compiled = self.compiled(module, form)
            made["warm"] = self.time_of([lambda: compiled(*inputs)])
            return made
        size = sum(t.numel() * t.element_size() for t in [*inputs, *module.parameters()])
        sets = 1 if self.dry else max(2, min(MOST_SETS, -(-ROTATION_BYTES // (2 * size))))
        calls = [lambda: module(*inputs)]
        for _ in range(sets - 1):
            other, values = copy.deepcopy(module), [x.clone() for x in inputs]
            calls.append(lambda other=other, values=values: other(*values))
        for state, chosen in ("warm", calls[:1]), ("cold", calls):
            if form.startswith("graph"):
                replay, count = self.graph_of(chosen)
                taken = self.time_of([replay])
                if taken is not None:
                    taken = {key: value / count if key.endswith("_us") else value
                             for key, value in taken.items()}
                    taken["launches"] *= count
            else:
                taken = self.time_of(chosen)
            made[state] = taken
        made["sets"] = sets
        return made

    def row(self, name, op, settings, dtype_name, module, shape, count) -> dict:
        torch = self.torch
        row = {"layer": name, "op": op, "type": dtype_name, "input": list(shape),
               "settings": settings, "contenders": []}
        dtype = {"bf16": torch.bfloat16, "f16": torch.float16}.get(dtype_name, torch.float32)
        module = module.to(self.device, dtype).eval()
        inputs = [self.numbers(shape, dtype, torch.channels_last) for _ in range(count)]
        try:
            with torch.no_grad():
                row["output"] = list(module(*inputs).shape)
                row["flops"] = flops_of(torch, module, inputs) or None
        except RuntimeError as error:
            row["refused"] = first_line(error)
        return {**row, "_run": (module, inputs)}

    def add(self, row, form) -> None:
        module, inputs = row["_run"]
        try:
            with self.torch.no_grad():
                row["contenders"].append(self.contender(form, module, inputs))
        except Exception as error:  # whatever a library throws: this form is refused
            if not self.dry:
                self.torch.cuda.synchronize()
            row["contenders"].append({"name": f"PyTorch {form}", "refused": first_line(error)})


def first_line(error) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def without_runs(report) -> dict:
    rows = [{k: v for k, v in row.items() if k != "_run"} for row in report["rows"]]
    return {**report, "rows": rows}


def run(torch, options) -> dict:
    bench = Bench(torch, options.dry_run)
    torch.manual_seed(1)
    torch.backends.cudnn.benchmark = True
    report = {
        "program": "torch_gpu", "emulated": options.dry_run, "timed": not options.dry_run,
        "device": {"name": "processor" if options.dry_run else torch.cuda.get_device_name()},
        "torch": torch.__version__, "cudnn": torch.backends.cudnn.version(),
        "samples": SAMPLES, "left_out": [], "rows": []}
    start, kinds = time.monotonic(), modules(torch)

    def each(rows, form):
        for row in rows:
            if time.monotonic() - start > options.limit:
                report["left_out"].append(f"{row['layer']} {row['type']} {form}")
                continue
            bench.add(row, form)
            print(f"{row['layer']:<28} {row['type']:<5} {form}", file=sys.stderr)
            write_json(options.output, without_runs(report))

    layers = [tiny(x) if options.dry_run else x for x in read_layers(options.layers)]
    for layer in layers:
        if options.only in layer.name:
            module, count = kinds[layer.op](layer)
            report["rows"].append(bench.row(layer.name, layer.op, layer.settings, options.type,
                                            module, layer.shape, count))
    networks = []
    for name in ("glcic", "cyclegan"):
        for size in options.sizes:
            module, shape = network(name, size, 8 if options.dry_run else 64)
            networks.append(bench.row(f"{name}_{size}", "network", {}, options.type, module, shape, 1))
    singles = [row for row in report["rows"] if "refused" not in row]
    report["rows"] += networks
    networks = [row for row in networks if "refused" not in row]
    for rows, forms in ((singles, EAGER), (networks, EAGER), (networks, COMPILED),
                        (singles, COMPILED)):
        for form in forms:
            each(rows, form)
    report["seconds"] = time.monotonic() - start
    return without_runs(report)


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--layers", type=Path, default=LAYERS, metavar="FILE")
    parser.add_argument("--output", type=Path, required=True, metavar="FILE")
    parser.add_argument("--only", default="", metavar="PART", help="of a layer's name")
    parser.add_argument("--type", choices=("bf16", "f16", "f32"), help="bf16; f32 in a dry run")
    parser.add_argument("--sizes", type=int, nargs="*", metavar="N",
                        help="sides of the networks' pictures (256 512 1024)")
    parser.add_argument("--limit", type=float, default=1e9, metavar="SECONDS",
                        help="nothing begins after that")
    parser.add_argument("--dry-run", action="store_true", help="on the processor, nothing timed")
    options = parser.parse_args(arguments)
    # Processors are not expected to have every function in 16 bits.
    options.type = options.type or ("f32" if options.dry_run else "bf16")
    if options.sizes is None:
        options.sizes = DRY_SIZES if options.dry_run else SIZES
    return options


def main(arguments=None) -> int:
    options = parse(arguments)
    sys.path.insert(0, str(ROOT / "python_export"))
    try:
        import torch
    except ImportError:
        version = ".".join(str(n) for n in sys.version_info[:3])
        print(f"torch_gpu: this Python, {version}, has no PyTorch", file=sys.stderr)
        return 5
    if not options.dry_run and not torch.cuda.is_available():
        print(f"torch_gpu: PyTorch {torch.__version__} sees no GPU here; --dry-run runs on the "
              "processor", file=sys.stderr)
        return 5
    try:
        report = run(torch, options)
        write_json(options.output, report)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        print(f"torch_gpu: {error}", file=sys.stderr)
        return 1
    print(f"{len(report['rows'])} rows on {report['device']['name']}, PyTorch {report['torch']}, "
          f"{len(report['left_out'])} forms left out for lack of time"
          + ("" if report["timed"] else "; nothing was timed"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
