# SPDX-License-Identifier: MIT
"""Random damage for training: masks of scratches, writing and blobs.

A mask is a float32 array [H, W], 1 inside the hole.  Strokes are 1 to 8 pixels wide and blobs 3 to
14 pixels in radius whatever the size of the crop, because that is what damage on a photograph of
about 500 pixels looks like.
"""

import math

import numpy as np
from PIL import Image, ImageDraw

MOST_HIDDEN = 0.45  # a crop with more than this hidden teaches nothing
LEAST_HIDDEN = 0.01


def random_mask(rng: np.random.Generator, size: int) -> np.ndarray:
    """A mask [size, size]: 30 % scratches, 30 % writing, 20 % blobs, 20 % a bit of everything."""
    while True:
        canvas = Image.new("L", (size, size))
        draw = ImageDraw.Draw(canvas)
        kind = rng.random()
        if kind < 0.3:
            scratches(draw, rng, size, rng.integers(2, 5))
        elif kind < 0.6:
            writing(draw, rng, size, rng.integers(1, 3))
        elif kind < 0.8:
            blobs(draw, rng, size, rng.integers(1, 5))
        else:
            scratches(draw, rng, size, 1)
            writing(draw, rng, size, 1)
            blobs(draw, rng, size, rng.integers(1, 3))
        mask = (np.asarray(canvas) > 0).astype(np.float32)
        if LEAST_HIDDEN < mask.mean() < MOST_HIDDEN:
            return mask


def scratches(draw: ImageDraw.ImageDraw, rng: np.random.Generator, size: int, count: int) -> None:
    """Long strokes that wander a little, 1 to 6 pixels wide."""
    for _ in range(count):
        point, angle = rng.random(2) * size, rng.random() * 2 * math.pi
        width = int(rng.integers(1, 7))
        line = [tuple(point)]
        for _ in range(int(rng.integers(3, 12))):
            angle += rng.normal() * 0.35
            point = point + rng.uniform(6, 20) * np.array([math.cos(angle), math.sin(angle)])
            line.append(tuple(point))
        stroke(draw, line, width)


def writing(draw: ImageDraw.ImageDraw, rng: np.random.Generator, size: int, rows: int) -> None:
    """Rows of invented letters: one to three bent strokes each in a slanted box."""
    for _ in range(rows):
        height = rng.uniform(10, min(48, size * 0.6))
        width = int(rng.integers(2, 3 + max(1, round(height / 7))))
        slant, climb = rng.uniform(-0.1, 0.35), rng.uniform(-0.25, 0.25)
        x, y = rng.uniform(-height, size * 0.5), rng.uniform(0, size - height * 0.5)
        for _ in range(int(rng.integers(2, 9))):
            advance = height * rng.uniform(0.3, 0.7)
            for _ in range(int(rng.integers(1, 4))):
                stroke(draw, _letter_stroke(rng, x, y, advance, height, slant), width)
            x, y = x + advance + width + rng.uniform(1, 4), y + climb * advance


def _letter_stroke(rng, x, y, width, height, slant):
    """A quadratic curve between two places of the letter's box, as a polyline."""
    ends = rng.random((3, 2)) * [width, height]
    t = np.linspace(0, 1, 8)[:, None]
    curve = (1 - t) ** 2 * ends[0] + 2 * t * (1 - t) * ends[1] + t**2 * ends[2]
    return [(x + px + slant * (height - py), y + py) for px, py in curve]


def blobs(draw: ImageDraw.ImageDraw, rng: np.random.Generator, size: int, count: int) -> None:
    """Stains: a few overlapping ellipses each."""
    for _ in range(count):
        centre, radius = rng.random(2) * size, rng.uniform(3, 14 if size > 64 else 11)
        for _ in range(int(rng.integers(1, 4))):
            x, y = centre + rng.normal(size=2) * radius * 0.5
            rx, ry = radius * rng.uniform(0.5, 1, 2)
            draw.ellipse([x - rx, y - ry, x + rx, y + ry], fill=255)


def stroke(draw: ImageDraw.ImageDraw, line, width: int, fill: int = 255) -> None:
    """A polyline with round ends and joints."""
    draw.line(line, fill=fill, width=width)
    if width > 2:
        for x, y in line:
            draw.ellipse(
                [
                    x - width / 2 + 0.5,
                    y - width / 2 + 0.5,
                    x + width / 2 - 0.5,
                    y + width / 2 - 0.5,
                ],
                fill=fill,
            )
