# SPDX-License-Identifier: MIT
"""The benchmarks' side of cuDNN and cuBLAS compiles and links where they and nvcc are installed.

Without a GPU it gets far: cuDNN 9.8 and later says which plans it would have for one.
"""

import importlib.util
import json
import subprocess
from pathlib import Path

import pytest

from test_nvcc import NVCC, ROOT

SOURCES = ["benchmarks/gpu/cudnn.cpp", "benchmarks/gpu/cudnn_plans.cpp", "benchmarks/gpu/cublas.cpp",
           "benchmarks/gpu/timing.cpp", "benchmarks/numbers.cpp", "kernels/device/cuda/api.cpp"]
MAIN = r"""
#include <cstdio>
#include "benchmarks/gpu/baseline.h"
#include "benchmarks/gpu/cudnn_plans.h"
using namespace kintsugi;
using namespace kintsugi::gpu_bench;

void plan(const char* name, Convolution c, const Target& target) {
  for (const Type type : {Type::bf16, Type::f16, Type::tf32, Type::f32}) {
    c.type = type;
    std::printf("%s %s %zu %zu\n", name, type == Type::bf16   ? "bf16"
                                         : type == Type::f16  ? "f16"
                                         : type == Type::tf32 ? "tf32" : "f32",
                cudnn_plans(c, false, target, 4).size(), cudnn_plans(c, true, target, 4).size());
  }
}

int main(int, char** argv) {
  const Library found[] = {cudnn(), cublas()};
  for (const Library& library : found) {
    std::printf("%s|%s\n", library.version.c_str(), library.refused.c_str());
  }
  const auto layer = [](bool transposed, Shape in, Shape out, Shape weight, Pair kernel,
                        Pair stride, Pair dilation, Pair padding) {
    Convolution c;
    c.transposed = transposed;
    c.input = in, c.output = out, c.weight = weight;
    c.kernel = kernel, c.stride = stride, c.dilation = dilation, c.padding = padding;
    c.activation = Function::relu;
    return c;
  };
  try {
    const Target target = Target::described(argv[1]);
    plan("dilated", layer(false, {1, 256, 128, 128}, {1, 256, 128, 128}, {256, 256, 3, 3}, 3, 1, 4,
                          4), target);
    plan("first", layer(false, {1, 4, 512, 512}, {1, 64, 512, 512}, {64, 4, 5, 5}, 5, 1, 1, 2),
         target);
    plan("last", layer(false, {1, 32, 512, 512}, {1, 3, 512, 512}, {3, 32, 3, 3}, 3, 1, 1, 1),
         target);
    plan("up", layer(true, {1, 256, 128, 128}, {1, 128, 256, 256}, {256, 128, 4, 4}, 4, 2, 1, 1),
         target);
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
"""
# An H200 by cuDNN's names of its properties: what heuristics look at, not what was measured.
H200 = {
    "deviceName": "NVIDIA H200", "cudaDeviceId": 0, "pciDeviceId": 0, "deviceVer": 900,
    "driverVer": 13000, "multiProcessorCount": 132, "warpSize": 32, "totalGlobalMem": 150 * 10**9,
    "maxGridSize": [2**31 - 1, 65535, 65535], "maxBlockSize": [1024, 1024, 64],
    "regsPerBlock": 65536, "maxRegistersPerSM": 65536, "maxCtasPerSM": 32,
    "maxThreadsPerBlock": 1024, "maxThreadsPerSM": 2048, "maxSharedMemoryPerBlock": 49152,
    "maxSharedMemoryPerBlockOptin": 232448, "reservedSharedMemoryPerBlock": 1024,
    "smClockRateKHz": 1980000, "memClockRateKHz": 3201000, "l2CacheSize": 60 << 20,
    "isTccDriver": 0, "supportCoopLaunch": 1}


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


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    folder, (include, library) = tmp_path_factory.mktemp("baselines"), CUDNN
    (folder / "main.cpp").write_text(MAIN)
    run = subprocess.run(
        [NVCC, "-std=c++20", "-O1", f"-I{ROOT}", f"-I{ROOT}/runtime/include", "-isystem",
         str(include), "-Xcompiler", "-Wall,-Wextra,-Wshadow,-Wconversion,-Werror,"
         "-Wno-missing-field-initializers", str(folder / "main.cpp"),
         *[str(ROOT / file) for file in SOURCES], "-lcublas", "-Xlinker", str(library), "-Xlinker",
         f"-rpath={library.parent}", "-o", str(folder / "baselines")],
        capture_output=True, text=True, cwd=folder, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    run = subprocess.run([folder / "baselines", json.dumps(H200)], capture_output=True, text=True,
                         check=False)
    assert run.returncode == 0, run.stderr
    return run.stdout.splitlines()


def test_without_a_gpu_they_refuse_in_a_sentence(program):
    if Path("/dev/nvidia0").exists():
        pytest.skip("here is a GPU")
    for name, line in zip(("cuDNN", "cuBLAS"), program):
        version, sentence = line.split("|")
        assert version == "" and sentence.startswith(f"{name}: "), line


def test_cudnn_has_plans_for_the_layers_on_an_h200(program):
    """Of a device that is only described: a graph that is put together wrongly has none."""
    plans = {}
    for line in program[2:]:
        layer, dtype, alone, fused = line.split()
        plans[layer, dtype] = int(alone), int(fused)
    assert len(plans) == 16
    for (layer, dtype), (alone, fused) in plans.items():
        assert alone > 0, (layer, dtype)
        # What cuDNN compiles when it is asked takes the driver; it is what an adjoint needs fused.
        assert fused > 0 or layer == "up", (layer, dtype)
