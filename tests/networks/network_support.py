# SPDX-License-Identifier: MIT
"""What the tests of networks share: the program, the exporter, weights by rule, one norm."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "tests" / "data"
BUILD = Path(os.environ.get("KINTSUGI_BUILD", ROOT / "build" / "release"))
PASSES = ["fold", "fuse", "select", "layout", "place"]
DEVICES = ["cpu", "reference", "reference-f64", "emulated"]
# What a GPU stores and multiplies beside f32.
DTYPES = ["tf32", "f16", "bf16"]

sys.path[:0] = [str(ROOT / "tests" / "tools"), str(ROOT / "python_export")]
import weight_rule  # noqa: E402

needs_torch = pytest.mark.skipif(importlib.util.find_spec("torch") is None,
                                 reason="PyTorch is not installed")


def run_program(*arguments, **environment):
    """The finished process of the program; of the one with an emulated GPU where it is asked for."""
    program = BUILD / ("emulated/kintsugi" if "emulated" in arguments else "kintsugi")
    return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True,
                          env={**os.environ, **environment}, check=False)


def kintsugi(*arguments, **environment):
    """What the program printed; it must have succeeded."""
    done = run_program(*arguments, **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def run_exporter(*arguments):
    """The finished process of the package, as a person runs it."""
    return subprocess.run([sys.executable, "-m", "kintsugi_export", *map(str, arguments)],
                          env={**os.environ, "PYTHONPATH": str(ROOT / "python_export")},
                          capture_output=True, text=True, check=False)


def export(*arguments):
    """The line that the package printed; it must have succeeded."""
    done = run_exporter(*arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def by_rule(recipe, keys, salt, change=lambda shape: shape):
    """Tensors of the key list tests/data/keys/<keys>.txt, their shapes changed first."""
    entries = weight_rule.read_key_list(DATA / "keys" / f"{keys}.txt")
    return weight_rule.make_state(
        recipe, [(key, change(shape), dtype) for key, shape, dtype in entries], salt)


def relative_l2(a, b):
    a, b = a.astype(np.float64), b.astype(np.float64)
    return np.linalg.norm(a - b) / np.linalg.norm(b)
