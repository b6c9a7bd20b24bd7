// SPDX-License-Identifier: MIT
//
// The pipelined specimen: a matrix product on tensor cores. It is here to prove the vocabulary and to
// carry planted faults; it is no op of the library.
//
// Math        c[m, n] = sum over k of a[m, k] * b[n, k]
// Shapes      a [M, K], b [N, K] of T (f16, bf16, tf32); c [M, N] f32; K a multiple of 16 bytes
// Tiling      grid (N / 128, M / 128); block tile 128 x 128 x 64 bytes; 8 warps as 4 x 2, each 32 x 64
// Shared      a and b 3 x [128][4 chunks of 16 bytes], xor-swizzled: 48 KiB
// Sync        one barrier a k tile, after wait: publishes the tile that has arrived, and frees the
//             stage that was multiplied before it
// Numerics    f32 accumulation in ascending k
#pragma once

#include "kernels/device/async_copy.cuh"
#include "kernels/device/memory.cuh"
#include "kernels/device/mma.cuh"
#include "kernels/device/sync.cuh"
#include "tests/emulator/specimens.h"

namespace kintsugi::specimen {

template <typename T, GemmFault kFault = GemmFault::none>
struct Gemm {
  static constexpr int kTileM = 128;
  static constexpr int kTileN = 128;
  static constexpr int kChunks = 4;  // of 16 bytes, along k
  static constexpr int kPerChunk = 16 / static_cast<int>(sizeof(T));
  static constexpr int kTileK = kChunks * kPerChunk;
  static constexpr int kStages = 3;
  static constexpr int kRows = 2;     // m16 of a warp
  static constexpr int kColumns = 8;  // n8 of a warp
  static constexpr unsigned kThreads = 256;
  static constexpr unsigned kMinBlocks = 2;
  static constexpr int kMaxRegisters = 128;

  struct alignas(16) Chunk {
    T x[kPerChunk];
  };
  struct Shared {
    Chunk a[kStages][kTileM * kChunks];
    Chunk b[kStages][kTileN * kChunks];
  };

  const T* a;
  const T* b;
  float* c;
  int m;
  int n;
  int k;

  KIN_DEVICE static constexpr int place(int row, int chunk) {
    return kFault == GemmFault::no_swizzle ? row * kChunks + chunk
                                           : device::swizzled_chunk<kChunks>(row, chunk);
  }

  /// 128 rows of one operand into a stage: two chunks a thread.
  KIN_DEVICE void load_tile(Chunk* tile, const T* from, int row0, int rows, int tile_k) const {
    for (int i = static_cast<int>(threadIdx.x); i < 128 * kChunks; i += kThreads) {
      const int row = i / kChunks;
      const int chunk = i % kChunks;
      const int k0 = tile_k * kTileK + chunk * kPerChunk;
      const bool inside = (kFault == GemmFault::stray_load || row0 + row < rows) && k0 < k;
      const T* source = inside ? from + static_cast<int64_t>(row0 + row) * k + k0 : from;
      device::cp_async<16>(&tile[place(row, chunk)], source, inside ? 16 : 0);
    }
  }

  KIN_DEVICE void load_stage(int tile_k) const {
    auto& shared = device::shared<Gemm>();
    const int stage = tile_k % kStages;
    if (tile_k * kTileK < k) {
      load_tile(shared.a[stage], a, static_cast<int>(blockIdx.y) * kTileM, m, tile_k);
      load_tile(shared.b[stage], b, static_cast<int>(blockIdx.x) * kTileN, n, tile_k);
    }
    device::cp_async_commit();  // an empty group too: wait counts groups
  }

  KIN_DEVICE void operator()() const {
    auto& shared = device::shared<Gemm>();
    const int lane = device::lane();
    const int warp_m = device::warp() / 2 * 16 * kRows;
    const int warp_n = device::warp() % 2 * 8 * kColumns;
    const device::Element a_row = device::a_row_of_lane(lane);
    const device::Element b_row = device::b_row_of_lane(lane);
    const int tiles = (k + kTileK - 1) / kTileK;

    device::FragmentC sum[kRows][kColumns] = {};
    for (int tile = 0; tile < kStages - 1; ++tile) load_stage(tile);
    for (int tile = 0; tile < tiles; ++tile) {
      if constexpr (kFault == GemmFault::no_barrier_before) load_stage(tile + kStages - 1);
      if constexpr (kFault == GemmFault::wait_off_by_one) {
        device::cp_async_wait<kStages - 1>();
      } else if constexpr (kFault == GemmFault::no_barrier_before) {
        device::cp_async_wait<kStages - 1>();
      } else if constexpr (kFault != GemmFault::no_wait) {
        device::cp_async_wait<kStages - 2>();
      }
      if constexpr (kFault != GemmFault::no_barrier_after) device::syncthreads();
      if constexpr (kFault != GemmFault::no_barrier_before) load_stage(tile + kStages - 1);
      const Chunk* tile_a = shared.a[tile % kStages];
      const Chunk* tile_b = shared.b[tile % kStages];
      constexpr int kSteps = kFault == GemmFault::dropped_step ? 1 : kChunks / 2;
      for (int step = 0; step < kSteps; ++step) {
        device::FragmentA<T> fragment_a[kRows];
        device::FragmentB<T> fragment_b[kColumns];
        device::ldmatrix_x4_n<kRows>(fragment_a, [&](int i) {
          return &tile_a[place(warp_m + 16 * i + a_row.row, 2 * step + a_row.column)];
        });
        device::ldmatrix_x4_n<kColumns / 2>(fragment_b, [&](int i) {
          return &tile_b[place(warp_n + 16 * i + b_row.row, 2 * step + b_row.column)];
        });
        device::mma_tile<kRows, kColumns>(sum, fragment_a, fragment_b);
      }
    }
    if constexpr (kFault == GemmFault::no_wait) device::cp_async_wait<0>();

    const int m0 = static_cast<int>(blockIdx.y) * kTileM + warp_m;
    const int n0 = static_cast<int>(blockIdx.x) * kTileN + warp_n;
#pragma unroll
    for (int i = 0; i < kRows; ++i) {
#pragma unroll
      for (int j = 0; j < kColumns; ++j) {
#pragma unroll
        for (int e = 0; e < 4; ++e) {
          const device::Element at = device::c_element(lane, e);
          const int row = m0 + 16 * i + at.row;
          const int column = n0 + 8 * j + at.column;
          if (row < m && column < n) {
            device::store(&c[static_cast<int64_t>(row) * n + column], sum[i][j].x[e]);
          }
        }
      }
    }
  }
};

}  // namespace kintsugi::specimen
