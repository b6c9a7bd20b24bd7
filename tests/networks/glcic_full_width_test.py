# SPDX-License-Identifier: MIT
"""GLCIC at full width, module by module: against PyTorch where it is, and always against digests.

The weights are made by rule (tests/tools/weight_rule.py), so nothing large is stored. With
PyTorch, `kintsugi_export reference` computes every module in float64 and `kintsugi verify
--all-taps` compares; without it, the committed digests of the same run are compared.
"""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "tests" / "data"
PROGRAM = Path(os.environ.get("KINTSUGI_BUILD", ROOT / "build" / "release")) / "kintsugi"
SALT = "kintsugi"
SIZES = ["256", "131x97"]
# How convolutions run, and the error that is promised then.
FORMS = {"as_planned": ([], 1e-4), "direct": (["--without", "winograd"], 1e-5)}
ISAS = ["emu128", "sse4", "avx2", "avx512", "neon"]

sys.path[:0] = [str(ROOT / "tests" / "tools"), str(ROOT / "python_export")]
import weight_rule  # noqa: E402
from digest import digest  # noqa: E402
from kintsugi_export import safetensors  # noqa: E402

has_torch = importlib.util.find_spec("torch") is not None
needs_torch = pytest.mark.skipif(not has_torch, reason="PyTorch is not installed")


def kintsugi(*arguments, **environment):
    """The finished process of the program."""
    return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True,
                          env={**os.environ, **environment}, check=False)


def available(isa):
    return kintsugi("devices", KINTSUGI_CPU_ISA=isa).returncode == 0


def by_rule(recipe, keys, folder):
    entries = weight_rule.read_key_list(DATA / "keys" / f"{keys}.txt")
    path = folder / f"{keys}.safetensors"
    safetensors.write(path, weight_rule.make_state(recipe, entries, SALT), {"format": "pt"})
    return path


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    """{"model" | "input_<size>" | "reference_<size>": path}"""
    folder = tmp_path_factory.mktemp("glcic")
    made = {"model": by_rule("glcic", "glcic_triples", folder)}
    made.update({f"input_{size}": by_rule("glcic_input", f"glcic_input_{size}", folder)
                 for size in SIZES})
    if has_torch:
        for size in SIZES:
            made[f"reference_{size}"] = folder / f"reference_{size}.safetensors"
            subprocess.run(
                [sys.executable, "-m", "kintsugi_export", "reference", "glcic", made["model"],
                 "--input", made[f"input_{size}"], "--double", "-o", made[f"reference_{size}"]],
                check=True, env={**os.environ, "PYTHONPATH": str(ROOT / "python_export")})
    return made


def verify(files, size, *options, **environment):
    done = kintsugi("verify", "-m", files["model"], "-r", files[f"reference_{size}"], "--json",
                    *options, **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


@needs_torch
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("device", ["cpu", "reference", "reference-f64"])
def test_every_module_agrees_with_pytorch(files, size, device):
    if size == "256" and device == "reference-f64":
        pytest.skip("the smaller size says it, in a quarter of the time")
    report = verify(files, size, "--all-taps", "--device", device)
    kept = report["runs"][-1]["tensors"]
    assert len(kept) == 50 + 1, "sixteen triples, the last convolution, the sigmoid; the output"
    # The definition in double is closer than f32 can be: what is left is PyTorch's own rounding.
    if device == "reference-f64":
        assert max(row["relative_l2"] for row in kept) < 1e-6


@needs_torch
@pytest.mark.parametrize("isa", ISAS)
def test_every_instruction_set(files, isa):
    if not available(isa):
        pytest.skip(f"{isa} is not in this build or machine")
    verify(files, "131x97", "--all-taps", "--device", "cpu", KINTSUGI_CPU_ISA=isa)


@needs_torch
@pytest.mark.parametrize("left_out", ["fold", "fuse", "select", "layout", "place", "winograd"])
def test_each_pass_off(files, left_out):
    verify(files, "131x97", "--device", "cpu", "--without", left_out)


@needs_torch
@pytest.mark.parametrize("form", FORMS)
def test_the_bound_is_that_of_the_form(files, form):
    report = verify(files, "256", "--all-taps", "--device", "cpu", *FORMS[form][0])
    assert report["relative_l2_bound"] == FORMS[form][1]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("size", SIZES)
def test_digests_of_every_tap_that_is_left(files, size, form, tmp_path):
    options, bound = FORMS[form]
    out = tmp_path / "out.safetensors"
    done = kintsugi("run", "-m", files["model"], "-i", files[f"input_{size}"], "-o", out, "--taps",
                    *options)
    assert done.returncode == 0, done.stderr
    ours, _ = safetensors.read(out)
    expected, _ = safetensors.read(DATA / f"glcic_64_ref_{size}.safetensors")
    assert relative_l2(ours["output"], expected["output/output"]) < bound
    compared = 0
    for name, value in ours.items():
        if not name.startswith("tap/"):
            continue
        assert relative_l2(digest(value), expected[name.replace("tap/", "digest/")]) < bound, name
        compared += 1
    assert compared == 17


def relative_l2(a, b):
    a, b = a.astype(np.float64), b.astype(np.float64)
    return np.linalg.norm(a - b) / np.linalg.norm(b)
