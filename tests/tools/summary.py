# SPDX-License-Identifier: MIT
"""The end of scripts/test.sh: minutes per stage, the tests that failed, and how many passed.

Minutes are those of the clock and those of processor time, user and system, of all that the stage
started and that has ended.

Reads RESULTS/stages.tsv (name, start, end, status, milliseconds of processor time) and, where a stage
left one, RESULTS/<name>.xml in JUnit's form, as ctest and pytest write it. A stage without counts as
one test. A stage that failed counts at least one failure, whatever its XML says.
"""

import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Stage:
    name: str
    seconds: float
    status: str
    cpu_seconds: float = 0
    passed: int = 0
    skipped: int = 0
    failures: list = field(default_factory=list)  # names


def read_junit(file: Path, stage: Stage) -> None:
    for case in ElementTree.parse(file).getroot().iter("testcase"):
        name = case.get("name", "?")
        scope = case.get("classname", name)
        title = name if scope == name else f"{scope}::{name}"
        if case.find("failure") is not None or case.find("error") is not None:
            stage.failures.append(title)
        elif case.find("skipped") is not None or case.get("status") in ("notrun", "disabled"):
            stage.skipped += 1
        else:
            stage.passed += 1


def read_stages(results: Path) -> list:
    stages = []
    for line in (results / "stages.tsv").read_text().splitlines():
        name, start, end, status, cpu_ms = line.split("\t")
        stage = Stage(name, float(end) - float(start), status, float(cpu_ms) / 1000)
        junit = results / f"{name}.xml"
        if status == "skipped":
            stage.failures.append(f"{name} (not run)")
        elif junit.is_file():
            try:
                read_junit(junit, stage)
            except ElementTree.ParseError as error:
                stage.failures.append(f"{name} (its report is broken: {error})")
        elif status == "passed":
            stage.passed = 1
        if status == "failed" and not stage.failures:
            stage.failures.append(name)
        stages.append(stage)
    return stages


def report(stages: list) -> str:
    lines = ["", f"{'stage':<14}{'minutes':>8}{'CPU min':>9}{'passed':>8}{'failed':>8}{'skipped':>9}"]
    rows = [(s.name, s.seconds, s.cpu_seconds, s.passed, len(s.failures), s.skipped)
            for s in stages]
    rows.append(("all", *(sum(row[i] for row in rows) for i in range(1, 6))))
    for name, seconds, cpu_seconds, passed, failed, skipped in rows:
        lines.append(f"{name:<14}{seconds / 60:>8.1f}{cpu_seconds / 60:>9.1f}"
                     f"{passed:>8}{failed:>8}{skipped:>9}")
    for stage in stages:
        lines += [f"FAILED {stage.name}: {name}" for name in stage.failures]
    lines += ["", f"{rows[-1][3]} passed, {rows[-1][4]} failed"]
    return "\n".join(lines)


def main() -> int:
    stages = read_stages(Path(sys.argv[1]))
    print(report(stages))
    return 1 if any(stage.failures for stage in stages) else 0


if __name__ == "__main__":
    sys.exit(main())
