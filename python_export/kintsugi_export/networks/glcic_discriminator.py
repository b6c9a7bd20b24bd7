# SPDX-License-Identifier: MIT
"""The context discriminators of "Globally and Locally Consistent Image Completion".

Iizuka, Simo-Serra, Ishikawa, ACM Transactions on Graphics 36(4), 2017 (SIGGRAPH).

Inputs  local [N, 3, L, L], a patch around the filled hole, and global [N, 3, G, G], the whole
        picture scaled: float32 RGB in [0, 1].  L and G follow from the linear layers (128 and 256
        for Places2, 96 and 160 for CelebA).
Output  score [N, 1]: the logit of "this picture is real".

They are not in the official release; each port has its own keys (`layouts()`) and arithmetic
(`ARITHMETIC`):

    otenim      convolution -> ReLU -> batch norm; a sigmoid at the end: the score is P(real)
    mmediting   no biases in convolutions; BGR in [-1, 1]; the whole picture's features stand first
    liruilong   no ReLU after the views' linear layers
"""

import math
from typing import Dict, List, NamedTuple, Sequence, Tuple

import numpy as np
import torch
from torch import nn

from ..errors import ExportError
from ..key_layouts import Layout, read_layouts
from .glcic import MAX_WIDTH, count, is_counter, place

INPUTS, OUTPUTS = ("local", "global"), ("score",)
BESIDE = ("netD.", "disc.")  # beside these, other networks may be in the file
ROOT = None
OPTIONS = ()
LOCAL_LAYERS = 5
MAX_SIDE = 64  # of a view after its convolutions


class Block(NamedTuple):
    """Where a convolution's modules lie."""

    conv: str
    norm: str
    activation: str


class View(NamedTuple):
    """Where the modules of one discriminator lie."""

    blocks: List[Block]
    linear: str
    activation: str


class Paths(NamedTuple):
    """Where all modules lie."""

    local: View
    whole: View
    linear: str
    sigmoid: str


def layouts() -> Dict[str, Layout]:
    """The key layouts of the ports, by name."""
    return read_layouts("glcic_discriminator")


def paths_of(layout: str) -> Paths:
    """Where the port has its modules."""
    port = layouts()[layout]

    def view(name: str) -> View:
        blocks: List[Block] = []
        while f"{name}.relu{len(blocks) + 1}" in port.modules:  # their number is the port's own
            i = len(blocks) + 1
            blocks.append(Block(*(port.stored(f"{name}.{m}{i}") for m in ("conv", "bn", "relu"))))
        return View(blocks, port.stored(f"{name}.fc"), port.stored(f"{name}.fc_relu"))

    return Paths(view("local"), view("global"), port.stored("fc"), port.stored("sigmoid"))


ARITHMETIC = {
    "otenim": {"order": "relu_norm", "output": "sigmoid"},
    "otenim_celeba": {"order": "relu_norm", "output": "sigmoid"},
    "mmediting": {"bias": False, "first": "global"},
    "liruilong": {"relu": False},
}


class Config(NamedTuple):
    """What a state dict says about itself.

    `features` is what each view is reduced to; `local` and `whole` are the sides of the two views;
    `relu` follows the views' linear layers; `first` stands first before the last one.
    """

    width: int = 64
    features: int = 1024
    local: int = 128
    whole: int = 256
    layout: str = "otenim"
    bias: bool = True
    relu: bool = True
    order: str = "norm_relu"
    first: str = "local"
    output: str = "logit"

    @classmethod
    def of(cls, layout: str, **sizes: int) -> "Config":
        """The port with these keys, in the sizes it was published with but for those given."""
        celeba = {"local": 96, "whole": 160} if layout == "otenim_celeba" else {}
        return cls(layout=layout, **{**celeba, **sizes, **ARITHMETIC[layout]})


class Discriminators(nn.Module):
    """Both discriminators, their modules nested as in the port that `config` names."""

    def __init__(self, config: Config, device: str = "cpu"):
        super().__init__()
        self.config, self.paths = config, paths_of(config.layout)
        for view, side in ((self.paths.local, config.local), (self.paths.whole, config.whole)):
            channels = 3
            for i, block in enumerate(view.blocks):
                out = config.width * min(2**i, 8)
                convolution = nn.Conv2d(channels, out, 5, 2, 2, bias=config.bias, device=device)
                place(self, block.conv, convolution)
                place(self, block.norm, nn.BatchNorm2d(out, device=device))
                place(self, block.activation, nn.ReLU())
                channels = out
            left = (side >> len(view.blocks)) ** 2 * channels
            place(self, view.linear, nn.Linear(left, config.features, device=device))
            if config.relu:
                place(self, view.activation, nn.ReLU())
        place(self, self.paths.linear, nn.Linear(2 * config.features, 1, device=device))
        if config.output == "sigmoid":
            place(self, self.paths.sigmoid, nn.Sigmoid())

    def forward(self, local: torch.Tensor, whole: torch.Tensor) -> torch.Tensor:
        views = [self._look(self.paths.local, local), self._look(self.paths.whole, whole)]
        if self.config.first == "global":
            views.reverse()
        score = self.get_submodule(self.paths.linear)(torch.cat(views, 1))
        if self.config.output == "sigmoid":
            score = self.get_submodule(self.paths.sigmoid)(score)
        return score

    def _look(self, view: View, x: torch.Tensor) -> torch.Tensor:
        for block in view.blocks:
            path = [block.conv, block.norm, block.activation]
            if self.config.order == "relu_norm":
                path[1:] = path[2], path[1]
            for name in path:
                x = self.get_submodule(name)(x)
        x = self.get_submodule(view.linear)(torch.flatten(x, 1))
        return self.get_submodule(view.activation)(x) if self.config.relu else x


def build(config: Config, device: str = "cpu") -> Discriminators:
    """The network, in evaluation mode, with PyTorch's default initialisation."""
    return Discriminators(config, device).eval()


def recognise(shapes: Dict[str, Tuple[int, ...]]) -> Config:
    """The configuration of a state dict given as {key: shape}.

    Raises ExportError naming the closest layout, with the keys it lacks and the keys it does not
    know, if these are not GLCIC's discriminators.
    """
    expected = {layout: _shapes(Config.of(layout, width=1, features=1)) for layout in layouts()}
    layout = max(expected, key=lambda name: len(expected[name].keys() & shapes.keys()))
    known = expected[layout]
    missing = [key for key in known if key not in shapes and not is_counter(key)]
    unknown = [key for key in shapes if key not in known]
    if missing or unknown:
        raise ExportError(
            f"not a state dict of GLCIC's discriminators: the closest key layout is '{layout}', "
            f"{count(missing, 'missing')}, {count(unknown, 'unknown')}"
        )

    paths = paths_of(layout)
    first = f"{paths.local.blocks[0].conv}.weight"
    for key, rank in ((first, 4), *((f"{v.linear}.weight", 2) for v in (paths.local, paths.whole))):
        if len(shapes[key]) != rank or not all(0 < n <= MAX_WIDTH * MAX_SIDE for n in shapes[key]):
            raise ExportError(f"'{key}' has shape {list(shapes[key])}, which no discriminator has")
    width, features = shapes[first][0], shapes[f"{paths.local.linear}.weight"][0]
    if width > MAX_WIDTH or features > MAX_WIDTH:
        raise ExportError(f"a discriminator of {width} channels and {features} features is no GLCIC")
    config = Config.of(layout, width=width, features=features)
    config = config._replace(
        local=_side(shapes, paths.local, width), whole=_side(shapes, paths.whole, width)
    )
    for key, shape in _shapes(config).items():
        if key in shapes and tuple(shapes[key]) != shape:
            raise ExportError(
                f"'{key}' has shape {list(shapes[key])}, "
                f"discriminators of width {config.width} expect {list(shape)}"
            )
    return config


def _side(shapes: Dict[str, Tuple[int, ...]], view: View, width: int) -> int:
    """The side of the view that the linear layer's columns fit."""
    pixels = shapes[f"{view.linear}.weight"][1] // (width * min(2 ** (len(view.blocks) - 1), 8))
    return min(max(math.isqrt(pixels), 1), MAX_SIDE) << len(view.blocks)


def settled(config: Config) -> Config:
    """As it is: shapes say it all."""
    return config


def metadata(config: Config = Config()) -> dict:
    """The value of `kintsugi.config`: what the views are made of."""
    if config.layout == "mmediting":
        return {"variant": "mmediting", "colours": "BGR", "range": [-1, 1]}
    return {"variant": config.layout, "range": [0, 1]}


def missing(config: Config) -> str:
    """Nothing is: shapes say it all."""
    return ""


def stated(settings: dict) -> dict:
    """Ports' settings hold nothing that these networks need."""
    return {}


def unread(config: Config, keys: Sequence[str]) -> List[str]:
    """None of them."""
    return []


def check_torch7(modules) -> None:
    """Raises ExportError: no .t7 file of them is known."""
    raise ExportError("GLCIC's discriminators are not known as .t7 files")


def example(
    rng: np.random.Generator, batch: int, height: int, width: int, config: Config = Config()
) -> Dict[str, np.ndarray]:
    """Coloured noise, in the port's range; the sizes are the network's own."""
    views = {"local": config.local, "global": config.whole}
    made = {name: rng.random((batch, 3, side, side), np.float32) for name, side in views.items()}
    if config.layout == "mmediting":
        made = {name: 2 * view - 1 for name, view in made.items()}
    return made


def _shapes(config: Config) -> Dict[str, Tuple[int, ...]]:
    network = build(config, "meta")  # shapes only, no memory
    return {key: tuple(tensor.shape) for key, tensor in network.state_dict().items()}
