# SPDX-License-Identifier: MIT
"""The preset `cuda` configures, and its benchmarks find cuBLAS and cuDNN, wherever the toolkit has
them: CMake says where in forms that differ from version to version.
"""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from test_gpu_benchmark import CUDNN
from test_nvcc import NVCC, ROOT

pytestmark = pytest.mark.skipif(not (NVCC and shutil.which("cmake") and shutil.which("ninja")),
                                reason="nvcc, CMake or ninja is not installed")

# With CUDA 13, CMake 4 gives a list of folders of headers: here the toolkit's own stands between two
# that are empty. And the folder of cudart can hold nothing but links to it.
FIND_TOOLKIT = """
include(${CMAKE_ROOT}/Modules/FindCUDAToolkit.cmake)
set(CUDAToolkit_INCLUDE_DIRS ${CMAKE_CURRENT_LIST_DIR}/first/include ${CUDAToolkit_INCLUDE_DIRS}
    ${CMAKE_CURRENT_LIST_DIR}/last/include)
set(CUDAToolkit_LIBRARY_DIR ${CMAKE_CURRENT_LIST_DIR}/links)
"""


def test_the_benchmarks_find_their_libraries_among_several_folders(tmp_path):
    modules, tree = tmp_path / "modules", tmp_path / "tree"
    for name in ("first/include", "last/include", "links"):
        (modules / name).mkdir(parents=True)
    (modules / "FindCUDAToolkit.cmake").write_text(FIND_TOOLKIT)
    toolkit = Path(NVCC).resolve().parents[1] / "include"
    options = [f"-DKINTSUGI_CUDNN_DIR={CUDNN[0].parent}"] if CUDNN and CUDNN[0] != toolkit else []
    run = subprocess.run(
        ["cmake", "--preset", "cuda", "-B", tree, f"-DCMAKE_MODULE_PATH={modules}",
         f"-DCMAKE_CUDA_COMPILER={NVCC}", "-DKINTSUGI_TESTS=OFF", "-DKINTSUGI_BENCHMARKS=ON",
         *options], capture_output=True, text=True, cwd=ROOT, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    commands = json.loads((tree / "compile_commands.json").read_text())
    compiled = {Path(command["file"]).name for command in commands}
    for library, there in (("cudnn", CUDNN), ("cublas", (toolkit / "cublas_v2.h").exists())):
        assert (f"{library}.cpp" in compiled) == bool(there), library
        assert (f"absent_{library}.cpp" in compiled) != bool(there), library
