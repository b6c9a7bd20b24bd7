// SPDX-License-Identifier: MIT
//
// The warp-specialised specimen: a matrix product by TMA, mbarriers and wgmma, with planted faults.
//
// Math        c[m, n] = sum over k of a[m, k] * b[n, k]
// Shapes      a [M, K], b [N, K] f16; c [M, N] f32; K a multiple of 8
// Tiling      grid (N / 64, M / 64); block tile 64 x 64 x 64; warps 0-3 produce, 4-7 multiply
// Shared      a and b 4 x [64][64], swizzled by 128 bytes: 64 KiB; two mbarriers a stage
// Sync        full: one arrival and the bytes of both boxes. empty: one arrival of each multiplying
//             warp, after the wait for its products
#include "kernels/device/mbarrier.cuh"
#include "kernels/device/memory.cuh"
#include "kernels/device/sync.cuh"
#include "kernels/device/tma.cuh"
#include "kernels/device/wgmma.cuh"
#include "tests/emulator/specimens.h"

namespace kintsugi::specimen {

namespace {

template <HopperFault kFault>
struct GemmHopper {
  static constexpr int kTile = 64;
  static constexpr int kStages = 4;
  static constexpr int kStageBytes = 2 * kTile * kTile * 2;
  static constexpr unsigned kThreads = 256;
  static constexpr int kMaxRegisters = 128;
  struct Shared {
    alignas(1024) f16 a[kStages][kTile * kTile];
    alignas(1024) f16 b[kStages][kTile * kTile];
    device::MBarrier full[kStages];
    device::MBarrier empty[kStages];
  };

  device::TensorMap map_a;
  device::TensorMap map_b;
  float* c;
  int m;
  int n;
  int k;

  KIN_DEVICE void produce() const {
    auto& shared = device::shared<GemmHopper>();
    if (threadIdx.x != 0) return;
    for (int tile = 0; tile * kTile < k; ++tile) {
      const int stage = tile % kStages;
      if constexpr (kFault != HopperFault::early_refill) {
        // Of the phase before: in the first round all stages are empty.
        device::mbarrier_wait(shared.empty[stage], (tile / kStages & 1) ^ 1);
      }
      constexpr int kExpected = kFault == HopperFault::few_bytes    ? kStageBytes / 2
                                : kFault == HopperFault::many_bytes ? kStageBytes * 2
                                                                    : kStageBytes;
      device::mbarrier_arrive_expect(shared.full[stage], kExpected);
      device::tma_load(shared.a[stage], map_a, shared.full[stage],
                       static_cast<int>(blockIdx.y) * kTile, tile * kTile);
      device::tma_load(shared.b[stage], map_b, shared.full[stage],
                       static_cast<int>(blockIdx.x) * kTile, tile * kTile);
    }
  }

  KIN_DEVICE void multiply() const {
    auto& shared = device::shared<GemmHopper>();
    device::Accumulator<kTile> sum = {};
    for (int tile = 0; tile * kTile < k; ++tile) {
      const int stage = tile % kStages;
      constexpr int kWrong = kFault == HopperFault::wrong_phase ? 1 : 0;
      device::mbarrier_wait(shared.full[stage], (tile / kStages & 1) ^ kWrong);
      device::wgmma_fence();
#pragma unroll
      for (int step = 0; step < kTile / 16; ++step) {
        device::wgmma(sum, device::Operand<f16>{}, device::wgmma_tile(shared.a[stage], 32 * step),
                      device::wgmma_tile(shared.b[stage], 32 * step));
      }
      device::wgmma_commit();
      constexpr bool kEarly = kFault == HopperFault::early_release;
      if (kEarly && device::lane() == 0) device::mbarrier_arrive(shared.empty[stage]);
      if constexpr (kFault != HopperFault::no_product_wait) device::wgmma_wait<0>();
      if (!kEarly && device::lane() == 0) device::mbarrier_arrive(shared.empty[stage]);
    }
    const int t = static_cast<int>(threadIdx.x) - 128;
#pragma unroll
    for (int i = 0; i < kTile / 2; ++i) {
      const device::Element at = device::wgmma_element(t, i);
      const int row = static_cast<int>(blockIdx.y) * kTile + at.row;
      const int column = static_cast<int>(blockIdx.x) * kTile + at.column;
      if (row < m && column < n)
        device::store(&c[static_cast<int64_t>(row) * n + column], sum.x[i]);
    }
  }

  KIN_DEVICE void operator()() const {
    auto& shared = device::shared<GemmHopper>();
    if (threadIdx.x == 0) {
      for (int stage = 0; stage < kStages; ++stage) {
        device::mbarrier_init(shared.full[stage], 1);
        device::mbarrier_init(shared.empty[stage], 4);
      }
      device::fence_barrier_init();
    }
    device::syncthreads();  // the barriers are there for all
    if (device::warp() < 4) {
      produce();
    } else {
      multiply();
    }
  }
};

template <HopperFault kFault>
void launch_hopper(device::Stream& stream, const GemmArgs<f16>& args) {
  const auto map = [&](const f16* data, int rows) {
    return device::make_tensor_map({.data = data,
                                    .rows = static_cast<uint64_t>(rows),
                                    .columns = static_cast<uint64_t>(args.k),
                                    .pitch_bytes = 2 * static_cast<uint64_t>(args.k),
                                    .box_rows = 64});
  };
  const auto tiles = [](int size) { return static_cast<unsigned>((size + 63) / 64); };
  device::launch(stream, {tiles(args.n), tiles(args.m)},
                 GemmHopper<kFault>{.map_a = map(args.a, args.m),
                                    .map_b = map(args.b, args.n),
                                    .c = args.c,
                                    .m = args.m,
                                    .n = args.n,
                                    .k = args.k});
}

}  // namespace

void hopper_gemm(device::Stream& stream, HopperFault fault, const GemmArgs<f16>& args) {
  switch (fault) {
    case HopperFault::none: return launch_hopper<HopperFault::none>(stream, args);
    case HopperFault::wrong_phase: return launch_hopper<HopperFault::wrong_phase>(stream, args);
    case HopperFault::early_refill: return launch_hopper<HopperFault::early_refill>(stream, args);
    case HopperFault::early_release: return launch_hopper<HopperFault::early_release>(stream, args);
    case HopperFault::few_bytes: return launch_hopper<HopperFault::few_bytes>(stream, args);
    case HopperFault::many_bytes: return launch_hopper<HopperFault::many_bytes>(stream, args);
    case HopperFault::no_product_wait:
      return launch_hopper<HopperFault::no_product_wait>(stream, args);
  }
}

}  // namespace kintsugi::specimen
