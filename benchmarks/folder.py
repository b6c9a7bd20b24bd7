#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Is a folder as fast as the network alone?

    python3 benchmarks/folder.py [--pictures 200] [--side 256] [--rounds 5] [-m MODEL] [-j THREADS]

Cuts pictures from the example photograph, gives each a mask, and runs `kintsugi bench` (preloaded
tensors) and `kintsugi inpaint FOLDER` in turn.  Prints pictures a second of both and, as the last
line, the ratio of their medians: what reading, converting, composing and writing leave of the
network's throughput.  Without -m, GLCIC at full width is made by rule.  Needs numpy and Pillow;
KINTSUGI names the program, else it is build/release/kintsugi.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
PROGRAM = os.environ.get("KINTSUGI") or str(ROOT / "build" / "release" / "kintsugi")
sys.path[:0] = [str(ROOT / "tests" / "tools"), str(ROOT / "python_export")]
import weight_rule  # noqa: E402
from kintsugi_export import safetensors  # noqa: E402


def make_model(path):
    keys = weight_rule.read_key_list(ROOT / "tests" / "data" / "keys" / "glcic_triples.txt")
    state = weight_rule.make_state("glcic", keys, "kintsugi")
    safetensors.write(path, state, {"format": "pt"})
    return path


def make_pictures(folder, count, side):
    """Pieces of the photograph, turned and mirrored so that few are alike; a mask for each."""
    photos, masks = folder / "photos", folder / "masks"
    photos.mkdir()
    masks.mkdir()
    with Image.open(ROOT / "examples" / "pictures" / "astronaut.png") as image:
        photo = image.convert("RGB")
    if min(photo.size) < side:
        photo = photo.resize((side + 64, side + 64), Image.BICUBIC)
    random = np.random.default_rng(1)
    for i in range(count):
        x, y = (int(random.integers(0, extent - side + 1)) for extent in photo.size)
        piece = photo.crop((x, y, x + side, y + side)).rotate(90 * int(random.integers(4)))
        piece.save(photos / f"{i:05}.png")
        hole = np.zeros((side, side), np.uint8)
        top, left = random.integers(0, side - side // 3, 2)
        hole[top : top + side // 3, left : left + side // 3] = 255
        Image.fromarray(hole).save(masks / f"{i:05}.png")
    return photos, masks


def kintsugi(*arguments):
    done = subprocess.run([PROGRAM, *map(str, arguments), "--json"], capture_output=True,
                          text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"folder.py: kintsugi {arguments[0]} failed: {done.stderr}")
    return json.loads(done.stdout)


def main():
    parser = argparse.ArgumentParser(description="a folder's throughput beside the network's")
    parser.add_argument("--pictures", type=int, default=200)
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--runs", type=int, default=21, help="of bench, in each round")
    parser.add_argument("-m", "--model", type=Path)
    parser.add_argument("-j", "--threads", type=int, default=0)
    a = parser.parse_args()

    threads = ["-j", a.threads]
    alone, folder = [], []
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        model = a.model or make_model(work / "model.safetensors")
        photos, masks = make_pictures(work, a.pictures, a.side)
        for number in range(a.rounds):
            bench = kintsugi("bench", "-m", model, "--size", a.side, "--runs", a.runs, *threads)
            alone.append(1 / bench["seconds"])
            run = kintsugi("inpaint", photos, "--mask", masks, "-m", model, "-o", work / "mended",
                           "-q", *threads)
            folder.append(run["totals"]["pictures_per_second"])
            stages = {stage: statistics.median(f["seconds"][stage] for f in run["files"])
                      for stage in ["decode", "run", "encode"]}
            print(f"round {number + 1}: bench {alone[-1]:.2f} pictures/s, folder {folder[-1]:.2f}"
                  "; median ms: " + ", ".join(f"{k} {v * 1e3:.1f}" for k, v in stages.items()))
        print(f"on {run['device']}, {a.pictures} pictures of {a.side}x{a.side}")
    print(f"ratio of medians: {statistics.median(folder) / statistics.median(alone):.3f}")


if __name__ == "__main__":
    main()
