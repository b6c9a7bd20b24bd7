# SPDX-License-Identifier: MIT
"""GLCIC's discriminators, module by module: every port against its PyTorch form at a small width,
and the published width against committed digests. Weights come by rule (tests/tools/weight_rule.py).
"""

import json

import numpy as np
import pytest

from network_support import (DATA, DEVICES, DTYPES, PASSES, by_rule, export, kintsugi, needs_torch,
                             relative_l2, run_exporter)
from digest import digest
from kintsugi_export import safetensors

LAYOUTS = ["otenim", "otenim_celeba", "mmediting", "liruilong"]
# Convolutions, norms, activations and linear layers, and the output.
TENSORS = {"otenim": 40, "otenim_celeba": 37, "mmediting": 39, "liruilong": 37}


def narrow(shape):
    """An eighth as wide; the colours, the kernel and the score keep their size."""
    return tuple(n if n in (1, 3, 5) else n // 8 for n in shape)


@pytest.fixture(scope="module", params=LAYOUTS)
def port(request, tmp_path_factory):
    """(layout, model file, reference file); MMEditing's lies beside another network."""
    layout, folder = request.param, tmp_path_factory.mktemp(request.param)
    state = by_rule("glcic", f"glcic_discriminator_{layout}", "variants", narrow)
    prefix = "disc." if layout == "mmediting" else ""
    stored = {prefix + key: value for key, value in state.items()}
    if prefix:
        stored["generator.other.weight"] = np.zeros((2, 2), np.float32)
    checkpoint, plain, model, reference = (
        folder / f"{name}.safetensors" for name in ("checkpoint", "plain", "model", "reference"))
    safetensors.write(checkpoint, stored)
    export("convert", "glcic-discriminator", checkpoint, "-o", plain)
    assert safetensors.read(plain)[0].keys() == state.keys()
    safetensors.write(model, {key: value for key, value in stored.items()
                              if not key.startswith("generator")})
    export("reference", "glcic-discriminator", plain, "--batch", "3", "--double", "-o", reference)
    if prefix:  # verify names modules as the file does
        tensors, metadata = safetensors.read(reference)
        safetensors.write(reference, {key.replace("tap/", "tap/" + prefix): value
                                      for key, value in tensors.items()}, metadata)
    return layout, model, reference


@needs_torch
@pytest.mark.parametrize("device", DEVICES)
def test_every_module_agrees_with_pytorch(port, device):
    layout, model, reference = port
    report = json.loads(kintsugi("verify", "-m", model, "-r", reference, "--json", "--all-taps",
                                 "--device", device))
    kept = report["runs"][-1]
    assert len(kept["tensors"]) == TENSORS[layout] and not kept["missing"]
    if device == "reference-f64":
        assert max(row["relative_l2"] for row in kept["tensors"]) < 1e-6


@needs_torch
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_module_agrees_in_every_dtype(port, dtype):
    _, model, reference = port
    kintsugi("verify", "-m", model, "-r", reference, "--all-taps", "--device", "emulated",
             "--dtype", dtype)


@needs_torch
@pytest.mark.parametrize("left_out", PASSES)
def test_each_pass_off(port, left_out):
    _, model, reference = port
    kintsugi("verify", "-m", model, "-r", reference, "--device", "cpu", "--without", left_out)


@needs_torch
def test_describes_itself(port):
    layout, model, _ = port
    told = json.loads(kintsugi("info", model, "--json"))
    assert told["network"] == "glcic-discriminator" and f"key layout '{layout}'" in told["variant"]
    sides = [port["shape"] for port in told["inputs"]]
    celeba = layout == "otenim_celeba"
    assert sides == (["[N, 3, 96, 96]", "[N, 3, 160, 160]"] if celeba
                     else ["[N, 3, 128, 128]", "[N, 3, 256, 256]"])
    assert told["outputs"][0]["meaning"].startswith(
        "P(real)" if layout.startswith("otenim") else "the logit")
    assert told["unused_keys"] == []


def test_the_published_width_agrees_with_digests(tmp_path):
    model, views, out = (tmp_path / f"{name}.safetensors" for name in ("model", "views", "out"))
    safetensors.write(model, by_rule("glcic", "glcic_discriminator_otenim", "kintsugi"))
    safetensors.write(views, by_rule("picture", "glcic_discriminator_input", "kintsugi"))
    kintsugi("run", "-m", model, "-i", views, "-o", out, "--taps")
    ours, _ = safetensors.read(out)
    expected, _ = safetensors.read(DATA / "glcic_discriminator_64_ref.safetensors")
    assert ours["score"].shape == expected["output/score"].shape == (2, 1)
    assert relative_l2(ours["score"], expected["output/score"]) < 1e-5
    compared = 0
    for name, value in ours.items():
        tap = expected.get(name.replace("tap/", "digest/"))
        if name.startswith("tap/") and tap is not None:
            assert relative_l2(digest(value), tap) < 1e-5, name
            compared += 1
    assert compared == 14, "eleven convolutions, two linear layers, the sigmoid"


@needs_torch
def test_a_mean_is_refused(tmp_path):
    plain = tmp_path / "plain.safetensors"
    safetensors.write(plain, by_rule("glcic", "glcic_discriminator_liruilong", "variants", narrow))
    done = run_exporter("convert", "glcic-discriminator", plain, "-o",
                        tmp_path / "out.safetensors", "--mean", "0.5,0.5,0.5")
    assert done.returncode != 0 and "no mean to state" in done.stderr
    assert not (tmp_path / "out.safetensors").exists()
