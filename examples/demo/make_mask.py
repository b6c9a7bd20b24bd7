# SPDX-License-Identifier: MIT
"""Damages the demo picture: scratches, a word in ink, small stains.

    python3 examples/demo/make_mask.py PICTURE MASK DAMAGED

Writes the mask (grey, white = hole) and the damaged picture (what a person sees: the holes painted
over in white, ink and brown).  The same arguments give the same files.  Needs Pillow and numpy.
"""

import math
import sys

import numpy as np
from PIL import Image, ImageDraw

from damage import stroke

WORD = "kintsugi"
SCRATCH, INK, STAIN = (240, 236, 226), (38, 34, 84), (122, 90, 58)

# fmt: off
# Letters of a hand: strokes of (x, y) with the x-height from 0 to 1, up is negative.
LETTERS = {
    "k": (0.62, [[(0.05, -0.75), (0.08, 1)], [(0.55, 0.08), (0.1, 0.55), (0.35, 0.7), (0.62, 1)]]),
    "i": (0.22, [[(0.1, 0.1), (0.1, 0.85), (0.22, 1)], [(0.12, -0.32), (0.13, -0.28)]]),
    "n": (0.62, [[(0.05, 0.05), (0.08, 1)],
                 [(0.08, 0.45), (0.25, 0.1), (0.45, 0.1), (0.52, 0.4), (0.55, 1)]]),
    "t": (0.42, [[(0.2, -0.45), (0.18, 0.8), (0.28, 1), (0.42, 0.92)], [(0, 0.08), (0.42, 0.02)]]),
    "s": (0.5, [[(0.48, 0.14), (0.25, 0.04), (0.08, 0.22), (0.22, 0.45), (0.45, 0.62), (0.42, 0.9),
                 (0.2, 1), (0, 0.9)]]),
    "u": (0.62, [[(0.06, 0.08), (0.08, 0.75), (0.25, 1), (0.45, 0.9), (0.55, 0.6)],
                 [(0.56, 0.05), (0.58, 0.85), (0.68, 1)]]),
    "g": (0.58, [[(0.52, 0.15), (0.28, 0.02), (0.06, 0.3), (0.08, 0.75), (0.28, 0.92), (0.5, 0.7)],
                 [(0.54, 0.05), (0.54, 1.3), (0.32, 1.6), (0.06, 1.45)]]),
}

# Scratches: start, heading in degrees, length and width in pixels.
SCRATCHES = (((12, 60), 38, 330, 3), ((395, 6), 98, 420, 4), ((505, 150), 160, 260, 2),
             ((150, 505), -62, 250, 3), ((40, 330), 12, 180, 5), ((300, 330), 20, 220, 3),
             ((215, 8), 80, 120, 2), ((10, 440), -20, 150, 4))

# Stains: centre and radius in pixels.
STAINS = (((70, 150), 9), ((335, 60), 10), ((452, 250), 8), ((170, 300), 11), ((262, 148), 5),
          ((90, 250), 7), ((470, 470), 10), ((390, 420), 8), ((206, 190), 4), ((30, 20), 8))
# fmt: on


def scratch_lines():
    """Each scratch as ([(x, y), ...], width): a heading that wanders, from a fixed seed."""
    rng = np.random.default_rng(7)
    for start, heading, length, width in SCRATCHES:
        angle, point, line = math.radians(heading), np.array(start, float), [tuple(start)]
        for _ in range(length // 12):
            angle += rng.normal() * 0.12
            point = point + 12 * np.array([math.cos(angle), math.sin(angle)])
            line.append(tuple(point))
        yield line, width


def word_lines(origin=(52, 398), height=46, climb=-0.12, slant=0.18, gap=9):
    """The word's strokes as lists of (x, y), written on a rising line."""
    x, y = origin
    for letter in WORD:
        width, strokes = LETTERS[letter]
        for points in strokes:
            yield [
                (x + height * (px + slant * (1 - py)), y + height * py) for px, py in _curve(points)
            ]
        x, y = x + height * width + gap, y + climb * (height * width + gap)


def _curve(points, per_segment=8):
    """A Catmull-Rom curve through the points."""
    p = np.array([points[0], *points, points[-1]], float)
    t = np.linspace(0, 1, per_segment, endpoint=False)[:, None]
    parts = []
    for a, b, c, d in zip(p, p[1:], p[2:], p[3:]):
        parts.append(
            0.5
            * (
                2 * b
                + (c - a) * t
                + (2 * a - 5 * b + 4 * c - d) * t**2
                + (3 * b - a - 3 * c + d) * t**3
            )
        )
    return [*map(tuple, np.concatenate(parts)), tuple(p[-1])]


def damage(picture: Image.Image):
    """(mask, damaged picture): modes L and RGB, the size of the picture."""
    layers = []
    for colour, paint in ((STAIN, _stains), (SCRATCH, _scratches), (INK, _word)):
        layer = Image.new("L", picture.size)
        paint(ImageDraw.Draw(layer))
        layers.append((colour, layer))
    mask, damaged = Image.new("L", picture.size), picture.convert("RGB")
    for colour, layer in layers:
        mask.paste(255, mask=layer)
        damaged.paste(colour, mask=layer)
    return mask, damaged


def _scratches(draw):
    for line, width in scratch_lines():
        stroke(draw, line, width)


def _word(draw):
    for line in word_lines():
        stroke(draw, line, 6)


def _stains(draw):
    rng = np.random.default_rng(11)
    for centre, radius in STAINS:
        for _ in range(3):
            x, y = centre + rng.normal(size=2) * radius * 0.4
            rx, ry = radius * rng.uniform(0.6, 1, 2)
            draw.ellipse([x - rx, y - ry, x + rx, y + ry], fill=255)


def main() -> int:
    if len(sys.argv) != 4:
        print(__doc__, file=sys.stderr)
        return 2
    source, mask_path, damaged_path = sys.argv[1:]
    mask, damaged = damage(Image.open(source).convert("RGB"))
    mask.save(mask_path, optimize=True)
    damaged.save(damaged_path, optimize=True)
    print(f"{mask_path}: {100 * (np.asarray(mask) > 0).mean():.1f} % of the picture hidden")
    return 0


if __name__ == "__main__":
    sys.exit(main())
