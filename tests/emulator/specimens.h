// SPDX-License-Identifier: MIT
//
// The specimen kernels as functions that tests call. The kernels are compiled apart from the tests,
// as .cu files, once for each build of the emulator (tests/emulator/CMakeLists.txt) and by nvcc.
#pragma once

#include "kernels/core/half.h"
#include "kernels/device/api.h"
#include "kernels/device/fragment.h"

namespace kintsugi::specimen {

enum class GemmFault {
  none,
  no_wait,            ///< cp_async_wait is missing
  wait_off_by_one,    ///< leaves one group too many under way
  no_barrier_after,   ///< between the arrival of a tile and its use
  no_barrier_before,  ///< between the use of a stage and its refill
  no_swizzle,         ///< not wrong: slow
  stray_load,         ///< does not zero-fill rows past the end
  dropped_step,       ///< one product too few
};

template <typename T>
struct GemmArgs {
  const T* a;  // [m, k]
  const T* b;  // [n, k]
  float* c;    // [m, n]
  int m;
  int n;
  int k;
};
template <typename T>
void gemm(device::Stream& stream, const GemmArgs<T>& args);
void broken_gemm(device::Stream& stream, GemmFault fault, const GemmArgs<f16>& args);

enum class HopperFault {
  none,
  wrong_phase,      ///< waits for the other phase of a full stage
  early_refill,     ///< does not wait for a stage to be empty
  early_release,    ///< says that a stage is empty before its products are computed
  few_bytes,        ///< expects half of the bytes that come
  many_bytes,       ///< expects twice the bytes that come
  no_product_wait,  ///< reads the accumulators of products under way
};
/// By TMA and wgmma, for sm_90a.
void hopper_gemm(device::Stream& stream, HopperFault fault, const GemmArgs<f16>& args);

/// c = a * b in f32 by 4 x 4 elements a thread; a [m, k], b [k, n].
void simt_gemm(device::Stream& stream, const GemmArgs<float>& args);

/// sum[row] of x [rows, columns], a warp a row.
template <typename T>
void row_sum(device::Stream& stream, const T* x, float* sum, int rows, int columns);

/// Of the small kernels in faults.cuh.
enum class Fault {
  none,
  no_barrier_after_store,
  no_barrier_before_refill,
  no_syncwarp_after_store,
  no_syncwarp_before_overwrite,
  divergent_barriers,
  absent_lane,
  early_exit,
  half_a_barrier,
  global_out_of_bounds,
  shared_out_of_bounds,
  never_written,
  around_the_vocabulary,
  misaligned,
  never_waited,
  endless_spin,
};

/// Launches the kernel that has the fault, from 256 floats to 256 floats.
void faulty(device::Stream& stream, Fault fault, const float* in, float* out);
/// The faultless kernels, by number from 0; false past the last.
bool faultless(device::Stream& stream, int number, const float* in, float* out);
/// Blocks that wait for one another: `turn` starts at 0, `out` takes 32 floats a block.
void queue(device::Stream& stream, Fault fault, uint32_t* turn, float* out, unsigned blocks);

}  // namespace kintsugi::specimen
