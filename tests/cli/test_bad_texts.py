# SPDX-License-Identifier: MIT
"""Texts in a file of weights that would speak to the terminal, not to the reader: whatever a title,
a key or the name of a file holds, none of it moves a cursor, changes a colour or forges a line."""

import json
import os
import re

import cli_support as support
import numpy as np
import pytest
from kintsugi_export import safetensors

ESCAPES = "\x1b[31m\x1b[2J"
EVIL = f"{ESCAPES}a\nkintsugi: forged\r\t\x7f\x9b2J\u202eb"
SPELLED = r"\x1b[31m\x1b[2Ja\nkintsugi: forged\r\t\x7f\x9b2J\u202eb"
NOT_SHOWN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
OURS = re.compile("\x1b\\[(?:0|1|31|32|33)m")  # colours of ours, on a terminal


def harmless(text):
    assert not NOT_SHOWN.search(text), text
    assert "\nkintsugi: forged" not in text
    return text


def add_texts(source, target):
    tensors, stated = safetensors.read(source)
    tensors[EVIL] = np.zeros(3, np.float32)
    stated = {**(stated or {}), EVIL: EVIL}
    stated |= {"modelspec.title": EVIL, "modelspec.license": EVIL}
    safetensors.write(target, tensors, stated)
    return target


@pytest.fixture
def evil(tmp_path, model):
    return add_texts(model, tmp_path / "evil.safetensors")


def test_info(evil, model):
    plain = support.succeeds(support.run("info", model)).stdout
    text = harmless(support.succeeds(support.run("info", evil)).stdout)
    assert f"\nlicence of the weights  {SPELLED}\n" in text
    # The title and the licence replace texts of one line; the key has a heading and a line.
    assert text.count("\n") == plain.count("\n") + 2
    assert text.count(SPELLED) == 3
    verbose = harmless(support.succeeds(support.run("info", "-v", evil)).stdout)
    assert f"\n{SPELLED}: {SPELLED}\n" in verbose


def test_json_is_exact(evil):
    info = json.loads(support.succeeds(support.run("info", evil, "--json")).stdout)
    assert info["weights_title"] == EVIL and info["weights_license"] == EVIL
    assert info["unused_keys"] == [EVIL] and info["metadata"][EVIL] == EVIL


def test_verbs(tmp_path, evil, reference, inpaint):
    for arguments in [
        ["plan", evil, "--size", 32, "--memory-picture"],
        ["bench", "-m", evil, "--size", 32, "--runs", 1],
        ["verify", "-m", evil, "-r", reference, "-v"],
        ["run", "-m", evil, "-i", reference, "-o", tmp_path / "out.safetensors", "-v"],
    ]:
        result = support.succeeds(support.run(*arguments))
        harmless(result.stdout + result.stderr)
    result = support.succeeds(inpaint("-v", model=evil))
    harmless(result.stdout + result.stderr)


def test_names_of_tensors(tmp_path, model, reference):
    tensors, _ = safetensors.read(reference)
    tensors[f"tap/{EVIL}"] = tensors[f"output/{EVIL}"] = np.zeros((1, 2), np.float32)
    more = tmp_path / "more.safetensors"
    safetensors.write(more, tensors)
    failed = support.run("verify", "-m", model, "-r", more)
    assert failed.returncode == 4
    harmless(failed.stdout + failed.stderr)
    assert f"FAILED: the first to diverge is output {SPELLED} (" in failed.stdout


def test_errors(tmp_path, model):
    tensors, _ = safetensors.read(model)
    safetensors.write(tmp_path / "other.safetensors", tensors, {"kintsugi.network": EVIL})
    failed = support.run("info", tmp_path / "other.safetensors")
    harmless(support.fails(failed, failed.returncode, SPELLED))
    assert failed.returncode != 0
    header = json.dumps({EVIL: {"dtype": EVIL, "shape": [1], "data_offsets": [0, 4]}}).encode()
    bad = tmp_path / "bad.safetensors"
    bad.write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    harmless(support.fails(support.run("info", bad), 1, "forged", "unknown dtype"))


def test_command_line():
    harmless(support.fails(support.run(EVIL), 2, SPELLED))
    harmless(support.fails(support.run("info", f"--{EVIL}"), 2, SPELLED))
    harmless(support.fails(support.run("devices", env={"KINTSUGI_LOG_LEVEL": EVIL}), 2, SPELLED))


def test_names_of_files(tmp_path):
    name = os.fsencode(tmp_path) + b"/\x9b2J\xe9\x1b[2J\n\xc3\xa9.safetensors"
    text = support.fails(support.run("info", os.fsdecode(name)), 1, "No such file")
    assert r"/\x9b2J\xe9\x1b[2J\né.safetensors'" in harmless(text)


def test_on_a_terminal(evil, reference):
    """There the program colours what it says itself, and nothing else."""
    pty = pytest.importorskip("pty")
    for arguments in [["info", evil], ["verify", "-m", evil, "-r", reference]]:
        ours, theirs = pty.openpty()
        process = support.start(*arguments, stdout=theirs, stderr=theirs)
        os.close(theirs)
        text = support.text_of(ours)
        assert process.wait(timeout=120) == 0
        shown = text.decode().replace("\r\n", "\n")
        assert ESCAPES not in shown
        if "info" in arguments:
            harmless(shown)
        else:
            assert "\x1b[32mverified: \x1b[0m" in shown
            bar = re.compile("\r\\[[^\r]*\x1b\\[K|\r\x1b\\[K")
            harmless(OURS.sub("", bar.sub("", shown)))
