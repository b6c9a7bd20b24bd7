# SPDX-License-Identifier: MIT
"""The last lines of scripts/test.sh: nothing that failed may be lost on the way to them."""

import subprocess
import sys
from pathlib import Path

SUMMARY = Path(__file__).with_name("summary.py")

CTEST = """<?xml version="1.0"?>
<testsuite name="x" tests="3" failures="1">
  <testcase name="Pad.reflects" classname="Pad.reflects" status="run"/>
  <testcase name="Pad.fails" classname="Pad.fails" status="fail"><failure message=""/></testcase>
  <testcase name="Pad.skips" classname="Pad.skips" status="notrun"><skipped/></testcase>
</testsuite>"""
PYTEST = """<testsuites><testsuite tests="2"><testcase classname="a.b" name="one"/>
<testcase classname="a.b" name="two"><error message="no fixture"/></testcase></testsuite></testsuites>"""


def summarise(folder, stages, **reports):
    """Twice the time of the clock is processor time."""
    rows = [f"{name}\t10.0\t{10 + seconds}\t{status}\t{2000 * seconds}"
            for name, seconds, status in stages]
    (folder / "stages.tsv").write_text("\n".join(rows) + "\n")
    for name, text in reports.items():
        (folder / f"{name}.xml").write_text(text)
    done = subprocess.run([sys.executable, str(SUMMARY), str(folder)], capture_output=True, text=True)
    return done.returncode, done.stdout


def test_all_is_well(tmp_path):
    code, text = summarise(tmp_path, [("setup", 6, "passed"), ("build", 60, "passed")])
    assert code == 0
    assert text.endswith("\n2 passed, 0 failed\n")
    assert "stage          minutes  CPU min  passed  failed  skipped\n" in text
    assert "build              1.0      2.0       1       0        0\n" in text
    assert "all                1.1      2.2       2       0        0\n" in text


def test_both_reports_are_counted(tmp_path):
    stages = [("ctest", 1, "failed"), ("python", 1, "failed")]
    code, text = summarise(tmp_path, stages, ctest=CTEST, python=PYTEST)
    assert code == 1
    assert text.endswith("\n2 passed, 2 failed\n")
    assert "FAILED ctest: Pad.fails" in text
    assert "FAILED python: a.b::two" in text


def test_a_failed_stage_counts_though_its_report_is_clean_absent_or_broken(tmp_path):
    clean = PYTEST.replace('<error message="no fixture"/>', "")
    stages = [("cli", 1, "failed"), ("format", 1, "failed"), ("python", 1, "failed")]
    code, text = summarise(tmp_path, stages, cli=clean, python="<testsuites>")
    assert code == 1
    assert text.endswith("\n2 passed, 3 failed\n")


def test_a_stage_that_was_not_run_is_a_failure(tmp_path):
    code, text = summarise(tmp_path, [("build", 1, "failed"), ("ctest", 0, "skipped")])
    assert code == 1
    assert "FAILED ctest: ctest (not run)" in text
    assert text.endswith("\n0 passed, 2 failed\n")
