#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes what PyTorch contributes to tests/data: key lists and full-width references.

    make_reference_data.py [OUTPUT_FOLDER]          default: tests/data

Weights and inputs come by rule (weight_rule.py) and are not stored.  A reference holds the outputs
and, for every module, `digest/<module path>` (digest.py says of what).  Computed in float64, stored in float32.
"""

import sys
from pathlib import Path

import numpy as np
import torch

import weight_rule
from digest import digest
from kintsugi_export import reference, safetensors
from kintsugi_export.networks import NETWORKS, glcic, glcic_discriminator

SALT = "kintsugi"
SIZES = {"256": (256, 256), "131x97": (131, 97)}


def main(folder: Path) -> None:
    keys = folder / "keys"
    keys.mkdir(parents=True, exist_ok=True)
    for name, network in (("glcic", glcic), ("glcic_discriminator", glcic_discriminator)):
        for layout in network.LAYOUTS:
            tensors = network.build(network.Config.of(layout), "meta").state_dict()
            write_key_list(
                keys / f"{name}_{layout}.txt",
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


def by_rule(recipe: str, keys: Path) -> dict:
    return weight_rule.make_state(recipe, weight_rule.read_key_list(keys), SALT)


def write_key_list(path: Path, entries) -> None:
    lines = [f"{key}\t{shape}\t{dtype.replace('torch.', '')}\n" for key, shape, dtype in entries]
    path.write_text("".join(lines))


def write_reference(path: Path, network, state: dict, inputs: dict) -> None:
    config = network.recognise({key: value.shape for key, value in state.items()})
    given = {name: inputs[f"input/{name}"] for name in network.INPUTS}
    made = reference.run(network.build(config), state, given, network.OUTPUTS, torch.float64)
    kept = {key: value for key, value in made.items() if key.startswith("output/")}
    kept.update(
        (key.replace("tap/", "digest/"), digest(value))
        for key, value in made.items()
        if key.startswith("tap/")
    )
    registered = next(name for name, module in NETWORKS.items() if module is network)
    safetensors.write(
        path,
        kept,
        {
            "format": "pt",
            "kintsugi.network": registered,
            "salt": SALT,
            "made_by": f"torch {torch.__version__}, float64",
        },
    )
    print(f"{path}: {len(kept)} tensors, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1] / "data")
