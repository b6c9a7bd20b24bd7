# SPDX-License-Identifier: MIT
"""CycleGAN, module by module: small models of every form against digests and against PyTorch, the full
width against digests; and what their task makes of pictures.

The vectors' README is tests/data/README.md. A pitfall of the network that can be fallen into here has
a test that fails then; those of reading files are in tests/python.
"""

import json

import numpy as np
import pytest
from PIL import Image

from network_support import (DATA, DEVICES, DTYPES, PASSES, by_rule, export, kintsugi, needs_torch,
                             relative_l2, run_program)
from digest import digest
from kintsugi_export import safetensors

# Model and reference, and what has to be set for it.
SMALL = {
    "resnet6": ("cyclegan_resnet6_k8", "", []),
    "batch": ("cyclegan_resnet6_dropout_batch_k4", "", []),
    "mindspore": ("cyclegan_mindspore_k8", "", []),
    "mindspore_instance": ("cyclegan_mindspore_k8", "_instance", ["--set", "norm=instance"]),
    "patchgan": ("cyclegan_discriminator_patchgan_k8", "", []),
    "mindspore_judge": ("cyclegan_discriminator_mindspore_k4", "", []),
    "mindspore_judge_instance": ("cyclegan_discriminator_mindspore_k4", "_instance",
                                 ["--set", "norm=instance"]),
}
BOUNDS = {"f32": 1e-5, "tf32": 1e-2, "f16": 1e-2, "bf16": 5e-2}


def files_of(name):
    model, suffix, settings = SMALL[name]
    return DATA / f"{model}.safetensors", DATA / f"{model}_ref{suffix}.safetensors", settings


def run(model, reference, folder, *options):
    """(what the program gives, the reference)"""
    out = folder / "out.safetensors"
    kintsugi("run", "-m", model, "-i", reference, "-o", out, *options)
    return safetensors.read(out)[0], safetensors.read(reference)[0]


def compare(ours, expected, bound):
    """Outputs and digests; returns how many taps were compared."""
    outputs = [name for name in ("output", "score") if f"output/{name}" in expected]
    assert outputs or any(key.startswith("digest/") for key in expected)
    for name in outputs:
        assert relative_l2(ours[name], expected[f"output/{name}"]) < bound
    compared = 0
    for name, value in ours.items():
        wanted = expected.get(name.replace("tap/", "digest/"))
        if not name.startswith("tap/") or wanted is None:
            continue
        assert relative_l2(digest(value), wanted) < bound, name
        compared += 1
    return compared


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", SMALL)
def test_every_module_agrees(name, device, tmp_path):
    model, reference, settings = files_of(name)
    ours, expected = run(model, reference, tmp_path, "--all-taps", "--device", device, *settings)
    compared = compare(ours, expected, BOUNDS["f32"])
    # The identity of dropout is no module of ours.
    left_out = 6 if name == "batch" else 0
    assert compared == sum(key.startswith("digest/") for key in expected) - left_out


@pytest.mark.parametrize("name", ["resnet6", "mindspore_instance"])
def test_no_cuda_convolution_changes_what_it_reads(name):
    """Scale and shift would be read, and applied, with every tap: beyond 1x1 a norm is a pass of its own."""
    model, _, settings = files_of(name)
    plan = json.loads(kintsugi("plan", "-m", model, "--size", "64x64", "--device", "emulated", "--dtype", "f16",
                               "--json", *settings))
    ops = [step["op"] for step in plan["steps"]]
    assert sum("leaves moments" in op for op in ops) > 10
    assert not [op for op in ops if "input:" in op]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", SMALL)
def test_every_dtype_agrees(name, dtype, tmp_path):
    model, reference, settings = files_of(name)
    ours, expected = run(model, reference, tmp_path, "--device", "emulated", "--dtype", dtype,
                         *settings)
    compare(ours, expected, BOUNDS[dtype])


@pytest.mark.parametrize("left_out", [*PASSES, "winograd"])
@pytest.mark.parametrize("name", ["resnet6", "mindspore_instance"])
def test_each_pass_off(name, left_out, tmp_path):
    model, reference, settings = files_of(name)
    ours, expected = run(model, reference, tmp_path, "--without", left_out, *settings)
    compare(ours, expected, BOUNDS["f32"])


@needs_torch
@pytest.mark.parametrize("name", ["resnet6", "batch", "mindspore", "patchgan"])
def test_verify_names_every_module(name, tmp_path):
    network = "cyclegan-discriminator" if name == "patchgan" else "cyclegan"
    model, _, _ = files_of(name)
    reference = tmp_path / "reference.safetensors"
    export("reference", network, model, "--size", "39x46", "--batch", "2", "--double", "-o",
           reference)
    report = json.loads(kintsugi("verify", "-m", model, "-r", reference, "--json", "--all-taps"))
    missing = report["runs"][-1]["missing"]
    assert all("conv_block.4" in name for name in missing) and len(missing) in (0, 6)


@pytest.mark.parametrize("size", ["256", "90x134"])
def test_the_full_width(size, tmp_path):
    model, given = tmp_path / "model.safetensors", tmp_path / "input.safetensors"
    safetensors.write(model, by_rule("cyclegan", "cyclegan_resnet9", "kintsugi"))
    safetensors.write(given, by_rule("signed_picture", f"cyclegan_input_{size}", "kintsugi"))
    out = tmp_path / "out.safetensors"
    kintsugi("run", "-m", model, "-i", given, "-o", out, "--taps")
    ours, _ = safetensors.read(out)
    expected, _ = safetensors.read(DATA / f"cyclegan_64_ref_{size}.safetensors")
    assert ours["output"].shape[2:] == ((256, 256) if size == "256" else (92, 136))
    assert compare(ours, expected, 1e-4) >= 24  # convolutions, and what is read twice


def test_the_authors_own_code(tmp_path):
    model, given, out = (tmp_path / f"{name}.safetensors" for name in ("model", "input", "out"))
    expected, _ = safetensors.read(DATA / "cyclegan_resnet9_ref_90x134.safetensors")
    safetensors.write(model, by_rule("cyclegan", "cyclegan_resnet9", "shared"))
    picture = expected["picture"].astype(np.float32)
    safetensors.write(given, {"input": picture / np.float32(127.5) - 1})
    kintsugi("run", "-m", model, "-i", given, "-o", out)
    ours, _ = safetensors.read(out)
    assert relative_l2(digest(ours["output"]), expected["digest/output"]) < 1e-4


@needs_torch
@pytest.mark.parametrize("norm", ["stored", "instance"])
def test_a_file_of_mindspores_converts_and_agrees(norm, tmp_path):
    model, given, out = (tmp_path / f"{name}.safetensors" for name in ("model", "input", "out"))
    export("convert", "cyclegan", DATA / "cyclegan_mindspore_k16.ckpt", "-o", model, "--norm", norm)
    assert "16 channels, 3 blocks" in kintsugi("info", model)
    expected, _ = safetensors.read(DATA / "cyclegan_mindspore_k16_ref.safetensors")
    picture = expected["picture"].astype(np.float32)
    safetensors.write(given, {"input": (picture - np.float32(127.5)) / np.float32(127.5)})
    kintsugi("run", "-m", model, "-i", given, "-o", out)
    ours, _ = safetensors.read(out)
    # The file's filters were rounded to f16.
    assert relative_l2(digest(ours["output"]), expected[f"digest/{norm}"]) < 2e-3
    other = {"stored": "instance", "instance": "stored"}[norm]
    assert relative_l2(digest(ours["output"]), expected[f"digest/{other}"]) > 1e-2


def with_statistics(state):
    """Running statistics beside every instance norm of six blocks, as released files have them."""
    norms = ["model.2", "model.5", "model.8", "model.17", "model.20"]
    norms += [f"model.{10 + i}.conv_block.{n}" for i in range(6) for n in (2, 6)]
    rng = np.random.default_rng(3)
    for norm in norms:
        # Of the convolution before it; a transposed one has its outputs second.
        head, _, number = norm.rpartition(".")
        channels = state[f"{head}.{int(number) - 1}.bias"].shape[0]
        state[f"{norm}.running_mean"] = rng.normal(size=channels).astype(np.float32)
        state[f"{norm}.running_var"] = rng.uniform(1, 3, channels).astype(np.float32)
        state[f"{norm}.num_batches_tracked"] = np.zeros((), np.int64)
    return state


def test_running_statistics_of_instance_norms_are_not_used(tmp_path):
    state, _ = safetensors.read(DATA / "cyclegan_resnet6_k8.safetensors")
    model = tmp_path / "released.safetensors"
    safetensors.write(model, with_statistics(state))
    told = json.loads(kintsugi("info", model, "--json"))
    assert "instance norm" in told["variant"]
    assert len(told["unused_keys"]) == 2 * 17  # batch counters are not missed
    ours, expected = run(model, DATA / "cyclegan_resnet6_k8_ref.safetensors", tmp_path)
    compare(ours, expected, BOUNDS["f32"])
    done = run_program("run", "-m", model, "-i", DATA / "cyclegan_resnet6_k8_ref.safetensors",
                       "-o", tmp_path / "no.safetensors", "--set", "norm=stored")
    assert done.returncode == 2 and "its norms store nothing" in done.stderr


def test_instance_norms_with_weights(tmp_path):
    state, _ = safetensors.read(DATA / "cyclegan_resnet6_k8.safetensors")
    plain = run(DATA / "cyclegan_resnet6_k8.safetensors",
                DATA / "cyclegan_resnet6_k8_ref.safetensors", tmp_path)[0]["output"]
    for key in list(with_statistics(dict(state))):
        if key.endswith("running_mean"):
            norm, channels = key[: -len(".running_mean")], None
            head, _, number = norm.rpartition(".")
            channels = state[f"{head}.{int(number) - 1}.bias"].shape[0]
            state[f"{norm}.weight"] = np.ones(channels, np.float32)
            state[f"{norm}.bias"] = np.zeros(channels, np.float32)
    model = tmp_path / "affine.safetensors"
    safetensors.write(model, state)
    reference = DATA / "cyclegan_resnet6_k8_ref.safetensors"
    assert "instance norm with weights" in kintsugi("info", model)
    assert relative_l2(run(model, reference, tmp_path)[0]["output"], plain) < 1e-6
    state["model.2.bias"] += 1
    safetensors.write(model, state)
    assert relative_l2(run(model, reference, tmp_path)[0]["output"], plain) > 1e-3


def test_a_shared_block_runs_as_often_as_is_said(tmp_path):
    model, reference, _ = files_of("mindspore")
    three, expected = run(model, reference, tmp_path, "--all-taps")
    assert "tap/residuals.0.conv1.features.0#3" in three
    assert "tap/residuals.0.conv1.features.0#4" not in three
    again, _ = run(model, reference, tmp_path, "--set", "blocks=4", "--all-taps")
    assert "tap/residuals.0.conv1.features.0#4" in again
    assert relative_l2(again["output"], expected["output/output"]) > 1e-3
    plan = json.loads(kintsugi("plan", model, "--set", "blocks=9", "--json"))
    once = json.loads(kintsugi("plan", model, "--set", "blocks=1", "--json"))
    assert plan["memory"]["packed"] == once["memory"]["packed"], "one copy of what is shared"


@pytest.mark.parametrize("settings, problem", [
    (["norm=batch"], "the setting norm=batch is not known"),
    (["blocks=0"], "the setting blocks=0 is not known"),
    (["blocks=65"], "the setting blocks=65 is not known"),
    (["blocks=9x"], "the setting blocks=9x is not known"),
    (["bloks=9"], "unknown setting 'bloks'"),
])
def test_settings_that_mean_nothing(settings, problem):
    done = run_program("plan", DATA / "cyclegan_mindspore_k8.safetensors", "--set", *settings)
    assert done.returncode == 2 and problem in done.stderr, done.stderr


def test_blocks_of_their_own_are_not_counted_anew():
    done = run_program("plan", DATA / "cyclegan_resnet6_k8.safetensors", "--set", "blocks=9")
    assert done.returncode == 2 and "blocks is 6 for this file" in done.stderr


@pytest.mark.parametrize("name", ["mindspore", "mindspore_judge"])
def test_a_file_that_says_instance_can_still_be_stored(name, tmp_path):
    model, _, _ = files_of(name)
    state, _ = safetensors.read(model)
    said = tmp_path / "instance.safetensors"
    config = {"norm": "instance", **({"blocks": 3} if name == "mindspore" else {})}
    safetensors.write(said, state, {"kintsugi.config": json.dumps(config)})
    for norm, suffix in (("auto", "_instance"), ("stored", ""), ("instance", "_instance")):
        reference = DATA / f"{SMALL[name][0]}_ref{suffix}.safetensors"
        ours, expected = run(said, reference, tmp_path, "--set", f"norm={norm}")
        compare(ours, expected, BOUNDS["f32"])


def test_metadata_of_a_judge_that_cannot_be(tmp_path):
    state, _ = safetensors.read(files_of("mindspore_judge")[0])
    model = tmp_path / "model.safetensors"
    safetensors.write(model, state, {"kintsugi.config": json.dumps({"norm": "wrong"})})
    done = run_program("info", model)
    assert done.returncode == 1 and "`kintsugi.config`: the setting norm=wrong" in done.stderr


@pytest.mark.parametrize("dtype, most", [("f32", 1), ("f16", 3)])
@pytest.mark.parametrize("size, mode, options", [
    ((33, 22), "RGB", []), ((33, 22), "RGB", ["--round"]), ((20, 21), "LA", [])])
def test_a_gpus_pictures_are_the_processors(tmp_path, size, mode, options, dtype, most):
    given = tmp_path / "given.png"
    rows, columns = np.mgrid[0:size[1], 0:size[0]]
    samples = np.stack([rows * 9, columns * 7, rows * columns, 255 - rows], axis=-1).astype(np.uint8)
    Image.fromarray(samples[..., :len(mode)].copy(), mode).save(given)
    made = []
    for device in ("cpu", "emulated"):
        out = tmp_path / f"{device}.png"
        kintsugi("translate", given, "-m", files_of("resnet6")[0], "-o", out, "--device", device, *options,
                 *(["--dtype", dtype] if device == "emulated" else []))
        made.append(np.asarray(Image.open(out)).astype(int))
    assert made[0].shape == (size[1], size[0], 4 if mode == "LA" else 3)
    assert np.abs(made[0] - made[1]).max() <= most and len(np.unique(made[0])) > 20
    if mode == "LA":
        assert (made[1][..., 3] == samples[..., 1]).all()


@pytest.mark.parametrize("config, problem", [
    ({"variant": "resnet9"}, "the keys are those of 'mindspore'"),
    ({"norm": "wrong"}, "`kintsugi.config`: the setting norm=wrong is not known"),
    ({"blocks": 0}, "`kintsugi.config`: the setting blocks=0 is not known"),
    ({"blocks": [3]}, "`blocks` in the metadata `kintsugi.config` is neither a word nor a number"),
])
def test_metadata_that_cannot_be(tmp_path, config, problem):
    state, _ = safetensors.read(DATA / "cyclegan_mindspore_k8.safetensors")
    model = tmp_path / "model.safetensors"
    safetensors.write(model, state, {"kintsugi.config": json.dumps(config)})
    done = run_program("info", model)
    assert done.returncode == 1 and problem in done.stderr, done.stderr


def test_a_file_that_lost_a_key_is_refused(tmp_path):
    state, _ = safetensors.read(DATA / "cyclegan_resnet6_k8.safetensors")
    del state["model.12.conv_block.5.weight"]
    model = tmp_path / "model.safetensors"
    safetensors.write(model, state)
    done = run_program("info", model)
    assert done.returncode == 1
    assert "'model.12.conv_block.5.weight'" in done.stderr and "resnet6" in done.stderr
