// SPDX-License-Identifier: MIT
//
// Small kernels with one fault each, and the same kernels without: what the emulator must catch.
// Each is a few lines that stand for a mistake made in a large kernel. faults_test.cpp says who
// catches what.
#pragma once

#include "kernels/device/async_copy.cuh"
#include "kernels/device/memory.cuh"
#include "kernels/device/numeric.cuh"
#include "kernels/device/reduce.cuh"
#include "kernels/device/sync.cuh"
#include "tests/emulator/specimens.h"

namespace kintsugi::specimen {

/// Every thread passes its number to the thread one warp further on.
template <Fault kFault>
struct PassOn {
  static constexpr unsigned kThreads = 128;
  struct Shared {
    float x[kThreads];
  };
  const float* in;
  float* out;

  KIN_DEVICE void operator()() const {
    auto& shared = device::shared<PassOn>();
    const unsigned t = threadIdx.x;
    float sum = 0;
    for (int round = 0; round < 3; ++round) {
      shared.x[t] = device::load(&in[t]) + static_cast<float>(round);
      if constexpr (kFault != Fault::no_barrier_after_store) device::syncthreads();
      sum += shared.x[(t + 32) % kThreads];
      if constexpr (kFault != Fault::no_barrier_before_refill) device::syncthreads();
    }
    device::store(&out[t], sum);
  }
};

/// The same between lanes of a warp; the sum of a shuffle hides that a syncwarp is missing.
template <Fault kFault>
struct PassInWarp {
  static constexpr unsigned kThreads = 64;
  struct Shared {
    float x[kThreads];
  };
  const float* in;
  float* out;

  KIN_DEVICE void operator()() const {
    auto& shared = device::shared<PassInWarp>();
    const unsigned t = threadIdx.x;
    float value = device::load(&in[t]);
    for (int round = 0; round < 3; ++round) {
      shared.x[t] = value;
      if constexpr (kFault != Fault::no_syncwarp_after_store) device::syncwarp();
      const float other = shared.x[t ^ 1];
      value = other + device::shfl_xor(other, 2);
      if constexpr (kFault != Fault::no_syncwarp_before_overwrite) device::syncwarp();
    }
    device::store(&out[t], value);
  }
};

/// Copies 128 floats by way of shared memory.
template <Fault kFault>
struct CopyThrough {
  static constexpr unsigned kThreads = 64;
  struct Shared {
    float x[2 * kThreads];
  };
  const float* in;
  float* out;

  KIN_DEVICE void operator()() const {
    auto& shared = device::shared<CopyThrough>();
    const unsigned t = threadIdx.x;
    if constexpr (kFault == Fault::global_out_of_bounds) {
      shared.x[t] = device::load(&in[t + 64 + (t == 63 ? 1 : 0)]);
    } else if constexpr (kFault == Fault::around_the_vocabulary) {
      shared.x[t] = in[t];
    } else {
      shared.x[t] = device::load(&in[t]);
    }
    if constexpr (kFault != Fault::never_written) shared.x[t + 64] = device::load(&in[t + 64]);
    if constexpr (kFault == Fault::shared_out_of_bounds) shared.x[t + 65] = 1.0f;
    device::syncthreads();
    device::store(&out[t], shared.x[(t + 1) % 64]);
    device::store(&out[t + 64], shared.x[64 + (t + 1) % 64]);
  }
};

/// Barriers and shuffles that do not fit together.
template <Fault kFault>
struct Meet {
  static constexpr unsigned kThreads = 64;
  const float* in;
  float* out;

  KIN_DEVICE void operator()() const {
    const unsigned t = threadIdx.x;
    float value = device::load(&in[t]);
    if constexpr (kFault == Fault::divergent_barriers) {
      if (t < 32) {
        device::syncthreads();
      } else {
        device::syncthreads();
      }
    } else if constexpr (kFault == Fault::absent_lane) {
      if (t % 32 != 31) value = device::shfl_down(value, 1);
    } else if constexpr (kFault == Fault::early_exit) {
      if (t == 40) return;
      device::syncthreads();
    } else if constexpr (kFault == Fault::half_a_barrier) {
      if (t < 32) device::barrier_sync(1, 64);
    } else {
      device::syncthreads();
      value = device::shfl_down(value, 1);
    }
    device::store(&out[t], value);
  }
};

/// 64 x 16 bytes by cp.async.
template <Fault kFault>
struct CopyAsync {
  static constexpr unsigned kThreads = 64;
  struct alignas(16) Shared {
    float x[4 * kThreads];
  };
  const float* in;
  float* out;

  KIN_DEVICE void operator()() const {
    auto& shared = device::shared<CopyAsync>();
    const unsigned t = threadIdx.x;
    const unsigned from = kFault == Fault::misaligned ? 4 * t + (t == 5 ? 1 : 0) : 4 * t;
    device::cp_async<16>(&shared.x[4 * t], &in[from]);
    device::cp_async_commit();
    if constexpr (kFault != Fault::never_waited) device::cp_async_wait<0>();
    device::syncthreads();
    if constexpr (kFault != Fault::never_waited) {
      device::store_pack(&out[4 * t], device::load_shared(&shared.x[4 * (t ^ 1)]));
    }
  }
};

/// Block i waits for block i + kStep; the last goes first.
template <Fault kFault>
struct Queue {
  static constexpr unsigned kThreads = 32;
  uint32_t* turn;
  float* out;

  KIN_DEVICE void operator()() const {
    const uint32_t mine = gridDim.x - 1 - blockIdx.x;
    if (threadIdx.x == 0) {
      const uint32_t wanted = kFault == Fault::endless_spin ? mine + 1 : mine;
      device::spin_until([&] { return device::load_acquire(turn) == wanted; });
    }
    device::syncwarp();
    const float before = mine == 0 ? 0.0f : device::load(&out[32 * (mine - 1) + threadIdx.x]);
    device::store(&out[32 * mine + threadIdx.x], before + 1.0f);
    device::fence_device();
    device::syncwarp();
    if (threadIdx.x == 0) device::store_release(turn, mine + 1);
  }
};

}  // namespace kintsugi::specimen
