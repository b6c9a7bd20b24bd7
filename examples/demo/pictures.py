# SPDX-License-Identifier: MIT
"""The training pictures: found by name, checked by hash, cut into augmented crops."""

import bz2
import hashlib
import io
import json
import pickle
from pathlib import Path

import numpy as np
from PIL import Image

LIST = Path(__file__).with_name("training_list.json")
SCALES = (1.0, 0.75, 0.56, 0.42, 0.32)


def load_pictures(folder: Path):
    """[(weight, picture)] of the training list; a picture is uint8 [H, W, 3].

    Raises SystemExit if a file is missing under `folder` or is not the listed one.
    """
    pictures = []
    for entry in json.loads(LIST.read_text())["pictures"]:
        found = sorted(folder.rglob(entry["file"]))
        if not found:
            raise SystemExit(f"{entry['file']} is not under {folder}: see README.md, 'Pictures'")
        data = found[0].read_bytes()
        if hashlib.sha256(data).hexdigest() != entry["sha256"]:
            raise SystemExit(f"{found[0]} is not the listed picture: its sha256 differs")
        pictures.append((entry["weight"], _decode(entry["file"], data)))
    return pictures


class _NumbersOnly(pickle.Unpickler):
    def find_class(self, module, name):
        raise pickle.UnpicklingError(f"{module}.{name} in a file that should hold numbers only")


def _decode(name: str, data: bytes) -> np.ndarray:
    if name == "face.dat":  # raw bytes, compressed
        return np.frombuffer(bz2.decompress(data), np.uint8).reshape(768, 1024, 3)
    if name == "ascent.dat":  # a pickled list of rows of integers
        grey = np.array(_NumbersOnly(io.BytesIO(data)).load(), np.uint8)
        return np.repeat(grey[:, :, None], 3, axis=2)
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


class Crops:
    """An endless supply of training crops, a pure function of the generator it is given."""

    def __init__(self, pictures, rng: np.random.Generator, synthetic: float = 0.15):
        self.rng = rng
        self.synthetic = synthetic  # the share of made-up flat crops
        weights = np.array([weight for weight, _ in pictures], np.float64)
        self.share = weights / weights.sum()
        self.pyramids = [[_scaled(picture, s) for s in SCALES] for _, picture in pictures]

    def batch(self, count: int, size: int) -> np.ndarray:
        """float32 [count, 3, size, size], RGB in [0, 1]."""
        return np.stack([self._crop(size) for _ in range(count)])

    def _crop(self, size: int) -> np.ndarray:
        rng = self.rng
        if rng.random() < self.synthetic:
            crop = self._flat(size)
        else:
            pyramid = self.pyramids[rng.choice(len(self.pyramids), p=self.share)]
            fitting = [level for level in pyramid if min(level.shape[:2]) >= size]
            level = fitting[rng.integers(len(fitting))]
            y = rng.integers(level.shape[0] - size + 1)
            x = rng.integers(level.shape[1] - size + 1)
            crop = level[y : y + size, x : x + size].astype(np.float32) / 255
        if rng.random() < 0.5:
            crop = crop[:, ::-1]
        if rng.random() < 0.15:
            crop = crop[::-1]
        if rng.random() < 0.5:
            crop = crop ** np.float32(np.exp(rng.normal() * 0.3))
        if rng.random() < 0.5:
            crop = crop[:, :, rng.permutation(3)]
        if rng.random() < 0.5:
            crop = _more_or_less_colourful(crop, np.float32(np.exp(rng.normal() * 0.6)))
        return np.ascontiguousarray(crop.transpose(2, 0, 1))

    def _flat(self, size: int) -> np.ndarray:
        """Two soft gradients that meet at a straight edge, with a little grain: sky and shadow."""
        rng = self.rng
        y, x = np.mgrid[0:size, 0:size].astype(np.float32) / size - 0.5

        def gradient():
            angle, slope = rng.random() * 2 * np.pi, rng.normal() * 0.15
            ramp = slope * (np.cos(angle) * x + np.sin(angle) * y)
            return rng.beta(0.6, 0.6, 3) + rng.normal(size=3) * 0.02 + ramp[..., None]

        angle, offset = rng.random() * 2 * np.pi, rng.uniform(-0.8, 0.8)
        side = (np.cos(angle) * x + np.sin(angle) * y + offset) * size / rng.uniform(0.5, 6)
        blend = np.clip(side + 0.5, 0, 1)[..., None]
        grain = rng.normal(size=(size, size, 1)) * rng.uniform(0, 0.02)
        crop = gradient() * blend + gradient() * (1 - blend) + grain
        return np.clip(crop, 0, 1).astype(np.float32)


def _more_or_less_colourful(crop: np.ndarray, factor: np.float32) -> np.ndarray:
    grey = crop.mean(axis=2, keepdims=True)
    return np.clip(grey + (crop - grey) * factor, 0, 1)


def _scaled(picture: np.ndarray, scale: float) -> np.ndarray:
    if scale == 1:
        return picture
    size = tuple(round(n * scale) for n in picture.shape[1::-1])
    return np.asarray(Image.fromarray(picture).resize(size, Image.BICUBIC))
