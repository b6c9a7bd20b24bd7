# SPDX-License-Identifier: MIT
"""Every port of GLCIC, module by module, against its PyTorch form and against carried vectors.

At a small width, with weights by rule (tests/tools/weight_rule.py) in the port's own keys; the
program has to recognise the port by them.
"""

import json

import numpy as np
import pytest

from network_support import (DATA, DEVICES, DTYPES, PASSES, by_rule, export, kintsugi, needs_torch,
                             run_program)
from kintsugi_export import safetensors

LAYOUTS = ["flat", "triples", "otenim", "mmediting", "liruilong"]
ORDERS = {"otenim": "otenim order", "mmediting": "MMEditing form"}
RANGES = {"otenim": "RGB in [0, 1]; the mean colour", "mmediting": "BGR in [-1, 1]; 0 inside"}


def narrow(shape):
    """A shape of the full-width network, an eighth as wide; the ends keep their 4 and 3."""
    return tuple(n if n in (3, 4, 5) else n // 8 for n in shape)


@pytest.fixture(scope="module", params=LAYOUTS)
def port(request, tmp_path_factory):
    """(layout, model file, reference file)"""
    layout, folder = request.param, tmp_path_factory.mktemp(request.param)
    state = by_rule("glcic", f"glcic_{layout}", "variants", narrow)
    prefix = "generator." if layout == "mmediting" else ""
    model, reference = folder / "model.safetensors", folder / "reference.safetensors"
    plain = folder / "plain.safetensors"
    safetensors.write(plain, state)
    safetensors.write(model, {prefix + key: value for key, value in state.items()})
    export("reference", "glcic", plain, "--size", "39x62", "--batch", "2", "--double",
           "-o", reference)
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
    # Sixteen triples, the last convolution and the sigmoid, which MMEditing has not; the output.
    assert len(kept["tensors"]) == (50 if layout == "mmediting" else 51) and not kept["missing"]
    assert len(report["runs"][0]["tensors"]) >= 17, "sixteen blocks are values when fused"
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
    assert told["network"] == "glcic" and f"key layout '{layout}'" in told["variant"]
    assert told["variant"].startswith(ORDERS.get(layout, "official order"))
    assert ("no convolution biases" in told["variant"]) == (layout == "mmediting")
    assert told["value_range"].startswith(RANGES.get(layout, "RGB in [0, 1] less the training"))
    assert told["mask_polarity"] == "1 = hole" and told["unused_keys"] == []


@needs_torch
def test_norms_fold_only_where_they_follow_the_convolution(port):
    layout, model, _ = port
    plan = kintsugi("plan", "-m", model)
    assert ("affine channel" in plan) == (layout == "otenim")


@pytest.mark.parametrize("device", DEVICES)
def test_the_carried_vector_of_otenim(device):
    report = json.loads(kintsugi("verify", "-m", DATA / "glcic_otenim_k8.safetensors", "-r",
                                 DATA / "glcic_otenim_k8_ref.safetensors", "--json", "--all-taps",
                                 "--device", device))
    assert len(report["runs"][-1]["tensors"]) == 11 and report["runs"][-1]["missing"] == []


@needs_torch
def test_a_torch7_file_becomes_a_model_that_agrees_with_its_vector(tmp_path):
    model = tmp_path / "model.safetensors"
    export("convert", "glcic", DATA / "glcic_ch8.t7", "-o", model)
    tensors, _ = safetensors.read(DATA / "glcic_ch8_ref.safetensors")
    ends = {"16": "48", "17": "49"}  # the last convolution, the sigmoid

    def flat(tap):
        group, _, part = tap.partition(".")
        return ends[group] if not part else str(3 * int(group) + int(part))

    tensors = {f"tap/{flat(key[4:])}" if key.startswith("tap/") else key: value
               for key, value in tensors.items()}
    reference = tmp_path / "reference.safetensors"
    safetensors.write(reference, tensors)
    report = json.loads(kintsugi("verify", "-m", model, "-r", reference, "--json", "--all-taps"))
    assert len(report["runs"][-1]["tensors"]) == 18 and report["runs"][-1]["missing"] == []
    assert "(mean 0.456 0.4472 0.4155, that of Places2)" in kintsugi("info", model)


@pytest.mark.parametrize("config, shown", [
    ({"mpv": [0.5, 0.25, 0.125]}, "(mean 0.5 0.25 0.125)"),
    ({"mean": [0.5, 0.25, 0.125]}, "(mean 0.5 0.25 0.125)"),
    ({"mean": [0, 0, 0], "mpv": [0.5, 0.25, 0.125]}, "(mean 0.5 0.25 0.125)"),
    ({}, "(mean 0.456 0.4472 0.4155, that of Places2)"),
    ({"mpv": [1, 2]}, None),
    ({"mpv": "grey"}, None),
])
def test_metadata_states_what_stands_in_the_hole(tmp_path, config, shown):
    state, _ = safetensors.read(DATA / "glcic_otenim_k8.safetensors")
    model = tmp_path / "model.safetensors"
    safetensors.write(model, state, {"kintsugi.config": json.dumps(config)})
    if shown is not None:
        assert shown in kintsugi("info", model)
        return
    done = run_program("info", model)
    assert done.returncode == 1 and "`mpv` in the metadata" in done.stderr


@pytest.mark.parametrize("config, problem", [
    ({"variant": "official"}, 'says variant "official", the keys are those of \'otenim\''),
    ({"variant": 3}, "says variant 3"),
    ({"range": [-1, 1]}, "says range [-1,1], the keys are those of 'otenim', whose range is [0.0,1.0]"),
    ({"range": "byte"}, "`range` in the metadata `kintsugi.config` is not an array of 2 numbers"),
    ([], "the metadata `kintsugi.config` is not a JSON object"),
])
def test_metadata_that_contradicts_the_keys_is_refused(tmp_path, config, problem):
    state, _ = safetensors.read(DATA / "glcic_otenim_k8.safetensors")
    model = tmp_path / "model.safetensors"
    safetensors.write(model, state, {"kintsugi.config": json.dumps(config)})
    done = run_program("info", model)
    assert done.returncode == 1 and problem in done.stderr, done.stderr


def test_a_file_of_two_networks_opens_as_the_first_and_says_so(tmp_path):
    state = {}
    for prefix, keys in (("generator.", "glcic_mmediting"),
                         ("disc.", "glcic_discriminator_mmediting")):
        made = by_rule("glcic", keys, "variants", narrow)
        state.update({prefix + key: value for key, value in made.items()})
    state["disc.fc.weight"] = np.zeros((1, 256), np.float32)
    state["disc.fc.bias"] = np.zeros((1,), np.float32)
    model = tmp_path / "both.safetensors"
    safetensors.write(model, state)
    told = json.loads(kintsugi("info", model, "--json"))
    assert told["network"] == "glcic"
    assert told["reason"].endswith("; so do those of glcic-discriminator")
    told = json.loads(kintsugi("info", model, "--json", "--network", "glcic-discriminator"))
    assert told["network"] == "glcic-discriminator"


def test_a_file_that_lost_a_bias_is_refused(tmp_path):
    state, metadata = safetensors.read(DATA / "glcic_otenim_k8.safetensors")
    del state["conv7.bias"]
    safetensors.write(tmp_path / "bad.safetensors", state, metadata)
    done = run_program("info", tmp_path / "bad.safetensors")
    assert done.returncode == 1 and "'conv7.bias' [32]" in done.stderr, done.stderr
