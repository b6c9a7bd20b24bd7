# SPDX-License-Identifier: MIT
"""The benchmarks' side of cuDNN and cuBLAS compiles and links where they and nvcc are installed.

It runs as far as it gets without a GPU: both libraries refuse, in a sentence.
"""

import importlib.util
import subprocess
from pathlib import Path

import pytest

from test_nvcc import NVCC, ROOT

SOURCES = ["benchmarks/gpu/cudnn.cpp", "benchmarks/gpu/cublas.cpp", "benchmarks/gpu/timing.cpp",
           "benchmarks/gpu/buffer.cpp", "kernels/device/cuda/api.cpp"]
MAIN = """
#include <cstdio>
#include "benchmarks/gpu/baseline.h"
int main() {
  using namespace kintsugi;
  const gpu_bench::Library found[] = {gpu_bench::cudnn(), gpu_bench::cublas()};
  for (const gpu_bench::Library& library : found) {
    std::printf("%s|%s\\n", library.version.c_str(), library.refused.c_str());
  }
  if (device::count() == 0) return 0;
  const auto stream = device::make_stream();
  return static_cast<int>(gpu_bench::cudnn_baselines(nullptr, *stream).size());
}
"""


def folders():
    """(include, lib) of the cuDNN that the toolkit or PyTorch brings, or None."""
    found = [Path("/usr/local/cuda/include")]
    if NVCC:
        found.insert(0, Path(NVCC).resolve().parents[1] / "include")
    spec = importlib.util.find_spec("nvidia")
    for path in spec.submodule_search_locations if spec else []:
        found.append(Path(path) / "cudnn" / "include")
    for include in found:
        library = next(include.parent.glob("lib*/libcudnn.so*"), None)
        if (include / "cudnn_graph.h").exists() and library:
            return include, library
    return None


CUDNN = folders()
pytestmark = [
    pytest.mark.skipif(NVCC is None, reason="nvcc is not installed"),
    pytest.mark.skipif(CUDNN is None, reason="cuDNN 9 is not installed"),
    pytest.mark.skipif(not (Path(NVCC or "/").resolve().parents[1] / "include" / "cublas_v2.h")
                       .exists() if NVCC else True, reason="cuBLAS is not installed")]


def test_cudnn_and_cublas_compile_link_and_refuse_without_a_gpu(tmp_path):
    include, library = CUDNN
    (tmp_path / "main.cpp").write_text(MAIN)
    program = tmp_path / "baselines"
    run = subprocess.run(
        [NVCC, "-std=c++20", "-O1", f"-I{ROOT}", f"-I{ROOT}/runtime/include", "-isystem",
         str(include), "-Xcompiler", "-Wall,-Wextra,-Wshadow,-Wconversion,-Werror",
         str(tmp_path / "main.cpp"), *[str(ROOT / file) for file in SOURCES],
         "-lcublas", "-Xlinker", str(library), "-Xlinker", f"-rpath={library.parent}", "-o",
         str(program)],
        capture_output=True, text=True, cwd=tmp_path, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    if Path("/dev/nvidia0").exists():
        pytest.skip("built; what it computes on a GPU is the benchmark's affair")
    run = subprocess.run([program], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    for name, line in zip(("cuDNN", "cuBLAS"), run.stdout.splitlines()):
        version, sentence = line.split("|")
        assert version == "" and sentence.startswith(f"{name}: "), line
