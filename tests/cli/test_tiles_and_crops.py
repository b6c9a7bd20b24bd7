# SPDX-License-Identifier: MIT
"""--tile, --tile-overlap, --crop, --crop-margin and --without: the verbs that have them, what they do to
memory and samples, where they are told, and what is refused."""

import json

import cli_support as support
import pytest

DATA = support.ROOT / "tests" / "data"
CYCLEGAN = DATA / "cyclegan_resnet6_k8.safetensors"
DIRECT = ["--without", "winograd"]

WORDS = {
    "tile": (["--tile", "many"], "--tile: 'many' is not the side of a tile", "--tile 512"),
    "tile of a fraction": (["--tile", "1.5"], "--tile: '1.5' is not the side"),
    "negative tile": (["--tile", "-3"], "--tile: '-3' is not the side of a tile"),
    "tile too large": (["--tile", "99999999999999999999"], "is not the side of a tile"),
    "overlap": (["--tile-overlap", "some"], "--tile-overlap"),
    "negative overlap": (["--tile-overlap", "-1"], "--tile-overlap"),
}
WORDS_OF_INPAINT = {
    "crop": (["--crop", "on"], "--crop: 'on' is not known", "auto", "off"),
    "negative margin": (["--crop-margin", "-1"], "--crop-margin"),
    "pass": (["--without", "fusion"], "fusion", "fold, fuse"),
}
WRONG_VERB = [
    ("translate", "--crop", "off"),
    ("translate", "--crop-margin", "3"),
    ("translate", "--without", "winograd"),
    ("upscale", "--crop", "off"),
    ("upscale", "--max-side", "64"),
    ("upscale", "--score", "w"),
    ("detect", "--tile", "64"),
    ("detect", "--mask", "m.png"),
]


@pytest.mark.parametrize("row", (WORDS | WORDS_OF_INPAINT).values(), ids=WORDS | WORDS_OF_INPAINT)
def test_words_of_inpaint(tmp_path, inpaint, row):
    arguments, *fragments = row
    with support.nothing_changes(tmp_path):
        support.fails(inpaint(*arguments), 2, *fragments)


@pytest.mark.parametrize("row", WORDS.values(), ids=WORDS)
@pytest.mark.parametrize("verb", ["translate", "upscale"])
def test_words_of_others(tmp_path, photo, verb, row):
    arguments, *fragments = row
    files = [photo, "-m", CYCLEGAN, "-o", tmp_path / "out.png"]
    with support.nothing_changes(tmp_path):
        support.fails(support.run(verb, *files, *arguments), 2, *fragments)


@pytest.mark.parametrize("verb, option, value", WRONG_VERB)
def test_options_of_another_verb(tmp_path, photo, verb, option, value):
    files = [photo, "-m", CYCLEGAN, "-o", tmp_path / "out.png"]
    with support.nothing_changes(tmp_path):
        result = support.run(verb, *files, option, value)
        support.fails(result, 2, f"there is no option '{option}'")


@pytest.mark.parametrize("option, value", [
    ("--tile", "64"), ("--tile-overlap", "8"), ("--crop", "off"), ("--crop-margin", "8"),
    ("--without", "winograd"),
])
def test_telea_has_no_network(tmp_path, photo, mask, option, value):
    files = [photo, "--mask", mask, "-o", tmp_path / "out.png", "--method", "telea"]
    with support.nothing_changes(tmp_path):
        result = support.run("inpaint", *files, option, value)
        support.fails(result, 2, f"{option} is for networks, not for --method telea")


def told(result):
    return json.loads(support.succeeds(result).stdout)


def test_json_tells_what_was_given(inpaint):
    keys = {"tile", "tile_overlap", "crop", "crop_margin", "without"}
    assert not keys & set(told(inpaint("--json")))
    said = told(inpaint("--tile", 400, "--tile-overlap", 160, "--crop", "auto", "--crop-margin", 7,
                        *DIRECT, "--json"))
    assert {key: said[key] for key in keys} == {
        "tile": 400, "tile_overlap": 160, "crop": "auto", "crop_margin": 7, "without": ["winograd"]}
    assert told(inpaint("--tile", 0, "--json"))["tile"] == "auto"
    assert told(inpaint("--tile", "off", "--json"))["tile"] == "off"


def test_manifest_tells_what_was_given(folders, mend):
    support.add(folders, "a.png")
    assert not {"tile", "crop"} & set(told(mend("--json")))
    said = told(mend("--tile", "auto", "--crop", "off", "--json"))
    assert said["tile"] == "auto" and said["crop"] == "off" and "tile_overlap" not in said


@pytest.fixture
def large(tmp_path):
    """A hole in one corner of what is larger than the field of GLCIC."""
    hole = support.mask(48, 48)
    pixels = support.picture(640, 480)
    mask = pixels[..., 0] * 0
    mask[:48, :48] = hole
    return {"photo": support.save(tmp_path / "large.png", pixels),
            "mask": support.save(tmp_path / "hole.png", mask)}


def test_a_crop_takes_less_memory_and_has_the_same_bits(tmp_path, inpaint, large):
    whole = told(inpaint("--crop", "off", *DIRECT, "--json", output=tmp_path / "a.png", **large))
    cropped = told(inpaint(*DIRECT, "--json", output=tmp_path / "b.png", **large))
    assert cropped["peak_bytes"] < whole["peak_bytes"] / 2
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    # Less than the field around the hole: what the network sees is not the same.
    told(inpaint("--crop-margin", 8, *DIRECT, "--json", output=tmp_path / "c.png", **large))
    assert (tmp_path / "a.png").read_bytes() != (tmp_path / "c.png").read_bytes()


def test_tiles_take_less_memory_and_have_the_same_bits(tmp_path, inpaint, large):
    full = support.save(tmp_path / "full.png", support.load(large["mask"]) * 0 + 255)
    files = {"photo": large["photo"], "mask": full}
    whole = told(inpaint("--tile", "off", *DIRECT, "--json", output=tmp_path / "a.png", **files))
    tiled = told(inpaint("--tile", 400, *DIRECT, "--json", output=tmp_path / "b.png", **files))
    assert tiled["peak_bytes"] < whole["peak_bytes"]
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_translate_takes_tiles(tmp_path):
    photo = support.save(tmp_path / "horse.png", support.picture(160, 96))
    files = [photo, "-m", CYCLEGAN, "-o", tmp_path / "out.png", "--json"]
    whole = told(support.run("translate", *files))
    tiled = told(support.run("translate", *files, "--tile", 64, "--tile-overlap", 16))
    assert tiled["peak_bytes"] < whole["peak_bytes"]
    assert (tiled["tile"], tiled["tile_overlap"]) == (64, 16)
