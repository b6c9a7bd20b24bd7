#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Kintsugi beside other libraries on the CPU: same weights, same input, same threads, in turn.

    scripts/baselines.sh                  # once: a Python environment with the others
    /usr/bin/python3 benchmarks/compare_cpu.py

Each library is a process of its own that holds a case, warm; they take turns, and those whose turn
it is not are stopped.  A turn is one run that does not count and then at least one that does.
Outputs are compared with ours.  The report (text, JSON, SVG) says what each library is, and how far
the fastest that is right is behind.  docs/benchmarking.md says how to read it.

The Python that runs this gives one PyTorch, the environment of scripts/baselines.sh the others;
what is not there is left out, in a line.  Exit codes: 0 done, 1 it failed, 2 a mistake in the
command, 4 a baseline's output is not ours, 130 interrupted.
"""

import argparse
import datetime
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from comparison import cases, report  # noqa: E402
from comparison.turns import (  # noqa: E402
    Contender, Failed, Worker, choose_processors, take_turns,
)

ROOT = cases.ROOT
PARTS = ROOT / "benchmarks" / "comparison"
ISAS = ("avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "asimd", "sve")


def default_venv() -> Path:
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "kintsugi" / "baselines"


def contenders(options) -> list:
    """Ours first; of the others, those that the command does not exclude."""
    threads = str(options.threads)
    variables = {f"{name}_NUM_THREADS": threads for name in ("OMP", "MKL", "OPENBLAS")}
    worker = str(PARTS / "worker.py")
    venv = options.venv / "bin" / "python"

    def baseline(key, label, python, kind, **more):
        return Contender(key, label, [str(python), worker, kind, threads], variables, **more)

    found = [
        baseline("torch-system-nchw", "PyTorch {version} NCHW", sys.executable, "torch:nchw"),
        baseline("torch-system-channels_last", "PyTorch {version} channels_last", sys.executable,
                 "torch:channels_last"),
    ]
    if venv.exists():
        found += [
            baseline("torch-nchw", "PyTorch {version} NCHW", venv, "torch:nchw"),
            baseline("torch-channels_last", "PyTorch {version} channels_last", venv,
                     "torch:channels_last"),
            baseline("torch-compile", "PyTorch {version} compiled", venv, "torch:compile",
                     kinds=("network",)),
            baseline("onnxruntime", "ONNX Runtime {version}", venv, "onnxruntime"),
            baseline("openvino", "OpenVINO {version} f32", venv, "openvino:f32"),
            baseline("openvino-default", "OpenVINO {version} default", venv, "openvino:default",
                     equal=False),
            baseline("ncnn", "ncnn {version}", venv, "ncnn"),
        ]
    keys = [c.key for c in found]
    unknown = [key for key in options.only or [] if key not in keys]
    if unknown:
        raise ValueError(f"--only: '{unknown[0]}' is not here; what is: {', '.join(keys)}")
    if options.only:
        found = [c for c in found if c.key in options.only]
    ours = Contender(report.OURS, "Kintsugi {version}",
                     [str(options.build / "benchmarks" / "cpu_worker"), threads])
    return [ours, *found]


def start(found, left_out, log) -> list:
    """The processes of those that start."""
    workers = []
    for contender in found:
        try:
            workers.append(Worker(contender, log))
        except (Failed, OSError) as error:
            if contender.key == report.OURS:
                raise Failed(f"{contender.command[0]} does not start: {error}; build the target "
                             "cpu_worker") from None
            left_out.append(f"{contender.key}: {error}")
    return workers


def convert(case, folder, workers, options, log) -> None:
    """Writes what others than PyTorch read; who lacks its file then says so itself."""
    keys = {worker.contender.key for worker in workers}
    if all(key == report.OURS or key.startswith("torch") for key in keys):
        return
    python, pnnx = options.venv / "bin" / "python", options.venv / "bin" / "pnnx"
    if not list(options.venv.glob("lib/python*/site-packages/torch")):
        python = sys.executable
    command = [python, PARTS / "convert.py", case.kind, str(case.dilation), folder]
    if "ncnn" in keys and pnnx.exists():
        command.append(pnnx)
    subprocess.run(command, stdout=log, stderr=log, check=False)


def compare(case, folder, workers, options, left_out, log) -> dict:
    """A case's record."""
    cases.write(case, folder)
    convert(case, folder, workers, options, log)
    ours, loaded, described, flops = workers[0], [], {}, 0
    for worker in workers:
        key = worker.contender.key
        if case.kind not in worker.contender.kinds:
            continue
        try:
            count, _, how = worker.ask(f"load {case.kind} {case.dilation} {folder}",
                                       "loaded").partition(" ")
        except Failed as error:
            if worker is ours:
                raise
            sentence = f"{worker.label}: {error}"
            left_out += [sentence] if sentence not in left_out else []
            continue
        flops = int(count) if worker is ours else flops
        loaded.append(worker)
        described[key] = {"label": worker.label, "equal": worker.contender.equal, "how": how}
    turns = take_turns(loaded, ours, options.rounds, options.turn, options.processors)
    if report.OURS in turns.failed:
        raise Failed(f"{case.name}: {turns.failed[report.OURS]}")
    left_out += [f"{case.name}, {described[key]['label']}: {why}"
                 for key, why in turns.failed.items()]
    errors = {}
    for worker in loaded:
        key = worker.contender.key
        if key in turns.times:
            worker.ask(f"output {folder / key}.safetensors", "written")
            errors[key] = cases.relative_l2(folder / f"{report.OURS}.safetensors",
                                            folder / f"{key}.safetensors")
    return report.summarize(case.name, case.kind, flops, turns, described, errors)


def machine(isa: str, processors) -> dict:
    info = Path("/proc/cpuinfo").read_text()

    def field(name):
        match = re.search(rf"^{name}\s*:\s*(.+)$", info, re.M)
        return match.group(1).strip() if match else ""

    flags = (field("flags") or field("Features")).split()
    release = platform.freedesktop_os_release() if hasattr(platform, "freedesktop_os_release") else {}
    family = " ".join(f"{word} {field(name)}" for word, name in
                      (("family", "cpu family"), ("model", "model")) if field(name))
    name = field("model name") or platform.machine()
    return {
        "processor": f"{name} ({family})" if family else name,
        "isa": isa,
        "flags": [flag for flag in ISAS if flag in flags],
        "processors": os.cpu_count(),
        "used": processors,
        "system": f"{release.get('PRETTY_NAME', platform.system())}, kernel {platform.release()}",
    }


def folder_of(about: dict) -> str:
    """A folder's name for this machine: amd-epyc-family-25-model-17-2cpu."""
    words = re.sub(r"\((R|TM)\)|CPU|@.*?GHz", " ", about["processor"])
    return f"{re.sub(r'[^a-z0-9]+', '-', words.lower()).strip('-')}-{about['processors']}cpu"


def commit() -> str:
    def git(*arguments):
        done = subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True, text=True,
                              check=False)
        return done.stdout.strip() if done.returncode == 0 else None

    head = git("rev-parse", "--short", "HEAD")
    if head is None:
        return "unknown"
    return head + ("-dirty" if git("status", "--porcelain", "--untracked-files=no") else "")


def write_whole(path: Path, content: str) -> None:
    part = path.with_name(path.name + ".part")
    part.write_text(content)
    part.replace(path)


def parse(arguments):
    def counted(text):
        if not text.isdigit() or int(text) < 1:
            raise argparse.ArgumentTypeError(f"'{text}' is not a whole number above 0")
        return int(text)

    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--networks", choices=list(cases.NETWORKS), nargs="+",
                        default=list(cases.NETWORKS), help="these alone")
    parser.add_argument("--sizes", type=counted, nargs="+", default=[256, 512], metavar="N",
                        help="sides of the pictures (256 512)")
    parser.add_argument("--width", type=counted, default=64, metavar="C",
                        help="the networks' channels, even (64, the papers')")
    parser.add_argument("--no-layers", dest="layers", action="store_false",
                        help="without the convolutions alone")
    parser.add_argument("--threads", type=counted, default=2, metavar="N", help="of everyone (2)")
    parser.add_argument("--rounds", type=counted, default=11, metavar="N",
                        help=f"turns each, {report.LEAST_ROUNDS} at least for a claim (11)")
    parser.add_argument("--turn", type=float, default=0.1, metavar="SECONDS",
                        help="a turn repeats short runs until then (0.1)")
    parser.add_argument("--only", nargs="+", metavar="KEY", help="these baselines alone")
    parser.add_argument("--venv", type=Path, default=default_venv(), metavar="DIR",
                        help="made by scripts/baselines.sh (%(default)s)")
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "release", metavar="DIR")
    parser.add_argument("--output", type=Path, metavar="DIR",
                        help="for compare_cpu.txt, .json and .svg (benchmarks/results/<processor>)")
    options = parser.parse_args(arguments)
    if options.width % 2:
        parser.error(f"--width {options.width} is odd")
    options.processors = choose_processors(options.threads)
    if len(options.processors) < options.threads:
        parser.error(f"--threads {options.threads}: this process may use "
                     f"{len(options.processors)} processors")
    try:
        options.contenders = contenders(options)
    except ValueError as error:
        parser.error(str(error))
    return options


def measure(options, work: Path, log) -> dict:
    left_out = [] if (options.venv / "bin" / "python").exists() else [
        f"all but this Python's PyTorch: {options.venv} is not there, scripts/baselines.sh makes it"
    ]
    os.sched_setaffinity(0, options.processors)  # and so of every process started here
    os.environ["TMPDIR"] = str(work)  # what compilers keep goes with the rest
    workers = start(options.contenders, left_out, log)
    try:
        version, isa = workers[0].version.split(" ", 1)
        about, records = machine(isa, options.processors), []
        for number, case in enumerate(cases.all_cases(options.networks, options.sizes,
                                                      options.width, options.layers)):
            print(f"compare_cpu: {case.name}", file=sys.stderr)
            folder = work / str(number)
            folder.mkdir()
            records.append(compare(case, folder, workers, options, left_out, log))
            shutil.rmtree(folder)
    finally:
        for worker in workers:
            worker.end()
    result = {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": commit(), "version": version, "machine": about, "threads": options.threads,
        "rounds": options.rounds, "turn_seconds": options.turn, "left_out": left_out,
        "cases": records,
    }
    result["caveats"] = report.caveats(result)
    return result


def main(arguments=None) -> int:
    options = parse(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends the processes as Ctrl-C does
    with tempfile.TemporaryDirectory(prefix="kintsugi-compare-") as work:
        log_path = Path(work) / "log"
        try:
            with open(log_path, "w") as log:
                result = measure(options, Path(work), log)
            output = options.output or ROOT / "benchmarks" / "results" / folder_of(
                result["machine"])
            output.mkdir(parents=True, exist_ok=True)
            write_whole(output / "compare_cpu.txt", report.text(result))
            write_whole(output / "compare_cpu.json", json.dumps(result, indent=1) + "\n")
            write_whole(output / "compare_cpu.svg", report.plot(result))
        except (Failed, OSError) as error:
            print(f"compare_cpu: {error}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            print("compare_cpu: interrupted", file=sys.stderr)
            return 130
    print(report.text(result), end="")
    wrong = [r for record in result["cases"] for r in record["rows"] if r["equal"] and not r["right"]]
    return 4 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
