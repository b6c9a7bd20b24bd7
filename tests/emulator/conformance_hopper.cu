// SPDX-License-Identifier: MIT
//
// The part of the conformance kernels that only an sm_90a has.
#include <array>

#include "kernels/device/mbarrier.cuh"
#include "kernels/device/memory.cuh"
#include "kernels/device/sync.cuh"
#include "kernels/device/tma.cuh"
#include "kernels/device/wgmma.cuh"
#include "tests/emulator/conformance.h"

namespace kintsugi::conformance {

namespace {

/// A box of 8 rows of the input, seen as [16][64], that hangs over two of its edges; the bytes as
/// they lie in shared memory.
struct TmaLoad {
  static constexpr unsigned kThreads = 32;
  struct Shared {
    alignas(1024) uint32_t box[256];
    device::MBarrier arrived;
  };
  device::TensorMap map;
  uint32_t* out;

  KIN_DEVICE void operator()() const {
    auto& shared = device::shared<TmaLoad>();
    if (threadIdx.x == 0) {
      device::mbarrier_init(shared.arrived, 1);
      device::fence_barrier_init();
    }
    device::syncwarp();
    for (int round = 0; round < 2; ++round) {
      if (threadIdx.x == 0) {
        device::mbarrier_arrive_expect(shared.arrived, sizeof shared.box);
        device::tma_load(shared.box, map, shared.arrived, round == 0 ? 11 : -3,
                         round == 0 ? 24 : -8);
      }
      device::mbarrier_wait(shared.arrived, round);
      for (int i = static_cast<int>(threadIdx.x); i < 256; i += 32) {
        device::store(&out[256 * round + i], shared.box[i]);
      }
      device::syncwarp();  // all have read, before it is filled again
    }
  }
};

void tma_load(device::Stream& stream, const uint32_t* in, uint32_t* out) {
  const device::TensorMap map = device::make_tensor_map(
      {.data = in, .rows = 16, .columns = 64, .pitch_bytes = 128, .box_rows = 8});
  device::launch(stream, {}, TmaLoad{.map = map, .out = out});
}

/// A 64 x 64 x 64 product of tiles made of the input; four of each thread's 32 sums.
template <typename T>
struct Wgmma {
  static constexpr unsigned kThreads = 128;
  struct Shared {
    alignas(1024) unsigned char a[64 * 128];
    alignas(1024) unsigned char b[64 * 128];
  };
  const uint32_t* in;
  uint32_t* out;

  KIN_DEVICE void operator()() const {
    auto& shared = device::shared<Wgmma>();
    const int t = static_cast<int>(threadIdx.x);
    for (int i = t; i < 64 * 8; i += static_cast<int>(kThreads)) {
      auto words_a = device::load_pack(&in[4 * (i * 5 % 128)]);
      auto words_b = device::load_pack(&in[4 * (i * 3 % 128)]);
      for (int j = 0; j < 4; ++j) {  // numbers of less than 2
        words_a.x[j] &= 0xbfffbfffu;
        words_b.x[j] &= 0xbfffbfffu;
      }
      const int at = device::swizzle128_bytes(i / 8, i % 8);
      device::store_shared(reinterpret_cast<uint32_t*>(&shared.a[at]), words_a);
      device::store_shared(reinterpret_cast<uint32_t*>(&shared.b[at]), words_b);
    }
    device::fence_async_shared();
    device::syncthreads();  // the tiles are complete, for the tensor core too
    device::Accumulator<64> sum = {};
    device::wgmma_fence();
#pragma unroll
    for (int step = 0; step < 4; ++step) {
      device::wgmma(sum, device::Operand<T>{}, device::wgmma_tile(shared.a, 32 * step),
                    device::wgmma_tile(shared.b, 32 * step));
    }
    device::wgmma_commit();
    device::wgmma_wait<0>();
#pragma unroll
    for (int i = 0; i < 32; ++i) {
      if (i % 8 == t % 8) {
        device::store(&out[4 * t + i / 8], __builtin_bit_cast(uint32_t, sum.x[i]));
      }
    }
  }
};

template <typename T>
void run_wgmma(device::Stream& stream, const uint32_t* in, uint32_t* out) {
  device::launch(stream, {}, Wgmma<T>{.in = in, .out = out});
}

}  // namespace

std::span<const Case> hopper_cases() {
  static constexpr std::array kCases = {
      Case{"tma_load", 0, tma_load},
      Case{"wgmma_f16", 1e-5f, run_wgmma<f16>},
      Case{"wgmma_bf16", 1e-5f, run_wgmma<bf16>},
  };
  return kCases;
}

}  // namespace kintsugi::conformance
