// SPDX-License-Identifier: MIT
//
// What both convolution kernels do around their products: stages of shared memory filled ahead of
// time, and sums of a split depth added up; how they leave stands in leaving.cuh. The kernels differ
// only in how a stage is multiplied.
#pragma once

#include <cstdint>

#include "kernels/device/async_copy.cuh"
#include "kernels/device/fragment.h"
#include "kernels/device/memory.cuh"
#include "kernels/device/steps.cuh"
#include "kernels/device/sync.cuh"
#include "kernels/implicit_gemm/config.h"
#include "kernels/implicit_gemm/image_rows.cuh"
#include "kernels/implicit_gemm/leaving.cuh"

namespace kintsugi::implicit_gemm {

constexpr int kChunks = 4;  // of 16 bytes: the depth of a stage

template <typename T>
struct alignas(16) Chunk {
  T x[16 / sizeof(T)];
};

/// The arguments of a launch.
template <typename T, Geometry G>
struct Problem {
  using Element = T;
  using Part = typename G::Part;
  const T* input;
  const T* weight;
  T* output;
  G geometry;
  device::BoundSteps prologue;
  device::BoundSteps steps;
  int splits = 1;
  float* partial = nullptr;     // [splits][blocks][kTileM * tile_n]
  uint32_t* tickets = nullptr;  // [blocks]
  MomentsView<float> moments;   // a record a block of rows, where they are wanted
};

/// Which block of the product this one computes, and which part of the depth.
template <typename Part>
struct BlockPlace {
  Part part;
  int row0, column0;  // row0 among the part's rows; of no pixel where there is no work
  int first_tile, tiles;
  int number;  // among all blocks of one split
};

/// Columns innermost: blocks that run together read the same pixels.
template <typename Problem>
KIN_DEVICE auto block_place(const Problem& problem, int tile_n) {
  const auto& g = problem.geometry;
  BlockPlace<typename Problem::Part> place;
  place.number = static_cast<int>(blockIdx.x);
  const int row = place.number / g.output.column_tiles;
  place.part = g.part_of(row);
  place.row0 = g.block_of_part(row) * kTileM;
  place.column0 = (place.number - row * g.output.column_tiles) * tile_n;
  const Taps taps = g.taps(place.part);
  const int64_t all = (taps.h * taps.w * g.input.chunks + kChunks - 1) / kChunks;
  const int split = static_cast<int>(blockIdx.y);
  place.first_tile = static_cast<int>(all * split / problem.splits);
  place.tiles = static_cast<int>(all * (split + 1) / problem.splits) - place.first_tile;
  return place;
}

/// Fills stages, in ascending depth. One for each thread.
template <typename Problem, int kTileN>
class StageLoader {
 public:
  using T = typename Problem::Element;
  using Part = typename Problem::Part;
  static constexpr int kPerChunk = 16 / static_cast<int>(sizeof(T));
  static constexpr int kRowsApart = static_cast<int>(kTileThreads) / kChunks;
  static constexpr int kRows = kTileM / kRowsApart;  // of the left side, for a thread

  KIN_DEVICE StageLoader(const Problem& problem, const BlockPlace<Part>& place)
      : part_(place.part),
        chunk_(static_cast<int>(threadIdx.x) % kChunks),
        row_(static_cast<int>(threadIdx.x) / kChunks) {
    const auto& g = problem.geometry;
    for (int i = 0; i < kRows; ++i) {
      windows_[i] = g.window(part_, place.row0 + row_ + i * kRowsApart);
    }
    const int chunk = place.first_tile * kChunks + chunk_;
    const int tap = chunk / g.input.chunks;
    const Taps taps = g.taps(part_);
    depth_ = {tap / taps.w, tap % taps.w, chunk % g.input.chunks};
    changed_ = depth_;
    weight_ =
        problem.weight + static_cast<int64_t>(place.column0 + row_) * g.weight_chunks * kPerChunk;
  }

  /// The next stage, into a [kTileM] and b [kTileN] rows of chunks. Zeros past the end.
  KIN_DEVICE void load(const Problem& problem, Chunk<T>* a, Chunk<T>* b) {
    const auto& g = problem.geometry;
    const Taps taps = g.taps(part_);
    const bool ended = depth_.r >= taps.h;
    for (int i = 0; i < kRows; ++i) {
      const int pixel = ended ? -1 : pixel_at(g.input, windows_[i], depth_);
      const T* from =
          problem.input + (pixel < 0 ? 0 : pixel * g.input.pitch + depth_.chunk * kPerChunk);
      device::cp_async<16>(&a[device::swizzled_chunk<kChunks>(row_ + i * kRowsApart, chunk_)], from,
                           pixel < 0 ? 0 : 16);
    }
    const T* from = ended
                        ? problem.weight
                        : weight_ + static_cast<int64_t>(g.weight_chunk(part_, depth_)) * kPerChunk;
    for (int i = 0; i < (kTileN + kRowsApart - 1) / kRowsApart; ++i) {
      const int row = row_ + i * kRowsApart;
      if (kTileN % kRowsApart != 0 && row >= kTileN) break;
      const int64_t apart = static_cast<int64_t>(i * kRowsApart) * g.weight_chunks * kPerChunk;
      device::cp_async<16>(&b[device::swizzled_chunk<kChunks>(row, chunk_)],
                           ended ? from : from + apart, ended ? 0 : 16);
    }
    depth_.advance(g.input, taps, kChunks);
  }

  /// The prologue's steps on what this thread has copied of the next stage that has none yet: its copies
  /// must have arrived. Zeros of the padding stay what they are, and those behind the last channel.
  KIN_DEVICE void change(const Problem& problem, Chunk<T>* a) {
    const auto& g = problem.geometry;
    const Taps taps = g.taps(part_);
    const bool ended = changed_.r >= taps.h;
    const int k = changed_.chunk * kPerChunk;
#pragma unroll 1  // one interpreter
    for (int i = 0; i < kRows; ++i) {
      static_assert(kRows == 2);
      // Chosen one by one: a place in an array would be one in memory.
      const Window window{.n = i == 0 ? windows_[0].n : windows_[1].n,
                          .y = i == 0 ? windows_[0].y : windows_[1].y,
                          .x = i == 0 ? windows_[0].x : windows_[1].x};
      const int pixel = ended ? -1 : pixel_at(g.input, window, changed_);
      if (pixel < 0) continue;
      T* at = a[device::swizzled_chunk<kChunks>(row_ + i * kRowsApart, chunk_)].x;
      device::Pack<T> pack = device::load_shared(at);
      float value[kPerChunk];
      for (int j = 0; j < kPerChunk; ++j) value[j] = device::to_float(pack.x[j]);
      device::apply<T>(problem.prologue, {.n = window.n, .pixel = pixel, .k = k}, value);
      for (int j = 0; j < kPerChunk; ++j) {
        pack.x[j] = device::from_float<T>(k + j < g.input.channels ? value[j] : 0.0f);
      }
      device::store_shared(at, pack);
    }
    changed_.advance(g.input, taps, kChunks);
  }

 private:
  [[no_unique_address]] Part part_;
  int chunk_;  // of a stage's row
  int row_;
  Window windows_[kRows];
  Depth depth_;      // of the next stage to load
  Depth changed_;    // of the next stage to change
  const T* weight_;  // the packed row of this thread's first column
};

/// The stages of the pipeline, and the sums before they are stored, which need the same memory later.
template <typename T, int kTileN, int kStages>
union TileMemory {
  struct Stages {
    Chunk<T> a[kStages][kTileM * kChunks];
    Chunk<T> b[kStages][kTileN * kChunks];
  } stages;
  Leaving<kTileN> leaving;
};

/// Keeps kStages - 1 stages on their way, and calls multiply(a, b) on each that has arrived. With prologue
/// steps, each thread applies them to what it copied itself, a stage ahead: while it waits for its
/// operands, other warps multiply.
template <int kTileN, int kStages, bool kChanges, typename Problem, typename Multiply>
KIN_DEVICE void pipeline(
    const Problem& problem, const BlockPlace<typename Problem::Part>& place,
    typename TileMemory<typename Problem::Element, kTileN, kStages>::Stages& memory,
    Multiply multiply) {
  StageLoader<Problem, kTileN> loader(problem, place);
  const auto load = [&](int tile) {
    if (tile < place.tiles) {
      const int stage = tile % kStages;
      loader.load(problem, memory.a[stage], memory.b[stage]);
    }
    device::cp_async_commit();  // an empty group too: wait counts groups
  };
  const auto change = [&](int tile) {
    if (tile < place.tiles) loader.change(problem, memory.a[tile % kStages]);
  };
  for (int tile = 0; tile < kStages - 1; ++tile) load(tile);
  if constexpr (kChanges) {
    device::cp_async_wait<kStages - 2>();
    change(0);
  }
  for (int tile = 0; tile < place.tiles; ++tile) {
    device::cp_async_wait<kChanges ? kStages - 3 : kStages - 2>();
    device::syncthreads();  // publishes this stage; frees the one that was multiplied before it
    load(tile + kStages - 1);
    if constexpr (kChanges) change(tile + 1);  // its copies of it have arrived too
    const int stage = tile % kStages;
    multiply(memory.a[stage], memory.b[stage]);
  }
  device::cp_async_wait<0>();
  device::syncthreads();  // all have multiplied: the memory may be used for something else
}

/// Of a block whose depth was split: true for the block that arrived last, whose lanes then hold the
/// sum over all parts, added in the order of the depth. `values` floats of a lane, a multiple of 4.
template <typename Problem, int kValues>
KIN_DEVICE bool sum_splits(const Problem& problem, int number, float (&values)[kValues],
                           uint32_t& ticket) {
  static_assert(kValues % 4 == 0);
  const int64_t blocks = gridDim.x;
  const auto part = [&](int split) {
    return problem.partial +
           (split * blocks + number) * static_cast<int64_t>(kTileThreads * kValues) +
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
    ticket = device::atomic_add(&problem.tickets[number], 1u);
  }
  device::syncthreads();  // publishes the ticket
  if (ticket + 1 != static_cast<uint32_t>(problem.splits)) return false;
  device::fence_device();
  if (threadIdx.x == 0) device::store(&problem.tickets[number], 0u);  // for the next launch
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

}  // namespace kintsugi::implicit_gemm
