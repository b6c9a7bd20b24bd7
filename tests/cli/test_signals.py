# SPDX-License-Identifier: MIT
"""Signals: what is waited for is given up, the exit code says which it was, nothing half is left."""

import os
import signal
import subprocess
import time

import cli_support as support
import pytest
from cli_support import add, names

PIPES = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}


def ends(process, code):
    out, errors = process.communicate(timeout=60 * support.PATIENCE)
    assert process.returncode == code, errors
    assert out == "" and errors.splitlines()[-1].startswith("kintsugi: ")
    assert "system call" not in errors
    return errors


def wait_until_it_sleeps(process):
    """The program is there, has read its command, and waits for someone."""
    end = time.monotonic() + 60 * support.PATIENCE
    calm = 0
    while calm < 20:
        assert process.poll() is None and time.monotonic() < end
        state = open(f"/proc/{process.pid}/stat").read().rsplit(")", 1)[1].split()[0]
        calm = calm + 1 if state == "S" else 0
        time.sleep(0.01)


@pytest.mark.parametrize("number", CODES, ids=lambda number: number.name)
@pytest.mark.parametrize("source", ["standard input", "half of it", "pipe", "half of a pipe"])
def test_a_signal_while_it_waits_for_a_picture(tmp_path, mask, number, source):
    pipe = tmp_path / "pipe.png"
    os.mkfifo(pipe)
    photo = pipe if "pipe" in source else "-"
    files = [photo, "--mask", mask, "--method", "telea", "-o", tmp_path / "out.png"]
    process = support.start("inpaint", *files, stdin=subprocess.PIPE, **PIPES)
    other_end = None
    if source == "half of a pipe":
        other_end = open(pipe, "wb", buffering=0)
        other_end.write(b"\x89PNG")
    if source == "half of it":
        os.write(process.stdin.fileno(), b"\x89PNG")
    wait_until_it_sleeps(process)
    os.kill(process.pid, number)
    stdin, process.stdin = process.stdin, None  # stays open
    ends(process, CODES[number])
    for end in [stdin, other_end]:
        if end:
            end.close()
    assert names(tmp_path) == {"mask.png", "pipe.png"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_a_signal_in_a_folder(folders, model, number):
    for i in range(30):
        add(folders, f"{i:02}.png", 96, 96, seed=i)
    files = ["photos", "--mask", "masks", "-m", model, "-o", "mended", "-d", "reference"]
    process = support.start("inpaint", *files, cwd=folders, **PIPES)
    end = time.monotonic() + 120 * support.PATIENCE
    while not (folders / "mended" / "00.png").exists():
        assert process.poll() is None and time.monotonic() < end
        time.sleep(0.002)
    os.kill(process.pid, number)
    assert "not done" in ends(process, CODES[number])
    assert "manifest.json" in names(folders / "mended")
    assert not [name for name in names(folders / "mended") if name.startswith(".")]


def test_nohup_is_heeded(tmp_path, photo, mask):
    pipe = tmp_path / "pipe.png"
    os.mkfifo(pipe)

    def ignore():
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    files = [pipe, "--mask", mask, "--method", "telea", "-o", tmp_path / "out.png"]
    process = support.start("inpaint", *files, preexec_fn=ignore, **PIPES)
    wait_until_it_sleeps(process)
    os.kill(process.pid, signal.SIGHUP)
    pipe.write_bytes(photo.read_bytes())
    _, errors = process.communicate(timeout=60 * support.PATIENCE)
    assert process.returncode == 0, errors
    assert (tmp_path / "out.png").exists()
