// SPDX-License-Identifier: MIT
//
// A convolution as an implicit GEMM in f32 without tensor cores: the exact one.
//
// Math        as tensor_core.cuh
// Shapes      as tensor_core.cuh
// Tiling      grid (gm/128 * gn/64, splits), columns innermost; block tile 128 x 64 x 16; a thread owns
//             8 rows, 16 apart, by 4 columns, 16 apart
// Shared      a 3 x [128][4 chunks of 16 bytes] and b 3 x [64][4], xor-swizzled: 36 KiB; the sums leave
//             through the same memory
// Sync        as tensor_core.cuh
// Numerics    f32, one FMA a product, in ascending depth; with splits a sum over parts in its order
// Roofline    2*gm*gn*gk FLOP at 128 FMA for each 12 loads of 16 bytes from shared memory: FMA, if
//             lanes that read the same bytes are served at once
// Limits      as tensor_core.cuh
#pragma once

#include "kernels/implicit_gemm/tiles.cuh"

namespace kintsugi::implicit_gemm {

template <Geometry G, bool kChanges>
struct Simt {
  static constexpr unsigned kThreads = kTileThreads;
  static constexpr unsigned kMinBlocks = 2;
  static constexpr int kMaxRegisters = 128;
  static constexpr int kStages = 3;
  static constexpr int kTileN = 64;
  static constexpr int kRows = 8;
  static constexpr int kColumns = 4;
  static constexpr int kApart = 16;

  struct Shared {
    TileMemory<float, kTileN, kStages> tile;
    uint32_t ticket;
  };

  Problem<float, G> problem;

  KIN_DEVICE void multiply(const Chunk<float>* a, const Chunk<float>* b,
                           float (&sum)[kRows * kColumns]) const {
    const int row0 = static_cast<int>(threadIdx.x) / kApart;
    const int column0 = static_cast<int>(threadIdx.x) % kApart;
    for (int chunk = 0; chunk < kChunks; ++chunk) {
      device::Pack<float> right[kColumns];
      for (int j = 0; j < kColumns; ++j) {
        right[j] =
            device::load_shared(b[device::swizzled_chunk<kChunks>(column0 + j * kApart, chunk)].x);
      }
      for (int i = 0; i < kRows; ++i) {
        const device::Pack<float> left =
            device::load_shared(a[device::swizzled_chunk<kChunks>(row0 + i * kApart, chunk)].x);
        for (int j = 0; j < kColumns; ++j) {
          for (int c = 0; c < 4; ++c) {
            sum[i * kColumns + j] = device::fma(left.x[c], right[j].x[c], sum[i * kColumns + j]);
          }
        }
      }
    }
  }

  KIN_DEVICE void operator()() const {
    auto& shared = device::shared<Simt>();
    const auto place = block_place(problem, kTileN);
    if (has_no_pixel(problem, place.part, shared.tile.leaving, place.row0)) return;  // all of it
    float sum[kRows * kColumns] = {};
    pipeline<kTileN, kStages, kChanges>(
        problem, place, shared.tile.stages,
        [&](const Chunk<float>* a, const Chunk<float>* b) { multiply(a, b, sum); });

    if (problem.splits > 1 && !sum_splits(problem, place.number, sum, shared.ticket)) return;
    const int row0 = static_cast<int>(threadIdx.x) / kApart;
    const int column0 = static_cast<int>(threadIdx.x) % kApart;
    for (int half = 0; half < kHalves; ++half) {
      for (int i = 0; i < kStagedRows / kApart; ++i) {
        for (int j = 0; j < kColumns; ++j) {
          // Written out for both halves, so that sums stay in registers.
          const float value =
              half == 0 ? sum[i * kColumns + j] : sum[(i + kStagedRows / kApart) * kColumns + j];
          shared.tile.leaving
              .staged[(row0 + i * kApart) * kStagedPitch<kTileN> + column0 + j * kApart] = value;
        }
      }
      device::syncthreads();  // 64 rows stand in shared memory
      leave(problem, place.part, shared.tile.leaving, place.row0, place.column0, half);
    }
  }
};

}  // namespace kintsugi::implicit_gemm
