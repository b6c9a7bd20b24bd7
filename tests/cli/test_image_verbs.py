# SPDX-License-Identifier: MIT
"""kintsugi upscale and detect: what they write and say, by the toy network of tests/house, and what the
weights of today refuse. The engine that they share with inpaint and translate is tested by those."""

import json

import cli_support as support
import numpy as np
import pytest
from kintsugi_export import safetensors

DATA = support.ROOT / "tests" / "data"
HOUSE = support.PROGRAM.parent / "house" / "kintsugi"
NETWORKS = {
    "glcic": ("glcic_ch8", "inpaint"),
    "cyclegan": ("cyclegan_resnet6_k8", "translate"),
}
TASKS = ["upscale", "detect"]


@pytest.mark.parametrize("verb", TASKS)
@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("folder", [False, True], ids=["image", "folder"])
def test_networks_that_do_something_else(tmp_path, network, verb, folder):
    file, task = NETWORKS[network]
    (tmp_path / "photos").mkdir()
    photo = support.save(tmp_path / "photos" / "a.png", support.picture(32, 24))
    given, output = (photo.parent, "out") if folder else (photo, "out.png")
    with support.nothing_changes(tmp_path):
        result = support.run(verb, given, "-m", DATA / f"{file}.safetensors", "-o", tmp_path / output)
        support.fails(result, 2, f"{network} does not {verb}", f"hint: these weights are for: {task}")


@pytest.mark.parametrize("verb", TASKS)
def test_weights_are_needed(tmp_path, photo, verb):
    with support.nothing_changes(tmp_path):
        support.fails(support.run(verb, photo, "-o", tmp_path / "out.png"), 2, "--model is required")
        support.fails(support.run(verb, photo, "-o", tmp_path / "out.png", "-m", "-"), 2,
                      "standard input can be one picture")
    support.fails(support.run("upscale", photo, "-m", "w"), 2, "--output is required")


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """Runs a verb of the program that knows the toy network."""
    if not HOUSE.is_file():
        pytest.skip(f"{HOUSE} is not built")
    monkeypatch.setattr(support, "PROGRAM", HOUSE)
    rng = np.random.default_rng(3)
    weights = tmp_path / "toy.safetensors"
    shapes = {"factor.weight": (3,), "blur.weight": (3, 3, 3, 3), "up.weight": (3, 3, 4, 4)}
    safetensors.write(weights, {
        name: rng.normal(0.05, 0.1, shape).astype(np.float32) for name, shape in shapes.items()})

    def run(verb, *arguments, **how):
        return support.run(verb, *arguments, "-m", weights, **how)

    return run


def told(result):
    return json.loads(support.succeeds(result).stdout)


def test_upscale(tmp_path, toy, photo):
    out, both = tmp_path / "out.png", tmp_path / "both.png"
    result = support.succeeds(toy("upscale", photo, "-o", out, "--side-by-side", both))
    assert "  128x96  " in result.stdout and result.stdout.count("\n") == 1
    made, panels = support.load(out), support.load(both)
    assert made.shape == (96, 128, 3) and len(np.unique(made)) > 20
    squares = support.load(photo).repeat(2, axis=0).repeat(2, axis=1)
    assert (panels[:, :128] == squares).all() and (panels[:, -128:] == made).all()
    said = told(toy("upscale", photo, "-o", out, "--tile", 24, "--json"))
    assert (said["width"], said["height"], said["channels"], said["factor"]) == (128, 96, 3, 2)
    assert said["tile"] == 24 and (support.load(out) == made).all()
    support.fails(toy("upscale", photo, "-o", out, "--tile", 2), 2, "a tile of 2 pixels is too small")


def test_upscale_a_folder(tmp_path, toy, photo):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.png").write_bytes(photo.read_bytes())
    (tmp_path / "photos" / "b.png").write_bytes(b"no picture")
    result = toy("upscale", tmp_path / "photos", "-o", tmp_path / "large", "--tile", 24, "--json")
    assert result.returncode == 3
    manifest = json.loads(result.stdout)
    assert (manifest["verb"], manifest["network"], manifest["tile"]) == ("upscale", "toy", 24)
    assert manifest["totals"]["upscaled"] == 1 and manifest["totals"]["failed"] == 1
    good, bad = manifest["files"]
    assert good["status"] == "upscaled" and good["factor"] == 2 and good["width"] == 128
    assert bad["status"] == "failed" and "width" not in bad
    support.succeeds(toy("upscale", photo, "-o", tmp_path / "alone.png"))
    assert (tmp_path / "large" / "a.png").read_bytes() == (tmp_path / "alone.png").read_bytes()


@pytest.fixture
def spotted(tmp_path):
    """A red spot of 6 x 4 pixels on grey."""
    pixels = np.full((20, 30, 3), 90, np.uint8)
    pixels[5:9, 10:16] = (255, 0, 0)
    return support.save(tmp_path / "spotted.png", pixels)


def test_detect(tmp_path, toy, spotted):
    out, both = tmp_path / "heat.png", tmp_path / "both.png"
    result = support.succeeds(toy("detect", spotted, "-o", out, "--side-by-side", both))
    first, *others = result.stdout.splitlines()
    assert first.startswith(f"{out}  30x20  ")
    assert others == ["score: 0.0400", "box: 10,5 to 16,9  score 1.0000  red"]
    heat = support.load(out)
    assert heat.shape == (20, 30) and (heat == support.load(spotted)[..., 0]).all()
    panels = support.load(both)
    assert (panels[:, :30] == support.load(spotted)).all() and (panels[:, -30:, 1] == heat).all()
    said = told(toy("detect", spotted, "-o", out, "--json"))
    assert said["score"] == pytest.approx(24 / 600) and said["output"] == str(out)
    assert said["boxes"] == [{"x0": 10, "y0": 5, "x1": 16, "y1": 9, "score": 1, "label": "red"}]
    plain = support.save(tmp_path / "plain.png", support.load(spotted) * 0)
    nothing = told(toy("detect", plain, "-o", out, "--json"))
    assert nothing["boxes"] == [] and nothing["score"] == 0


def test_detect_without_a_heat_map(tmp_path, toy, spotted):
    with support.nothing_changes(tmp_path):
        result = support.succeeds(toy("detect", spotted))
        assert result.stdout.startswith(f"{spotted}  30x20  ") and "score: 0.0400" in result.stdout
        assert told(toy("detect", spotted, "--json"))["output"] is None
        support.fails(toy("detect", spotted, "--side-by-side", spotted), 2, "is the same file as")
        support.fails(toy("detect", spotted, "--side-by-side", "-"), 2, "needs the name of a file")
        support.fails(toy("detect", tmp_path), 2, "the name of the output is empty")


def test_detect_streams(tmp_path, toy, spotted):
    support.succeeds(toy("detect", spotted, "-o", tmp_path / "heat.png"))
    piped = support.succeeds(
        toy("detect", "-", "-o", "-", stdin=spotted.read_bytes(), binary=True))
    assert piped.stdout == (tmp_path / "heat.png").read_bytes()
    assert "box: 10,5 to 16,9" in piped.stderr and "score: 0.0400" in piped.stderr


def test_detect_a_folder(tmp_path, toy, spotted):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.png").write_bytes(spotted.read_bytes())
    manifest = told(toy("detect", tmp_path / "photos", "-o", tmp_path / "heat", "--json"))
    assert manifest["totals"]["inspected"] == 1
    assert manifest["files"][0]["boxes"][0]["x0"] == 10
    assert manifest["files"][0]["score"] == pytest.approx(0.04)


def test_plan_of_several_graphs(toy):
    text = support.succeeds(toy("plan", "--task", "run", "--size", 32)).stdout
    for name in ["meet", "grow", "enlarge"]:
        assert f"\n{name}\n" in "\n" + text
    assert text.count("\nfield: ") == 3 and text.count("\nmemory ") == 1
    plan = told(toy("plan", "--task", "run", "--size", 32, "--json"))
    graphs = plan["graphs"]
    assert [graph["name"] for graph in graphs] == ["meet", "grow", "enlarge"]
    assert "steps" not in plan and all(graph["steps"] for graph in graphs)
    assert plan["memory"]["arena"] == max(graph["arena"] for graph in graphs)
    assert plan["flops"] == sum(graph["flops"] for graph in graphs)
    alone = told(toy("plan", "--size", 32, "--json"))
    assert [graph["name"] for graph in alone["graphs"]] == ["enlarge"]
    assert alone["steps"] == alone["graphs"][0]["steps"]
