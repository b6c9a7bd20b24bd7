# SPDX-License-Identifier: MIT
"""`inpaint --score`: what discriminators think of a filling."""

import json

import cli_support as support
import numpy as np
import pytest
from kintsugi_export import safetensors


@pytest.fixture(scope="module")
def judge(tmp_path_factory):
    """Random discriminators in otenim's keys, of two channels: a patch of 32, a whole of 64."""
    rng, state = np.random.default_rng(5), {}
    for view, layers in (("model_ld", 5), ("model_gd", 6)):
        channels = 3
        for i in range(1, layers + 1):
            out = 2 * min(2 ** (i - 1), 8)
            state[f"{view}.conv{i}.weight"] = rng.normal(0, 0.2, (out, channels, 5, 5))
            state[f"{view}.conv{i}.bias"] = rng.normal(0, 0.1, out)
            for leaf in ("weight", "bias", "running_mean", "running_var"):
                base = 1 if leaf in ("weight", "running_var") else 0
                state[f"{view}.bn{i}.{leaf}"] = base + 0.1 * rng.random(out)
            channels = out
        state[f"{view}.linear{layers + 1}.weight"] = rng.normal(0, 0.3, (8, channels))
        state[f"{view}.linear{layers + 1}.bias"] = rng.normal(0, 0.1, 8)
    state["linear1.weight"] = rng.normal(0, 0.3, (1, 16))
    state["linear1.bias"] = np.zeros(1)
    path = tmp_path_factory.mktemp("judge") / "judge.safetensors"
    safetensors.write(path, {key: value.astype(np.float32) for key, value in state.items()})
    return path


@pytest.fixture
def files(tmp_path):
    photo = support.save(tmp_path / "photo.png", support.picture(50, 40))
    return photo, support.save(tmp_path / "mask.png", support.mask(50, 40))


def told(*arguments):
    return json.loads(support.succeeds(support.run("inpaint", *arguments, "--json")).stdout)


def test_a_score_for_each_way_to_fill(files, model, judge, tmp_path):
    photo, mask = files
    out = tmp_path / "out.png"
    common = [photo, "--mask", mask, "-o", out, "--score", judge]
    by_network = told(*common, "-m", model)["score"]
    by_telea = told(*common, "--method", "telea")["score"]
    assert 0 < by_network < 1 and 0 < by_telea < 1 and by_network != by_telea
    assert told(*common, "-m", model)["score"] == by_network
    assert "score" not in told(photo, "--mask", mask, "-o", out, "-m", model)
    printed = support.succeeds(support.run("inpaint", *common, "-m", model)).stdout
    assert f"score: {by_network:.4f}" in printed


def test_every_picture_of_a_folder_has_its_own(model, judge, tmp_path):
    for folder in ("photos", "masks"):
        (tmp_path / folder).mkdir()
    for i, name in enumerate(["a.png", "b.png"]):
        support.save(tmp_path / "photos" / name, support.picture(50, 40, seed=i))
        support.save(tmp_path / "masks" / name, support.mask(50, 40))
    report = told(tmp_path / "photos", "--mask", tmp_path / "masks", "-o", tmp_path / "out", "-m",
                  model, "--score", judge)
    scores = [entry["score"] for entry in report["files"]]
    assert len(set(scores)) == 2 and all(0 < score < 1 for score in scores)
    for name, score in zip(["a.png", "b.png"], scores):
        alone = told(tmp_path / "photos" / name, "--mask", tmp_path / "masks" / name, "-o",
                     tmp_path / "alone.png", "-m", model, "--score", judge)
        assert alone["score"] == score


def test_what_is_no_discriminator_is_refused(files, model, tmp_path):
    photo, mask = files
    with support.nothing_changes(tmp_path):
        support.fails(
            support.run("inpaint", photo, "--mask", mask, "-o", tmp_path / "out.png", "-m", model,
                        "--score", model),
            1, "is not a glcic-discriminator checkpoint: closest was layout",
        )
        support.fails(
            support.run("inpaint", photo, "--mask", mask, "-o", tmp_path / "out.png", "-m", model,
                        "--score", tmp_path / "none.safetensors"),
            1, "none.safetensors",
        )
        support.fails(
            support.run("inpaint", photo, "--mask", mask, "-o", tmp_path / "out.png", "-m", model,
                        "--score", "-"),
            2, "standard input can be one picture",
        )


def test_memory_is_shared_with_the_judge(files, model, judge, tmp_path):
    photo, mask = files
    common = [photo, "--mask", mask, "-o", tmp_path / "out.png", "-m", model, "--score", judge]
    free = told(*common)["peak_bytes"]
    assert told(*common, "--max-memory", str(free))["peak_bytes"] <= free
    support.fails(support.run("inpaint", *common, "--max-memory", str(free // 8)), 1, "memory")
    telea = [photo, "--mask", mask, "-o", tmp_path / "out.png", "--method", "telea", "--score", judge]
    support.fails(support.run("inpaint", *telea, "--max-memory", "10000"), 1, "memory")


@pytest.mark.parametrize("verb", ["plan", "bench"])
def test_a_network_of_its_own_size_takes_no_other(judge, verb):
    support.fails(support.run(verb, "-m", judge, "--size", "64x64"), 2, "a size of their own")
    report = json.loads(support.succeeds(
        support.run(verb, "-m", judge, "--json", *(["--runs", "1"] if verb == "bench" else []))
    ).stdout)
    assert report["height"] is None and report["width"] is None


def test_one_file_of_both_networks(files, judge, model, tmp_path):
    """Made by the exporter for one of them: what it says of that one is not held against the other."""
    state, _ = safetensors.read(judge)
    filler, metadata = safetensors.read(model)
    metadata = {**metadata, "kintsugi.network": "glcic",
                "kintsugi.config": json.dumps({"variant": "official", "range": [0, 1]})}
    both = tmp_path / "both.safetensors"
    safetensors.write(both, {**filler, **state}, metadata)
    photo, mask = files
    common = [photo, "--mask", mask, "-o", tmp_path / "out.png"]
    assert (told(*common, "-m", both, "--score", both)["score"]
            == told(*common, "-m", model, "--score", judge)["score"])
