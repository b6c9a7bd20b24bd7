# SPDX-License-Identifier: MIT
"""The demo: its picture was never trained on, its files are what its scripts make, and it mends."""

import hashlib
import json

import numpy as np
import pytest
from conftest import ROOT

from kintsugi_export import safetensors
from kintsugi_export.networks import glcic

pytest.importorskip("PIL")
import evaluate  # noqa: E402  (needs Pillow)
import make_mask  # noqa: E402
from PIL import Image  # noqa: E402

DEMO, PICTURES = ROOT / "examples" / "demo", ROOT / "examples" / "pictures"
MODEL = DEMO / "glcic-demo.safetensors"


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def pixels(name, mode="RGB"):
    return np.asarray(Image.open(PICTURES / name).convert(mode))


def test_the_demo_picture_was_never_trained_on():
    listed = json.loads((DEMO / "training_list.json").read_text())
    assert sha256(PICTURES / "astronaut.png") == listed["demo_picture"]["sha256"]
    assert listed["demo_picture"]["sha256"] not in {
        picture["sha256"] for picture in listed["pictures"]
    }
    assert "astronaut.png" not in {picture["file"] for picture in listed["pictures"]}


def test_every_training_picture_states_a_free_licence():
    listed = json.loads((DEMO / "training_list.json").read_text())["pictures"]
    readme = (DEMO / "README.md").read_text()
    for picture in listed:
        assert picture["licence"].startswith(("CC0", "public domain")), picture["file"]
        assert len(picture["sha256"]) == 64 and f"`{picture['file']}`" in readme


def test_weights_are_small_half_precision_and_documented():
    tensors, metadata = safetensors.read(MODEL)
    assert MODEL.stat().st_size <= 2_000_000
    assert glcic.recognise({key: value.shape for key, value in tensors.items()}) == glcic.Config(
        16, 8, "flat"
    )
    assert {value.dtype.name for value in tensors.values()} <= {"float16", "int64"}
    assert all(np.isfinite(value).all() for value in tensors.values())
    assert metadata["kintsugi.network"] == "glcic" and metadata["modelspec.license"] == "CC0-1.0"
    assert json.loads(metadata["kintsugi.config"])["mean"] == list(glcic.MEAN)


def test_the_mask_and_the_damage_are_what_the_script_makes():
    mask, damaged = make_mask.damage(Image.open(PICTURES / "astronaut.png"))
    stored = pixels("astronaut_mask.png", "L")
    assert set(np.unique(stored)) == {0, 255} and 0.03 < (stored > 0).mean() < 0.1
    if Image.__version__.split(".")[0] == "9":  # other releases may round strokes otherwise
        assert (np.asarray(mask) == stored).all()
        assert (np.asarray(damaged) == pixels("astronaut_damaged.png")).all()


@pytest.mark.parametrize("name", ["astronaut_damaged.png", "astronaut_telea.png"])
def test_known_pixels_of_the_pictures_are_the_original(name):
    known = pixels("astronaut_mask.png", "L") == 0
    assert (pixels(name)[known] == pixels("astronaut.png")[known]).all()
    assert (pixels(name)[~known] != pixels("astronaut.png")[~known]).any(axis=1).mean() > 0.9


def test_mends_better_than_telea_and_keeps_known_pixels():
    picture, hole = pixels("astronaut.png"), pixels("astronaut_mask.png", "L") > 0
    damaged = pixels("astronaut_damaged.png")
    mended = evaluate.mend(MODEL, damaged, hole)
    assert (mended[~hole] == picture[~hole]).all()
    ours = evaluate.psnr(mended, picture, hole)
    telea = evaluate.psnr(pixels("astronaut_telea.png"), picture, hole)
    assert evaluate.psnr(damaged, picture, hole) < telea < ours, (ours, telea)
