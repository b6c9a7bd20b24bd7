# SPDX-License-Identifier: MIT
"""Telea without a model, and blending: known pixels, mistakes, the numbers of the demo."""

import json

import cli_support as support
import numpy as np
import pytest
from kintsugi_export import safetensors
from PIL import Image

DATA = support.ROOT / "tests" / "data"
EXAMPLES = support.ROOT / "examples"
SIZES = [(64, 48), (33, 17), (5, 3), (1, 7)]
CHANNELS = {"grey": 1, "grey and alpha": 2, "RGB": 3, "RGBA": 4}
BLENDS = [["--blend"], ["--blend=poisson"], ["--blend=official"]]


@pytest.fixture
def telea(tmp_path, photo, mask):
    def run(*arguments, photo=photo, mask=mask, output=tmp_path / "out.png", **how):
        files = [photo, "--mask", mask, "-o", output]
        return support.run("inpaint", *files, "--method", "telea", *arguments, **how)

    return run


def save(path, pixels):
    mode = "LA" if pixels.ndim == 3 and pixels.shape[2] == 2 else None
    Image.fromarray(pixels, mode).save(path)
    return path


@pytest.mark.parametrize("radius", [1, 3, 5])
def test_telea_equals_opencv(tmp_path, telea, radius):
    data, _ = safetensors.read(DATA / "classical_cv46.safetensors")
    for name in ["telea0", "telea1"]:
        hole = np.where(data[f"{name}_mask"] > 0, 255, 0).astype(np.uint8)
        files = {
            "photo": support.save(tmp_path / "p.png", data[f"{name}_picture"]),
            "mask": support.save(tmp_path / "m.png", hole),
        }
        support.succeeds(telea("--radius", radius, **files))
        assert (support.load(tmp_path / "out.png") == data[f"{name}_r{radius}"]).all()


def test_telea_radius_is_three_unless_said(tmp_path, telea):
    support.succeeds(telea(output=tmp_path / "a.png"))
    support.succeeds(telea("--radius", 3, output=tmp_path / "b.png"))
    support.succeeds(telea("--radius", 9, output=tmp_path / "c.png"))
    first, second, third = ((tmp_path / f"{n}.png").read_bytes() for n in "abc")
    assert first == second != third


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("channels", CHANNELS.values(), ids=CHANNELS)
@pytest.mark.parametrize("how", [["--method", "telea"], *BLENDS], ids=lambda how: how[-1])
def test_known_pixels(tmp_path, model, size, channels, how):
    source = support.picture(*size, channels)
    hole = support.mask(*size)
    hole[: size[1] // 2, 0] = 255  # and the picture's edge
    photo, mask = save(tmp_path / "p.png", source), support.save(tmp_path / "m.png", hole)
    weights = [] if "telea" in how else ["-m", model]
    arguments = [photo, "--mask", mask, "-o", tmp_path / "out.png", *weights, *how]
    support.succeeds(support.run("inpaint", *arguments))
    mended = support.load(tmp_path / "out.png")
    assert mended.shape == source.shape
    assert (mended[hole == 0] == source[hole == 0]).all()
    if channels in (2, 4):
        assert (mended[..., -1] == source[..., -1]).all()


def test_telea_needs_no_model_and_says_so(tmp_path, telea, photo):
    result = support.succeeds(telea("--compare-to", photo))
    assert "PSNR inside the hole" in result.stdout and "known pixels changed: 0" in result.stdout
    numbers = json.loads(support.succeeds(telea("--json")).stdout)
    assert numbers["method"] == "telea" and numbers["known_pixels_changed"] == 0


def test_inverted_mask(tmp_path, telea):
    black = support.save(tmp_path / "black.png", 255 - support.mask(64, 48))
    support.succeeds(telea())
    support.succeeds(telea("--invert-mask", mask=black, output=tmp_path / "inverted.png"))
    assert (tmp_path / "out.png").read_bytes() == (tmp_path / "inverted.png").read_bytes()


def test_telea_empty_and_full_masks(tmp_path, telea, photo):
    empty = support.save(tmp_path / "empty.png", np.zeros((48, 64), np.uint8))
    full = support.save(tmp_path / "full.png", np.full((48, 64), 255, np.uint8))
    assert "selects nothing" in support.succeeds(telea(mask=empty)).stderr
    assert (support.load(tmp_path / "out.png") == support.load(photo)).all()
    with support.nothing_changes(tmp_path):
        support.fails(telea(mask=full), 1, "the whole picture", "white = hole")


@pytest.mark.parametrize("blend", BLENDS, ids=lambda blend: blend[0])
def test_blend_with_empty_and_full_masks_and_scaled(tmp_path, inpaint, photo, blend):
    empty = support.save(tmp_path / "empty.png", np.zeros((48, 64), np.uint8))
    full = support.save(tmp_path / "full.png", np.full((48, 64), 255, np.uint8))
    support.succeeds(inpaint(*blend, mask=empty))
    assert (support.load(tmp_path / "out.png") == support.load(photo)).all()
    support.succeeds(inpaint(*blend, mask=full))
    support.succeeds(inpaint(mask=full, output=tmp_path / "plain.png"))
    assert (tmp_path / "out.png").read_bytes() == (tmp_path / "plain.png").read_bytes()
    small = support.succeeds(inpaint(*blend, "--max-side", 32, "--json"))
    assert json.loads(small.stdout)["known_pixels_changed"] == 0


def test_blends_differ(tmp_path, inpaint):
    results = set()
    for blend in [[], *BLENDS]:
        support.succeeds(inpaint(*blend))
        results.add((tmp_path / "out.png").read_bytes())
    assert len(results) == 3


def test_same_bytes_for_any_threads(tmp_path, inpaint):
    results = set()
    for threads in [1, 2, 3]:
        support.succeeds(inpaint("--blend", "-j", threads))
        results.add((tmp_path / "out.png").read_bytes())
    assert len(results) == 1


def test_blending_helps_the_demo(tmp_path):
    pictures = EXAMPLES / "pictures"
    files = [pictures / "astronaut_damaged.png", "--mask", pictures / "astronaut_mask.png"]
    files += ["-m", EXAMPLES / "demo" / "glcic-demo.safetensors", "-o", tmp_path / "out.png"]
    files += ["--compare-to", pictures / "astronaut.png", "--json"]
    psnr = [
        json.loads(support.succeeds(support.run("inpaint", *files, *blend)).stdout)["psnr_hole_db"]
        for blend in [[], ["--blend"]]
    ]
    assert psnr[1] > psnr[0] + 0.5


MISTAKES = {
    "no model": ([], 2, "--model is required", "--method telea"),
    "unknown method": (["--method", "magic"], 2, "'magic' is not known", "network and telea"),
    "radius of a network": (["-m", "x.safetensors", "--radius", "3"], 2, "--radius is for"),
    "radius 0": (["--method", "telea", "--radius", "0"], 2, "--radius"),
    "radius 101": (["--method", "telea", "--radius", "101"], 2, "--radius"),
    "model": (["--method", "telea", "-m", "x.safetensors"], 2, "--model is for networks"),
    "blend": (["--method", "telea", "--blend"], 2, "--blend is for networks"),
    "max side": (["--method", "telea", "--max-side", "9"], 2, "--max-side is for networks"),
    "setting": (["--method", "telea", "--set", "a=1"], 2, "--set is for networks"),
    "memory": (["--method", "telea", "--max-memory", "1G"], 2, "--max-memory is for networks"),
    "unknown blend": (["-m", "x.safetensors", "--blend=soft"], 2, "'soft'", "--blend=official"),
}


@pytest.mark.parametrize("row", MISTAKES.values(), ids=MISTAKES)
def test_mistake(tmp_path, photo, mask, row):
    arguments, code, *fragments = row
    with support.nothing_changes(tmp_path):
        files = [photo, "--mask", mask, "-o", tmp_path / "out.png"]
        support.fails(support.run("inpaint", *files, *arguments), code, *fragments)
