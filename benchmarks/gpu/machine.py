# SPDX-License-Identifier: MIT
"""The GPU that stages run on, as nvidia-smi names it, and commands with an end."""

import os
import re
import shutil
import signal
import subprocess
from typing import NamedTuple

EMULATED = {"name": "emulated", "compute": "9.0", "driver": None}


class Done(NamedTuple):
    code: int  # None: it ran out of time
    output: str


def run(command, limit: float, environment=None, cwd=None) -> Done:
    """The command with all it starts, ended after `limit` seconds or by an interrupt."""
    process = subprocess.Popen(
        [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, errors="replace", cwd=cwd, start_new_session=True,
        env={**os.environ, **(environment or {})})
    try:
        output, _ = process.communicate(timeout=limit)
        return Done(process.returncode, output)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
        return Done(None, output)
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise


def ask_smi(fields: str):
    """The first GPU's answers as a list, or None."""
    if shutil.which("nvidia-smi") is None:
        return None
    done = run(["nvidia-smi", f"--query-gpu={fields}", "--format=csv,noheader"], 30)
    if done.code != 0 or not done.output.strip():
        return None
    return [value.strip() for value in done.output.splitlines()[0].split(",")]


def find_gpu():
    """{"name", "compute", "driver"}, or None where there is no GPU."""
    answers = ask_smi("name,compute_cap,driver_version")
    return dict(zip(("name", "compute", "driver"), answers)) if answers else None


def state() -> dict:
    """Clocks and such, which belong to every measurement."""
    fields = ("clocks.sm", "clocks.mem", "temperature.gpu", "power.draw", "pstate")
    answers = ask_smi(",".join(fields))
    return dict(zip(fields, answers)) if answers else {}


def slug(name: str) -> str:
    """A folder's name: nvidia-h200."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "gpu"


def architecture(compute: str) -> str:
    """For CMAKE_CUDA_ARCHITECTURES: what Hopper has of its own takes the 'a'."""
    number = compute.replace(".", "")
    return "90a-real" if number == "90" else f"{number}-real"
