// SPDX-License-Identifier: MIT
//
// The specimen kernels as functions that tests call. They are compiled apart from the tests, as .cu
// files, once for each build of the emulator (tests/emulator/CMakeLists.txt).
#pragma once

#include "kernels/core/half.h"
#include "kernels/device/api.h"
#include "kernels/device/fragment.h"

namespace kintsugi::specimen {

enum class GemmFault;

template <typename T>
struct GemmArgs {
  const T* a;
  const T* b;
  float* c;
  int m;
  int n;
  int k;
};
template <typename T>
void gemm(device::Stream& stream, const GemmArgs<T>& args);
void broken_gemm(device::Stream& stream, GemmFault fault, const GemmArgs<f16>& args);

}  // namespace kintsugi::specimen
