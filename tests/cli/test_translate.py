# SPDX-License-Identifier: MIT
"""kintsugi translate: what becomes of samples, sizes, alpha and depth; folders; and what is refused."""

import json
import signal
import time

import cli_support as support
import numpy as np
import pytest
from kintsugi_export import safetensors
from PIL import Image

DATA = support.ROOT / "tests" / "data"
MODEL = DATA / "cyclegan_resnet6_k8.safetensors"
TUTORIAL = DATA / "cyclegan_mindspore_k8.safetensors"
JUDGE = DATA / "cyclegan_discriminator_patchgan_k8.safetensors"


def translate(*arguments, model=MODEL, **how):
    return support.run("translate", *arguments, "-m", model, **how)


def pixels_of(path):
    with Image.open(path) as image:
        return np.asarray(image)


@pytest.fixture
def picture(tmp_path):
    """30 x 21: no multiple of four."""
    return support.save(tmp_path / "horse.png", support.picture(30, 21))


def through_the_raw_door(tmp_path, samples, model):
    """The network's output for samples of 8 bits, cropped, as [H, W, 3]."""
    samples = samples.astype(np.float32)
    if model == TUTORIAL:
        values = (samples - np.float32(127.5)) / np.float32(127.5)
    else:
        values = (samples / np.float32(255) - np.float32(0.5)) / np.float32(0.5)
    given, out = tmp_path / "in.safetensors", tmp_path / "raw.safetensors"
    safetensors.write(given, {"input": values.transpose(2, 0, 1)[None].copy()})
    support.succeeds(support.run("run", "-m", model, "-i", given, "-o", out))
    output = safetensors.read(out)[0]["output"][0].transpose(1, 2, 0)
    assert output.shape == (24, 32, 3), "21 x 30 is made a multiple of four"
    return output[: samples.shape[0], : samples.shape[1]]


@pytest.mark.parametrize("rounds", [False, True])
@pytest.mark.parametrize("model", [MODEL, TUTORIAL], ids=["pytorch", "mindspore"])
def test_samples_are_those_of_the_official_programs(tmp_path, picture, model, rounds):
    values = through_the_raw_door(tmp_path, pixels_of(picture), model)
    half = np.float32(127.5)
    samples = values * half + half if model == TUTORIAL else (values + 1) / 2 * np.float32(255)
    expected = (samples + np.float32(0.5) if rounds else samples).astype(np.uint8)
    out = tmp_path / "zebra.png"
    support.succeeds(translate(picture, "-o", out, *["--round"] * rounds, model=model))
    np.testing.assert_array_equal(pixels_of(out), expected)
    assert len(np.unique(expected)) > 20, "a picture, not a constant"


def test_rounding_is_not_truncating(tmp_path, picture):
    support.succeeds(translate(picture, "-o", tmp_path / "a.png"))
    support.succeeds(translate(picture, "-o", tmp_path / "b.png", "--round"))
    difference = pixels_of(tmp_path / "b.png").astype(int) - pixels_of(tmp_path / "a.png")
    assert set(np.unique(difference)) == {0, 1}


def test_grey_is_read_as_all_three_colours(tmp_path):
    grey = support.picture(20, 17, 1)
    grey = grey.reshape(grey.shape[:2])
    made = []
    for name, samples in (("grey", grey), ("rgb", np.stack([grey] * 3, axis=-1))):
        given = support.save(tmp_path / f"{name}.png", samples)
        support.succeeds(translate(given, "-o", tmp_path / f"{name}_out.png"))
        made.append(pixels_of(tmp_path / f"{name}_out.png"))
    np.testing.assert_array_equal(*made)


@pytest.mark.parametrize("channels, made", [(1, 3), (2, 4), (3, 3), (4, 4)])
def test_grey_becomes_rgb_and_alpha_stays(tmp_path, channels, made):
    given = support.save(tmp_path / "in.png", support.picture(20, 17, channels))
    out = tmp_path / "out.png"
    support.succeeds(translate(given, "-o", out))
    result = pixels_of(out)
    assert result.shape == (17, 20, made)
    if made == 4:
        np.testing.assert_array_equal(result[..., 3], pixels_of(given)[..., -1])


def test_sixteen_bits(tmp_path, picture):
    wide = tmp_path / "wide.ppm"
    samples = pixels_of(picture).astype(np.uint16) * 257
    wide.write_bytes(b"P6\n30 21\n65535\n" + samples.astype(">u2").tobytes())
    out = tmp_path / "out.ppm"
    support.succeeds(translate(wide, "-o", out))
    header = b"P6\n30 21\n65535\n"
    assert out.read_bytes().startswith(header)
    made = np.frombuffer(out.read_bytes()[len(header):], ">u2").reshape(21, 30, 3)
    values = through_the_raw_door(tmp_path, pixels_of(picture), MODEL)
    expected = ((values + 1) / 2 * 65535).astype(int)
    assert np.abs(made.astype(int) - expected).max() <= 1, "s * 257 / 65535 is s / 255, but for its last bit"


def enlarged(values, size):
    """Linear, with aligned corners, along the first axis."""
    at = np.linspace(0, len(values) - 1, size)
    first = np.minimum(at.astype(int), len(values) - 2)
    part = (at - first).reshape(-1, 1, 1)
    return values[first] * (1 - part) + values[first + 1] * part


@pytest.mark.parametrize("rounds", [False, True])
@pytest.mark.parametrize("model", [MODEL, TUTORIAL], ids=["pytorch", "mindspore"])
def test_max_side_scales_there_and_back(tmp_path, model, rounds):
    large = support.save(tmp_path / "large.png", support.picture(64, 48))
    samples = pixels_of(large).astype(np.float32).reshape(24, 2, 32, 2, 3).mean(axis=(1, 3))
    small = through_the_raw_door(tmp_path, samples, model)
    values = enlarged(enlarged(small, 48).transpose(1, 0, 2), 64).transpose(1, 0, 2)
    expected = np.clip((values + 1) * 127.5 + (0.5 if rounds else 0), 0, 255)
    out = tmp_path / "out.png"
    support.succeeds(translate(large, "-o", out, "--max-side", 32, *["--round"] * rounds, model=model))
    made = pixels_of(out).astype(int)
    # A sample is the other one only where float and double fall on two sides of it.
    assert np.abs(made - expected + 0.5).max() < 0.5 + 1e-2
    assert (made != expected.astype(int)).mean() < 1e-3 and len(np.unique(made)) > 20


def test_max_side(tmp_path, picture):
    out = tmp_path / "out.png"
    result = json.loads(support.succeeds(
        translate(picture, "-o", out, "--max-side", 16, "--json")).stdout)
    assert pixels_of(out).shape == (21, 30, 3)
    whole = json.loads(support.succeeds(translate(picture, "-o", out, "--json")).stdout)
    assert result["peak_bytes"] < whole["peak_bytes"]


def test_what_it_says(tmp_path, picture):
    out = tmp_path / "zebra.png"
    result = support.succeeds(translate(picture, "-o", out))
    assert result.stdout.count("\n") == 1 and "30x21" in result.stdout
    assert "device: cpu" in result.stderr
    said = json.loads(support.succeeds(translate(picture, "-o", out, "--json")).stdout)
    assert (said["width"], said["height"], said["channels"]) == (30, 21, 3)
    assert said["seconds"] > 0 and "score" not in said
    assert support.succeeds(translate(picture, "-o", out, "-q")).stderr == ""


def test_a_score(tmp_path):
    big = support.save(tmp_path / "big.png", support.picture(40, 36))
    out = tmp_path / "out.png"
    said = json.loads(support.succeeds(
        translate(big, "-o", out, "--score", JUDGE, "--json")).stdout)
    samples = pixels_of(out).astype(np.float32) / 255
    given, scores = tmp_path / "in.safetensors", tmp_path / "scores.safetensors"
    safetensors.write(given, {"input": ((samples - 0.5) / 0.5).transpose(2, 0, 1)[None].copy()})
    support.succeeds(support.run("run", "-m", JUDGE, "-i", given, "-o", scores))
    assert said["score"] == pytest.approx(safetensors.read(scores)[0]["score"].mean(), rel=1e-5)
    assert "score: " in support.succeeds(translate(big, "-o", out, "--score", JUDGE)).stdout


def test_streams(tmp_path, picture):
    out = tmp_path / "zebra.png"
    support.succeeds(translate(picture, "-o", out))
    result = translate("-", "-o", "-", stdin=picture.read_bytes(), binary=True)
    support.succeeds(result)
    (tmp_path / "stream.png").write_bytes(result.stdout)
    np.testing.assert_array_equal(pixels_of(tmp_path / "stream.png"), pixels_of(out))


def test_side_by_side(tmp_path, picture):
    both = tmp_path / "both.png"
    support.succeeds(translate(picture, "-o", tmp_path / "zebra.png", "--side-by-side", both))
    assert pixels_of(both).shape[1] > 60


def test_a_folder(tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    for i, (name, channels) in enumerate({"a.png": 3, "b.bmp": 1, "c.png": 4}.items()):
        support.save(photos / name, support.picture(20 + i, 16 + i, channels, seed=i))
    (photos / "bad.png").write_bytes(b"no picture")
    (photos / "notes.txt").write_text("no picture")
    out = tmp_path / "zebras"
    result = translate(photos, "-o", out, "--json")
    assert result.returncode == 3, result.stderr
    manifest = json.loads(result.stdout)
    assert manifest["verb"] == "translate" and manifest["network"] == "cyclegan"
    assert manifest == json.loads((out / "manifest.json").read_text())
    totals = manifest["totals"]
    assert (totals["pictures"], totals["translated"], totals["failed"]) == (4, 3, 1)
    assert {path.name for path in out.iterdir()} == {"a.png", "b.bmp", "c.png", "manifest.json"}
    support.succeeds(translate(photos / "c.png", "-o", tmp_path / "alone.png"))
    assert (tmp_path / "alone.png").read_bytes() == (out / "c.png").read_bytes()


def test_an_interrupt_leaves_nothing_half_done(tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    for i in range(40):
        support.save(photos / f"{i}.png", support.picture(200, 200, seed=i))
    out = tmp_path / "zebras"
    process = support.start("translate", photos, "-m", MODEL, "-o", out, "-q")
    deadline = time.monotonic() + 60 * support.PATIENCE
    while not (out.is_dir() and any(out.glob("*.png"))) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60 * support.PATIENCE) == 130
    manifest = json.loads((out / "manifest.json").read_text())
    done = [file for file in manifest["files"] if file["status"] == "translated"]
    assert manifest["interrupted"] and 0 < len(done) < 40
    for file in done:
        pixels_of(file["output"])
    assert len(list(out.glob("*.png"))) == len(done)


@pytest.mark.parametrize("width, height", [(3, 30), (30, 3), (4, 4), (1, 1)])
def test_too_small_a_picture_is_one_sentence(tmp_path, width, height):
    given = support.save(tmp_path / "in.png", support.picture(width, height))
    with support.nothing_changes(tmp_path):
        support.fails(translate(given, "-o", tmp_path / "out.png"), 1,
                      f"at least 5 pixels each way, not {width}x{height}")


def test_other_networks_and_other_files(tmp_path, picture, model):
    out = tmp_path / "out.png"
    with support.nothing_changes(tmp_path):
        support.fails(translate(picture, "-o", out, model=model), 2, "glcic does not translate")
        support.fails(translate(picture, "-o", out, model=picture), 1)
        support.fails(translate(picture, "-o", out, model=tmp_path / "none"), 1, "none")
        support.fails(translate(tmp_path / "none.png", "-o", out), 1, "none.png")
        support.fails(translate(picture, "-o", picture), 2, "horse.png")
        support.fails(translate(picture, "-o", tmp_path / "out.xyz"), 2, ".xyz")
        support.fails(translate(picture, "-o", out, "--format", "png"), 2, "--format")
        support.fails(translate(picture, "-o", out, "--manifest", "m.json"), 2, "--manifest")
        support.fails(translate(picture, "-o", "-", "--json"), 2, "standard output")
        support.fails(translate(picture, "-o", out, "--set", "norm=stored"), 2, "norm=stored")
        support.fails(translate(picture, "-o", out, "--score", MODEL), 1, "cyclegan-discriminator")
        support.fails(translate("-", "-o", out, model="-", stdin=b""), 2, "standard input")
        support.fails(translate(tmp_path, "-o", tmp_path, "--side-by-side", out), 2, "--side-by-side")
        support.fails(translate(tmp_path, "-o", tmp_path / "made", model=model), 2,
                      "glcic does not translate")
        support.fails(support.run("inpaint", picture, "--mask", picture, "-m", MODEL, "-o", out), 2,
                      "cyclegan does not inpaint")


def test_a_picture_too_small_for_the_judge(tmp_path):
    given = support.save(tmp_path / "in.png", support.picture(12, 12))
    with support.nothing_changes(tmp_path):
        support.fails(translate(given, "-o", tmp_path / "out.png", "--score", JUDGE), 1,
                      "the discriminator needs a picture of at least 24 pixels each way, not 12x12")
        support.fails(translate(given, "-o", tmp_path / "out.png", "--score", JUDGE,
                                "--max-memory", "1G"), 2, "--max-memory")
