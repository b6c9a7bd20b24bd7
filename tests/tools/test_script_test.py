# SPDX-License-Identifier: MIT
"""scripts/test.sh on a machine of stubs: what a stage finds that an earlier one installed, and what
processor time is counted as its own.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ("bash", "cp", "dirname", "grep", "mkdir", "nproc", "rm", "sed")  # PATH holds no others
STUBS = {
    "scripts/setup.sh": "cp bin/cmake bin/ccache",
    "scripts/lint.sh": "",
    "scripts/demo.sh": "",
    "bin/cmake": 'echo "${CMAKE_CXX_COMPILER_LAUNCHER-none} ${CCACHE_DIR-none}" >>launchers',
    "bin/ctest": "",
    "bin/python": f'[ "$1" = -m ] || exec {sys.executable} "$@"',
}


def write_stub(path, text):
    path.write_text(f"#!{shutil.which('bash')}\n{text}\n")
    path.chmod(0o755)


@pytest.fixture
def tree(tmp_path):
    for name in ("scripts/test.sh", "tests/tools/summary.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "bin").mkdir()
    for tool in TOOLS:
        (tmp_path / "bin" / tool).symlink_to(shutil.which(tool))
    for name, text in STUBS.items():
        write_stub(tmp_path / name, text)
    return tmp_path


def run(tree):
    environment = {"PATH": str(tree / "bin"), "KINTSUGI_PYTHON": str(tree / "bin" / "python")}
    done = subprocess.run([tree / "scripts" / "test.sh", "--quick"], capture_output=True, text=True,
                          env=environment, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_ccache_serves_the_run_that_installs_it(tree):
    run(tree)
    launchers = (tree / "launchers").read_text().splitlines()
    assert len(launchers) == 3  # to configure, to build the program, to build the rest
    assert set(launchers) == {f"ccache {tree}/build/ccache"}


def test_without_ccache_nothing_is_said_of_it(tree):
    write_stub(tree / "scripts" / "setup.sh", "")
    run(tree)
    assert set((tree / "launchers").read_text().splitlines()) == {"none none"}


def test_processor_time_is_counted_for_its_stage_from_all_processes_below(tree):
    work = "import time\nwhile time.process_time() < 0.5: pass"
    write_stub(tree / "scripts" / "demo.sh", f"(({sys.executable} -c '{work}') & wait)")
    run(tree)
    rows = (tree / "build" / "test-results" / "stages.tsv").read_text().splitlines()
    cpu_ms = {row.split("\t")[0]: int(row.split("\t")[4]) for row in rows}
    assert cpu_ms.pop("demo") >= 499
    assert len(cpu_ms) > 10 and 0 <= min(cpu_ms.values()) and max(cpu_ms.values()) < 400
