#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes what PyTorch contributes to tests/data: key lists and full-width references.

    make_reference_data.py [OUTPUT_FOLDER]          default: tests/data

Weights and inputs come by rule (weight_rule.py) and are not stored.  A reference holds
`output/output` and, for every module, `digest/<module path>` (digest.py says of what).  Computed in float64, stored in float32.
"""

import sys
from pathlib import Path

import numpy as np
import torch

import weight_rule
from digest import digest
from kintsugi_export import reference, safetensors
from kintsugi_export.networks import glcic

SALT = "kintsugi"
SIZES = {"256": (256, 256), "131x97": (131, 97)}


def main(folder: Path) -> None:
    (folder / "keys").mkdir(parents=True, exist_ok=True)
    for layout in glcic.LAYOUTS:
        tensors = glcic.build(glcic.Config.of(layout), "meta").state_dict()
        write_key_list(
            folder / "keys" / f"glcic_{layout}.txt",
            [(key, list(value.shape), str(value.dtype)) for key, value in tensors.items()],
        )
    for name, (height, width) in SIZES.items():
        keys = folder / "keys" / f"glcic_input_{name}.txt"
        write_key_list(keys, [("input/input", [1, 4, height, width], "torch.float32")])
        inputs = weight_rule.make_state("glcic_input", weight_rule.read_key_list(keys), SALT)
        write_reference(folder / f"glcic_64_ref_{name}.safetensors", folder / "keys", inputs)


def write_key_list(path: Path, entries) -> None:
    lines = [f"{key}\t{shape}\t{dtype.replace('torch.', '')}\n" for key, shape, dtype in entries]
    path.write_text("".join(lines))


def write_reference(path: Path, keys: Path, inputs: dict) -> None:
    state = weight_rule.make_state(
        "glcic", weight_rule.read_key_list(keys / "glcic_triples.txt"), SALT
    )
    network = glcic.build(glcic.Config(layout="triples"))
    made = reference.run(
        network, state, {"input": inputs["input/input"]}, glcic.OUTPUTS, torch.float64
    )
    kept = {"output/output": made["output/output"]}
    kept.update(
        (key.replace("tap/", "digest/"), digest(value))
        for key, value in made.items()
        if key.startswith("tap/")
    )
    safetensors.write(
        path,
        kept,
        {
            "format": "pt",
            "kintsugi.network": "glcic",
            "salt": SALT,
            "made_by": f"torch {torch.__version__}, float64",
        },
    )
    print(f"{path}: output {list(made['output/output'].shape)}, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1] / "data")
