# SPDX-License-Identifier: MIT
"""GLCIC at full width, module by module: against PyTorch where it is, and always against digests.

The weights are made by rule (tests/tools/weight_rule.py), so nothing large is stored. With
PyTorch, `kintsugi_export reference` computes every module in float64 and `kintsugi verify
--all-taps` compares; without it, the committed digests of the same run are compared.
"""

import json

import pytest

from network_support import (DATA, PASSES, by_rule, export, kintsugi, needs_torch, relative_l2,
                             run_program)
from digest import digest
from kintsugi_export import safetensors

SALT = "kintsugi"
SIZES = ["256", "131x97"]
# How convolutions run, and the error that is promised then.
FORMS = {"as_planned": ([], 1e-4), "direct": (["--without", "winograd"], 1e-5)}
ISAS = ["emu128", "sse4", "avx2", "avx512", "neon"]


def available(isa):
    return run_program("devices", KINTSUGI_CPU_ISA=isa).returncode == 0


def file_by_rule(recipe, keys, folder):
    path = folder / f"{keys}.safetensors"
    safetensors.write(path, by_rule(recipe, keys, SALT), {"format": "pt"})
    return path


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    """{"model" | "input_<size>": path}"""
    folder = tmp_path_factory.mktemp("glcic")
    made = {"model": file_by_rule("glcic", "glcic_triples", folder)}
    made.update({f"input_{size}": file_by_rule("glcic_input", f"glcic_input_{size}", folder)
                 for size in SIZES})
    return made


@pytest.fixture(scope="session")
def references(files, tmp_path_factory):
    """{size: path}"""
    folder = tmp_path_factory.mktemp("references")
    made = {size: folder / f"{size}.safetensors" for size in SIZES}
    for size, path in made.items():
        export("reference", "glcic", files["model"], "--input", files[f"input_{size}"],
               "--double", "-o", path)
    return made


def verify(files, references, size, *options, **environment):
    return json.loads(kintsugi("verify", "-m", files["model"], "-r", references[size], "--json",
                               *options, **environment))


@needs_torch
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("device", ["cpu", "reference", "reference-f64"])
def test_every_module_agrees_with_pytorch(files, references, size, device):
    if size == "256" and device == "reference-f64":
        pytest.skip("the smaller size says it, in a quarter of the time")
    report = verify(files, references, size, "--all-taps", "--device", device)
    kept = report["runs"][-1]["tensors"]
    assert len(kept) == 50 + 1, "sixteen triples, the last convolution, the sigmoid; the output"
    # The definition in double is closer than f32 can be: what is left is PyTorch's own rounding.
    if device == "reference-f64":
        assert max(row["relative_l2"] for row in kept) < 1e-6


@needs_torch
@pytest.mark.parametrize("isa", ISAS)
def test_every_instruction_set(files, references, isa):
    if not available(isa):
        pytest.skip(f"{isa} is not in this build or machine")
    verify(files, references, "131x97", "--all-taps", "--device", "cpu", KINTSUGI_CPU_ISA=isa)


@needs_torch
@pytest.mark.parametrize("left_out", [*PASSES, "winograd"])
def test_each_pass_off(files, references, left_out):
    verify(files, references, "131x97", "--device", "cpu", "--without", left_out)


@needs_torch
@pytest.mark.parametrize("form", FORMS)
def test_the_bound_is_that_of_the_form(files, references, form):
    report = verify(files, references, "256", "--all-taps", "--device", "cpu", *FORMS[form][0])
    assert report["relative_l2_bound"] == FORMS[form][1]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("size", SIZES)
def test_digests_of_every_tap_that_is_left(files, size, form, tmp_path):
    options, bound = FORMS[form]
    out = tmp_path / "out.safetensors"
    kintsugi("run", "-m", files["model"], "-i", files[f"input_{size}"], "-o", out, "--taps",
             *options)
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
