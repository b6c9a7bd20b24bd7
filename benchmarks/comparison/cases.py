# SPDX-License-Identifier: MIT
"""What is compared: networks with weights by rule and single convolutions, as files in a folder.

A case's folder holds model.safetensors and input.safetensors (`input`); convert.py adds what other
libraries read.  The weights are those of the tests (tests/tools/weight_rule.py), never zeros.
"""

import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "tools"), str(ROOT / "python_export")]
import weight_rule  # noqa: E402
from kintsugi_export import safetensors  # noqa: E402

SALT = "kintsugi"
KEYS = ROOT / "tests" / "data" / "keys"
# Key list, rule of the weights, rule of the input and its channels.
NETWORKS = {
    "GLCIC": ("glcic_triples", "glcic", "glcic_input", 4),
    "CycleGAN": ("cyclegan_resnet9", "cyclegan", "signed_picture", 3),
}
LAYER_CHANNELS, LAYER_SIZE, LAYER_DILATIONS = 256, 64, (1, 2, 4, 8, 16)


class Case(NamedTuple):
    name: str
    kind: str  # "network" or "conv2d"
    size: int
    width: int  # the network's, or the convolution's channels
    dilation: int = 1
    network: str = ""


def all_cases(networks, sizes, width: int, layers: bool) -> list:
    """Of networks that begin with as many channels as `width`: 64 in both papers."""
    suffix = "" if width == 64 else f", {width} channels"
    cases = [
        Case(f"{network} {size}{suffix}", "network", size, width, network=network)
        for network in networks
        for size in sizes
    ]
    if layers:
        c, size = LAYER_CHANNELS, LAYER_SIZE
        cases += [
            Case(f"conv2d 3x3 {c}->{c}, {size}x{size}, dilation {d}", "conv2d", size, c, d)
            for d in LAYER_DILATIONS
        ]
    return cases


def write(case: Case, folder: Path) -> None:
    state, value = _network(case) if case.kind == "network" else _layer(case)
    safetensors.write(folder / "model.safetensors", state, {"format": "pt"})
    safetensors.write(folder / "input.safetensors", {"input": value}, {})


def relative_l2(ours: Path, theirs: Path) -> float:
    a, b = (safetensors.read(path)[0]["output"].astype(np.float64) for path in (ours, theirs))
    return float(np.linalg.norm(a - b) / np.linalg.norm(a)) if a.shape == b.shape else float("inf")


def _network(case: Case):
    def narrowed(shape):  # the list is of 64 channels; 3 and 4 are pictures' and kernels'
        return tuple(n * case.width // 64 if n >= 32 else n for n in shape)

    listed, recipe, input_recipe, channels = NETWORKS[case.network]
    entries = weight_rule.read_key_list(KEYS / f"{listed}.txt")
    keys = [(key, narrowed(shape), kind) for key, shape, kind in entries]
    shape = (1, channels, case.size, case.size)
    inputs = weight_rule.make_state(input_recipe, [("input/input", shape, "float32")], SALT)
    return weight_rule.make_state(recipe, keys, SALT), inputs["input/input"]


def _layer(case: Case):
    keys = [("weight", (case.width, case.width, 3, 3), "float32"),
            ("bias", (case.width,), "float32")]
    shape = (1, case.width, case.size, case.size)
    return weight_rule.make_state("generic", keys, SALT), weight_rule.draw(SALT, "input", shape)
