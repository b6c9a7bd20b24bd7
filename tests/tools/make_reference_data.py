#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes what PyTorch contributes to tests/data: key lists and full-width references.

    make_reference_data.py [OUTPUT_FOLDER]          default: tests/data

Weights and inputs come by rule (weight_rule.py) and are not stored.  A reference holds the outputs
and, for every module, `digest/<module path>` (digest.py says of what).  Computed in float64, stored
in float32.  Small models are stored with their weights, in f16.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

import weight_rule
from digest import digest
from kintsugi_export import reference, safetensors
from kintsugi_export.convert import convert
from kintsugi_export.networks import (
    NETWORKS,
    cyclegan,
    cyclegan_discriminator,
    glcic,
    glcic_discriminator,
)

SALT = "kintsugi"
SIZES = {"256": (256, 256), "131x97": (131, 97)}
CYCLEGAN_SIZES = {"256": (256, 256), "90x134": (90, 134)}
SMALL_BLOCKS = 3
# Two pictures, so that statistics of both are told from each one's, of sides that no 4 divides.
SMALL_INPUTS = {cyclegan: [2, 3, 22, 30], cyclegan_discriminator: [2, 3, 30, 42]}
SMALL_CYCLEGANS = (  # network, layout, norm in the file, width
    (cyclegan, "resnet6", "instance", 8),
    (cyclegan, "resnet6_dropout", "batch", 4),
    (cyclegan, "mindspore", "stored", 8),
    (cyclegan_discriminator, "patchgan", "instance", 8),
    (cyclegan_discriminator, "mindspore", "stored", 4),
)


def main(folder: Path) -> None:
    keys = folder / "keys"
    keys.mkdir(parents=True, exist_ok=True)
    for name, network in NETWORKS.items():
        for layout in network.layouts():
            tensors = network.build(network.Config.of(layout), "meta").state_dict()
            write_key_list(
                keys / f"{name.replace('-', '_')}_{layout}.txt",
                [(key, list(value.shape), str(value.dtype)) for key, value in tensors.items()],
            )
    for name, (height, width) in SIZES.items():
        inputs = keys / f"glcic_input_{name}.txt"
        write_key_list(inputs, [("input/input", [1, 4, height, width], "torch.float32")])
        write_reference(
            folder / f"glcic_64_ref_{name}.safetensors",
            glcic,
            by_rule("glcic", keys / "glcic_triples.txt"),
            by_rule("glcic_input", inputs),
        )
    views = keys / "glcic_discriminator_input.txt"
    sides = {"input/local": 128, "input/global": 256}
    write_key_list(views, [(key, [2, 3, n, n], "torch.float32") for key, n in sides.items()])
    write_reference(
        folder / "glcic_discriminator_64_ref.safetensors",
        glcic_discriminator,
        by_rule("glcic", keys / "glcic_discriminator_otenim.txt"),
        by_rule("picture", views),
    )
    for name, (height, width) in CYCLEGAN_SIZES.items():
        inputs = keys / f"cyclegan_input_{name}.txt"
        write_key_list(inputs, [("input/input", [1, 3, height, width], "torch.float32")])
        write_reference(
            folder / f"cyclegan_64_ref_{name}.safetensors",
            cyclegan,
            by_rule("cyclegan", keys / "cyclegan_resnet9.txt"),
            by_rule("signed_picture", inputs),
            kept=(),
        )
    for network, layout, norm, width in SMALL_CYCLEGANS:
        write_small(folder, network, layout, norm, width)


def write_small(folder: Path, network, layout: str, norm: str, width: int) -> None:
    """A model file of small width in f16, and its references: one for each norm it may run with."""
    registered = name_of(network)
    config = network.Config.of(layout, width, norm)
    tensors = network.build(config, "meta").state_dict()
    listed = [(key, value.shape, str(value.dtype)[6:]) for key, value in tensors.items()]
    state = weight_rule.make_state("cyclegan", listed, SALT)
    shape = SMALL_INPUTS[network]
    inputs = weight_rule.make_state("signed_picture", [("input/input", shape, "float32")], SALT)
    stem = registered.replace("-", "_") + f"_{layout}" + ("_batch" if norm == "batch" else "")
    model = folder / f"{stem}_k{width}.safetensors"
    options = {"norm": norm}
    if getattr(config, "shared", False):
        options["blocks"] = SMALL_BLOCKS
    with tempfile.TemporaryDirectory() as temporary:
        plain = Path(temporary) / "plain.safetensors"
        safetensors.write(plain, state)
        print(convert(registered, plain, model, "f16", options))
    state = safetensors.read(model)[0]
    for by in cyclegan.MINDSPORE_NORMS if layout == "mindspore" else (norm,):
        path = model.with_name(model.stem + ("_ref" if by == norm else f"_ref_{by}") + model.suffix)
        options["norm"] = by
        write_reference(path, network, state, inputs, ("input/", "output/"), options)


def by_rule(recipe: str, keys: Path) -> dict:
    return weight_rule.make_state(recipe, weight_rule.read_key_list(keys), SALT)


def write_key_list(path: Path, entries) -> None:
    lines = [f"{key}\t{shape}\t{dtype.replace('torch.', '')}\n" for key, shape, dtype in entries]
    path.write_text("".join(lines))


def name_of(network) -> str:
    return next(name for name, module in NETWORKS.items() if module is network)


def write_reference(
    path: Path, network, state: dict, inputs: dict, kept=("output/",), options=None
) -> None:
    config = network.recognise({key: value.shape for key, value in state.items()})
    config = network.settled(config, **(options or {}))
    given = {name: inputs[f"input/{name}"] for name in network.INPUTS}
    made = reference.run(network.build(config), state, given, network.OUTPUTS, torch.float64)
    stored = {key: value for key, value in made.items() if key.startswith(tuple(kept))}
    stored.update(
        (key.replace("tap/", "digest/"), digest(value))
        for key, value in made.items()
        if key.startswith("tap/")
    )
    safetensors.write(
        path,
        stored,
        {
            "format": "pt",
            "kintsugi.network": name_of(network),
            "salt": SALT,
            "made_by": f"torch {torch.__version__}, float64",
        },
    )
    print(f"{path}: {len(stored)} tensors, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1] / "data")
