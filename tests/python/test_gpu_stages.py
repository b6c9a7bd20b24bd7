# SPDX-License-Identifier: MIT
"""scripts/gpu.sh and its parts without a build: commands, refusals, verdicts, the page.

The numbers below are made up; a GPU has no part in them.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks" / "gpu"))
import common  # noqa: E402
import machine  # noqa: E402
import report as page  # noqa: E402
import stages  # noqa: E402


def gpu(*arguments, path=None, **more):
    environment = {**os.environ, "KINTSUGI_PYTHON": sys.executable, **more}
    if path:
        environment["PATH"] = f"{path}:{environment['PATH']}"
    return subprocess.run([ROOT / "scripts" / "gpu.sh", *arguments], capture_output=True, text=True,
                          check=False, env=environment)


def write_program(folder, name, text):
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)


@pytest.fixture
def lent(tmp_path):
    """A folder for PATH with an nvidia-smi that names a GPU."""
    write_program(tmp_path / "bin", "nvidia-smi", """case "$1" in
*name*) echo "NVIDIA Test 9, 9.0, 580.1" ;;
*) echo "345 MHz, 3201 MHz, 30, 75.1 W, P0" ;;
esac""")
    return tmp_path / "bin"


@pytest.mark.parametrize("arguments, sentence", [
    (["nonsense"], "there is no stage 'nonsense'"), (["--dry-run"], "no stage is named"),
    (["bench", "--fast"], "--fast"), (["pack", "bench"], "'pack' stands alone")])
def test_mistakes_are_one_sentence(arguments, sentence):
    done = gpu(*arguments)
    assert done.returncode == 2 and sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1 and done.stderr.startswith("gpu: ")


def test_help_is_the_header():
    done = gpu("--help")
    assert done.returncode == 0 and "scripts/gpu.sh STAGE" in done.stdout
    assert done.stdout.rstrip().endswith("for a copy of the tree without its history.")


def test_without_a_gpu_it_says_so(tmp_path):
    write_program(tmp_path / "bin", "nvidia-smi", "echo 'no devices were found' >&2; exit 6")
    done = gpu("test", "--output", str(tmp_path), path=tmp_path / "bin")
    assert done.returncode == 5 and "there is no GPU" in done.stderr


def test_stages_name_the_build_they_need_and_go_on(lent, tmp_path):
    tree = tmp_path / "tree"
    tree.mkdir()
    done = gpu("bench", "conformance", "--dry-run", "--output", str(tmp_path), path=lent,
               KINTSUGI_BUILD=str(tree))
    assert done.returncode == 1
    for stage in "bench", "conformance":
        record = json.loads((tmp_path / "emulated" / f"{stage}.json").read_text())
        assert record["status"] == "failed"
        assert record["sentence"] == "it needs the build: run scripts/gpu.sh build --dry-run first"


def test_a_machine_without_torch_refuses_that_stage_alone(lent, tmp_path, monkeypatch):
    """By a torch that cannot be imported."""
    (tmp_path / "torch.py").write_text("raise ImportError('not here')\n")
    done = gpu("torch", "--output", str(tmp_path), path=lent, PYTHONPATH=str(tmp_path),
               KINTSUGI_COMMIT="abc")
    assert done.returncode == 0, done.stderr
    record = json.loads((tmp_path / "nvidia-test-9" / "torch.json").read_text())
    assert record["status"] == "refused" and "has no PyTorch" in record["sentence"]
    assert record["gpu"] == "NVIDIA Test 9" and record["driver"] == "580.1"
    assert record["before"]["clocks.sm"] == "345 MHz"
    assert record["emulated"] is False


def test_a_command_ends_with_its_time_and_with_what_it_started():
    start = time.monotonic()
    done = machine.run(["sh", "-c", "echo begun; sleep 60 & sleep 60"], 0.5)
    assert done.code is None and done.output == "begun\n"
    assert time.monotonic() - start < 30
    assert stages.outcome(done, "it")["status"] == "late"


@pytest.mark.parametrize("name, folder", [("NVIDIA H200", "nvidia-h200"), ("??", "gpu")])
def test_names_of_folders(name, folder):
    assert machine.slug(name) == folder


@pytest.mark.parametrize("compute, wanted", [("9.0", "90a-real"), ("8.6", "86-real"),
                                             ("12.0", "120-real")])
def test_architectures(compute, wanted):
    assert machine.architecture(compute) == wanted


CLEAN = "[==========] Running\n========= ERROR SUMMARY: 0 errors\n"


@pytest.mark.parametrize("tool, code, output, status, errors", [
    ("memcheck", 0, CLEAN, "passed", 0),
    ("memcheck", 9, "========= Invalid __global__ write\n========= ERROR SUMMARY: 3 errors\n",
     "wrong", 3),
    ("racecheck", 9, "========= RACECHECK SUMMARY: 2 hazards displayed (2 errors, 0 warnings)\n",
     "wrong", 2),
    ("racecheck", 0, "========= RACECHECK SUMMARY: 0 hazards displayed (0 errors, 0 warnings)\n",
     "passed", 0),
    ("memcheck", 1, "========= Error: Device not supported\n========= ERROR SUMMARY: 1 error\n",
     "refused", None),
    ("synccheck", 255, "", "refused", None),
    ("memcheck", None, "[ RUN      ] A.B\n", "late", None),
    ("memcheck", 1, "[  FAILED  ] 1 test, error of 3e-3\n" + CLEAN, "wrong", 0)])
def test_what_a_sanitizer_says(tool, code, output, status, errors):
    found = stages.sanitizer_verdict(tool, machine.Done(code, output))
    assert found["status"] == status and found.get("errors") == errors
    assert status == "passed" or found["sentence"]


def test_layers_are_read_as_they_are_written(tmp_path):
    layers = {layer.name: layer for layer in common.read_layers()}
    assert len(layers) == len(common.read_layers()) > 30
    layer = layers["glcic_dilated16_3x3_256"]
    assert layer.shape == (1, 256, 128, 128) and layer.integer("dilation", 1) == 16
    assert common.tiny(layer).shape == (1, 40, 5, 12) and common.tiny(layer).settings["k"] == "40"


def test_spread():
    made = common.timing([5, 1, 2, 3, 4], 7)
    assert (made["median_us"], made["min_us"], made["max_us"]) == (3, 1, 5)
    assert made["samples"] == 5 and made["launches"] == 7


# ---- The page

def took(microseconds):
    return common.timing([microseconds], 1)


def records(**changes):
    def of(stage, **more):
        return {"stage": stage, "gpu": "NVIDIA Test 9", "emulated": False, "compute": "9.0",
                "driver": "1", "commit": "abc", "date": "today", "before": {}, "after": {},
                "status": "passed", "seconds": 1.0, **more, **changes}

    row = {"layer": "a<b", "op": "conv2d", "type": "bf16", "input": [1, 8, 4, 4], "settings": {},
           "description": "conv2d", "flops": 8 * 10**9, "bytes": 10**7}
    ours = {"timed": True, "left_out": [], "ceilings": {
        "copy": {"by": "elementwise", "bytes_per_second": 4e12},
        "product": {"bf16": {"by": "cuBLAS", "flops_per_second": 800e12}}},
        "rows": [{**row, "contenders": [
            {"name": "Kintsugi", "how": "tile", "warm": took(20), "cold": took(40)},
            {"name": "cuDNN", "how": "engine", "warm": took(10), "cold": took(30),
             "relative_l2": 1e-3, "right": True},
            {"name": "cuDNN fused", "how": "engine", "warm": took(5), "cold": took(5),
             "relative_l2": 0.5, "right": False}]}]}
    theirs = {"timed": True, "left_out": [], "rows": [{**row, "contenders": [
        {"name": "PyTorch eager NCHW", "how": "", "warm": took(80), "cold": None},
        {"name": "PyTorch compiled channels_last", "refused": "no <compiler>"}]}]}
    return {"bench": of("bench", measured=ours), "torch": of("torch", measured=theirs)}


def test_rows_of_both_programs_meet():
    (row,) = page.rows_of(records())
    assert [c["name"] for c in row["contenders"]] == [
        "Kintsugi", "cuDNN", "cuDNN fused", "PyTorch eager NCHW", "PyTorch compiled channels_last"]
    assert page.ratio(row, "cuDNN") == 0.5 and page.ratio(row, "cuDNN", "cold") == 0.75
    assert page.ratio(row, "cuDNN fused") is None, "who is wrong has no ratio"
    assert page.ratio(row, "PyTorch eager NCHW") == 4
    assert page.ratio(row, "PyTorch eager NCHW", "cold") is None
    assert page.ratio(row, "PyTorch compiled channels_last") is None


def test_shares_of_the_ceilings():
    (row,) = page.rows_of(records())
    product, copy, roof = page.shares(row, 20, page.ceilings_of(records()))
    assert product == pytest.approx(0.5) and copy == pytest.approx(0.125)
    assert roof == product
    assert page.shares(row, 20, None) == (None, None, None)


def test_the_page_escapes_and_warns():
    made = page.html(records())
    assert "<title>Kintsugi&#x27;s CUDA kernels on NVIDIA Test 9</title>" in made
    assert "a&lt;b" in made and "a<b" not in made and "no &lt;compiler&gt;" in made
    assert "cuDNN fused computes something else" in made and "800 TFLOP/s" in made
    assert "DRY RUN" not in made


@pytest.mark.parametrize("changes, word", [
    ({"commit": "abc-dirty"}, "no commit holds"), ({"emulated": True}, "dry run"),
    ({"status": "late", "sentence": "it ran out"}, "it ran out")])
def test_caveats(changes, word):
    # cuDNN fused is wrong in any case.
    assert len(page.caveats(records())) == 1
    assert any(word in sentence for sentence in page.caveats(records(**changes)))
    assert "not for publication" in page.html(records(**changes))


def test_what_was_left_out_is_told_and_no_fault():
    made = records()
    made["torch"]["measured"]["left_out"] = ["a bf16 compiled", "b bf16 compiled"]
    assert page.caveats(made) == page.caveats(records())
    assert "left out: torch: 2 for lack of time, the first a bf16 compiled" in page.html(made)


def test_the_page_is_made_from_what_is_whole(tmp_path):
    for stage, record in records().items():
        common.write_json(tmp_path / f"{stage}.json", record)
    (tmp_path / "test.json").write_text('{"stage": ')
    assert page.main([str(tmp_path)]) == 0
    assert "cuDNN" in (tmp_path / "report.html").read_text()
    assert page.main([str(tmp_path / "nothing")]) == 1 and page.main([]) == 2
