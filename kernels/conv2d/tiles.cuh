// SPDX-License-Identifier: MIT
//
// What both convolution kernels do around their products: stages of shared memory filled ahead of
// time, and sums taken out through shared memory, so that steps are applied to, and stores made of,
// 16 bytes of neighbouring channels. The kernels differ only in how a stage is multiplied.
#pragma once

#include <cstdint>

#include "kernels/conv2d/picture_rows.cuh"
#include "kernels/device/async_copy.cuh"
#include "kernels/device/fragment.h"
#include "kernels/device/memory.cuh"
#include "kernels/device/steps.cuh"
#include "kernels/device/sync.cuh"

namespace kintsugi::conv2d {

constexpr int kTileM = 128;
constexpr int kChunks = 4;  // of 16 bytes: the depth of a stage
constexpr unsigned kTileThreads = 256;
constexpr int kStagedRows = 64;  // rows that leave at a time
/// Floats between staged rows beyond the tile: eight put what lanes write to four neighbouring rows
/// on different banks, where pairs are stored at once.
constexpr int kStagedPad = 8;

template <typename T>
struct alignas(16) Chunk {
  T x[16 / sizeof(T)];
};

/// The arguments of a launch.
template <typename T>
struct Problem {
  const T* input;
  const T* weight;
  T* output;
  Geometry geometry;
  device::BoundSteps steps;
  int splits = 1;
  float* partial = nullptr;     // [splits][blocks][kTileM * tile_n]
  uint32_t* tickets = nullptr;  // [blocks]
};

/// Fills stages, in ascending depth. One for each thread.
template <typename T, int kTileN>
class StageLoader {
 public:
  static constexpr int kRowsApart = static_cast<int>(kTileThreads) / kChunks;
  static constexpr int kRows = kTileM / kRowsApart;  // of the left side, for a thread

  KIN_DEVICE StageLoader(const Problem<T>& problem, int row0, int column0, int first_tile)
      : chunk_(static_cast<int>(threadIdx.x) % kChunks),
        row_(static_cast<int>(threadIdx.x) / kChunks) {
    const Geometry& g = problem.geometry;
    for (int i = 0; i < kRows; ++i) windows_[i] = window_of(g, row0 + row_ + i * kRowsApart);
    const int chunk = first_tile * kChunks + chunk_;
    const int tap = chunk / g.chunks;
    depth_ = {tap / g.kernel_w, tap % g.kernel_w, chunk % g.chunks};
    constexpr int kPerChunk = 16 / static_cast<int>(sizeof(T));
    weight_stride_ = static_cast<int64_t>(g.depth_tiles) * kChunks * kPerChunk;
    weight_ = problem.weight + (column0 + row_) * weight_stride_ +
              static_cast<int64_t>(chunk) * kPerChunk;
  }

  /// The next stage, into a [kTileM] and b [kTileN] rows of chunks.
  KIN_DEVICE void load(const Problem<T>& problem, Chunk<T>* a, Chunk<T>* b) {
    const Geometry& g = problem.geometry;
    constexpr int kPerChunk = 16 / static_cast<int>(sizeof(T));
    for (int i = 0; i < kRows; ++i) {
      const int64_t pixel = pixel_at(g, windows_[i], depth_);
      const T* from = problem.input + (pixel < 0 ? 0 : pixel * g.pitch + depth_.chunk * kPerChunk);
      device::cp_async<16>(&a[device::swizzled_chunk<kChunks>(row_ + i * kRowsApart, chunk_)], from,
                           pixel < 0 ? 0 : 16);
    }
    for (int i = 0; i < (kTileN + kRowsApart - 1) / kRowsApart; ++i) {
      const int row = row_ + i * kRowsApart;
      if (kTileN % kRowsApart != 0 && row >= kTileN) break;
      device::cp_async<16>(&b[device::swizzled_chunk<kChunks>(row, chunk_)],
                           weight_ + i * kRowsApart * weight_stride_);
    }
    depth_.advance(g, kChunks);
    weight_ += kChunks * kPerChunk;
  }

 private:
  int chunk_;  // of a stage's row
  int row_;
  Window windows_[kRows];
  Depth depth_;
  const T* weight_;
  int64_t weight_stride_;
};

/// The stages of the pipeline, and the sums on their way out, which need the same memory later.
template <typename T, int kTileN, int kStages>
union TileMemory {
  struct Stages {
    Chunk<T> a[kStages][kTileM * kChunks];
    Chunk<T> b[kStages][kTileN * kChunks];
  } stages;
  float staged[kStagedRows * (kTileN + kStagedPad)];
};

/// Which block of the product this one computes, and which part of the depth.
struct BlockPlace {
  int row0, column0;
  int first_tile, tiles;
  int number;  // among all blocks of one split
};

/// Columns innermost: blocks that run together read the same pixels.
template <typename T>
KIN_DEVICE BlockPlace block_place(const Problem<T>& problem, int tile_n) {
  const int number = static_cast<int>(blockIdx.x);
  const int row = number / problem.geometry.column_tiles;
  const int column = number - row * problem.geometry.column_tiles;
  const int all = problem.geometry.depth_tiles;
  const int split = static_cast<int>(blockIdx.y);
  const int first = static_cast<int>(static_cast<int64_t>(all) * split / problem.splits);
  const int end = static_cast<int>(static_cast<int64_t>(all) * (split + 1) / problem.splits);
  return {row * kTileM, column * tile_n, first, end - first, number};
}

/// Keeps kStages - 1 stages on their way, and calls multiply(a, b) on each that has arrived.
template <typename T, int kTileN, int kStages, typename Multiply>
KIN_DEVICE void pipeline(const Problem<T>& problem, const BlockPlace& place,
                         typename TileMemory<T, kTileN, kStages>::Stages& memory,
                         Multiply multiply) {
  StageLoader<T, kTileN> loader(problem, place.row0, place.column0, place.first_tile);
  const auto load = [&](int tile) {
    if (tile < place.tiles) {
      const int stage = tile % kStages;
      loader.load(problem, memory.a[stage], memory.b[stage]);
    }
    device::cp_async_commit();  // an empty group too: wait counts groups
  };
  for (int tile = 0; tile < kStages - 1; ++tile) load(tile);
  for (int tile = 0; tile < place.tiles; ++tile) {
    device::cp_async_wait<kStages - 2>();
    device::syncthreads();  // publishes this stage; frees the one that was multiplied before it
    load(tile + kStages - 1);
    const int stage = tile % kStages;
    multiply(memory.a[stage], memory.b[stage]);
  }
  device::cp_async_wait<0>();
  device::syncthreads();  // all have multiplied: the memory may be used for something else
}

/// Of a block whose depth was split: true for the block that arrived last, whose lanes then hold the
/// sum over all parts, added in the order of the depth. `values` floats of a lane, a multiple of 4.
template <typename T, int kValues>
KIN_DEVICE bool sum_splits(const Problem<T>& problem, const BlockPlace& place,
                           float (&values)[kValues], uint32_t& ticket) {
  static_assert(kValues % 4 == 0);
  const int64_t blocks = gridDim.x;
  const auto part = [&](int split) {
    return problem.partial +
           (split * blocks + place.number) * static_cast<int64_t>(kTileThreads * kValues) +
           4 * threadIdx.x;
  };
  constexpr int kStride = 4 * static_cast<int>(kTileThreads);
  float* const mine = part(static_cast<int>(blockIdx.y));
  for (int i = 0; i < kValues / 4; ++i) {
    const device::Pack<float> pack = {
        {values[4 * i], values[4 * i + 1], values[4 * i + 2], values[4 * i + 3]}};
    device::store_pack(mine + i * kStride, pack);
  }
  device::fence_device();
  device::syncthreads();  // every lane's part is written before the ticket is drawn
  if (threadIdx.x == 0) {
    device::fence_device();  // of what the others wrote, which this thread has seen
    ticket = device::atomic_add(&problem.tickets[place.number], 1u);
  }
  device::syncthreads();  // publishes the ticket
  if (ticket + 1 != static_cast<uint32_t>(problem.splits)) return false;
  device::fence_device();
  if (threadIdx.x == 0) device::store(&problem.tickets[place.number], 0u);  // for the next launch
  for (int i = 0; i < kValues; ++i) values[i] = 0;
  for (int split = 0; split < problem.splits; ++split) {
    const float* from = part(split);
    for (int i = 0; i < kValues / 4; ++i) {
      const device::Pack<float> pack = device::load_pack(from + i * kStride);
      for (int j = 0; j < 4; ++j) values[4 * i + j] += pack.x[j];
    }
  }
  return true;
}

/// Steps and stores for the rows [row0, row0 + kStagedRows) that stand in `staged`.
template <typename T, int kTileN>
KIN_DEVICE void finish(const Problem<T>& problem, const float* staged, int row0, int column0) {
  const Geometry& g = problem.geometry;
  constexpr int kPer = device::Pack<T>::kCount;
  constexpr int kPerRow = kTileN / kPer;
  for (int i = static_cast<int>(threadIdx.x); i < kStagedRows * kPerRow; i += kTileThreads) {
    const int row = i / kPerRow;
    const int column = i % kPerRow * kPer;
    const int k = column0 + column;
    const int64_t pixel = row0 + row;
    if (pixel >= g.rows || k >= g.out_channels) continue;
    float value[kPer];
    for (int j = 0; j < kPer; ++j) value[j] = staged[row * (kTileN + kStagedPad) + column + j];
    device::apply<T>(problem.steps, {pixel / (g.out_height * g.out_width), pixel, k}, value);
    device::Pack<T> pack;
    for (int j = 0; j < kPer; ++j) {
      pack.x[j] = device::from_float<T>(k + j < g.out_channels ? value[j] : 0.0f);
    }
    device::store_pack(problem.output + pixel * g.out_pitch + k, pack);
  }
}

}  // namespace kintsugi::conv2d
