// SPDX-License-Identifier: MIT
//
// A convolution as an implicit GEMM on tensor cores.
//
// Math        y[row,k] = steps( sum over taps t and channels c of  x[pixel of row at t, c] * w[k,t,c] ),
//             x after the prologue's steps; with a gate two sums make a y
// Shapes      x [N,H,W,C]   w packed [K][R*S][C]   y [N,P,Q,K].  As a GEMM: gm = N*P*Q rows, gn = K
//             columns, gk = R*S*C deep, C rounded up to 16 bytes; transposed, one for each phase.
// Tiling      grid (gm/128 * gn/tile_n, splits), columns innermost; block tile 128 x tile_n x 64 bytes;
//             8 warps, as 4 x 2 of 32 x tile_n/2, or as 8 x 1 of 16 x tile_n when that is 32 or less; a
//             lane owns the fragments of mma.m16n8 (device/fragment.h).
// Shared      a 4 x [128][4 chunks of 16 bytes] and b 4 x [tile_n][4], xor-swizzled: 64 KiB at tile_n
//             128, 34 at 8. The sums leave through the same memory, 64 rows of f32 at a time; where
//             moments are wanted those of each column's parts stand behind: 4 KiB at most.
// Sync        one barrier a stage, after its copies have arrived: publishes it, and frees the stage
//             multiplied before; one before the memory changes its use, two around each half that leaves,
//             a third where moments are taken: before it values have been read, after it moments stand.
//             Prologue steps are applied by the thread that copied, before that barrier.
// Numerics    f32 accumulation, taps outermost; with splits a sum over parts in the order of the depth;
//             steps in f32; one rounding at the store. After prologue steps one rounding to the
//             storage type. tf32: pixels are rounded here, after those, weights when packed. Moments in
//             f32 of what was stored: a part of a column's rows is summed as differences from its first
//             value, squared about its mean, and joined (device/moments.cuh), halves and parts in order;
//             no other batch item and no split has a say in it.
// Roofline    2*gm*gn*gk FLOP over e*(N*H*W*C + gn*gk + gm*gn) bytes, e of an element. 3x3 with C = K =
//             256 in bf16 on 64x64: 4.8 GFLOP over 5.4 MB, 900 FLOP/B: compute bound.
// Limits      pixels start at multiples of 16 bytes; fewer than 2^31 output pixels; groups are 1.
#pragma once

#include "kernels/device/mma.cuh"
#include "kernels/implicit_gemm/tiles.cuh"

namespace kintsugi::implicit_gemm {

/// T is how elements are stored, M what the tensor core multiplies: f16, bf16, or tf32 from float.
/// kChanges: there are prologue steps.
template <typename T, typename M, int kTileN, Geometry G, bool kChanges>
struct TensorCore {
  static constexpr unsigned kThreads = kTileThreads;
  static constexpr unsigned kMinBlocks = kTileN <= 16 ? 4 : 2;
  static constexpr int kMaxRegisters = kTileN <= 16 ? 64 : 128;
  static constexpr int kStages = 4;
  static constexpr int kWarpsN = kTileN >= 64 ? 2 : 1;
  static constexpr int kWarpM = kTileM * kWarpsN / 8;
  static constexpr int kWarpN = kTileN / kWarpsN;
  static constexpr int kRows = kWarpM / device::kMmaM;
  static constexpr int kColumns = kWarpN / device::kMmaN;

  struct Shared {
    TileMemory<T, kTileN, kStages> tile;
    uint32_t ticket;
  };

  Problem<T, G> problem;

  KIN_DEVICE void multiply(const Chunk<T>* a, const Chunk<T>* b,
                           device::FragmentC (&sum)[kRows][kColumns]) const {
    const int lane = device::lane();
    const int warp_m = device::warp() / kWarpsN * kWarpM;
    const int warp_n = device::warp() % kWarpsN * kWarpN;
    const device::Element a_row = device::a_row_of_lane(lane);
    const device::Element b_row = device::b_row_of_lane(lane);
    for (int step = 0; step < kChunks / 2; ++step) {
      device::FragmentA<M> left[kRows];
      device::FragmentB<M> right[kColumns];
      device::ldmatrix_x4_n<kRows>(left, [&](int i) {
        return &a[device::swizzled_chunk<kChunks>(warp_m + 16 * i + a_row.row,
                                                  2 * step + a_row.column)];
      });
      if constexpr (kColumns == 1) {
        // Eight rows, named by the first sixteen lanes.
        device::ldmatrix_x2(
            right[0].reg,
            &b[device::swizzled_chunk<kChunks>(b_row.row % 8, 2 * step + b_row.column)]);
      } else {
        device::ldmatrix_x4_n<kColumns / 2>(right, [&](int i) {
          return &b[device::swizzled_chunk<kChunks>(warp_n + 16 * i + b_row.row,
                                                    2 * step + b_row.column)];
        });
      }
      if constexpr (std::is_same_v<M, device::tf32>) {
        for (int i = 0; i < kRows; ++i) {
          for (uint32_t& reg : left[i].reg) reg = device::to_tf32(std::bit_cast<float>(reg)).bits;
        }
      }
      device::mma_tile<kRows, kColumns>(sum, left, right);
    }
  }

  KIN_DEVICE void operator()() const {
    auto& shared = device::shared<TensorCore>();
    const auto place = block_place(problem, kTileN);
    if (has_no_pixel(problem, place.part, shared.tile.leaving, place.row0)) return;  // all of it
    device::FragmentC sum[kRows][kColumns] = {};
    pipeline<kTileN, kStages, kChanges>(
        problem, place, shared.tile.stages,
        [&](const Chunk<T>* a, const Chunk<T>* b) { multiply(a, b, sum); });

    if (problem.splits > 1) {
      float(&values)[kRows * kColumns * 4] = reinterpret_cast<float(&)[kRows * kColumns * 4]>(sum);
      if (!sum_splits(problem, place.number, values, shared.ticket)) return;
    }
    const int lane = device::lane();
    const int warp_m = device::warp() / kWarpsN * kWarpM;
    const int warp_n = device::warp() % kWarpsN * kWarpN;
    for (int half = 0; half < kHalves; ++half) {
      if (warp_m / kStagedRows == half) {
        for (int i = 0; i < kRows; ++i) {
          for (int j = 0; j < kColumns; ++j) {
            for (int e = 0; e < 4; ++e) {
              const device::Element at = device::c_element(lane, e);
              const int row = warp_m % kStagedRows + 16 * i + at.row;
              const int column = warp_n + 8 * j + at.column;
              shared.tile.leaving.staged[row * kStagedPitch<kTileN> + column] = sum[i][j].x[e];
            }
          }
        }
      }
      device::syncthreads();  // 64 rows stand in shared memory
      leave(problem, place.part, shared.tile.leaving, place.row0, place.column0, half);
    }
  }
};

}  // namespace kintsugi::implicit_gemm
