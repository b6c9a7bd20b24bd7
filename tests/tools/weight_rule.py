#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Weights by rule: a state dict of any size that need not be stored.

    weight_rule.py RECIPE KEYLIST SALT OUT.safetensors
    weight_rule.py --list

Both sides of a comparison can make the same weights from a list of keys and a salt.  A tensor is
drawn from PCG64, seeded with the first eight bytes (little-endian) of sha256("<salt>|<key>"), as
float32 uniforms of mean 0 and variance 1; the recipe of its network then scales it so that
activations stay of order one.  Integer tensors (batch counters) are 0.

A key list holds a tensor a line: key, shape, dtype, separated by tabs; `#` starts a comment line.
Needs numpy alone.  To add a network, write a function (key, shape, unit draw) -> tensor and put
`@recipe` above it.
"""

import hashlib
import json
import math
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python_export"))
from kintsugi_export import safetensors  # noqa: E402  (numpy only, no torch)

RECIPES = {}


def recipe(function):
    RECIPES[function.__name__] = function
    return function


def draw(salt: str, key: str, shape) -> np.ndarray:
    """float32 uniforms in [-sqrt(3), sqrt(3)): a pure function of salt, key and element count."""
    digest = hashlib.sha256(f"{salt}|{key}".encode()).digest()
    generator = np.random.Generator(np.random.PCG64(int.from_bytes(digest[:8], "little")))
    uniform = generator.random(math.prod(shape), dtype=np.float32)
    return ((uniform * 2 - 1) * np.float32(math.sqrt(3))).reshape(shape)


def scaled(unit: np.ndarray, gain: float, fan_in: int) -> np.ndarray:
    """A draw whose sum over `fan_in` inputs of variance 1 has standard deviation `gain`."""
    return unit * np.float32(gain / math.sqrt(fan_in))


@recipe
def generic(key, shape, unit, gain=1.4, variance=(0.7, 1.4)):
    """Convolutions and linear layers with batch norms: weights [out, in, ...]."""
    if key.endswith("running_var"):
        low, high = variance
        fraction = unit / np.float32(2 * math.sqrt(3)) + np.float32(0.5)  # [0, 1)
        return np.float32(low) + np.float32(high - low) * fraction
    if len(shape) >= 2:
        return scaled(unit, gain, math.prod(shape[1:]))
    if key.endswith("weight"):  # of a norm
        return 1 + np.float32(0.15) * unit
    return np.float32(0.1) * unit  # biases, means


@recipe
def glcic(key, shape, unit):
    """Transposed 4x4 convolutions of stride 2, [in, out, 4, 4]: four taps meet in an output."""
    if len(shape) == 4 and tuple(shape[2:]) == (4, 4):
        return scaled(unit, 1.4, 4 * shape[0])
    return generic(key, shape, unit)


@recipe
def glcic_input(_key, shape, unit):
    """The network's input [N, 4, H, W]: noise minus the Places2 mean, zeros in the hole, the mask.

    The hole is a rectangle (rows H/4 .. H/2, columns W/3 .. 2W/3) and a line four pixels wide
    (columns 3W/4 .. 3W/4 + 3), bounds rounded down, upper ones excluded.
    """
    _, _, height, width = shape
    value = unit / np.float32(2 * math.sqrt(3)) + np.float32(0.5)
    value[:, :3] -= np.array([0.4560, 0.4472, 0.4155], np.float32).reshape(3, 1, 1)
    hole = np.zeros((height, width), bool)
    hole[height // 4 : height // 2, width // 3 : 2 * width // 3] = True
    hole[:, 3 * width // 4 : 3 * width // 4 + 4] = True
    value[:, :3, hole] = 0
    value[:, 3] = hole
    return value


@recipe
def cyclegan(key, shape, unit):
    """Convolutions of gain 1, biases of 0.2, norms as in `generic`.

    Transposed convolutions [in, out, 3, 3] are scaled by their second dimension like the others.
    """
    if len(shape) >= 2:
        return scaled(unit, 1, math.prod(shape[1:]))
    if key.endswith(("running_var", "moving_variance")):
        return generic("running_var", shape, unit)
    if key.endswith(("weight", "gamma")):  # of a norm
        return generic("weight", shape, unit)
    return np.float32(0.2) * unit


@recipe
def picture(_key, _shape, unit):
    """Coloured noise in [0, 1)."""
    return unit / np.float32(2 * math.sqrt(3)) + np.float32(0.5)


@recipe
def signed_picture(_key, _shape, unit):
    """Coloured noise in [-1, 1)."""
    return unit / np.float32(math.sqrt(3))


def read_key_list(path):
    """Yields (key, shape, dtype name) for each line of a key list."""
    for number, line in enumerate(Path(path).read_text().splitlines(), 1):
        if line.strip() and not line.startswith("#"):
            fields = line.split("\t")
            if len(fields) != 3:
                raise ValueError(f"{path}:{number}: expected key, shape, dtype, separated by tabs")
            yield fields[0], tuple(json.loads(fields[1])), fields[2]


def make_state(name: str, keys, salt: str) -> dict:
    """{key: array}: float32, or int64 zeros, for every (key, shape, dtype) of `keys`."""
    state = {}
    for key, shape, dtype in keys:
        if dtype.startswith("int"):
            state[key] = np.zeros(shape, np.int64)
        else:
            state[key] = np.asarray(RECIPES[name](key, shape, draw(salt, key, shape)), np.float32)
    return state


def main(arguments) -> int:
    if arguments == ["--list"]:
        print("\n".join(RECIPES))
        return 0
    if len(arguments) != 4 or arguments[0] not in RECIPES:
        print(__doc__, file=sys.stderr)
        return 2
    name, keys, salt, output = arguments
    try:
        state = make_state(name, read_key_list(keys), salt)
        safetensors.write(output, state, {"format": "pt", "recipe": name, "salt": salt})
    except (OSError, ValueError) as error:
        print(f"weight_rule.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
