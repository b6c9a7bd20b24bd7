#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes tests/data/modules.safetensors: small modules of PyTorch, each with its weights and result.

    make_module_data.py [FILE]

For every case `weight keys as <case>.<module>.<weight>`, `output/<case>`; all read `input/x`, some
`input/mask` (1 = known).  Computed in float64, stored in float32.
"""

import sys
from pathlib import Path

import torch
from kintsugi_export import safetensors
from torch import nn
from torch.nn import functional as F

SHAPE = (2, 5, 11, 14)


class NormApplied(nn.Module):
    """Instance norm and ReLU between convolutions, the second behind a reflecting border."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(5, 12, 3, padding=1)
        self.conv2 = nn.Conv2d(12, 7, 3)
        self.up = nn.ConvTranspose2d(7, 6, 3, 2, padding=1, output_padding=1)

    def forward(self, x, mask):
        x = F.relu(F.instance_norm(self.conv1(x)))
        x = self.conv2(F.pad(x, (1, 1, 1, 1), mode="reflect"))
        return self.up(F.relu(F.instance_norm(x)))


class GroupNorm(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(5, 12, 3, padding=1)
        self.norm = nn.GroupNorm(3, 12)
        self.conv2 = nn.Conv2d(12, 7, 3, padding=1)
        nn.init.uniform_(self.norm.weight, 0.5, 1.5)
        nn.init.uniform_(self.norm.bias, -0.5, 0.5)

    def forward(self, x, mask):
        return self.conv2(F.silu(self.norm(self.conv1(x))))


class LayerNorm(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(5, 12, 1)
        self.norm = nn.LayerNorm(12)
        nn.init.uniform_(self.norm.weight, 0.5, 1.5)
        nn.init.uniform_(self.norm.bias, -0.5, 0.5)

    def forward(self, x, mask):
        return self.norm(self.conv(x).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Gated(nn.Module):
    """Gated convolutions, the second of an enlarged picture."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(5, 24, 3, padding=2, dilation=2)
        self.conv2 = nn.Conv2d(12, 10, 3, padding=1)
        self.conv3 = nn.Conv2d(5, 3, 3, stride=2)

    def forward(self, x, mask):
        feature, gate = self.conv1(x).chunk(2, 1)
        x = F.elu(feature) * torch.sigmoid(gate)
        feature, gate = self.conv2(F.interpolate(x, scale_factor=2)).chunk(2, 1)
        return self.conv3(F.leaky_relu(feature, 0.2) * torch.sigmoid(gate))


class Sizes(nn.Module):
    """Pools and interpolations, and what is global times what is not."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(5, 5, 1)

    def forward(self, x, mask):
        small = F.avg_pool2d(F.max_pool2d(x, 3, 2, 1), 2, 1, 1, count_include_pad=False)
        size = x.shape[2:]
        back = F.interpolate(small, size, mode="bilinear", align_corners=True)
        back = back + F.interpolate(small, size, mode="bilinear")
        back = back + F.interpolate(small, size)
        return back * torch.sigmoid(self.conv(F.adaptive_avg_pool2d(x, 1)))


class Partial(nn.Module):
    """Two partial convolutions as the paper has them, a norm and a ReLU between."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(5, 12, 5, 2, padding=2)
        self.norm = nn.BatchNorm2d(12)
        self.conv2 = nn.Conv2d(12, 7, 3, padding=1)
        for value in (self.norm.weight, self.norm.running_var):
            nn.init.uniform_(value, 0.5, 1.5)
        for value in (self.norm.bias, self.norm.running_mean):
            nn.init.uniform_(value, -0.5, 0.5)

    @staticmethod
    def convolve(conv, x, mask):
        window = torch.ones(1, x.shape[1], *conv.kernel_size, dtype=x.dtype)
        known = F.conv2d(mask.expand_as(x), window, None, conv.stride, conv.padding)
        valid = known.clamp(0, 1)
        ratio = window.numel() / (known + 1e-8) * valid
        total = F.conv2d(x * mask, conv.weight, None, conv.stride, conv.padding)
        return (total * ratio + conv.bias.view(1, -1, 1, 1)) * valid, valid

    def forward(self, x, mask):
        x, mask = self.convolve(self.conv1, x, mask)
        x, mask = self.convolve(self.conv2, F.relu(self.norm(x)), mask)
        return x


class Activated(nn.Module):
    """PReLU with a slope for each channel and with one for all, GELU and hard swish."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(5, 12, 3, padding=1)
        self.act1 = nn.PReLU(12)
        self.conv2 = nn.Conv2d(12, 7, 3, padding=1)
        self.conv3 = nn.Conv2d(7, 6, 3, stride=2)
        self.conv4 = nn.Conv2d(6, 9, 1)
        self.act4 = nn.PReLU()
        nn.init.uniform_(self.act1.weight, -0.5, 1.5)

    def forward(self, x, mask):
        x = F.gelu(self.conv2(self.act1(self.conv1(x))))
        return self.act4(self.conv4(F.hardswish(self.conv3(x))))


def main(file: Path) -> None:
    torch.manual_seed(5)
    x = torch.rand(SHAPE, dtype=torch.float64) * 2 - 1
    mask = torch.ones(SHAPE[0], 1, *SHAPE[2:], dtype=torch.float64)
    mask[:, :, 2:9, 3:12] = 0
    mask[1, :, :, 6:] = 0
    tensors = {"input/x": x, "input/mask": mask}
    for name, module in (
        ("norm", NormApplied()),
        ("group", GroupNorm()),
        ("layer", LayerNorm()),
        ("gated", Gated()),
        ("sizes", Sizes()),
        ("partial", Partial()),
        ("activated", Activated()),
    ):
        # What is stored is what computes.
        module = module.float().double().eval()
        inputs = (x.float().double(), mask)
        with torch.no_grad():
            tensors[f"output/{name}"] = module(*inputs)
        for key, value in module.state_dict().items():
            if value.dim() > 0:
                tensors[f"{name}.{key}"] = value
    safetensors.write(file, {k: v.float().contiguous().numpy() for k, v in tensors.items()}, {})


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "tests/data/modules.safetensors"))
