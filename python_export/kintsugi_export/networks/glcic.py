# SPDX-License-Identifier: MIT
"""GLCIC, the completion network of "Globally and Locally Consistent Image Completion".

Iizuka, Simo-Serra, Ishikawa, ACM Transactions on Graphics 36(4), 2017 (SIGGRAPH).

Input   [N, 4, H, W] float32: RGB in [0, 1] minus the training mean, the hole's pixels set to 0,
        then the mask, 1 inside the hole.
Output  [N, 3, H', W'] float32 in [0, 1]: the completed RGB; the mean is not to be added back.
        H' is H rounded up to a multiple of 4, and so is W'.

That is the official release, whose order is convolution -> batch norm -> ReLU.  Its ports nest the
same modules in their own ways, so a file's keys tell the port (`layouts()`), and two of them compute
something else (`ARITHMETIC`):

    otenim      convolution -> ReLU -> batch norm; RGB in [0, 1], nothing subtracted, and the mean
                pixel value (mpv) of the training set inside the hole
    mmediting   no biases before norms; BGR in [-1, 1], 0 inside the hole; the output is clamped to
                [-1, 1] instead of going through a sigmoid
"""

from typing import Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np
import torch
from torch import nn

from .. import torch7
from ..errors import ExportError
from ..key_layouts import Layout, read_layouts

MEAN = (0.4560, 0.4472, 0.4155)  # of Places2, RGB in [0, 1]: what the official weights subtract
MULTIPLE = 4
MAX_WIDTH = 4096  # far beyond any real one; keeps hostile shapes out of torch
INPUTS, OUTPUTS = ("input",), ("output",)
BESIDE = ("netG.", "generator.")  # beside these, other networks may be in the file
ROOT = None
OPTIONS = ("mean",)


class Layer(NamedTuple):
    """A row of the paper's table; its output channels are a multiple of the width, 64 there."""

    op: str
    kernel: int
    stride: int
    dilation: int
    widths: int

    @property
    def padding(self) -> int:
        return 1 if self.op == "deconv" else self.dilation * (self.kernel // 2)


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
HEAD = Layer("conv", 3, 1, 1, 0)  # to three channels, without a norm


class Names(NamedTuple):
    """Where a layer's modules lie; the last layer has no norm, and its activation the sigmoid."""

    conv: str
    norm: str
    activation: str


def layouts() -> Dict[str, Layout]:
    """The key layouts of the ports, by name."""
    return read_layouts("glcic")


def names_of(layout: str) -> List[Names]:
    """Where the port has each layer's modules."""
    stored = layouts()[layout].stored
    found = [
        Names(stored(f"{layer.op}{i}"), stored(f"bn{i}"), stored(f"relu{i}"))
        for i, layer in enumerate(LAYERS, 1)
    ]
    return [*found, Names(stored(f"{HEAD.op}{len(LAYERS) + 1}"), "", stored("sigmoid"))]


ARITHMETIC = {
    "otenim": {"order": "relu_norm"},
    "mmediting": {"bias": False, "output": "clamp"},
}


class Config(NamedTuple):
    """What a state dict says about itself.

    `last` is the number of channels between the last two convolutions, half the width in the paper;
    `bias` is of the convolutions that a norm follows; `order` is norm_relu or relu_norm, `output`
    sigmoid or clamp.
    """

    width: int = 64
    last: int = 32
    layout: str = "flat"
    bias: bool = True
    order: str = "norm_relu"
    output: str = "sigmoid"

    @classmethod
    def of(cls, layout: str, width: int = 64, last: int = 32) -> "Config":
        """The port with these keys."""
        return cls(width, last, layout, **ARITHMETIC.get(layout, {}))


class Completion(nn.Module):
    """The network, its modules nested as in the port that `config` names, run in its order."""

    def __init__(self, config: Config, device: str = "cpu"):
        super().__init__()
        self.sequence: List[str] = []
        self.clamps = config.output == "clamp"
        names, channels = names_of(config.layout), 4
        for layer, name in zip(LAYERS, names):
            out = layer.widths * config.width or config.last
            self._place(name.conv, _convolution(layer, channels, out, config.bias, device))
            self._place(name.norm, nn.BatchNorm2d(out, device=device))
            self._place(name.activation, nn.ReLU())
            if config.order == "relu_norm":
                self.sequence[-2:] = name.activation, name.norm
            channels = out
        self._place(names[-1].conv, _convolution(HEAD, channels, 3, True, device))
        if not self.clamps:
            self._place(names[-1].activation, nn.Sigmoid())

    def _place(self, path: str, module: nn.Module) -> None:
        place(self, path, module)
        self.sequence.append(path)

    def __iter__(self) -> Iterator[nn.Module]:
        """The modules in the order they run."""
        return (self.get_submodule(path) for path in self.sequence)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for module in self:
            x = module(x)
        return x.clamp(-1, 1) if self.clamps else x


def place(root: nn.Module, path: str, module: nn.Module) -> None:
    """Puts `module` where a port has it, making the levels in between."""
    *outer, name = path.split(".")
    parent = root
    for level in outer:
        if level not in dict(parent.named_children()):
            parent.add_module(level, nn.Module())
        parent = parent.get_submodule(level)
    parent.add_module(name, module)


def build(config: Config, device: str = "cpu") -> Completion:
    """The network, in evaluation mode, with PyTorch's default initialisation."""
    return Completion(config, device).eval()


def _convolution(layer: Layer, channels: int, out: int, bias: bool, device: str) -> nn.Module:
    options = {"stride": layer.stride, "padding": layer.padding, "bias": bias, "device": device}
    if layer.op == "deconv":
        return nn.ConvTranspose2d(channels, out, layer.kernel, **options)
    return nn.Conv2d(channels, out, layer.kernel, dilation=layer.dilation, **options)


def recognise(shapes: Dict[str, Tuple[int, ...]]) -> Config:
    """The configuration of a state dict given as {key: shape}.

    Raises ExportError naming the closest layout, with the keys it lacks and the keys it does not
    know, if this is not a GLCIC network.
    """
    expected = {layout: _shapes(Config.of(layout, 1, 1)) for layout in layouts()}
    layout = max(expected, key=lambda name: len(expected[name].keys() & shapes.keys()))
    names = names_of(layout)
    config = Config.of(layout, 1, 1)._replace(
        bias=any(f"{name.conv}.bias" in shapes for name in names[:-1])
    )
    known = _shapes(config)
    missing = [key for key in known if key not in shapes and not is_counter(key)]
    unknown = [key for key in shapes if key not in known]
    if missing or unknown:
        raise ExportError(
            f"not a GLCIC state dict: the closest key layout is '{layout}', "
            f"{count(missing, 'missing')}, {count(unknown, 'unknown')}"
        )

    first, last = f"{names[0].conv}.weight", f"{names[-1].conv}.weight"
    for key in (first, last):
        if len(shapes[key]) != 4 or not all(0 < n <= MAX_WIDTH for n in shapes[key]):
            raise ExportError(
                f"'{key}' has shape {list(shapes[key])}, "
                f"GLCIC expects four dimensions from 1 to {MAX_WIDTH}"
            )
    config = config._replace(width=shapes[first][0], last=shapes[last][1])
    for key, shape in _shapes(config).items():
        if key in shapes and tuple(shapes[key]) != shape:
            raise ExportError(
                f"'{key}' has shape {list(shapes[key])}, "
                f"GLCIC of width {config.width} expects {list(shape)}"
            )
    return config


def settled(config: Config, mean: Optional[Sequence[float]] = None) -> Config:
    """As it is: the mean is no part of it."""
    return config


def metadata(config: Config = Config(), mean: Optional[Sequence[float]] = None) -> dict:
    """The value of `kintsugi.config`: how a picture becomes the input and the output a picture.

    `mean` is the training set's, RGB in [0, 1]; otenim's weights, which have it in the hole and
    subtract nothing, carry it as `mpv`.
    """
    common = {"mask": "hole=1", "multiple": MULTIPLE}
    if config.layout == "otenim":
        mpv = {} if mean is None else {"mpv": list(mean)}
        return {"variant": "otenim", **mpv, "range": [0, 1], **common}
    if config.layout == "mmediting":
        if mean is not None and tuple(mean) != (0.5, 0.5, 0.5):
            raise ExportError("MMEditing's weights take BGR in [-1, 1]: there is no mean to state")
        return {"variant": "mmediting", "colours": "BGR", "range": [-1, 1], **common}
    return {
        "variant": "official",
        "mean": list(MEAN if mean is None else mean),
        "range": [0, 1],
        **common,
    }


def missing(config: Config, mean: Optional[Sequence[float]] = None) -> str:
    """What the user should know of a model file that lacks it, or nothing."""
    if config.layout == "otenim" and mean is None:
        return "the mean colour of its training set is not stated: see --config and --mean"
    return ""


def stated(settings: dict) -> dict:
    """What a port's own settings say, as options of `metadata`: the mean, or otenim's mpv."""
    for name in ("mpv", "mean"):
        if name not in settings:
            continue
        value = settings[name]
        if not (
            isinstance(value, (list, tuple))
            and len(value) == 3
            and all(type(v) in (int, float) and 0 <= v <= 1 for v in value)
        ):
            raise ExportError(f"'{name}' is not three numbers in [0, 1]")
        return {"mean": tuple(float(v) for v in value)}
    return {}


def unread(config: Config, keys: Sequence[str]) -> List[str]:
    """None of them."""
    return []


def check_torch7(modules: Sequence[torch7.Module]) -> None:
    """Raises ExportError unless a .t7 file's modules are the official ones, strides and all.

    Shapes say nothing of strides, paddings and dilations; in a .t7 file they stand beside them.
    """
    expected = []
    for layer in LAYERS:
        expected += [_in_torch7(layer), "SpatialBatchNormalization", "ReLU"]
    expected += [_in_torch7(HEAD), "Sigmoid"]
    found = [_shown_torch7(module) for module in modules]
    if len(found) != len(expected):
        raise ExportError(f"the .t7 file has {len(found)} modules, GLCIC has {len(expected)}")
    for i, (ours, theirs) in enumerate(zip(expected, found), 1):
        if ours != theirs:
            raise ExportError(f"module {i} of the .t7 file is {theirs}, in GLCIC it is {ours}")


def _in_torch7(layer: Layer) -> str:
    kind = "full convolution" if layer.op == "deconv" else "convolution"
    k, s, p, d = layer.kernel, layer.stride, layer.padding, layer.dilation
    return f"{kind} {k}x{k}, stride {s} {s}, padding {p} {p}, dilation {d} {d}, adjustment 0 0"


def _shown_torch7(module: torch7.Module) -> str:
    kinds = {
        "SpatialConvolution": "convolution",
        "SpatialConvolutionMM": "convolution",
        "SpatialDilatedConvolution": "convolution",
        "SpatialFullConvolution": "full convolution",
    }
    if module.kind not in kinds:
        eps = module.numbers.get("eps", 1e-5)
        return module.kind if abs(eps - 1e-5) < 1e-12 else f"{module.kind} with eps {eps:g}"

    def pair(name: str, default: float) -> str:
        height, width = (module.numbers.get(name + axis, default) for axis in "HW")
        return f"{height:g} {width:g}"

    return (
        f"{kinds[module.kind]} {pair('k', 0).replace(' ', 'x')}, stride {pair('d', 1)}, "
        f"padding {pair('pad', 0)}, dilation {pair('dilation', 1)}, adjustment {pair('adj', 0)}"
    )


def example(
    rng: np.random.Generator, batch: int, height: int, width: int, config: Config = Config()
) -> Dict[str, np.ndarray]:
    """An input as it occurs: coloured noise and a rectangular hole, in the port's range."""
    picture = rng.random((batch, 3, height, width), np.float32)
    mask = np.zeros((batch, 1, height, width), np.float32)
    mask[:, :, height // 4 : max(1, height // 2), width // 3 : max(1, 2 * width // 3)] = 1
    mean = np.array(MEAN, np.float32).reshape(1, 3, 1, 1)
    if config.layout == "otenim":
        pixels = picture * (1 - mask) + mean * mask
    elif config.layout == "mmediting":
        pixels = (2 * picture - 1) * (1 - mask)
    else:
        pixels = (picture - mean) * (1 - mask)
    return {"input": np.concatenate([pixels, mask], 1)}


def _shapes(config: Config) -> Dict[str, Tuple[int, ...]]:
    network = build(config, "meta")  # shapes only, no memory
    return {key: tuple(tensor.shape) for key, tensor in network.state_dict().items()}


def is_counter(key: str) -> bool:
    """Inference never reads num_batches_tracked, so a file may leave it out."""
    return key.endswith("num_batches_tracked")


def count(keys, what: str) -> str:
    shown = ", ".join(f"'{key}'" for key in keys[:3]) + (", ..." if len(keys) > 3 else "")
    return f"{len(keys)} keys {what}" + (f" ({shown})" if keys else "")
