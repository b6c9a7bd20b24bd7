# SPDX-License-Identifier: MIT
"""Contenders as processes that take turns: while one runs, the others are stopped.

A stopped process cannot spin, so each library keeps the waiting that is fastest for itself.  What a
process is asked and answers stands in worker.py.
"""

import ctypes
import os
import select
import signal
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

from .report import median


class Failed(Exception):
    """A contender cannot do what it was asked; the sentence says why."""


class Contender(NamedTuple):
    key: str  # short, for options
    label: str  # "PyTorch {version}, channels_last"
    command: list
    environment: dict = {}
    equal: bool = True  # same precision as ours: its time counts for the claim
    kinds: tuple = ("network", "conv2d")


class Worker:
    """A contender's process, stopped but for the time between a question and its answer."""

    def __init__(self, contender: Contender, log, patience: float = 300):
        self.contender, self.patience = contender, patience
        self.process = subprocess.Popen(
            contender.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
            env={**os.environ, **contender.environment}, start_new_session=True,
            preexec_fn=_end_with_parent,
        )
        try:
            self.version = self._answer("ready")
        except Failed:
            self.end()
            raise
        self._signal(signal.SIGSTOP)

    @property
    def label(self) -> str:
        return self.contender.label.format(version=self.version.split(" ")[0])

    def ask(self, question: str, word: str) -> str:
        """The answer without its first word, which must be `word`; raises Failed."""
        self._signal(signal.SIGCONT)
        try:
            self.process.stdin.write(question + "\n")
            self.process.stdin.flush()
        except OSError:
            raise Failed("its process has ended") from None
        try:
            return self._answer(word)
        finally:
            self._signal(signal.SIGSTOP)

    def run(self, seconds: float) -> float:
        """A turn: the median of its runs."""
        return median([float(t) for t in self.ask(f"run {seconds}", "times").split()])

    def end(self) -> None:
        self._signal(signal.SIGKILL)
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()

    def processor_seconds(self) -> float:
        """What its process has used so far."""
        try:
            fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return 0.0
        return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")

    def _answer(self, word: str) -> str:
        if not select.select([self.process.stdout], [], [], self.patience)[0]:
            raise Failed(f"no answer within {self.patience:.0f} s")
        first, _, rest = self.process.stdout.readline().rstrip("\n").partition(" ")
        if first == word:
            return rest
        raise Failed(rest if first == "failed" else "its process has ended")

    def _signal(self, number) -> None:
        try:  # its helpers too, such as a compiler's
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            pass


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: reaches a stopped process too


class Turns(NamedTuple):
    times: dict  # {contender's key: seconds, one a round}
    peaks: list  # GFLOP/s, one a round
    failed: dict  # {contender's key: sentence}
    others_busy: float  # of the processors' time, what neither contenders nor idling took


def take_turns(workers, ours, rounds: int, seconds: float, processors) -> Turns:
    """Every round starts with the peak, and with another contender than the one before."""
    times = {worker.contender.key: [] for worker in workers}
    peaks, failed, start = [], {}, time.monotonic()
    busy = _busy_seconds(processors) - sum(w.processor_seconds() for w in workers)
    for i in range(rounds):
        peaks.append(float(ours.ask("peak", "peak")))
        for worker in workers[i % len(workers):] + workers[: i % len(workers)]:
            key = worker.contender.key
            if key in failed:
                continue
            try:
                times[key].append(worker.run(seconds))
            except Failed as error:
                failed[key] = str(error)
    busy = _busy_seconds(processors) - sum(w.processor_seconds() for w in workers) - busy
    others = max(0.0, busy / ((time.monotonic() - start) * len(processors)))
    complete = {key: values for key, values in times.items() if key not in failed}
    return Turns(complete, peaks, failed, others)


def choose_processors(count: int) -> list:
    """That many of those allowed: one of each core first, its siblings last."""
    first, rest, seen = [], [], set()
    for processor in sorted(os.sched_getaffinity(0)):
        path = Path(f"/sys/devices/system/cpu/cpu{processor}/topology/thread_siblings_list")
        core = path.read_text() if path.exists() else str(processor)
        (rest if core in seen else first).append(processor)
        seen.add(core)
    return sorted((first + rest)[:count])


def _busy_seconds(processors) -> float:
    """Time that was not idle, of others' virtual machines too (steal)."""
    names, ticks = {f"cpu{processor}" for processor in processors}, 0
    for line in Path("/proc/stat").read_text().splitlines():
        name, *fields = line.split()
        if name in names:
            user, nice, system, _idle, _wait, irq, soft, steal = map(int, fields[:8])
            ticks += user + nice + system + irq + soft + steal
    return ticks / os.sysconf("SC_CLK_TCK")
