# SPDX-License-Identifier: MIT
"""What nvcc makes of the kernels, where it is installed: skipped and counted elsewhere.

The emulator cannot see wrong inline PTX, spilled registers, or an instruction that is not the one
that was meant. A kernel file is compiled for sm_80 and sm_90a with nvcc called directly (CMake 3.25
quietly compiles CUDA as C++17); ptxas says what each kernel takes.
"""

import os
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NVCC = shutil.which("nvcc") or shutil.which("/usr/local/cuda/bin/nvcc")
FLAGS = ["-std=c++20", "-O3", "--expt-relaxed-constexpr", f"-I{ROOT}", f"-I{ROOT}/runtime/include", "-Werror", "all-warnings",
         "-Xptxas", "-v", "-lineinfo"]

# Kernel files, the architectures they are for, and what their PTX must hold.
TENSOR = [r"mma\.sync\.aligned\.m16n8k16\.row\.col\.f32\.f16\.f16\.f32",
          r"mma\.sync\.aligned\.m16n8k16\.row\.col\.f32\.bf16\.bf16\.f32",
          r"mma\.sync\.aligned\.m16n8k8\.row\.col\.f32\.tf32\.tf32\.f32"]
KERNELS = {
    "kernels/conv2d/cuda.cu": (["80", "90a"], TENSOR + [
        r"cp\.async\.cg\.shared\.global .*, 16, ", r"ldmatrix\.sync\.aligned\.m8n8\.x4\.shared\.b16",
        r"cvt\.rna\.tf32\.f32", r"fma\.rn\.f32", r"atom\S*\.add", r"st\.global\.v4\.u32"]),
    "kernels/conv_transpose2d/cuda.cu": (["80", "90a"], TENSOR + [
        r"cp\.async\.cg\.shared\.global .*, 16, ", r"ldmatrix\.sync\.aligned\.m8n8\.x2\.shared\.b16",
        r"cvt\.rna\.tf32\.f32", r"fma\.rn\.f32", r"atom\S*\.add", r"st\.global\.v4\.u32"]),
    "kernels/elementwise/cuda.cu": (["80", "90a"], [
        r"ld\.global\.v4\.u32", r"ex2\.approx\.f32", r"cvt\.rn\.bf16\.f32", r"st\.global\.v4\.u32"]),
    "kernels/pad/cuda.cu": (["80", "90a"], [r"ld\.global\.v4\.u32", r"st\.global\.v4\.u32"]),
    "kernels/to_tensor/cuda.cu": (["80", "90a"], [
        r"ld\.global\.u8", r"ld\.global\.u16", r"fma\.rn\.f32", r"cvt\.rn\.bf16\.f32",
        r"st\.global\.v4\.u32"]),
    "kernels/to_image/cuda.cu": (["80", "90a"], [
        r"ld\.global\.v4\.u32", r"fma\.rn\.f32", r"fma\.rn\.f64", r"st\.global\.u8",
        r"st\.global\.u16", r"shfl\.sync\.bfly", r"bar\.sync"]),
    "kernels/random/cuda.cu": (["80", "90a"], [
        r"ld\.global\.u16", r"mul\.wide\.u32|mul\.hi\.u32", r"rsqrt\.approx\.f32",
        r"cvt\.rn\.bf16\.f32", r"st\.global\.v4\.u32"]),
    "kernels/concat/cuda.cu": (["80", "90a"], [
        r"ld\.global\.u16", r"ld\.global\.u32", r"st\.global\.v4\.u32"]),
    "kernels/copy/cuda.cu": (["80", "90a"], [
        r"ld\.global\.v4\.u32", r"ld\.global\.u16", r"cvt\.rn\.bf16\.f32", r"st\.global\.v4\.u32"]),
    "kernels/norm/cuda.cu": (["80", "90a"], [
        r"ld\.global\.v4\.u32", r"rcp\.rn\.f32", r"rsqrt\.approx\.f32", r"fma\.rn\.f32", r"bar\.sync"]),
    "kernels/resample/cuda.cu": (["80", "90a"], [
        r"ld\.global\.v4\.u32", r"fma\.rn\.f32", r"cvt\.rn\.bf16\.f32", r"st\.global\.v4\.u32"]),
    "kernels/partial_mask/cuda.cu": (["80", "90a"], [
        r"ld\.global\.f32", r"fma\.rn\.f32", r"div\.rn\.f32", r"st\.global\.v4\.u32"]),
    "kernels/pool/cuda.cu": (["80", "90a"], [
        r"ld\.global\.v4\.u32", r"rcp\.rn\.f32", r"cvt\.rn\.bf16\.f32", r"st\.global\.v4\.u32"]),
    "kernels/reduce/cuda.cu": (["80", "90a"], [
        r"ld\.global\.v4\.u32", r"shfl\.sync\.bfly", r"cvt\.rn\.bf16\.f32", r"bar\.sync"]),
    "kernels/layer_norm/cuda.cu": (["80", "90a"], [
        r"ld\.global\.v4\.u32", r"shfl\.sync\.bfly", r"rsqrt\.approx\.f32", r"fma\.rn\.f32"]),
    "tests/emulator/gemm.cu": (["80", "90a"], TENSOR + [
        r"cp\.async\.cg\.shared\.global .*, 16, ", r"cp\.async\.commit_group",
        r"cp\.async\.wait_group", r"ldmatrix\.sync\.aligned\.m8n8\.x4\.shared\.b16", r"bar\.sync"]),
    "tests/emulator/simt.cu": (["80", "90a"], [r"fma\.rn\.f32", r"shfl\.sync\.bfly", r"cvt\.f32\.f16"]),
    "tests/emulator/faults.cu": (["80", "90a"], [
        r"ld\.shared\.v4\.u32", r"st\.global\.v4\.u32", r"ld\.acquire\.gpu", r"st\.release\.gpu",
        r"bar\.warp\.sync"]),
    "tests/emulator/conformance.cu": (["80", "90a"], TENSOR + [
        r"ldmatrix\.sync\.aligned\.m8n8\.x1\.shared\.b16",
        r"ldmatrix\.sync\.aligned\.m8n8\.x2\.trans\.shared\.b16",
        r"ldmatrix\.sync\.aligned\.m8n8\.x4\.trans\.shared\.b16",
        r"cp\.async\.ca\.shared\.global .*, 4, ", r"cp\.async\.ca\.shared\.global .*, 8, ",
        r"cvt\.rn\.f16\.f32", r"cvt\.rn\.bf16\.f32", r"cvt\.rn\.f16x2\.f32", r"cvt\.rn\.bf16x2\.f32",
        r"cvt\.rna\.tf32\.f32", r"ex2\.approx\.f32", r"rcp\.rn\.f32", r"rsqrt\.approx\.f32",
        r"ld\.global\.v4\.u32", r"st\.shared\.v4\.u32", r"vote\.sync\.ballot", r"vote\.sync\.any",
        r"vote\.sync\.all"]),
    "tests/emulator/conformance_hopper.cu": (["90a"], [
        r"wgmma\.mma_async\.sync\.aligned\.m64n64k16\.f32\.bf16\.bf16",
        r"cp\.async\.bulk\.tensor\.2d", r"fence\.proxy\.async"]),
    "tests/emulator/hopper.cu": (["90a"], [
        r"wgmma\.mma_async\.sync\.aligned\.m64n64k16\.f32\.f16\.f16", r"wgmma\.fence",
        r"wgmma\.commit_group", r"wgmma\.wait_group", r"cp\.async\.bulk\.tensor\.2d",
        r"mbarrier\.init", r"mbarrier\.arrive\.expect_tx", r"mbarrier\.try_wait\.parity",
        r"fence\.mbarrier_init"]),
}
RECORDER = ["tests/cuda/record_conformance.cpp", "tests/emulator/conformance.cu",
            "tests/emulator/conformance_hopper.cu", "kernels/device/cuda/api.cpp"]
CASES = [(file, arch) for file, (archs, _) in KERNELS.items() for arch in archs]

pytestmark = pytest.mark.skipif(NVCC is None, reason="nvcc is not installed")


def compile_one(file, arch, work):
    """What ptxas said, and the PTX."""
    work.mkdir()
    run = subprocess.run(
        [NVCC, *FLAGS, "-gencode", f"arch=compute_{arch},code=sm_{arch}", "--keep",
         "--keep-dir", str(work), "-c", str(ROOT / file), "-o", str(work / "kernel.o")],
        capture_output=True, text=True, cwd=work, check=False,
        env={**os.environ, "TMPDIR": str(work)})
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout + run.stderr, "".join(f.read_text() for f in work.glob("*.ptx"))


@pytest.fixture(scope="module")
def compiled(request, tmp_path_factory):
    """compiled(file, arch): what the chosen tests are of is begun at once, as many together as there
    are processors."""
    folder = tmp_path_factory.mktemp("nvcc")
    futures = {}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        def begin(file, arch):
            if (file, arch) not in futures:
                futures[file, arch] = pool.submit(compile_one, file, arch,
                                                  folder / f"{len(futures)}_{arch}")
            return futures[file, arch]

        for item in request.session.items:
            if "compiled" in item.fixturenames and hasattr(item, "callspec"):
                begin(**item.callspec.params)
        yield lambda file, arch: begin(file, arch).result()


@pytest.mark.parametrize("file, arch", CASES)
def test_the_ptx_holds_the_instructions_meant(compiled, file, arch):
    _, ptx = compiled(file, arch)
    for instruction in KERNELS[file][1]:
        assert re.search(instruction, ptx), f"{instruction} is not in the PTX of {file}"


def kernels_of(said):
    """(mangled name, the line on memory, registers) of every kernel that ptxas speaks of."""
    pattern = (r"Compiling entry function '(\S+)' for .*\n(?:.*\n)*?\s*(\d+ bytes stack frame.*)\n"
               r"(?:.*\n)*?.*Used (\d+) registers")
    return re.findall(pattern, said)


@pytest.mark.parametrize("file, arch", CASES)
def test_nothing_is_spilled(compiled, file, arch):
    kernels = kernels_of(compiled(file, arch)[0])
    assert kernels
    for name, memory, registers in kernels:
        # A stack frame is an array that did not become registers: as slow as a spill.
        assert memory == "0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads", name
        limit = re.search(r"Li(\d+)EEEvT_$", name)
        assert limit, f"{name} does not say kMaxRegisters (kernels/device/launch.cuh)"
        assert int(registers) <= int(limit.group(1)), name


def test_the_tensor_core_steps_are_all_there(compiled):
    """2 x 8 tiles of a warp, of 2 steps: unrolled or not, at least one step's products."""
    _, ptx = compiled("tests/emulator/gemm.cu", "80")
    first = re.search(r"\.entry \S*4GemmINS_3f16ELNS\w+0E.*?^}", ptx, re.S | re.M)
    assert first
    products = len(re.findall(r"mma\.sync", first.group(0)))
    assert products >= 16 and products % 16 == 0


def test_the_recorder_of_conformance_vectors_builds(tmp_path):
    """It can run only where a GPU is; see tests/cuda/README.md."""
    program = tmp_path / "record"
    run = subprocess.run(
        [NVCC, "-std=c++20", "-O2", "--expt-relaxed-constexpr", f"-I{ROOT}", "-gencode",
         "arch=compute_90a,code=sm_90a", *[str(ROOT / file) for file in RECORDER], "-o",
         str(program)], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    run = subprocess.run([program, str(tmp_path)], capture_output=True, text=True, check=False)
    assert run.returncode in (0, 5), run.stderr
    assert run.returncode == 0 or "no CUDA device" in run.stderr
