# SPDX-License-Identifier: MIT
"""The happy path of every verb: what goes to which stream, JSON, streams, interrupts."""

import json
import os
import re
import signal
import subprocess
import time

import cli_support as support
import numpy as np
import pytest
from kintsugi_export import safetensors


def json_of(result):
    """The whole of standard output is one JSON value."""
    return json.loads(support.succeeds(result).stdout)


def test_alone():
    result = support.succeeds(support.run())
    assert result.stdout.count("\n  kintsugi ") == 4 and result.stderr == ""


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help(flag):
    text = support.succeeds(support.run(flag)).stdout
    for verb in ["inpaint", "translate", "upscale", "detect", "run", "verify", "bench", "plan", "info", "devices"]:
        assert verb in text
        assert "--json" in support.succeeds(support.run(verb, flag)).stdout


def test_version():
    assert support.run("-V").stdout == support.run("--version").stdout
    name, version = support.succeeds(support.run("-V")).stdout.split()
    assert name == "kintsugi" and version.count(".") == 2


def test_devices():
    assert support.succeeds(support.run("devices")).stdout.count("available") >= 3
    assert support.run("--list-devices").stdout == support.run("devices").stdout
    devices = json_of(support.run("devices", "--json"))["devices"]
    names = {device["name"]: device["available"] for device in devices}
    assert names["cpu"] and names["reference"] and names["reference-f64"]


@pytest.mark.measures
def test_devices_measured():
    peaks = json_of(support.run("devices", "--measure", "-j", 1, "--json"))["peaks"]
    assert peaks["gflops"] > 0.1 and peaks["gigabytes_per_s"] > 0.1


def test_info(model):
    text = support.succeeds(support.run("info", model)).stdout
    assert "glcic" in text and "CC0-1.0" in text and "1 = hole" in text
    description = json_of(support.run("info", "-m", model, "--json"))
    assert description["network"] == "glcic" and description["weights_license"] == "CC0-1.0"
    assert description["size_multiple"] == 4 and description["inputs"][0]["name"] == "input"
    assert description["tasks"] == ["inpaint"]
    assert description["parameters"] > 0 and description["mapped_bytes"] > 0


def test_info_lists_unused_keys(tmp_path, model):
    def add(tensors):
        tensors["leftover.weight"] = np.zeros(3, np.float32)

    more = support.change_model(model, tmp_path / "more.safetensors", add)
    assert "leftover.weight" in support.succeeds(support.run("info", more)).stdout
    assert json_of(support.run("info", more, "--json"))["unused_keys"].count("leftover.weight") == 1


def test_units(inpaint, model):
    """One kind of unit, and nothing rounded away."""
    plan = support.succeeds(support.run("plan", model, "--size", 32)).stdout
    memory = plan[plan.index("\nmemory ") :]
    line = support.succeeds(inpaint()).stdout
    for text in [memory, line]:
        assert "iB" not in text and not re.search(r"\b0\.0* [kMG]?B", text), text
    assert re.search(r"arena +[0-9.]+ kB", memory) and re.search(r"peak [0-9.]+ [kM]B ", line)


def test_plan(model):
    small = ["plan", model, "--size", "64x96"]
    text = support.succeeds(support.run(*small, "--memory-picture")).stdout
    assert "arena" in text and "peak" in text and "conv2d" in text
    plan = json_of(support.run(*small, "--json"))
    memory = plan["memory"]
    assert memory["peak"] == sum(memory[k] for k in ["packed", "arena", "persistent", "workspace"])
    assert plan["height"] == 64 and plan["width"] == 96
    assert plan["flops"] > 0 and sum(step["flops"] for step in plan["steps"]) == plan["flops"]
    graph, = plan["graphs"]
    assert graph["name"] == "completion" and graph["steps"] == plan["steps"]
    assert (graph["arena"], graph["packed"]) == (memory["arena"], memory["packed"])
    above, left, below, right = graph["field"]
    assert f"\nfield: {above} pixels above, {left} left, {below} below, {right} right\n" in text
    assert "completion\n" not in text, "the name of the only graph is no news"
    unfused = json_of(support.run(*small, "--without", "fuse", "--json"))
    assert len(plan["steps"]) < len(unfused["steps"])
    # A task runs one image, which the plan converts; a batch is of tensors.
    assert [plan["steps"][i]["op"][:8] for i in (0, -1)] == ["image of", "to image"]
    tensors = json_of(support.run(*small, "--task", "run", "--json"))
    assert len(tensors["steps"]) == len(plan["steps"]) - 2
    twice = json_of(support.run(*small, "--batch", 2, "--json"))
    assert twice["flops"] == 2 * tensors["flops"] < 2 * plan["flops"]
    support.fails(support.run(*small, "--batch", 2, "--task", "inpaint"), 2,
                  "a task runs one image at a time, not 2")
    support.fails(support.run(*small, "--task", "translate"), 2, "glcic does not translate")
    support.fails(support.run(*small, "--task", "mend"), 2, "mend", "inpaint")


def test_field(tmp_path):
    """Of a network that looks at the whole image: none; of one that ends in a mean of patches: patches."""
    data = support.ROOT / "tests" / "data"
    plan = ["plan", data / "cyclegan_resnet6_k8.safetensors", "--size", 64]
    assert "\nfield: unbounded\n" in support.succeeds(support.run(*plan)).stdout
    assert json_of(support.run(*plan, "--json"))["graphs"][0]["field"] is None


@pytest.mark.parametrize("name", support.PASSES)
def test_plan_without(model, name):
    assert json_of(support.run("plan", model, "--size", "32", "--without", name, "--json"))["steps"]


def test_plan_larger_than_allowed(model):
    support.fails(support.run("plan", model, "--size", "512", "--max-memory", "1M"), 1, "needs")


def test_run(tmp_path, model, reference):
    output = tmp_path / "out.safetensors"
    line = support.succeeds(support.run("run", "-m", model, "-i", reference, "-o", output)).stdout
    assert line.count("\n") == 1 and str(output) in line
    tensors, _ = safetensors.read(output)
    expected, _ = safetensors.read(reference)
    assert list(tensors) == ["output"]
    wanted = expected["output/output"]
    assert np.linalg.norm(tensors["output"] - wanted) < 1e-5 * np.linalg.norm(wanted)

    plain = tmp_path / "in.safetensors"
    safetensors.write(plain, {"input": expected["input/input"]})
    again = tmp_path / "again.safetensors"
    json_of(support.run("run", "-m", model, "-i", plain, "-o", again, "--json"))
    assert again.read_bytes() == output.read_bytes()


def test_run_taps(tmp_path, model, reference):
    output = tmp_path / "out.safetensors"
    support.succeeds(support.run("run", "-m", model, "-i", reference, "-o", output, "--taps"))
    fused, _ = safetensors.read(output)
    result = json_of(
        support.run("run", "-m", model, "-i", reference, "-o", output, "--all-taps", "--json")
    )
    kept, _ = safetensors.read(output)
    assert set(fused) < set(kept) and set(result["tensors"]) == set(kept)
    expected, _ = safetensors.read(reference)
    assert {name for name in expected if name.startswith("tap/")} <= set(kept)


def test_bench(tmp_path, model):
    trace = tmp_path / "trace.json"
    arguments = ["bench", "-m", model, "--size", "32x48", "--runs", 2, "--trace", trace]
    text = support.succeeds(support.run(*arguments)).stdout
    assert "GFLOP/s" in text and "total" in text
    events = json.loads(trace.read_text())["traceEvents"]
    bench = json_of(support.run(*arguments, "--json"))
    assert len(bench["steps"]) == len(events) and bench["peaks"]["gflops"] > 0
    assert bench["seconds"] > 0 and bench["of_peak"] > 0


def test_bench_op():
    arguments = ["bench", "--op", "conv2d", "--shape", "1x16x32x32", "--runs", 3, "-j", 1]
    arguments += ["--set", "k=16", "--set", "kernel=3", "--set", "padding=1"]
    assert "% peak" in support.succeeds(support.run(*arguments)).stdout
    bench = json_of(support.run(*arguments, "--json"))
    assert bench["flops"] >= 2 * 16 * 16 * 9 * 32 * 32
    seconds = bench["seconds"]
    assert 0 < seconds["min"] <= seconds["median"] <= seconds["p90"] <= seconds["p99"]


@pytest.mark.parametrize(
    "op, settings",
    [
        ("conv2d", ["k=12", "padding=1", "act=elu", "gate=on", "upsample=2", "norm=on"]),
        ("conv2d", ["padding=1", "moments=on"]),
        ("conv_transpose2d", ["k=12", "gate=on", "norm=on"]),
        ("conv_transpose2d", ["k=12", "moments=on"]),
        ("elementwise", ["act=silu"]),
        ("layer_norm", ["affine=off"]),
        ("norm", ["groups=2", "affine=on"]),
        ("pad", ["amount=2", "mode=reflect"]),
        ("partial_mask", ["stride=2"]),
        ("pool", ["kind=average"]),
        ("random", ["kind=uniform", "channels=3"]),
        ("reduce", ["kind=max", "over=channels"]),
        ("resample", ["kind=bilinear", "height=9"]),
    ],
)
def test_bench_every_op(op, settings):
    shapes = {"partial_mask": "2x1x12x10", "random": "2x12x1x1"}
    shape = shapes.get(op, "2x16x12x10")
    arguments = ["bench", "--op", op, "--shape", shape, "--runs", 1, "-j", 1]
    for setting in settings:
        arguments += ["--set", setting]
    bench = json_of(support.run(*arguments, "--json"))
    assert bench["op"].startswith("norm_stats" if op == "norm" else op)
    assert bench["bytes"] > 0 and bench["seconds"]["min"] > 0


def test_what_was_gated_leaves_no_moments():
    done = support.run("bench", "--op", "conv2d", "--shape", "1x8x9x9", "--set", "gate=on", "--set", "moments=on")
    assert done.returncode == 2 and "moments=on or gate=on" in done.stderr


def test_inpaint(tmp_path, inpaint):
    result = support.succeeds(inpaint())
    assert result.stdout.count("\n") == 1
    for part in [str(tmp_path / "out.png"), "64x48", "peak", "process"]:
        assert part in result.stdout
    assert "device: cpu" in result.stderr and "\r" not in result.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"photo.png", "mask.png", "out.png"}
    assert support.succeeds(inpaint("-q")).stderr == ""


def test_inpaint_json(tmp_path, inpaint, model):
    result = json_of(inpaint("--json"))
    assert result["width"] == 64 and result["height"] == 48 and result["channels"] == 3
    assert result["known_pixels_changed"] == 0
    assert result["hole_pixels"] == 21 * 16 and result["seconds"] > 0
    plan = json_of(support.run("plan", model, "--size", "48x64", "--json"))
    assert result["peak_bytes"] == plan["memory"]["peak"]
    assert result["process_peak_bytes"] > result["peak_bytes"]


def test_inpaint_compared(tmp_path, inpaint, photo):
    worse = support.save(tmp_path / "worse.png", support.picture(64, 48, seed=9))
    both = tmp_path / "both.png"
    extras = ["--compare-to", photo, "--baseline", worse, "--side-by-side", both]
    result = support.succeeds(inpaint(*extras)).stdout
    assert "PSNR inside the hole: " in result and "known pixels changed: 0" in result
    numbers = json_of(inpaint(*extras, "--json"))

    hole = support.load(tmp_path / "mask.png") > 0
    truth = support.load(photo).astype(float)

    def psnr(path):
        error = (support.load(path).astype(float) - truth)[hole]
        return 10 * np.log10(255**2 / np.mean(error**2))

    assert numbers["psnr_hole_db"] == pytest.approx(psnr(tmp_path / "out.png"), abs=1e-3)
    assert numbers["baseline_psnr_hole_db"] == pytest.approx(psnr(worse), abs=1e-3)
    panels = support.load(both)
    assert panels.shape[0] == 48 and panels.shape[1] > 3 * 64
    assert (panels[:, :64][hole] == 255).all() and (panels[:, -64:] == truth).all()
    equal = inpaint("--compare-to", tmp_path / "out.png", "--json", output=tmp_path / "b.png")
    assert json_of(equal)["psnr_hole_db"] is None


def test_inverted_mask(tmp_path, inpaint):
    black = support.save(tmp_path / "black.png", 255 - support.mask(64, 48))
    support.succeeds(inpaint())
    support.succeeds(inpaint("--invert-mask", mask=black, output=tmp_path / "inverted.png"))
    assert (tmp_path / "out.png").read_bytes() == (tmp_path / "inverted.png").read_bytes()


def test_max_side(tmp_path, inpaint, photo, model):
    small = json_of(inpaint("--max-side", 32, "--json"))
    large = json_of(inpaint("--json"))
    assert small["width"] == 64 and small["known_pixels_changed"] == 0
    assert small["peak_bytes"] < large["peak_bytes"]


def test_streams(tmp_path, inpaint, photo):
    support.succeeds(inpaint())
    piped = inpaint(photo="-", output="-", stdin=photo.read_bytes(), binary=True)
    support.succeeds(piped)
    assert piped.stdout == (tmp_path / "out.png").read_bytes()
    assert "standard output" in piped.stderr


def test_option_syntax(tmp_path, photo, mask, model):
    dashed = tmp_path / "-photo.png"
    dashed.write_bytes(photo.read_bytes())
    for arguments in [
        [f"--mask={mask}", f"--model={model}", "--output=out.png", "--", "-photo.png"],
        ["--mask", mask, "-m", model, "-oout.png", "--input", "photo.png"],
    ]:
        support.succeeds(support.run("inpaint", *arguments, cwd=tmp_path))
        (tmp_path / "out.png").unlink()


def test_colours_are_not_for_pipes(model, reference):
    result = support.run("verify", "-m", model, "-r", reference)
    assert "\033" not in result.stdout + result.stderr


def test_log_level(inpaint):
    assert support.succeeds(inpaint(env={"KINTSUGI_LOG_LEVEL": "error"})).stderr == ""
    assert "model: " in support.succeeds(inpaint(env={"KINTSUGI_LOG_LEVEL": "debug"})).stderr
    assert "model: " in support.succeeds(inpaint("-v")).stderr


@pytest.mark.parametrize("device", ["cpu", "reference", "reference-f64"])
def test_device(tmp_path, inpaint, device):
    chosen = json_of(inpaint("-d", device, "--json"))["device"]
    assert chosen.startswith(device.split("-")[0])
    asked = json_of(inpaint("--json", env={"KINTSUGI_DEVICE": device}))["device"]
    assert asked == chosen


@pytest.mark.measures
def test_interrupt(tmp_path, photo, mask, model):
    large = support.save(tmp_path / "large.png", support.picture(768, 768))
    hole = support.save(tmp_path / "hole.png", support.mask(768, 768))
    # The reference takes long enough to be stopped half-way.
    files = [large, "--mask", hole, "-m", model, "-o", tmp_path / "out.png"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with support.nothing_changes(tmp_path):
        process = support.start("inpaint", *files, "-d", "reference", **pipes)
        assert "device: " in process.stderr.readline()
        time.sleep(0.1)
        os.kill(process.pid, signal.SIGINT)
        out, errors = process.communicate(timeout=120)
    assert process.returncode == 130, errors
    assert out == "" and errors.startswith("kintsugi: ")


def test_progress_on_a_terminal(tmp_path, photo, mask, model):
    """A bar that is drawn, and gone at the end."""
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    files = [photo, "--mask", mask, "-m", model, "-o", tmp_path / "out.png"]
    process = support.start("inpaint", *files, stdout=subprocess.PIPE, stderr=theirs)
    os.close(theirs)
    process.communicate(timeout=120)
    text = support.text_of(ours)
    assert process.returncode == 0
    assert b"\r[" in text and text.endswith(b"\r\033[K")


@pytest.mark.measures
@pytest.mark.parametrize("folder", [False, True], ids=["image", "folder"])
def test_progress_tells_the_time_left(tmp_path, model, folder):
    """Of what takes minutes; it is stopped once the time was told."""
    pty = pytest.importorskip("pty")
    for name in ["photos", "masks"]:
        (tmp_path / name).mkdir()
    photo = support.save(tmp_path / "photos" / "a.png", support.picture(1024, 1024))
    mask = support.save(tmp_path / "masks" / "a.png", support.mask(1024, 1024))
    given, holes, output = (photo.parent, mask.parent, "out") if folder else (photo, mask, "out.png")
    ours, theirs = pty.openpty()
    files = [given, "--mask", holes, "-m", model, "-o", tmp_path / output, "-d", "reference"]
    process = support.start("inpaint", *files, stdout=subprocess.PIPE, stderr=theirs)
    os.close(theirs)
    text, end = b"", time.monotonic() + 60 * support.PATIENCE
    while not re.search(rb"\r\[[#.]{30}\] +\d+ %  (\d+ h )?(\d+ min )?(\d+ s )?left  \S", text):
        assert process.poll() is None and time.monotonic() < end, text
        text += os.read(ours, 65536)
    os.kill(process.pid, signal.SIGINT)
    process.communicate(timeout=120)
    os.close(ours)
    assert process.returncode == 130
