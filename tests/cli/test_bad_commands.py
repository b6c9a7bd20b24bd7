# SPDX-License-Identifier: MIT
"""Mistakes in the command: exit code 2 (5 for a device), a sentence, and what may be meant."""

import cli_support as support
import pytest

MISTAKES = {
    "unknown verb": (["inpant"], 2, "there is no verb 'inpant'", "did you mean 'inpaint'?"),
    "far-off verb": (
        ["photograph"], 2, "there is no verb", "the verbs are inpaint, translate, upscale, detect, run"
    ),
    "unknown option": (["inpaint", "--masc", "m.png"], 2, "no option '--masc'", "'--mask'?"),
    "unknown option with value": (["plan", "--sise=3"], 2, "no option '--sise'", "'--size'?"),
    "unknown global option": (["--versoin"], 2, "no option '--versoin'", "'--version'?"),
    "missing option": (["inpaint", "photo.png"], 2, "is required", "kintsugi inpaint --help"),
    "missing value": (["info", "--model"], 2, "--model"),
    "too many arguments": (["info", "a.safetensors", "b.safetensors"], 2, "one argument too many"),
    "threads": (["devices", "-j", "many"], 2, "--threads"),
    "negative threads": (["devices", "-j", "-1"], 2, "--threads"),
    "two verbs": (["devices", "plan"], 2, "plan"),
    "neither model nor op": (["bench"], 2, "a model or an op"),
    "op without shape": (["bench", "--op", "conv2d"], 2, "needs the shape"),
    "shape without op": (["bench", "--shape", "1x1x8x8"], 2, "--op"),
    "bad shape": (["bench", "--op", "conv2d", "--shape", "8x8"], 2, "'8x8' is not a shape"),
    "unknown op": (["bench", "--op", "conv9d", "--shape", "1x1x8x8"], 2, "conv9d", "conv2d"),
    "unknown op setting": (
        ["bench", "--op", "conv2d", "--shape", "1x1x8x8", "--set", "kernal=3"],
        2,
        "kernal",
        "kernel",
    ),
    "op in a dtype of GPUs": (
        ["bench", "--op", "conv2d", "--shape", "1x1x8x8", "-d", "cpu", "--dtype", "bf16"],
        2,
        "needs a GPU",
    ),
}


@pytest.mark.parametrize("row", MISTAKES.values(), ids=MISTAKES)
def test_mistake(row):
    arguments, code, *fragments = row
    support.fails(support.run(*arguments), code, *fragments)


INPAINT_MISTAKES = {
    "unknown device": (["-d", "gpu"], 2, "there is no device 'gpu'", "auto, cpu, reference"),
    "mistyped device": (["-d", "refernce"], 2, "did you mean 'reference'?"),
    "absent device": (["-d", "cuda"], 5, "cuda"),
    "absent device with number": (["--device=cuda:1"], 5, "cuda:1"),
    "unknown setting": (["--set", "sharpness=3"], 2, "unknown setting 'sharpness'"),
    "setting without value": (["--set", "sharpness"], 2, "not of the form key=value"),
    "setting twice": (["--set", "a=1", "--set", "a=2"], 2, "'a' is set twice"),
    "memory": (["--max-memory", "lots"], 2, "'lots' is not an amount of memory", "2G"),
    "too little memory": (["--max-memory", "100K"], 1, "needs", "hint: "),
    "baseline alone": (["--baseline", "x.png"], 2, "--compare-to"),
    "max side": (["--max-side", "-3"], 2, "--max-side"),
    "json beside a picture": (["-o", "-", "--json"], 2, "cannot both go to standard output"),
}


@pytest.mark.parametrize("row", INPAINT_MISTAKES.values(), ids=INPAINT_MISTAKES)
def test_inpaint_mistake(tmp_path, photo, mask, model, row):
    arguments, code, *fragments = row
    output = [] if "-o" in arguments else ["-o", tmp_path / "out.png"]
    with support.nothing_changes(tmp_path):
        result = support.run("inpaint", photo, "--mask", mask, "-m", model, *output, *arguments)
        support.fails(result, code, *fragments)


def test_two_streams(tmp_path, photo, model):
    result = support.run(
        "inpaint", "-", "--mask", "-", "-m", model, "-o", tmp_path / "out.png", stdin=b"x"
    )
    support.fails(result, 2, "standard input can be one picture")


def test_size_and_passes(model):
    support.fails(support.run("plan", model, "--size", "0x8"), 2, "not a height and a width")
    support.fails(support.run("plan", model, "--size", "8x8x8"), 2, "not a height and a width")
    support.fails(support.run("plan", model, "--batch", "0"), 2, "--batch")
    support.fails(support.run("plan", model, "--without", "fusion"), 2, "fusion", "fold, fuse")


def test_environment(model, inpaint):
    support.fails(inpaint(env={"KINTSUGI_DEVICE": "gpu"}), 2, "there is no device 'gpu'")
    support.fails(inpaint(env={"KINTSUGI_DEVICE": "cuda"}), 5, "cuda")
    support.fails(inpaint(env={"KINTSUGI_CPU_ISA": "mmx"}), 5, "mmx", "emu128")
    support.fails(
        support.run("devices", env={"KINTSUGI_LOG_LEVEL": "loud"}), 2, "loud", "error, warning"
    )


def test_run_mistakes(tmp_path, model, reference, photo):
    output = tmp_path / "out.safetensors"

    def run(*arguments, input=reference, output=output):
        return support.run("run", "-m", model, "-i", input, "-o", output, *arguments)

    with support.nothing_changes(tmp_path):
        support.fails(run(input=photo), 1, "photo.png")
        support.fails(run(input=model), 1, "input")
        support.fails(run(output=reference), 2, "is the same file as")
        support.fails(run(output=tmp_path / "no" / "out.safetensors"), 1, "No such file")
        support.fails(run("--set", "nonsense=1"), 2, "nonsense")
        support.fails(run("--without", "nonsense"), 2, "nonsense")


def test_verify_mistakes(tmp_path, model, reference):
    support.fails(support.run("verify", "-m", model, "-r", model), 1, "is not a reference")
    support.fails(support.run("verify", "-m", model, "-r", tmp_path), 2, "is a folder")
    support.fails(support.run("verify", "-m", model, "-r", reference, "--rtol", "x"), 2, "--rtol")
    support.fails(
        support.run("verify", "-m", model, "-r", reference, "--junit", reference), 2, "same file"
    )
