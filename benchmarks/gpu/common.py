# SPDX-License-Identifier: MIT
"""What the GPU benchmarks' Python shares: the list of layers, times, files written whole."""

import json
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
LAYERS = Path(__file__).resolve().parent / "layers.txt"
SIZES, DRY_SIZES = (256, 512, 1024), (32,)  # sides of the pictures of whole networks


class Layer(NamedTuple):
    name: str
    op: str
    shape: tuple  # N, C, H, W
    settings: dict
    then: tuple = ()  # (op, settings) of what follows on the same input

    def integer(self, key: str, otherwise: int) -> int:
        return int(self.settings.get(key, otherwise))


def read_layers(path=LAYERS) -> list:
    """As layers.cpp reads them; that program checks what they say."""
    layers = []
    for line in Path(path).read_text().splitlines():
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        name, op, shape, *words = words
        ops = [(op, {})]
        for before, word in zip([None, *words], words):
            if before == "then":
                ops.append((word, {}))
            elif word != "then":
                ops[-1][1].update([word.split("=", 1)])
        layers.append(Layer(name, op, tuple(int(n) for n in shape.split("x")), ops[0][1],
                            tuple(ops[1:])))
    return layers


def tiny(layer: Layer) -> Layer:
    """As tiny() of layers.cpp."""
    _, c, h, w = layer.shape
    settings = dict(layer.settings)
    if "k" in settings:
        settings["k"] = str(min(int(settings["k"]), 40))
    settings.update((key, "11") for key in ("height", "width") if key in settings)
    if "groups" in settings:
        settings["groups"] = str(min(c, 40) if int(settings["groups"]) == c else 8)
    return layer._replace(shape=(1, min(c, 40), min(h, 5), min(w, 12)), settings=settings)


def timing(each, launches: int) -> dict:
    """Microseconds of one launch, as gpu_kernels writes them; `each` a replay's, divided."""
    ordered = sorted(each)

    def at(part):
        return ordered[round(part * (len(ordered) - 1))]

    return {"median_us": at(0.5), "min_us": ordered[0], "p10_us": at(0.1), "p90_us": at(0.9),
            "max_us": ordered[-1], "samples": len(ordered), "launches": launches}


def write_whole(path, content: str) -> None:
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_text(content)
    part.replace(path)


def write_json(path, value) -> None:
    write_whole(path, json.dumps(value, indent=1, allow_nan=False) + "\n")
