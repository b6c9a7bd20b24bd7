// SPDX-License-Identifier: MIT
//
// Target is what an op is planned for: a backend and its properties, and how one op's activations are
// stored. Policies are pure functions of a description, shapes and a target.
#pragma once

#include <cstdint>

#include "kernels/core/dtype.h"
#include "kernels/device/api.h"
#include "kernels/simd/isa.h"

namespace kintsugi {

/// Whose kernels run: the reference in f32 or f64, the CPU's, or the CUDA kernels, on a GPU or emulated.
enum class KernelSet : uint8_t { reference, cpu, cuda };

struct Target {
  KernelSet kernels = KernelSet::reference;
  DType dtype = DType::f32;  // of the op's activations; exact values are f32 (f64 beside f64)
  simd::Isa isa = simd::Isa::emu128;  // of the CPU's kernels
  device::DeviceInfo gpu = {};        // of CUDA kernels
  bool tf32 = false;                  // products of f32 activations may be rounded to tf32
  int threads = 1;                    // for which there is scratch; decides nothing else
  bool winograd = true;               // whether convolutions may take that form
  bool tuned = true;                  // without it `choose` takes the plainest configuration

  [[nodiscard]] int64_t element_bytes() const { return size_bytes(dtype); }
};

}  // namespace kintsugi
