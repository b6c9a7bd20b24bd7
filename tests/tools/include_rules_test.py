# SPDX-License-Identifier: MIT
"""The tree keeps the rules of tests/tools/include_rules.py, and a planted breach is found."""

import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import include_rules  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
SPDX = "// SPDX-License-Identifier: MIT\n"


def test_the_tree_keeps_the_rules():
    breaches = include_rules.violations(ROOT)
    assert not breaches, "\n".join(breaches)


def test_every_source_folder_has_a_rule():
    """A new folder under kernels/ or runtime/ decides whom it may include before it is merged."""
    for file in sorted([*(ROOT / "kernels").rglob("*"), *(ROOT / "runtime").rglob("*")]):
        if file.suffix in include_rules.CODE:
            assert include_rules.rule_of(file.relative_to(ROOT).as_posix()), file


@pytest.fixture
def tree(tmp_path):
    for path in ("kernels/conv2d/conv2d.h", "kernels/pad/pad.h", "kernels/core/shape.h"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(SPDX)
    return tmp_path


def plant(tree, path, text):
    file = tree / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return include_rules.violations(tree)


@pytest.mark.parametrize("path, line", [
    ("kernels/core/view.h", '#include "kernels/simd/isa.h"'),
    ("kernels/core/view.h", '#include "hwy/highway.h"'),
    ("kernels/conv2d/cpu.cpp", '#include "kernels/pad/pad.h"'),
    ("kernels/conv2d/cpu.cpp", '#include "runtime/graph/graph.h"'),
    ("kernels/conv2d/cpu.cpp", '#  include <nlohmann/json.hpp>'),
    ("kernels/device/api.h", '#include "kernels/core/view.h"'),
    ("runtime/include/kintsugi/image.hpp", '#include "kernels/core/view.h"'),
    ("runtime/include/kintsugi/image.hpp", '#include <nlohmann/json.hpp>'),
    ("runtime/weights/weights.h", '#include "runtime/graph/graph.h"'),
    ("runtime/graph/nn.h", '#include "kernels/conv2d/tiles.h"'),
    ("runtime/graph/nn.h", '#include "runtime/plan/plan.h"'),
    ("runtime/plan/plan.h", '#include "runtime/execute/executor.h"'),
    ("runtime/plan/plan.h", '#include "kernels/device/launch.cuh"'),
    ("runtime/execute/executor.cpp", '#include "kernels/device/launch.h"'),
    ("runtime/networks/glcic/net.cpp", '#include "runtime/plan/plan.h"'),
    ("runtime/networks/glcic/net.cpp", '#include "kernels/conv2d/conv2d.h"'),
    ("runtime/networks/glcic/net.cpp", '#include "runtime/networks/pconv/pconv.h"'),
    ("runtime/networks/glcic/task.cpp", '#include "runtime/weights/weights.h"'),
    ("runtime/networks/registry.cpp", '#include "runtime/execute/executor.h"'),
    ("runtime/networks/glcic/net.cpp", '#include "../../graph/graph.h"'),
    ("runtime/image/codec.cpp", '#include "runtime/weights/weights.h"'),
    ("runtime/cli/main.cpp", '#include "runtime/image/resize.h"'),
    ("runtime/cli/main.cpp", '#include "kernels/core/error.h"'),
    ("runtime/cli/main.cpp", '#include <stb/stb_image.h>'),
    ("examples/embed_cpp/main.cpp", '#include "kernels/core/shape.h"'),
    ("tests/consumer/main.cpp", '#include "runtime/weights/weights.h"'),
    ("runtime/elsewhere/new.cpp", '#include "kernels/core/shape.h"'),
])
def test_a_forbidden_include_is_found(tree, path, line):
    found = plant(tree, path, f"{SPDX}#include <vector>\n{line}\n")
    assert len(found) == 1 and found[0].startswith(f"{path}:3: "), found


@pytest.mark.parametrize("path, line", [
    ("kernels/conv2d/cpu.cpp", '#include "kernels/conv2d/tiles.h"'),
    ("kernels/conv2d/cpu.cpp", '#include "kernels/simd/parallel.h"'),
    ("kernels/conv2d/cpu.cpp", '#include <hwy/highway.h>'),
    ("runtime/include/kintsugi/kintsugi.hpp", '#include "kernels/core/shape.h"'),
    ("runtime/graph/nn.h", '#include "kernels/conv2d/conv2d.h"'),
    ("runtime/plan/plan.h", '#include "kernels/simd/isa.h"'),
    ("runtime/networks/glcic/net.cpp", '#include "runtime/graph/nn.h"'),
    ("runtime/cli/main.cpp", '#include <CLI/CLI.hpp>'),
    ("runtime/cli/main.cpp", '#include <kintsugi/kintsugi.hpp>'),
    ("tests/kernels/conv2d_test.cpp", '#include "kernels/conv2d/conv2d.h"'),
    ("runtime/networks/glcic/keys.cpp", 'constexpr KeyLayout kFlat{};  // the flat layout'),
    ("runtime/networks/glcic/net.cpp", '#include <memory>'),
    ("runtime/networks/glcic/net.cpp", '#include "runtime/networks/glcic/glcic.h"'),
    ("runtime/networks/network.h", '#include "runtime/weights/weights.h"'),
    ("runtime/networks/glcic/net.cpp", 'auto x = weight("memory_bank.level0");'),
    ("runtime/cli/main.cpp", 'puts("asm <<< __global__");  // asm'),
    ("kernels/emulator/fiber_switch.cpp", 'asm(".text");'),
    ("kernels/device/mma.cuh", 'asm volatile("nop");'),
    ("kernels/conv2d/cuda.cu", '#include "kernels/device/mma.cuh"'),
    ("kernels/device/fragment.h", '#include "kernels/core/half.h"'),
])
def test_what_is_allowed_is_not_reported(tree, path, line):
    assert plant(tree, path, f"{SPDX}{line}\n") == []


@pytest.mark.parametrize("path, line", [
    ("kernels/conv2d/cuda.cu", "__global__ void f();"),
    ("kernels/conv2d/cuda.cu", "f<<<1, 2>>>();"),
    ("kernels/conv2d/cuda.cu", "__shared__ float tile[32];"),
    ("kernels/conv2d/cpu.cpp", 'asm volatile("nop");'),
    ("kernels/emulator/fiber.cpp", 'asm volatile("nop");'),
    ("kernels/emulator/fiber_switch.cpp", "__shared__ float tile[32];"),
    ("tests/emulator/gemm.cuh", "__device__ int f();"),
    ("kernels/conv2d/cuda.cu", "#if defined(__x86_64__)"),
    ("kernels/conv2d/cpu.cpp", "#ifdef KINTSUGI_CUDA"),
    ("runtime/plan/select.cpp", "#if defined(__CUDACC__)"),
    ("runtime/networks/glcic/net.cpp", "// channels last, the NHWC way"),
    ("runtime/networks/glcic/net.cpp", "Value to_device(Value x);"),
    ("runtime/networks/glcic/task.cpp", "// keeps it in memory"),
    ("runtime/networks/glcic/net.cpp", "int deviceIndex = 0;"),
    ("runtime/networks/glcic/net.cpp", "// the layout of x"),
])
def test_a_forbidden_word_is_found(tree, path, line):
    found = plant(tree, path, f"{SPDX}\n{line}\n")
    assert len(found) == 1 and found[0].startswith(f"{path}:3: "), found


def test_a_missing_licence_is_found(tree):
    assert len(plant(tree, "kernels/pad/cpu.cpp", "int x;\n")) == 1
    assert len(plant(tree, "scripts/x.sh", "#!/bin/sh\n")) == 2


def test_a_long_file_is_found(tree):
    assert plant(tree, "kernels/pad/cpu.cpp", SPDX + "\n" * 399) == []
    assert len(plant(tree, "kernels/pad/cpu.cpp", SPDX + "\n" * 400)) == 1


def test_from_the_shell():
    tool = Path(include_rules.__file__)
    done = subprocess.run([sys.executable, str(tool)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert done.stdout == "no breach\n"
