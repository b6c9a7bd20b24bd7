// SPDX-License-Identifier: MIT
//
// How sums leave a block: through shared memory, 64 rows at a time, so that steps are applied to, and
// stores made of, 16 bytes of neighbouring channels. Where the moments of what is stored are wanted
// (kernels/core/moments.h), they are taken while it stands there, a column to a channel: a record a
// block of rows, numbered as the launch numbers them, of which blocks side by side leave their columns.
#pragma once

#include <cstdint>

#include "kernels/core/moments.h"
#include "kernels/device/memory.cuh"
#include "kernels/device/moments.cuh"
#include "kernels/device/steps.cuh"
#include "kernels/device/sync.cuh"
#include "kernels/implicit_gemm/config.h"
#include "kernels/implicit_gemm/image_rows.cuh"

namespace kintsugi::implicit_gemm {

constexpr unsigned kTileThreads = 256;
constexpr int kStagedRows = 64;  // rows that leave at a time
constexpr int kHalves = kTileM / kStagedRows;
/// Floats from a staged row to the next: 8 or 24 more than a multiple of 32 put what lanes write to
/// four neighbouring rows on different banks, where pairs are stored at once.
template <int kTileN>
constexpr int kStagedPitch = kTileN == 8 ? 8 : kTileN + 8;

/// Threads that share a column: as many as there are, but so few that joining them takes no longer than
/// what they save.
template <int kTileN>
constexpr int kSharers = static_cast<int>(kTileThreads) / kTileN < 8
                             ? static_cast<int>(kTileThreads) / kTileN
                             : 8;

/// What leaves a block: sums, then the values that were stored; and the moments that they have.
template <int kTileN>
struct Leaving {
  float staged[kStagedRows * kStagedPitch<kTileN>];
  float mean[kHalves][kTileN * kSharers<kTileN>];
  float squares[kHalves][kTileN * kSharers<kTileN>];
};

/// Steps and stores for the part's rows [row0, row0 + kStagedRows), which stand in `staged`: with a gate
/// each group of features before the group of their gates. Where moments are wanted, what was stored
/// stands there afterwards.
template <int kTileN, typename Problem>
KIN_DEVICE void finish(const Problem& problem, const typename Problem::Part& part, float* staged,
                       int row0, int column0) {
  using T = typename Problem::Element;
  const auto& g = problem.geometry;
  constexpr int kPer = device::Pack<T>::kCount;
  constexpr int kPerRow = kTileN / kPer;
  // Narrow tiles have no gates, which would take them beyond their registers (README.md).
  const int halves = kTileN >= kLeastFused && problem.steps.gate >= 0 ? 1 : 0;  // a shift
  for (int i = static_cast<int>(threadIdx.x); i < kStagedRows * kPerRow >> halves;
       i += kTileThreads) {
    const int row = static_cast<unsigned>(i << halves) / kPerRow;
    const int group = i - (row * kPerRow >> halves);
    const int k = (column0 >> halves) + group * kPer;
    if (k >= g.output.channels) continue;
    const Target at = g.target(part, row0 + row);
    if (at.n < 0) continue;
    float* sums = staged + row * kStagedPitch<kTileN> + (group << halves) * kPer;
    float value[kPer];
    const auto read = [&](bool of_gates, float(&to)[kPer]) {
      for (int j = 0; j < kPer; ++j) to[j] = sums[(of_gates ? kPer : 0) + j];
    };
    const device::Site site{.n = at.n, .pixel = at.pixel, .k = k};
    if constexpr (kTileN >= kLeastFused) {
      const auto gate = [&](int j) -> float& { return sums[kPer + j]; };
      device::apply_gated<T>(problem.steps, site, g.output.channels, read, gate, value);
    } else {
      read(false, value);
      device::apply<T>(problem.steps, site, value);
    }
    device::Pack<T> pack;
    for (int j = 0; j < kPer; ++j) {
      pack.x[j] = device::from_float<T>(k + j < g.output.channels ? value[j] : 0.0f);
    }
    device::store_pack(problem.output + at.pixel * g.output.pitch + k, pack);
    if (problem.moments.data == nullptr) continue;
    for (int j = 0; j < kPer; ++j) sums[j] = device::to_float(pack.x[j]);
  }
}

/// Of `rows` rows those that a sharer takes: every kSharers-th.
template <int kTileN>
KIN_DEVICE int rows_of_sharer(int rows, int sharer) {
  return (rows - sharer + kSharers<kTileN> - 1) / kSharers<kTileN>;
}

/// Of the first `rows` rows of a half that stand in `staged`.
template <int kTileN>
KIN_DEVICE void take_moments(Leaving<kTileN>& leaving, int half, int rows) {
  constexpr int kApart = kSharers<kTileN> * kStagedPitch<kTileN>;
  const int t = static_cast<int>(threadIdx.x);
  const int sharer = t / kTileN;
  if (sharer >= kSharers<kTileN> || sharer >= rows) return;
  const int mine = rows_of_sharer<kTileN>(rows, sharer);
  const float* values = leaving.staged + sharer * kStagedPitch<kTileN> + t % kTileN;
  // Differences from the first, which are exact where they are small.
  const float first = values[0];
  float sum = 0;
  for (int i = 1; i < mine; ++i) sum += values[i * kApart] - first;
  const float mean = device::fma(sum, device::rcp(static_cast<float>(mine)), first);
  float squares = 0;
  for (int i = 0; i < mine; ++i) {
    const float apart = values[i * kApart] - mean;
    squares = device::fma(apart, apart, squares);
  }
  leaving.mean[half][t] = mean;
  leaving.squares[half][t] = squares;
}

/// The record's part of a block whose first `rows` rows have pixels: all sharers' moments joined, halves
/// and sharers in order. Without rows it is zeros, and `leaving` is not read.
template <int kTileN, typename Problem>
KIN_DEVICE void leave_moments(const Problem& problem, const Leaving<kTileN>& leaving, int rows) {
  const int column_tiles = problem.geometry.output.column_tiles;
  const int row_block = static_cast<int>(blockIdx.x) / column_tiles;
  const int column = static_cast<int>(threadIdx.x);
  const int channel = (static_cast<int>(blockIdx.x) - row_block * column_tiles) * kTileN + column;
  if (channel == 0) {
    device::store(&problem.moments.count(0, row_block), static_cast<float>(rows));
  }
  if (column >= kTileN || channel >= problem.moments.channels) return;
  device::Moments sum;
#pragma unroll 1
  for (int half = 0; half < kHalves; ++half) {
#pragma unroll 1
    for (int sharer = 0; sharer < kSharers<kTileN>; ++sharer) {
      const int left = rows - half * kStagedRows;
      const int count = rows_of_sharer<kTileN>(left < kStagedRows ? left : kStagedRows, sharer);
      if (count <= 0) break;
      const int at = sharer * kTileN + column;
      sum = device::join(
          sum, {static_cast<float>(count), leaving.mean[half][at], leaving.squares[half][at]});
    }
  }
  device::store(problem.moments.means(0, row_block) + channel, sum.mean);
  device::store(problem.moments.squares(0, row_block) + channel, sum.squares);
}

/// Whether the block that begins with row0 has nothing to do. Its record of no pixel is then left, by one
/// of the parts of its depth.
template <int kTileN, typename Problem>
KIN_DEVICE bool has_no_pixel(const Problem& problem, const typename Problem::Part& part,
                             const Leaving<kTileN>& leaving, int row0) {
  if (problem.geometry.pixels_left(part, row0) > 0) return false;
  if (problem.moments.data != nullptr && blockIdx.y == 0) leave_moments(problem, leaving, 0);
  return true;
}

/// Steps, stores and moments of the half of a block's rows that stands in `staged`, for which all have
/// waited. Afterwards the next may come.
template <int kTileN, typename Problem>
KIN_DEVICE void leave(const Problem& problem, const typename Problem::Part& part,
                      Leaving<kTileN>& leaving, int row0, int column0, int half) {
  finish<kTileN>(problem, part, leaving.staged, row0 + half * kStagedRows, column0);
  device::syncthreads();  // the sums have been read; what was stored stands in their place
  if (problem.moments.data == nullptr) return;
  const int rows = problem.geometry.pixels_left(part, row0);
  const int left = rows - half * kStagedRows;
  take_moments(leaving, half, left < kStagedRows ? left : kStagedRows);
  device::syncthreads();  // the half's moments stand, and its values have been read
  if (half + 1 == kHalves) leave_moments(problem, leaving, rows < kTileM ? rows : kTileM);
}

}  // namespace kintsugi::implicit_gemm
