# SPDX-License-Identifier: MIT
"""GLCIC, the completion network of "Globally and Locally Consistent Image Completion".

Iizuka, Simo-Serra, Ishikawa, ACM Transactions on Graphics 36(4), 2017 (SIGGRAPH).

Input   [N, 4, H, W] float32: RGB in [0, 1] minus the training mean, the hole's pixels set to 0,
        then the mask, 1 inside the hole.
Output  [N, 3, H', W'] float32 in [0, 1]: the completed RGB; the mean is not to be added back.
        H' is H rounded up to a multiple of 4, and so is W'.

The definition here is the official order, convolution -> batch norm -> ReLU.  It is an
`nn.Sequential`, so a module's path is its state-dict prefix, and the two key layouts in use are two
ways to nest the same modules:

    flat      0.weight  1.weight  1.running_mean  3.weight ...  48.weight   (sigmoid at 49)
    triples   0.0.weight  0.1.weight  0.1.running_mean  1.0.weight ...  16.weight   (sigmoid at 17)
"""

from typing import Dict, NamedTuple, Tuple

import numpy as np
from torch import nn

from ..errors import ExportError

MEAN = (0.4560, 0.4472, 0.4155)  # of Places2, RGB in [0, 1]: what the official weights subtract
MULTIPLE = 4
MAX_WIDTH = 4096  # far beyond any real one; keeps hostile shapes out of torch
LAYOUTS = ("flat", "triples")
INPUTS, OUTPUTS = ("input",), ("output",)


class Layer(NamedTuple):
    """A row of the paper's table; its output channels are a multiple of the width, 64 there."""

    op: str
    kernel: int
    stride: int
    dilation: int
    widths: int


LAYERS = (
    Layer("conv", 5, 1, 1, 1),
    Layer("conv", 3, 2, 1, 2),
    Layer("conv", 3, 1, 1, 2),
    Layer("conv", 3, 2, 1, 4),
    Layer("conv", 3, 1, 1, 4),
    Layer("conv", 3, 1, 1, 4),
    Layer("conv", 3, 1, 2, 4),
    Layer("conv", 3, 1, 4, 4),
    Layer("conv", 3, 1, 8, 4),
    Layer("conv", 3, 1, 16, 4),
    Layer("conv", 3, 1, 1, 4),
    Layer("conv", 3, 1, 1, 4),
    Layer("deconv", 4, 2, 1, 2),
    Layer("conv", 3, 1, 1, 2),
    Layer("deconv", 4, 2, 1, 1),
    Layer("conv", 3, 1, 1, 0),  # Config.last channels
)


class Config(NamedTuple):
    """What a state dict says about itself.

    `last` is the number of channels between the last two convolutions, half the width in the paper.
    """

    width: int = 64
    last: int = 32
    layout: str = "flat"


def build(config: Config, device: str = "cpu") -> nn.Sequential:
    """The network, in evaluation mode, with PyTorch's default initialisation."""
    groups, channels = [], 4
    for layer in LAYERS:
        out = layer.widths * config.width or config.last
        groups.append(
            [
                _convolution(layer, channels, out, device),
                nn.BatchNorm2d(out, device=device),
                nn.ReLU(),
            ]
        )
        channels = out
    head = [nn.Conv2d(channels, 3, 3, padding=1, device=device), nn.Sigmoid()]
    if config.layout == "flat":
        return nn.Sequential(*(module for group in groups for module in group), *head).eval()
    return nn.Sequential(*(nn.Sequential(*group) for group in groups), *head).eval()


def _convolution(layer: Layer, channels: int, out: int, device: str) -> nn.Module:
    if layer.op == "deconv":
        return nn.ConvTranspose2d(
            channels, out, layer.kernel, layer.stride, padding=1, device=device
        )
    padding = layer.dilation * (layer.kernel // 2)
    return nn.Conv2d(
        channels, out, layer.kernel, layer.stride, padding, layer.dilation, device=device
    )


def recognise(shapes: Dict[str, Tuple[int, ...]]) -> Config:
    """The configuration of a state dict given as {key: shape}.

    Raises ExportError naming the closest layout, with the keys it lacks and the keys it does not
    know, if this is not a GLCIC network.
    """
    expected = {layout: _shapes(Config(1, 1, layout)) for layout in LAYOUTS}
    layout = max(LAYOUTS, key=lambda name: len(expected[name].keys() & shapes.keys()))
    missing = [key for key in expected[layout] if key not in shapes and not _is_counter(key)]
    unknown = [key for key in shapes if key not in expected[layout]]
    if missing or unknown:
        raise ExportError(
            f"not a GLCIC state dict: the closest key layout is '{layout}', "
            f"{_count(missing, 'missing')}, {_count(unknown, 'unknown')}"
        )

    weights = [key for key, shape in expected[layout].items() if len(shape) == 4]
    for key in (weights[0], weights[-1]):
        if len(shapes[key]) != 4 or not all(0 < n <= MAX_WIDTH for n in shapes[key]):
            raise ExportError(
                f"'{key}' has shape {list(shapes[key])}, "
                f"GLCIC expects four dimensions from 1 to {MAX_WIDTH}"
            )
    config = Config(shapes[weights[0]][0], shapes[weights[-1]][1], layout)
    for key, shape in _shapes(config).items():
        if key in shapes and tuple(shapes[key]) != shape:
            raise ExportError(
                f"'{key}' has shape {list(shapes[key])}, "
                f"GLCIC of width {config.width} expects {list(shape)}"
            )
    return config


def metadata(mean: Tuple[float, float, float] = MEAN) -> dict:
    """The value of `kintsugi.config`: how a picture becomes the input and the output a picture."""
    return {
        "variant": "official",
        "mean": list(mean),
        "range": [0, 1],
        "mask": "hole=1",
        "multiple": MULTIPLE,
    }


def example(rng: np.random.Generator, batch: int, height: int, width: int) -> Dict[str, np.ndarray]:
    """An input as it occurs: coloured noise minus the mean, with a rectangular hole of zeros."""
    picture = rng.random((batch, 3, height, width), np.float32)
    mask = np.zeros((batch, 1, height, width), np.float32)
    mask[:, :, height // 4 : max(1, height // 2), width // 3 : max(1, 2 * width // 3)] = 1
    mean = np.array(MEAN, np.float32).reshape(1, 3, 1, 1)
    return {"input": np.concatenate([(picture - mean) * (1 - mask), mask], 1)}


def _shapes(config: Config) -> Dict[str, Tuple[int, ...]]:
    network = build(config, "meta")  # shapes only, no memory
    return {key: tuple(tensor.shape) for key, tensor in network.state_dict().items()}


def _is_counter(key: str) -> bool:
    """Inference never reads num_batches_tracked, so a file may leave it out."""
    return key.endswith("num_batches_tracked")


def _count(keys, what: str) -> str:
    shown = ", ".join(f"'{key}'" for key in keys[:3]) + (", ..." if len(keys) > 3 else "")
    return f"{len(keys)} keys {what}" + (f" ({shown})" if keys else "")
