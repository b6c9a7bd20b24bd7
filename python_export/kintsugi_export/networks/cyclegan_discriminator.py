# SPDX-License-Identifier: MIT
"""CycleGAN's discriminators: 70x70 PatchGANs.

Zhu, Park, Isola, Efros, "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial
Networks", ICCV 2017.

Input   [N, 3, H, W] float32: RGB in [-1, 1].
Output  score [N, 1, H', W']: a logit-like number for each patch, near 1 for a real one, near 0 for
        a made one; there is no sigmoid.  256x256 gives 30x30.

Five 4x4 convolutions padded with one zero, of strides 2, 2, 2, 1, 1, LeakyReLU 0.2 between them and
norms before the middle three LeakyReLUs.

Layouts:

    patchgan   the authors' PyTorch code; its norms are those of cyclegan.py's NORMS
    mindspore  MindSpore's tutorial: its own norm (MINDSPORE_NORMS), and no bias in the first and
               the last convolution
"""

import functools
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np
import torch
from torch import nn

from ..key_layouts import Layout, read_layouts
from . import cyclegan
from .cyclegan import NORMS, Keys, Unit, mindspore_normed, missing_norm, normed, with_norm

INPUTS, OUTPUTS = ("input",), ("score",)
BESIDE = ()
ROOT = cyclegan.ROOT  # a file may hold both kinds
OPTIONS = ("norm",)
MIDDLE = ((1, 2, 2), (2, 4, 2), (4, 8, 1))  # widths in and out, stride


def layouts() -> Dict[str, Layout]:
    """The key layouts of the ports, by name."""
    return read_layouts("cyclegan_discriminator")


class Config(NamedTuple):
    """What a state dict says about itself."""

    width: int = 64
    layout: str = "patchgan"
    norm: str = "instance"

    @classmethod
    def of(cls, layout: str, width: int = 64, norm: str = "") -> "Config":
        """The network with these keys, as published but for the width and the norm."""
        return cls(width, layout, norm or ("stored" if layout == "mindspore" else "instance"))


class PatchDiscriminator(nn.Module):
    """The authors' network."""

    def __init__(self, config: Config, device: str):
        super().__init__()
        w, options = config.width, {"padding": 1, "device": device}
        layers = [nn.Conv2d(3, w, 4, 2, **options), nn.LeakyReLU(0.2)]
        for channels, out, stride in MIDDLE:
            layers += normed(config.norm, channels * w, out * w, 4, stride=stride, **options)
            layers.append(nn.LeakyReLU(0.2))
        self.model = nn.Sequential(*layers, nn.Conv2d(8 * w, 1, 4, **options))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.model(x)


class MindSporeDiscriminator(nn.Module):
    """The tutorial's network."""

    def __init__(self, config: Config, device: str):
        super().__init__()
        w, options = config.width, {"padding": 1, "device": device}
        layers = [nn.Conv2d(3, w, 4, 2, bias=False, **options), nn.LeakyReLU(0.2)]
        for channels, out, stride in MIDDLE:
            parts = mindspore_normed(
                config.norm, channels * w, out * w, 4, stride=stride, **options
            )
            layers.append(Unit(*parts, nn.LeakyReLU(0.2)))
        self.features = nn.Sequential(*layers, nn.Conv2d(8 * w, 1, 4, bias=False, **options))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.features(x)


def build(config: Config, device: str = "cpu") -> nn.Module:
    """The network, in evaluation mode, with PyTorch's default initialisation."""
    kind = MindSporeDiscriminator if config.layout == "mindspore" else PatchDiscriminator
    return kind(config, device).eval()


@functools.lru_cache(maxsize=64)
def _keys(config: Config) -> Keys:
    return Keys.of(build(config, "meta"))  # shapes only, no memory


def recognise(shapes: Dict[str, Tuple[int, ...]]) -> Config:
    """The configuration of a state dict given as {key: shape}.

    Raises ExportError naming the closest layout, with the keys it lacks and the keys it does not
    know, if this is not a discriminator of CycleGAN's.
    """
    candidates = [*(Config.of("patchgan", 1, norm) for norm in NORMS), Config.of("mindspore", 1)]
    config = cyclegan.closest(candidates, _keys, shapes, "a CycleGAN discriminator")
    first = "features.0.weight" if config.layout == "mindspore" else "model.0.weight"
    return cyclegan.sized(config, first, _keys, shapes, "a discriminator")


def settled(config: Config, norm: Optional[str] = None) -> Config:
    """With what the file cannot say: MindSpore's norm."""
    return with_norm(config, norm)


def metadata(config: Config, norm: Optional[str] = None) -> dict:
    """The value of `kintsugi.config`."""
    config = settled(config, norm)
    return {"variant": config.layout, "range": [-1, 1], "norm": config.norm}


def missing(config: Config, norm: Optional[str] = None) -> str:
    """What the user should know of a model file that lacks it, or nothing."""
    return missing_norm(config, norm)


def stated(settings: dict) -> dict:
    """What settings say, as options of `settled`."""
    return cyclegan.stated_norm(settings)


def unread(config: Config, keys: Sequence[str]) -> List[str]:
    """The keys that no model file should have: instance norms' running statistics."""
    return [key for key in keys if key in _keys(config).unread]


check_torch7 = cyclegan.check_torch7


def example(
    rng: np.random.Generator, batch: int, height: int, width: int, config: Config = Config()
) -> Dict[str, np.ndarray]:
    """Coloured noise in [-1, 1]."""
    return cyclegan.example(rng, batch, height, width)
