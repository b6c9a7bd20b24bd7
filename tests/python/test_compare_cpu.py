# SPDX-License-Identifier: MIT
"""benchmarks/compare_cpu.py: its arithmetic and its turns, and that it runs with PyTorch alone."""

import importlib.util
import json
import math
import os
import subprocess
import sys
import time
import xml.etree.ElementTree as xml
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))
from comparison import cases, report, turns  # noqa: E402

BUILD = Path(os.environ.get("KINTSUGI_BUILD", ROOT / "build" / "release"))
needs_torch = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="PyTorch is not installed")
needs_worker = pytest.mark.skipif(
    not (BUILD / "benchmarks" / "cpu_worker").exists(), reason="built without the benchmarks")


def record(times, errors=None, apart=()):
    """A case of {contender: seconds}, ten GFLOP at a peak of 100."""
    errors = {**dict.fromkeys(times, 1e-6), **(errors or {})}
    contenders = {k: {"label": k.upper(), "equal": k not in apart, "how": "so"} for k in times}
    taken = turns.Turns(times, [90.0, 100.0, 300.0], {}, 0.01)
    return report.summarize("GLCIC 512", "network", 10**10, taken, contenders, errors)


def full(*records, **changes):
    made = {
        "machine": {"processor": "A <B> & C", "isa": "avx2", "processors": 4, "used": [0, 1],
                    "system": "some"},
        "threads": 2, "version": "0.1.0", "commit": "abc", "date": "today", "rounds": 7,
        "left_out": ["ncnn: it is not here"], "cases": list(records), **changes}
    made["caveats"] = report.caveats(made)
    return made


def test_median():
    assert report.median([3, 1, 2]) == 2
    assert report.median([4, 1, 3, 2]) == 2.5
    with pytest.raises(ValueError):
        report.median([])


def test_rows_stand_ours_first_then_the_fastest():
    made = record({"slow": [0.9], "kintsugi": [0.2], "fast": [0.1]})
    assert [row["contender"] for row in made["rows"]] == ["kintsugi", "fast", "slow"]
    ours = made["rows"][0]
    assert ours["gflops"] == pytest.approx(50)
    assert ours["of_peak"] == pytest.approx(0.5), "of the median peak"


def test_the_claim_is_against_the_fastest():
    made = record({"kintsugi": [0.1, 0.2, 0.1], "a": [0.5, 0.5, 0.5], "b": [0.3, 0.3, 0.4]})
    assert made["fastest_baseline"] == "b"
    assert made["times"] == pytest.approx(3)
    assert made["times_range"] == pytest.approx([1.5, 4])
    assert report.claim_line(made).startswith("GLCIC 512: 3.00 times the speed of the fastest")


def test_a_faster_baseline_is_not_hidden():
    made = record({"kintsugi": [0.4], "b": [0.1]})
    assert made["times"] == pytest.approx(0.25)
    assert "0.25 times" in report.claim_line(made)


@pytest.mark.parametrize("error", [1e-3, math.inf, math.nan])
def test_who_is_wrong_claims_nothing(error):
    made = record({"kintsugi": [0.1], "right": [0.3], "wrong": [0.05]}, {"wrong": error})
    assert made["fastest_baseline"] == "right"
    assert "WRONG" in report.table(made)
    assert any("WRONG is wrong" in sentence for sentence in full(made)["caveats"])
    json.loads(json.dumps(full(made), allow_nan=False))


@pytest.mark.parametrize("error", [2e-3, 5e-4])
def test_who_computes_in_less_claims_nothing_and_is_not_wrong(error):
    made = record({"kintsugi": [0.1], "bf16": [0.05], "b": [0.3]}, {"bf16": error}, apart=["bf16"])
    assert made["fastest_baseline"] == "b"
    assert "WRONG" not in report.table(made) and "NOT F32" in report.table(made)
    assert not full(made)["caveats"]


def test_without_a_baseline_there_is_no_claim():
    assert record({"kintsugi": [0.1]})["times"] is None
    assert "no baseline" in report.claim_line(record({"kintsugi": [0.1]}))


@pytest.mark.parametrize("changes, word", [({"rounds": 6}, "rounds"),
                                           ({"commit": "abc-dirty"}, "commit")])
def test_caveats(changes, word):
    good = record({"kintsugi": [0.1], "a": [0.2]})
    assert not full(good)["caveats"]
    assert word in full(good, **changes)["caveats"][0]
    assert "not for publication" in report.text(full(good, **changes))
    assert "60 %" in full({**good, "others_busy": 0.6})["caveats"][0]


def test_table_and_text():
    made = record({"kintsugi": [0.1, 0.2, 0.3], "a": [0.4, 0.4, 0.4]})
    head, ours, theirs = report.table(made).splitlines()
    assert ours.split()[:4] == ["KINTSUGI", "200.00", "100.00", "300.00"]
    assert theirs.index("2.00") + 4 == head.index("x ours") + len("x ours"), "columns line up"
    text = report.text(full(made))
    assert "left out: ncnn: it is not here" in text
    assert text.splitlines()[-1] == report.claim_line(made)


def test_plot():
    made = record({"kintsugi": [0.1, 0.3], "a": [0.4, 0.5], "b": [0.2, 0.2]}, {"b": 1.0})
    drawn = xml.fromstring(report.plot(full(made)))
    space = "{http://www.w3.org/2000/svg}"
    bars = {bar.get("class"): float(bar.get("width"))
            for bar in drawn.iter(space + "rect") if bar.get("class")}
    assert set(bars) == {"ours", "theirs", "apart"}
    assert bars["theirs"] / bars["ours"] == pytest.approx(0.45 / 0.2, rel=0.01)
    assert any("A <B> & C" in (text.text or "") for text in drawn.iter(space + "text"))


# ---- Turns --------------------------------------------------------------------------------------

FAKE = """
import sys
print("ready 1.2 more", flush=True)
for line in sys.stdin:
    word = line.split()[0]
    with open(sys.argv[2], "a") as log: log.write(sys.argv[3] if word == "run" else " ")
    print(len(sys.argv) > 1 and sys.argv[1] == word and "failed on purpose"
          or {"peak": "peak 5", "run": "times 0.3 0.1 0.2"}[word], flush=True)
"""


def fake(key, folder, fails="nothing", **options):
    return turns.Worker(
        turns.Contender(key, key + " {version}", [sys.executable, "-c", FAKE, fails,
                                                  str(folder / "order"), key]), None, **options)


def state_of(worker) -> str:
    """As the kernel has it: T is stopped."""
    for _ in range(100):
        state = Path(f"/proc/{worker.process.pid}/stat").read_text().rpartition(")")[2].split()[0]
        if state == "T":
            break
        time.sleep(0.01)
    return state


def test_workers_take_turns_and_stand_still_between(tmp_path):
    workers = [fake("a", tmp_path), fake("b", tmp_path), fake("c", tmp_path, fails="run")]
    try:
        assert workers[0].label == "a 1.2"
        assert [state_of(worker) for worker in workers] == ["T", "T", "T"]
        taken = turns.take_turns(workers, workers[0], 2, 0.5, turns.choose_processors(1))
        assert [state_of(worker) for worker in workers] == ["T", "T", "T"]
        assert taken.times == {"a": [0.2, 0.2], "b": [0.2, 0.2]}, "medians of a turn's runs"
        assert taken.peaks == [5, 5]
        assert taken.failed == {"c": "on purpose"}
        assert (tmp_path / "order").read_text() == " abc ba", "each round starts with another"
    finally:
        for worker in workers:
            worker.end()
    assert all(worker.process.returncode is not None for worker in workers)


def test_who_ends_or_hangs_has_failed(tmp_path):
    with pytest.raises(turns.Failed, match="ended"):
        turns.Worker(turns.Contender("x", "x", [sys.executable, "-c", "pass"]), None)
    with pytest.raises(turns.Failed, match="within"):
        turns.Worker(turns.Contender("x", "x", ["sleep", "60"]), None, patience=0.1)


def test_processors_are_of_those_allowed():
    allowed = os.sched_getaffinity(0)
    chosen = turns.choose_processors(len(allowed))
    assert set(chosen) == allowed
    assert len(turns.choose_processors(1)) == 1


# ---- Cases, and the whole -----------------------------------------------------------------------

def test_cases_have_weights_by_rule(tmp_path):
    made = cases.all_cases(["GLCIC"], [32], 8, True)
    network, layer = made[0], made[-1]
    assert layer.dilation == 16
    cases.write(network, tmp_path)
    state, _ = cases.safetensors.read(tmp_path / "model.safetensors")
    assert state["0.0.weight"].shape == (8, 4, 5, 5)
    assert state["16.weight"].shape == (3, 4, 3, 3)
    assert cases.safetensors.read(tmp_path / "input.safetensors")[0]["input"].shape == (1, 4, 32, 32)


@needs_torch
def test_folding_changes_nothing(tmp_path):
    import torch

    from comparison import convert
    from kintsugi_export.networks import glcic

    cases.write(cases.all_cases(["GLCIC"], [32], 8, False)[0], tmp_path)
    state = convert.read(tmp_path / "model.safetensors")
    network = glcic.build(glcic.Config.of("triples", 8, 4))
    network.load_state_dict({key: torch.from_numpy(value) for key, value in state.items()})
    value = torch.from_numpy(convert.read(tmp_path / "input.safetensors")["input"])
    with torch.no_grad():
        ours, theirs = convert.build("network", 1, tmp_path)(value), network(value)
    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in convert.folded(network))
    assert float((ours - theirs).norm() / theirs.norm()) < 1e-5
    assert float(theirs.std()) > 1e-3, "not a constant"


def compare_cpu(*arguments):
    return subprocess.run([sys.executable, ROOT / "benchmarks" / "compare_cpu.py", *arguments],
                          capture_output=True, text=True, check=False)


@needs_torch
@needs_worker
def test_it_runs_with_pytorch_alone(tmp_path):
    done = compare_cpu("--sizes", "32", "--width", "8", "--rounds", "2", "--turn", "0",
                       "--threads", "1", "--no-layers", "--venv", str(tmp_path / "nothing"),
                       "--build", str(BUILD), "--output", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    assert "baselines.sh makes it" in done.stdout
    made = json.loads((tmp_path / "out" / "compare_cpu.json").read_text())
    assert [case["case"] for case in made["cases"]] == [
        "GLCIC 32, 8 channels", "CycleGAN 32, 8 channels"]
    for case in made["cases"]:
        assert [row["contender"] for row in case["rows"]][0] == "kintsugi"
        assert sorted(row["contender"] for row in case["rows"][1:]) == [
            "torch-system-channels_last", "torch-system-nchw"]
        assert all(row["right"] and row["relative_l2"] < 1e-4 for row in case["rows"])
        assert all(row["median_seconds"] > 0 and len(row["seconds"]) == 2 for row in case["rows"])
        assert case["flops"] > 1e6 and case["peak_gflops"] > 0 and case["times"] > 0
    xml.parse(tmp_path / "out" / "compare_cpu.svg")
    assert (tmp_path / "out" / "compare_cpu.txt").read_text() == done.stdout


@needs_torch
@needs_worker
def test_convolutions_agree_with_pytorch(tmp_path):
    """Both workers, without the driver: a layer with a dilation, odd in size."""
    case = cases.Case("layer", "conv2d", 9, 8, 2)
    cases.write(case, tmp_path)
    commands = {
        "ours": [str(BUILD / "benchmarks" / "cpu_worker"), "1"],
        "theirs": [sys.executable, str(ROOT / "benchmarks" / "comparison" / "worker.py"),
                   "torch:channels_last", "1"]}
    for name, command in commands.items():
        worker = turns.Worker(turns.Contender(name, name, command), None)
        try:
            worker.ask(f"load conv2d {case.dilation} {tmp_path}", "loaded")
            assert worker.run(0) > 0
            worker.ask(f"output {tmp_path / name}.safetensors", "written")
            with pytest.raises(turns.Failed, match="not known"):
                worker.ask("nonsense", "loaded")
            with pytest.raises(turns.Failed):
                worker.ask(f"load network 1 {tmp_path / 'nothing'}", "loaded")
        finally:
            worker.end()
    assert cases.relative_l2(tmp_path / "ours.safetensors", tmp_path / "theirs.safetensors") < 1e-5
    output = cases.safetensors.read(tmp_path / "ours.safetensors")[0]["output"]
    assert output.shape == (1, 8, 9, 9) and np.std(output) > 0.1


@pytest.mark.parametrize("arguments, word", [
    (["--only", "nobody"], "'nobody' is not here"), (["--width", "7"], "odd"),
    (["--threads", "100000"], "processors"), (["--rounds", "0"], "above 0")])
def test_mistakes(arguments, word):
    done = compare_cpu(*arguments)
    assert done.returncode == 2 and word in done.stderr.splitlines()[-1]


def test_the_environment_stays_outside_the_repository(tmp_path):
    script = ROOT / "scripts" / "baselines.sh"
    for where in (ROOT / "build" / "venv", tmp_path):
        (tmp_path / "a file").write_text("mine")
        done = subprocess.run([script, where], capture_output=True, text=True, check=False)
        assert done.returncode == 2 and "choose a folder" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["a file"]
