# SPDX-License-Identifier: MIT
"""CycleGAN's generators.

Zhu, Park, Isola, Efros, "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial
Networks", ICCV 2017.

Input   [N, 3, H, W] float32: RGB in [-1, 1].
Output  [N, 3, H', W'] float32 in [-1, 1]: the translated RGB.
        H' is H rounded up to a multiple of 4, and so is W'.

Layouts:

    resnet9, resnet6                  the authors' PyTorch code with nine or six residual blocks
    resnet9_dropout, resnet6_dropout  the same with dropout in the blocks, the identity at
                                      inference, so that a block's second convolution is
                                      conv_block.6 instead of .5
    mindspore                         MindSpore's tutorial

The authors reflect at the borders.  Their norms are instance norms without weights, whose running
statistics, where a file has them, are not used; some files have instance norms with weights
(affine) or batch norms (batch).

MindSpore's tutorial pads with zeros, has LeakyReLU 0.2 outside the blocks, no bias in the last
convolution, transposed convolutions that lose the last row and column where PyTorch's lose the
first, and batch norms that either use their statistics (stored) or each picture's own (instance):
a file does not say which.  Its list of blocks holds one block n times (shared); a file with several
blocks has n of its own.
"""

import functools
import re
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Set, Tuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from ..errors import ExportError
from ..key_layouts import Layout, read_layouts
from .glcic import MAX_WIDTH, count, is_counter

MAX_BLOCKS = 64  # far beyond any real one
INPUTS, OUTPUTS = ("input",), ("output",)
BESIDE = ()
# In a file of several networks each has a prefix of the trainer's choosing: G_A., net_rg_a., ...
ROOT = r"(model\.[0-9]+|conv_in|down_1|down_2|residuals|up_2|up_1|conv_out|features)\."
OPTIONS = ("blocks", "norm")
NORMS = ("instance", "affine", "batch")  # of PyTorch; keys tell which
MINDSPORE_NORMS = ("stored", "instance")  # of MindSpore; nothing tells which
ASSUMED_BLOCKS = 9  # of a file with one block that runs several times


def layouts() -> Dict[str, Layout]:
    """The key layouts of the ports, by name."""
    return read_layouts("cyclegan")


def blocks_of(layout: str) -> int:
    """How many residual blocks a file of PyTorch's has."""
    return sum(bool(re.fullmatch(r"blocks\.\d+", name)) for name in layouts()[layout].modules)


def has_dropout(layout: str) -> bool:
    """Whether one more module stands between the two halves of a block."""
    stored = layouts()[layout].stored
    act, pad = (int(stored(f"blocks.0.{name}").rpartition(".")[2]) for name in ("act", "pad2"))
    return pad - act > 1


class Config(NamedTuple):
    """What a state dict says about itself.

    `shared` is the one block that runs `blocks` times, which is MindSpore's alone.
    """

    width: int = 64
    blocks: int = 9
    layout: str = "resnet9"
    norm: str = "instance"
    shared: bool = False

    @classmethod
    def of(cls, layout: str, width: int = 64, norm: str = "") -> "Config":
        """The network with these keys, as published but for the width and the norm."""
        mindspore = layout == "mindspore"
        norm = norm or ("stored" if mindspore else "instance")
        blocks = ASSUMED_BLOCKS if mindspore else blocks_of(layout)
        return cls(width, blocks, layout, norm, mindspore)


class MindSporeNorm(nn.Module):
    """A batch norm with MindSpore's names, by its stored or by each picture's statistics."""

    def __init__(self, channels: int, by: str, device: str):
        super().__init__()
        self.by = by
        self.gamma = nn.Parameter(torch.ones(channels, device=device))
        self.beta = nn.Parameter(torch.zeros(channels, device=device))
        self.register_buffer("moving_mean", torch.zeros(channels, device=device))
        self.register_buffer("moving_variance", torch.ones(channels, device=device))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.by == "instance":
            return functional.instance_norm(x, weight=self.gamma, bias=self.beta, eps=1e-5)
        statistics = self.moving_mean, self.moving_variance
        return functional.batch_norm(x, *statistics, self.gamma, self.beta, eps=1e-5)


class MindSporeTransposed(nn.ConvTranspose2d):
    """3x3, stride 2, MindSpore's pad_mode "same": twice the size, the last row and column lost."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        height, width = x.shape[2:]
        return super().forward(x)[:, :, : 2 * height, : 2 * width]


class Unit(nn.Module):
    """What MindSpore's code calls ConvNormReLU."""

    def __init__(self, conv: nn.Module, norm: nn.Module, *activation: nn.Module):
        super().__init__()
        self.features = nn.Sequential(conv, norm, *activation)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.features(x)


class ResnetBlock(nn.Module):
    """PyTorch's residual block; nothing follows the sum."""

    def __init__(self, channels: int, config: Config, device: str):
        super().__init__()
        first, second = (
            [nn.ReflectionPad2d(1), *normed(config.norm, channels, channels, 3, device=device)]
            for _ in range(2)
        )
        dropout = [nn.Dropout(0.5)] if has_dropout(config.layout) else []
        self.conv_block = nn.Sequential(*first, nn.ReLU(), *dropout, *second)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.conv_block(x)


class ResnetGenerator(nn.Module):
    """The authors' network."""

    def __init__(self, config: Config, device: str):
        super().__init__()
        w, norm = config.width, config.norm
        layers: List[nn.Module] = [
            nn.ReflectionPad2d(3),
            *normed(norm, 3, w, 7, device=device),
            nn.ReLU(),
        ]
        for channels in (w, 2 * w):
            down = normed(norm, channels, 2 * channels, 3, stride=2, padding=1, device=device)
            layers += [*down, nn.ReLU()]
        layers += [ResnetBlock(4 * w, config, device) for _ in range(config.blocks)]
        for channels in (4 * w, 2 * w):
            bias = norm != "batch"
            options = {"stride": 2, "padding": 1, "output_padding": 1, "bias": bias}
            up = nn.ConvTranspose2d(channels, channels // 2, 3, **options, device=device)
            layers += [up, norm_of(norm, channels // 2, device), nn.ReLU()]
        layers += [nn.ReflectionPad2d(3), nn.Conv2d(w, 3, 7, device=device), nn.Tanh()]
        self.model = nn.Sequential(*layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.model(x)


class MindSporeBlock(nn.Module):
    """MindSpore's residual block; nothing follows the sum."""

    def __init__(self, channels: int, norm: str, device: str):
        super().__init__()
        options = {"padding": 1, "device": device}
        self.conv1 = Unit(*mindspore_normed(norm, channels, channels, 3, **options), nn.ReLU())
        self.conv2 = Unit(*mindspore_normed(norm, channels, channels, 3, **options))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.conv2(self.conv1(x))


class MindSporeGenerator(nn.Module):
    """The tutorial's network."""

    def __init__(self, config: Config, device: str):
        super().__init__()
        self.config = config
        w, norm = config.width, config.norm
        stored = 1 if config.shared else config.blocks
        down = {"stride": 2, "padding": 1, "device": device}
        self.conv_in = _leaky(*mindspore_normed(norm, 3, w, 7, padding=3, device=device))
        self.down_1 = _leaky(*mindspore_normed(norm, w, 2 * w, 3, **down))
        self.down_2 = _leaky(*mindspore_normed(norm, 2 * w, 4 * w, 3, **down))
        self.residuals = nn.ModuleList(MindSporeBlock(4 * w, norm, device) for _ in range(stored))
        self.up_2 = _leaky(
            MindSporeTransposed(4 * w, 2 * w, 3, 2, device=device),
            MindSporeNorm(2 * w, norm, device),
        )
        self.up_1 = _leaky(
            MindSporeTransposed(2 * w, w, 3, 2, device=device), MindSporeNorm(w, norm, device)
        )
        self.conv_out = nn.Conv2d(w, 3, 7, padding=3, bias=False, device=device)
        self.tanh = nn.Tanh()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.down_2(self.down_1(self.conv_in(x)))
        for i in range(self.config.blocks):
            x = self.residuals[0 if self.config.shared else i](x)
        return self.tanh(self.conv_out(self.up_1(self.up_2(x))))


def norm_of(norm: str, channels: int, device: str) -> nn.Module:
    """One of PyTorch's, named as in NORMS."""
    if norm == "batch":
        return nn.BatchNorm2d(channels, device=device)
    return nn.InstanceNorm2d(channels, affine=norm == "affine", device=device)


def normed(norm: str, channels: int, out: int, kernel: int, **options) -> Tuple[nn.Module, ...]:
    """A convolution and its norm; before a batch norm the authors leave out the bias."""
    conv = nn.Conv2d(channels, out, kernel, bias=norm != "batch", **options)
    return conv, norm_of(norm, out, options["device"])


def mindspore_normed(
    norm: str, channels: int, out: int, kernel: int, **options
) -> Tuple[nn.Module, ...]:
    """The same with MindSpore's names; its convolutions have a bias here."""
    conv = nn.Conv2d(channels, out, kernel, **options)
    return conv, MindSporeNorm(out, norm, options["device"])


def _leaky(conv: nn.Module, norm: nn.Module) -> Unit:
    return Unit(conv, norm, nn.LeakyReLU(0.2))


def build(config: Config, device: str = "cpu") -> nn.Module:
    """The network, in evaluation mode, with PyTorch's default initialisation."""
    kind = MindSporeGenerator if config.layout == "mindspore" else ResnetGenerator
    return kind(config, device).eval()


class Keys(NamedTuple):
    """The keys of a network, and those that a file may have and nothing reads."""

    shapes: Dict[str, Tuple[int, ...]]
    unread: Set[str]

    @classmethod
    def of(cls, network: nn.Module) -> "Keys":
        shapes = {key: tuple(tensor.shape) for key, tensor in network.state_dict().items()}
        statistics = ("running_mean", "running_var", "num_batches_tracked")
        plain = [
            path
            for path, module in network.named_modules()
            if isinstance(module, nn.InstanceNorm2d) and not module.affine
        ]
        return cls(shapes, {f"{path}.{name}" for path in plain for name in statistics})


@functools.lru_cache(maxsize=64)
def _keys(config: Config) -> Keys:
    return Keys.of(build(config, "meta"))  # shapes only, no memory


def recognise(shapes: Dict[str, Tuple[int, ...]]) -> Config:
    """The configuration of a state dict given as {key: shape}.

    Raises ExportError naming the closest layout, with the keys it lacks and the keys it does not
    know, if this is not a CycleGAN generator.
    """
    found = map(re.compile(r"residuals\.[0-9]+\.").match, shapes)
    blocks = len({match[0] for match in found if match})
    shared = blocks <= 1
    blocks = ASSUMED_BLOCKS if shared else min(blocks, MAX_BLOCKS)
    candidates = [Config.of(name, 1, n) for name in layouts() for n in NORMS if name != "mindspore"]
    candidates.append(Config.of("mindspore", 1)._replace(blocks=blocks, shared=shared))
    config = closest(candidates, _keys, shapes, "a CycleGAN generator")
    first = "conv_in.features.0.weight" if config.layout == "mindspore" else "model.1.weight"
    return sized(config, first, _keys, shapes, "a generator")


def closest(candidates: Sequence, keys: Callable, shapes: Dict, what: str):
    """The candidate whose keys these are; raises ExportError naming the closest if none is it."""

    def differences(config) -> Tuple[List[str], List[str]]:
        known = keys(config)
        missing = [key for key in known.shapes if key not in shapes and not is_counter(key)]
        unknown = [key for key in shapes if key not in known.shapes and key not in known.unread]
        return missing, unknown

    found = [differences(config) for config in candidates]
    best = min(range(len(found)), key=lambda i: (len(found[i][1]), len(found[i][0])))
    config, (missing, unknown) = candidates[best], found[best]
    if missing or unknown:
        raise ExportError(
            f"not a state dict of {what}: the closest key layout is '{config.layout}' with norm "
            f"'{config.norm}', {count(missing, 'missing')}, {count(unknown, 'unknown')}"
        )
    return config


def sized(config, first: str, keys: Callable, shapes: Dict, what: str):
    """With the width that the weight `first` has; raises ExportError if another's shape differs."""
    if len(shapes[first]) != 4 or not all(0 < n <= MAX_WIDTH for n in shapes[first]):
        raise ExportError(
            f"'{first}' has shape {list(shapes[first])}, "
            f"{what} has four dimensions from 1 to {MAX_WIDTH} there"
        )
    config = config._replace(width=shapes[first][0])
    for key, shape in keys(config).shapes.items():
        if key in shapes and tuple(shapes[key]) != shape:
            raise ExportError(
                f"'{key}' has shape {list(shapes[key])}, "
                f"{what} of width {config.width} has {list(shape)} there"
            )
    return config


def settled(config: Config, blocks: Optional[int] = None, norm: Optional[str] = None) -> Config:
    """With what the file cannot say: how often a shared block runs, and MindSpore's norm."""
    if blocks is not None and config.shared and blocks <= MAX_BLOCKS:
        config = config._replace(blocks=blocks)
    elif blocks is not None and blocks != config.blocks:
        raise ExportError(
            f"more than {MAX_BLOCKS} residual blocks are none of CycleGAN's"
            if config.shared
            else f"the file has {config.blocks} residual blocks of its own, not {blocks}"
        )
    return with_norm(config, norm)


def with_norm(config, norm: Optional[str]):
    """With MindSpore's norm as stated; raises ExportError where the keys say otherwise."""
    if norm is None or norm == config.norm:
        return config
    if config.layout == "mindspore" and norm in MINDSPORE_NORMS:
        return config._replace(norm=norm)
    raise ExportError(
        f"norm '{norm}' is none that layout '{config.layout}' with these keys can have"
    )


def metadata(config: Config, blocks: Optional[int] = None, norm: Optional[str] = None) -> dict:
    """The value of `kintsugi.config`: what the keys do not say, and some of what they do."""
    config = settled(config, blocks, norm)
    return {
        "variant": config.layout,
        "range": [-1, 1],
        "blocks": config.blocks,
        "norm": config.norm,
    }


def missing(config: Config, blocks: Optional[int] = None, norm: Optional[str] = None) -> str:
    """What the user should know of a model file that lacks it, or nothing."""
    said = []
    if config.shared and blocks is None:
        said.append(
            f"how often its residual block runs is not stated, {config.blocks} times assumed: "
            "see --blocks"
        )
    return "; ".join(filter(None, (*said, missing_norm(config, norm))))


def missing_norm(config, norm: Optional[str]) -> str:
    if config.layout == "mindspore" and norm is None:
        return "its norms use the stored statistics, as nothing else is stated: see --norm"
    return ""


def stated(settings: dict) -> dict:
    """What settings say, as options of `settled`."""
    found = {}
    if "blocks" in settings:
        if type(settings["blocks"]) is not int or settings["blocks"] < 1:
            raise ExportError("'blocks' is not a positive number")
        found["blocks"] = settings["blocks"]
    return {**found, **stated_norm(settings)}


def stated_norm(settings: dict) -> dict:
    if "norm" not in settings:
        return {}
    if settings["norm"] not in (*NORMS, *MINDSPORE_NORMS):
        raise ExportError("'norm' is not one of " + ", ".join((*NORMS, MINDSPORE_NORMS[0])))
    return {"norm": settings["norm"]}


def unread(config: Config, keys: Sequence[str]) -> List[str]:
    """The keys that no model file should have: instance norms' running statistics."""
    return [key for key in keys if key in _keys(config).unread]


def check_torch7(modules) -> None:
    """Raises ExportError: no .t7 file of this layout is known."""
    raise ExportError("CycleGAN's networks are not known as .t7 files")


def example(
    rng: np.random.Generator, batch: int, height: int, width: int, config: Config = Config()
) -> Dict[str, np.ndarray]:
    """Coloured noise in [-1, 1]."""
    return {"input": 2 * rng.random((batch, 3, height, width), np.float32) - 1}
