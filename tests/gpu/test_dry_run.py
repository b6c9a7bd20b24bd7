# SPDX-License-Identifier: MIT
"""scripts/gpu.sh on the emulator: what each stage wrote is whole, and no number is a time.

Needs the tree build/release (or KINTSUGI_BUILD) with tests and benchmarks.
"""

import html.parser
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("KINTSUGI_BUILD", ROOT / "build" / "release"))
STAGES = ("build", "test", "conformance", "sanitize", "bench", "networks", "torch")
FORMS = ["eager NCHW", "eager channels_last", "graph channels_last", "compiled channels_last",
         "reduce-overhead channels_last"]

pytestmark = pytest.mark.skipif(not (BUILD / "build.ninja").exists(), reason="nothing is built")

sys.path.insert(0, str(ROOT / "benchmarks" / "gpu"))
from common import read_layers  # noqa: E402


def gpu(*arguments):
    return subprocess.run([ROOT / "scripts" / "gpu.sh", *arguments], capture_output=True, text=True,
                          check=False, env={**os.environ, "KINTSUGI_PYTHON": sys.executable,
                                            "KINTSUGI_BUILD": str(BUILD)})


@pytest.fixture(scope="module")
def dry(tmp_path_factory):
    """The folder of results of all stages, and the bundle."""
    folder = tmp_path_factory.mktemp("gpu")
    done = gpu(*STAGES, "--dry-run", "--output", str(folder), "--bundle", str(folder / "all.tar"))
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "emulated"


@pytest.fixture(scope="module")
def records(dry):
    def refuse(word):
        raise ValueError(f"{word} is not JSON")

    return {stage: json.loads((dry / f"{stage}.json").read_text(), parse_constant=refuse)
            for stage in STAGES}


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_leaves_json_and_text(dry, records, stage):
    record = records[stage]
    assert record["stage"] == stage and record["status"] == "passed", record.get("sentence")
    assert record["emulated"] is True and record["gpu"] == "emulated"
    assert record["commit"] and record["date"] and record["seconds"] >= 0
    text = (dry / f"{stage}.txt").read_text()
    assert text.startswith(f"{stage} on emulated (dry run on the emulator): passed")
    assert not [p for p in dry.iterdir() if p.suffix not in (".json", ".txt", ".html", "")]


def test_tests_and_tools_ran(records):
    assert records["test"]["tests"]["passed"] > 10
    assert records["test"]["tests"]["failed"] == records["test"]["tests"]["skipped"] == 0
    tools = records["sanitize"]["tools"]
    assert sorted(tools) == ["initcheck", "memcheck", "racecheck", "synccheck"]
    assert all(tool["status"] == "passed" and tool["errors"] == 0 for tool in tools.values())


def test_vectors_are_recorded_beside_the_results(dry, records):
    files = records["conformance"]["files"]
    assert len(files) == 30 and set(files.values()) == {2048}
    assert sorted(p.name for p in (dry / "conformance").iterdir()) == sorted(files)


def test_every_layer_with_a_kernel_is_there_and_moves_what_it_says(records):
    measured = records["bench"]["measured"]
    assert measured["emulated"] is True and measured["timed"] is False and measured["right"] is True
    rows = {}
    for row in measured["rows"]:
        rows.setdefault(row["layer"], []).append(row)
    assert sorted([*rows, *measured["without_kernel"]]) == sorted(x.name for x in read_layers())
    for layer in rows.values():
        assert {"bf16", "f16", "f32"} <= {row["type"] for row in layer}
    for row in measured["rows"]:
        assert "refused" not in row, row
        ours = row["contenders"][0]
        assert ours["name"] == "Kintsugi"
        assert ours["counted"] == row["traffic"], row["layer"]
        assert row["traffic"]["read"] > 0 and row["traffic"]["written"] > 0
        assert row["flops"] >= 0 and row["bytes"] > 0, "a pad multiplies nothing"
        definition = row["contenders"][1]
        assert definition["name"] == "Definition" and definition["right"] is True
        assert 0 <= definition["relative_l2"] < 1e-2


def test_networks_ran_in_every_type_and_fused_or_not(records):
    measured = records["networks"]["measured"]
    assert measured["emulated"] is True and measured["timed"] is False
    assert [(row["layer"], row["type"]) for row in measured["rows"]] == [
        (layer, type) for type in ("bf16", "f16", "tf32", "f32")
        for layer in ("glcic_32", "cyclegan_32")]
    for row in measured["rows"]:
        planned, apart = row["contenders"]
        assert "refused" not in planned and "refused" not in apart, row
        steps = [int(c["how"].split()[0]) for c in (planned, apart)]
        assert planned["name"] == "Kintsugi" and 0 < steps[0] < steps[1]
        assert row["flops"] > 0 and row["bytes"] > 0
    pytorch = {row["layer"]: row for row in records["torch"]["measured"]["rows"]}
    for row in measured["rows"]:
        assert pytorch[row["layer"]]["input"] == row["input"]


def test_pytorch_ran_the_same_layers(records):
    measured = records["torch"]["measured"]
    assert measured["emulated"] is True and measured["timed"] is False
    rows = {row["layer"]: row for row in measured["rows"]}
    assert set(rows) == {x.name for x in read_layers()} | {"glcic_32", "cyclegan_32"}
    ours = {row["layer"]: row for row in records["bench"]["measured"]["rows"]}
    for name, row in rows.items():
        assert [c["name"] for c in row["contenders"]] == [f"PyTorch {form}" for form in FORMS]
        assert all("refused" not in c for c in row["contenders"][:2]), row
        assert all(c["refused"] for c in row["contenders"][2:]), "no graphs, no compiler here"
        if name in ours:
            assert row["input"] == ours[name]["input"] and row["output"] == ours[name]["output"]
            if row["op"].startswith("conv"):
                assert row["flops"] == ours[name]["flops"], "another layer"


def test_nothing_is_a_time(records):
    """Under the emulator a time would look like a GPU's."""
    def visit(value):
        if isinstance(value, dict):
            for key, inner in value.items():
                assert not key.endswith("_us"), key
                if key in ("warm", "cold", "bytes_per_second", "flops_per_second"):
                    assert inner is None, key
                visit(inner)
        elif isinstance(value, list):
            for inner in value:
                visit(inner)

    for record in records.values():
        visit(record)


def test_the_page_says_that_it_is_a_dry_run(dry, records):
    page = (dry / "report.html").read_text()
    title = page.split("<title>")[1].split("</title>")[0]
    assert title.startswith("DRY RUN, nothing here was timed")
    html.parser.HTMLParser().feed(page)
    for row in records["bench"]["measured"]["rows"]:
        assert row["layer"] in page
    assert "not for publication: a dry run" in page and "TFLOP/s (" not in page


def test_the_bundle_is_laid_out_as_the_repository(dry):
    with tarfile.open(dry.parent / "all.tar") as tar:
        names = tar.getnames()
    for stage in STAGES:
        assert f"build/gpu-dry-run/emulated/{stage}.json" in names
    assert not any(name.startswith(("/", "benchmarks", "tests")) for name in names)


def test_a_stage_alone_and_again(dry, tmp_path):
    for _ in range(2):
        done = gpu("conformance", "--dry-run", "--output", str(tmp_path))
        assert done.returncode == 0, done.stderr
    assert sorted(p.name for p in (tmp_path / "emulated").iterdir()) == [
        "conformance", "conformance.json", "conformance.txt", "report.html"]


# Every op that has a CUDA kernel, and what surrounds it in a network: widths that are not a multiple
# of 16 bytes, gates, prologue steps, moments, operands of every extent.
ODD = """
gate          conv2d 1x9x7x11 k=13 padding=1 act=elu gate=on
whole_gate    conv2d 1x9x7x11 k=24 padding=1 act=elu gate=on
normed        conv2d 1x9x7x11 k=13 padding=1 norm=on
wide          conv2d 1x9x7x11 k=200 kernel=1 norm=on
moments       conv2d 2x9x13x17 k=13 padding=1 norm=on moments=on upsample=2
up            conv_transpose2d 2x9x5x7 k=13 norm=on act=relu
up_gate       conv_transpose2d 2x9x5x7 k=13 gate=on
up_moments    conv_transpose2d 2x9x13x7 k=13 moments=on
steps         elementwise 2x9x5x7 steps=add,mul,affine,norm,prelu,relu
gated         elementwise 2x26x5x7 steps=affine,elu,gate,mul
gated_groups  elementwise 2x16x5x7 steps=norm,gate,silu
copied        copy 2x29x5x7 first=3 channels=21
copied_groups copy 2x29x5x7 first=8 channels=21
joined        concat 2x29x5x7
masks         partial_mask 2x1x9x7 stride=2
statistics    norm 2x32x31x23 groups=4 affine=on
applied       norm 2x9x5x7 then elementwise steps=norm,silu
rows          layer_norm 1x37x3x5
zeros         pad 1x9x5x7 amount=2
reflected     pad 1x9x5x7 amount=2 mode=reflect
average       pool 1x9x5x7 kind=average kernel=3 stride=1
largest       reduce 1x9x5x7 over=channels kind=max
enlarged      resample 1x9x5x7 kind=bilinear
coloured      to_tensor 1x3x5x7
grey          to_tensor 2x1x5x7 bits=16
truncated     to_image 2x9x5x7
noise         random 2x12x1x1 channels=9 height=5 width=7
chances       random 1x12x1x1 channels=3 height=5 width=7 kind=uniform
luma          to_image 1x3x5x150 bits=16 rounds=on grey=on
"""


def test_every_op_moves_what_it_says_and_makes_what_it_is_defined_as(tmp_path):
    layers, output = tmp_path / "layers.txt", tmp_path / "measured.json"
    layers.write_text(ODD)
    done = subprocess.run([BUILD / "benchmarks" / "gpu" / "gpu_kernels", "--layers", layers,
                           "--dry-run", "--output", output], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stderr
    measured = json.loads(output.read_text())
    assert {row["layer"] for row in measured["rows"]} == {x.name for x in read_layers(layers)}
    for row in measured["rows"]:
        ours, *defined = row["contenders"]
        assert ours["counted"] == row["traffic"], row
        assert [d["right"] for d in defined] == ([] if "moments" in row["layer"] else [True]), row
    ops = {line.split()[0] for line in (ROOT / "kernels" / "ops.list").read_text().splitlines()
           if line and not line.startswith("#")}
    assert {x.op for x in read_layers(layers)} == {
        op for op in ops if (ROOT / "kernels" / op / "cuda.cu").exists()}


@pytest.mark.parametrize("line, arguments, code, sentence", [
    ("a conv2d 1x4x8x8 k=4", ["--samples", "x"], 2, "--samples takes a number, not 'x'"),
    ("a conv2d 1x4x8x8 k=4", ["--fast"], 2, "--fast is not known"),
    ("a conv2d 1x4x8 k=4", [], 1, "line 1: '1x4x8' is not a shape NxCxHxW"),
    ("a conv2d 1x4x8x8 k", [], 1, "line 1: 'k' is not key=value"),
    ("a conv2d 1x4x8x8 k=4 act=relux", [], 2, "a: the setting act=relux is not known"),
    ("a conv2d 1x4x8x8 k=4 wide=2", [], 2, "a: unknown setting 'wide'"),
    ("a to_tensor 1x3x8x8 bits=12", [], 2, "a: the setting bits=12 is not known"),
    ("a conv2d 1x4x8x8 then", [], 1, "line 1: 'then' takes an op"),
    ("a conv2d 1x4x8x8 k=4\na pad 1x4x8x8", [], 1, "line 2: 'a' stands there twice")])
def test_mistakes_in_layers_and_options_are_one_sentence(tmp_path, line, arguments, code, sentence):
    layers = tmp_path / "layers.txt"
    layers.write_text(line + "\n")
    done = subprocess.run([BUILD / "benchmarks" / "gpu" / "gpu_kernels", "--layers", layers,
                           "--dry-run", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == code and sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1
