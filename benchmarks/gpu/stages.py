# SPDX-License-Identifier: MIT
"""The stages of scripts/gpu.sh, which says what they are.

A stage is a function that runs commands and returns what it found: {"status": passed, failed,
refused or late, "sentence": why not passed, ...}.  Around it stands what all results share: GPU,
commit, clocks.  Nothing here compares times.
"""

import argparse
import datetime
import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import machine  # noqa: E402
import report  # noqa: E402
from common import LAYERS, ROOT, write_json, write_whole  # noqa: E402

sys.path.insert(0, str(ROOT / "tests" / "tools"))
from summary import Stage as Tests  # noqa: E402
from summary import read_junit  # noqa: E402

LIMIT = 345  # seconds of a stage, of the six minutes it may take
NO_TESTS = "Running 0 tests"  # as GoogleTest says where a filter fits none
TOOLS = ("memcheck", "racecheck", "synccheck", "initcheck")
MOST_LOG = 200_000  # characters of a stage's text


class Place:
    """Where a run of stages builds, reads and writes."""

    def __init__(self, gpu, dry: bool, output):
        self.gpu, self.dry = gpu, dry
        self.preset = "release" if dry else "cuda"
        self.tree = Path(os.environ.get("KINTSUGI_BUILD") or ROOT / "build" / "release") \
            if dry else ROOT / "build" / "cuda"
        base = output or (ROOT / "build" / "gpu-dry-run" if dry else ROOT / "benchmarks/results")
        self.results = Path(base) / machine.slug(gpu["name"])
        self.vectors = self.results / "conformance" if dry else ROOT / "tests/data/conformance"
        self.log = []
        self.end = 0.0

    def run(self, *command, limit=None, environment=None):
        """Adds what it said to the stage's text."""
        left = max(self.end - time.monotonic(), 1)
        done = machine.run(command, min(limit or left, left), environment, ROOT)
        self.log.append(f"$ {' '.join(str(word) for word in command)}\n{done.output}"
                        f"[{'out of time' if done.code is None else f'exit {done.code}'}]\n")
        return done._replace(output=here(done.output))

    def program(self, *parts) -> Path:
        return self.tree.joinpath(*parts)


def here(text: str) -> str:
    """Without where on this machine the repository lies: results are committed."""
    return text.replace(f"{ROOT}/", "")


def failed(sentence: str, **more) -> dict:
    return {"status": "failed", "sentence": sentence, **more}


def refused(sentence: str, **more) -> dict:
    return {"status": "refused", "sentence": sentence, **more}


def outcome(done, what: str, verdict=(), **more) -> dict:
    """Of a command; `verdict` are the exit codes by which it says that something is wrong."""
    if done.code is None:
        return {"status": "late", "sentence": f"{what} ran out of its time", **more}
    if done.code == 0:
        return {"status": "passed", **more}
    lines = done.output.strip().splitlines() or ["it said nothing"]
    said = next((line for line in lines if re.search(r"\berror\b", line, re.I)), lines[-1])
    return {"status": "wrong" if done.code in verdict else "failed",
            "sentence": f"{what} ended with {done.code}: {said.strip()[:300]}", **more}


def needs_build(place, program):
    if program.exists():
        return None
    return failed(f"it needs the build: run scripts/gpu.sh build{' --dry-run' * place.dry} first")


# ---- Stages

def build(place) -> dict:
    options = ["-DKINTSUGI_TESTS=ON", "-DKINTSUGI_BENCHMARKS=ON"]
    targets = ["gpu_kernels", "test_gpu_networks"]
    if place.dry:
        targets += ["test_device_plain", "test_device_race", "test_device_asan",
                    "kintsugi_emulated_program", "record_conformance_emulated"]
    else:
        targets += ["test_device_cuda", "test_plan", "kintsugi_program", "record_conformance"]
        options += [f"-DCMAKE_CUDA_ARCHITECTURES={machine.architecture(place.gpu['compute'])}",
                    "-DKINTSUGI_WARNINGS_ARE_ERRORS=OFF", *from_packages(), *from_pytorch()]
    if not (place.dry and place.program("build.ninja").exists()):
        done = place.run("cmake", "--preset", place.preset, *options)
        if done.code != 0:
            return outcome(done, "configuring")
    done = place.run("cmake", "--build", place.tree, "--parallel", os.cpu_count(), "--target",
                     *targets)
    return outcome(done, "building", targets=targets, options=[here(o) for o in options])


def from_packages() -> list:
    """CMake options for what `gpu.sh pack` unpacked."""
    root = ROOT / "build" / "gpu-packages" / "usr"
    if not root.is_dir():
        return []
    include = f"-isystem {root / 'include'}"
    return [f"-DCMAKE_PREFIX_PATH={root}", f"-DCMAKE_CXX_FLAGS={include}",
            f"-DCMAKE_CUDA_FLAGS={include}"]


def from_pytorch() -> list:
    """A CMake option for the cuDNN that PyTorch's packages bring: both are then measured alike."""
    spec = importlib.util.find_spec("nvidia")
    for folder in (spec.submodule_search_locations if spec else []):
        if (Path(folder) / "cudnn" / "include" / "cudnn_graph.h").exists():
            return [f"-DKINTSUGI_CUDNN_DIR={Path(folder) / 'cudnn'}"]
    return []


def test(place) -> dict:
    program = place.program("tests", "device", "test_device_" + ("plain" if place.dry else "cuda"))
    missing = needs_build(place, program)
    if missing:
        return missing
    junit = place.results / "test.xml"
    junit.unlink(missing_ok=True)
    done = place.run("ctest", "--test-dir", place.tree, "-R",
                     r"^plain\..*[Ee]lementwise|^gpu\.Gpu\.Progress" if place.dry else
                     r"^(cuda|gpu)\.|^Passes\.", "--no-tests=error",
                     "--timeout", "120", "--parallel", "2" if place.dry else "4",
                     "--output-on-failure", "--output-junit", junit)
    found = outcome(done, "ctest", verdict=(8,))  # 8: tests failed
    if junit.exists():
        tests = Tests("test", 0, "passed")
        read_junit(junit, tests)
        junit.unlink()
        found["tests"] = {"passed": tests.passed, "failed": len(tests.failures),
                          "skipped": tests.skipped, "failures": tests.failures}
        if tests.failures:
            found["sentence"] = f"{len(tests.failures)} tests failed: {tests.failures[0]}"
    return found


def conformance(place) -> dict:
    program = place.program("tests", "emulator", "record_conformance_emulated") if place.dry else \
        place.program("tests", "cuda", "record_conformance")
    missing = needs_build(place, program)
    if missing:
        return missing
    place.vectors.mkdir(parents=True, exist_ok=True)
    done = place.run(program, place.vectors)
    files = {path.name: path.stat().st_size for path in sorted(place.vectors.glob("*.bin"))}
    if not files:
        place.vectors.rmdir()
    folder = os.path.relpath(place.vectors, ROOT)
    return outcome(done, "the recorder", folder=folder, files=files)


def sanitize(place) -> dict:
    names = {tool: "test_device_" + ("asan" if tool == "memcheck" else "race") for tool in TOOLS} \
        if place.dry else dict.fromkeys(TOOLS, "test_device_cuda")
    programs = {tool: place.program("tests", "device", name) for tool, name in names.items()}
    if not place.dry:
        programs["memcheck of networks"] = place.program("tests", "networks", "test_gpu_networks")
    missing = next(filter(None, (needs_build(place, p) for p in programs.values())), None)
    if missing:
        return missing
    tools = {tool: sanitize_with(place, tool, program) for tool, program in programs.items()}
    worst = next((status for status in ("failed", "wrong", "late", "refused", "passed")
                  if any(found["status"] == status for found in tools.values())))
    made = {"status": worst, "tools": tools}
    if worst != "passed":
        made["sentence"] = next(f"{tool}: {found['sentence']}" for tool, found in tools.items()
                                if found["status"] == worst)
    return made


def sanitize_with(place, tool, program) -> dict:
    """The emulator has these tools built in: its race detector and its build for ASan."""
    if place.dry:
        tests = "--gtest_filter=*lementwise*InEveryOrder*:*InEveryOrder*/elementwise*"
        done = place.run(program, tests, environment={"ASAN_OPTIONS": "detect_leaks=0"})
        if NO_TESTS in done.output:
            return failed(f"{program.name} has none of the tests that it was asked for")
        return outcome(done, program.name, verdict=(1,), errors=0 if done.code == 0 else None)
    tests = "*/f16" if tool.endswith("networks") else \
        "*AgreesWithIts*" if tool in ("memcheck", "initcheck") else "*EveryStep*:*BitsDepend*"
    found = shutil.which("compute-sanitizer") or shutil.which(
        "compute-sanitizer", path="/usr/local/cuda/bin:/usr/local/cuda/compute-sanitizer")
    if found is None:
        return refused("compute-sanitizer is not installed")
    return sanitizer_verdict(tool, place.run(
        found, "--tool", tool.split()[0], "--error-exitcode", "9", program,
        f"--gtest_filter={tests}", limit=LIMIT / (len(TOOLS) + 1)))


def sanitizer_verdict(tool, done) -> dict:
    """A tool that the machine does not let work says so before it counts anything."""
    lines = done.output.splitlines()
    if NO_TESTS in done.output:
        return failed(f"{tool} had none of the tests that it was asked for")
    for line in lines:
        if re.search(r"not supported|not permitted|permission|unable to|failed to (init|attach)",
                     line, re.I) and line.startswith("========="):
            return refused(f"compute-sanitizer: {line.strip('= ')}")
    counted = re.search(r"ERROR SUMMARY: (\d+) error|RACECHECK SUMMARY: (\d+) hazard", done.output)
    if done.code is None:
        return {"status": "late", "sentence": f"{tool} ran out of its time", "errors": None}
    if counted is None:
        said = (lines or ["it said nothing"])[-1].strip()[:300]
        return refused(f"{tool} gave no summary: {said}")
    errors = int(counted.group(1) or counted.group(2))
    if errors:
        return {"status": "wrong", "sentence": f"{tool} found {errors}", "errors": errors}
    return outcome(done, tool, verdict=(1,), errors=0)


def measured(place, stage, command, limit_seconds) -> dict:
    """A program that writes JSON; what it had written when its time ran out counts."""
    written = place.results / f"{stage}.measured"
    written.parent.mkdir(parents=True, exist_ok=True)
    written.unlink(missing_ok=True)
    command = [*command, "--output", written, "--limit", limit_seconds]
    done = place.run(*command, *(["--dry-run"] if place.dry else []))
    if done.code == 5:
        return refused(done.output.strip().splitlines()[-1])
    script = next((Path(str(w)).name for w in command[:2] if str(w).endswith(".py")), None)
    found = outcome(done, script or Path(str(command[0])).name, verdict=(4,))
    if written.exists():
        found["measured"] = json.loads(written.read_text())
        written.unlink()
    return found


def bench(place) -> dict:
    program = place.program("benchmarks", "gpu", "gpu_kernels")
    return needs_build(place, program) or measured(
        place, "bench", [program, "--layers", LAYERS], LIMIT - 45)


def networks(place) -> dict:
    program = place.program("emulated", "kintsugi") if place.dry else place.program("kintsugi")
    script = Path(__file__).resolve().parent / "networks.py"
    return needs_build(place, program) or measured(
        place, "networks", [sys.executable, script, "--program", program], LIMIT - 60)


def torch(place) -> dict:
    script = Path(__file__).resolve().parent / "torch_gpu.py"
    return measured(place, "torch", [sys.executable, script], LIMIT - 75)


STAGES = {"build": build, "test": test, "conformance": conformance, "sanitize": sanitize,
          "bench": bench, "networks": networks, "torch": torch}


# ---- Around them

def commit() -> str:
    def git(*words):
        return subprocess.run(["git", "-C", ROOT, *words], capture_output=True, text=True,
                              check=False)

    try:
        head = git("rev-parse", "--short", "HEAD")
        if head.returncode == 0:
            # Results that stages write do not make a tree another.
            changed = git("status", "--porcelain", "--untracked-files=no", "--", ".",
                          ":!benchmarks/results", ":!tests/data/conformance").stdout.strip()
            return head.stdout.strip() + ("-dirty" if changed else "")
    except OSError:
        pass
    return os.environ.get("KINTSUGI_COMMIT", "unknown")


def run_stage(name: str, place) -> dict:
    place.log, place.end = [], time.monotonic() + LIMIT
    record = {"stage": name, "gpu": place.gpu["name"], "emulated": place.dry,
              "compute": place.gpu["compute"], "driver": place.gpu["driver"], "commit": commit(),
              "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
              "before": {} if place.dry else machine.state()}
    start = time.monotonic()
    try:
        record.update(STAGES[name](place))
    except (OSError, ValueError) as error:
        record.update(failed(f"{name} could not run: {error}"))
    record["seconds"] = round(time.monotonic() - start, 1)
    record["after"] = {} if place.dry else machine.state()
    write_json(place.results / f"{name}.json", record)
    write_whole(place.results / f"{name}.txt", report.stage_text(record) +
                here("".join(place.log))[-MOST_LOG:])
    report.write(place.results)
    return record


def bundle(place, path: Path) -> None:
    """Everything under names as the repository has them."""
    part = path.with_name(path.name + ".part")
    with tarfile.open(part, "w") as tar:
        base = "build/gpu-dry-run" if place.dry else "benchmarks/results"
        tar.add(place.results, f"{base}/{place.results.name}")
        if not place.dry and place.vectors.is_dir():
            tar.add(place.vectors, "tests/data/conformance")
    part.replace(path)


def parse(arguments):
    class Parser(argparse.ArgumentParser):
        def error(self, message):
            print(f"gpu: {message}; see scripts/gpu.sh --help", file=sys.stderr)
            sys.exit(2)

    parser = Parser(prog="gpu", add_help=False, allow_abbrev=False)
    parser.add_argument("stages", nargs="*")
    parser.add_argument("--dry-run", action="store_true")
    parser.add_argument("--output", type=Path)
    parser.add_argument("--bundle", type=Path)
    options = parser.parse_args(arguments)
    for stage in options.stages:
        if stage not in STAGES:
            parser.error(f"there is no stage '{stage}', there are {', '.join(STAGES)}")
    if not options.stages:
        parser.error("no stage is named")
    return options


def main(arguments=None) -> int:
    options = parse(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    gpu = machine.EMULATED if options.dry_run else machine.find_gpu()
    if gpu is None:
        print("gpu: there is no GPU here that nvidia-smi names; --dry-run takes the emulator",
              file=sys.stderr)
        return 5
    place, statuses = Place(gpu, options.dry_run, options.output), []
    try:
        for name in options.stages:
            print(f"gpu: {name} ...", flush=True)
            record = run_stage(name, place)
            statuses.append(record["status"])
            print(report.stage_text(record), end="", flush=True)
            if options.bundle:
                bundle(place, options.bundle)
    except KeyboardInterrupt:
        print("gpu: interrupted", file=sys.stderr)
        return 130
    except OSError as error:
        print(f"gpu: {error}", file=sys.stderr)
        return 1
    print(f"gpu: results are in {place.results}")
    return 1 if {"failed", "late"} & set(statuses) else 4 if "wrong" in statuses else 0


if __name__ == "__main__":
    sys.exit(main())
