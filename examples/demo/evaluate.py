# SPDX-License-Identifier: MIT
"""Mends a picture with PyTorch and prints the PSNR inside the hole.

    PYTHONPATH=python_export python3 examples/demo/evaluate.py MODEL.safetensors
        [--picture P] [--mask M] [--baseline B] [-o mended.png]

The yardstick for train.py; `kintsugi inpaint --compare-to` measures the same with the product.  A
picture's sides must be multiples of 4.
"""

import argparse
import math
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from kintsugi_export import reference, safetensors
from kintsugi_export.networks import glcic

PICTURES = Path(__file__).resolve().parents[1] / "pictures"


def main() -> None:
    args = _arguments()
    picture = np.asarray(Image.open(args.picture).convert("RGB"))
    hole = np.asarray(Image.open(args.mask).convert("L")) >= 51  # 0.2 of white, as the paper's
    mended = mend(args.model, picture, hole)
    assert (mended[~hole] == picture[~hole]).all(), "a known pixel changed"
    print(f"{100 * hole.mean():.2f} % hidden")
    print(f"mended {psnr(mended, picture, hole):.2f} dB in the hole")
    if args.baseline:
        baseline = np.asarray(Image.open(args.baseline).convert("RGB"))
        print(f"{args.baseline.name} {psnr(baseline, picture, hole):.2f} dB in the hole")
    if args.output:
        Image.fromarray(mended).save(args.output)


def mend(model: Path, picture: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """uint8 [H, W, 3] -> the same, mended, with the official pre- and post-processing."""
    state, _ = safetensors.read(model)
    network = glcic.build(glcic.recognise({key: value.shape for key, value in state.items()}))
    mask = hole[None, None].astype(np.float32)
    rgb = picture.transpose(2, 0, 1)[None].astype(np.float32) / 255
    mean = np.array(glcic.MEAN, np.float32).reshape(1, 3, 1, 1)
    inputs = {"input": np.concatenate([(rgb - mean) * (1 - mask), mask], 1)}
    made = reference.run(network, state, inputs, glcic.OUTPUTS, torch.float32)["output/output"]
    completed = (np.clip(made[0], 0, 1) * 255).astype(np.uint8).transpose(1, 2, 0)
    return np.where(hole[..., None], completed, picture)


def psnr(image: np.ndarray, truth: np.ndarray, hole: np.ndarray) -> float:
    """Decibels over the three colours of the hole's pixels, 255 being the peak."""
    error = np.mean((image[hole].astype(np.float64) - truth[hole]) ** 2)
    return 10 * math.log10(255**2 / error) if error else math.inf


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--picture", type=Path, default=PICTURES / "astronaut.png")
    parser.add_argument("--mask", type=Path, default=PICTURES / "astronaut_mask.png")
    parser.add_argument("--baseline", type=Path, default=PICTURES / "astronaut_telea.png")
    parser.add_argument("-o", "--output", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
