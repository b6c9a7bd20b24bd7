// SPDX-License-Identifier: MIT
//
// reduce on CUDA: over pixels by tiles and what gathers them, over channels in one launch.
//
// Math        the sum, times 1 / count for the mean, or the largest value (reduce.h)
// Shapes      x [N,H,W,C]   y [N,1,1,C] or [N,H,W,1], each with a pitch
// Tiling      over pixels: grid (N * tiles * column_blocks), kernels/device/pixel_tiles.h, a thread one
//             group of 16 bytes of every rows-th pixel; then, of several tiles, grid (N * C / 32): lanes
//             are channels, 8 warps share the tiles. Over channels: grid (pixels / (256 / lanes)), the
//             lanes of a pixel as many as it has groups, up to 32; a lane takes every lanes-th group.
// Shared      over pixels [channels of a thread][256] f32, 8 KiB at most; gathering [8][32] f32
// Sync        one barrier a halving of the rows; one before the warps' parts are read
// Numerics    f32, in an order that depends on the element alone; one rounding at the store. Over pixels a
//             term passes through at most 2 + P/4 + 8 and then tiles/8 + 8 additions, P = H*W / (rows *
//             tiles) being the pixels of a thread; over channels through C/(lanes * 16 bytes) + 3 + 5
// Roofline    1 FLOP over e bytes an element, e of an element: bound by memory
// Limits      pixels start at multiples of 16 bytes; fewer than 2^31 pixels of a picture and blocks
#include "kernels/reduce/cuda.h"

#include <limits>
#include "kernels/reduce/contract.h"

#include "kernels/device/groups.h"
#include "kernels/device/memory.cuh"
#include "kernels/device/narrow.h"
#include "kernels/device/numeric.cuh"
#include "kernels/device/pixel_tiles.h"
#include "kernels/device/sync.cuh"
#include "kernels/device/warp.cuh"

namespace kintsugi::reduce {
namespace {

struct Plus {
  static KIN_DEVICE float join(float a, float b) { return a + b; }
  static KIN_DEVICE float none() { return 0.0f; }
};

struct Larger {
  static KIN_DEVICE float join(float a, float b) { return b > a || b != b ? b : a; }
  static KIN_DEVICE float none() { return -std::numeric_limits<float>::infinity(); }
};

template <typename T, typename Join>
struct ReduceTiles {
  static constexpr unsigned kThreads = device::kPixelThreads;
  static constexpr int kMaxRegisters = 48;
  static constexpr int kPer = device::Pack<T>::kCount;
  static constexpr int kBatch = 4;  // pixels whose loads are on their way together

  struct Shared {
    float part[kPer][kThreads];
  };

  const T* input;
  float* partial;  // [N][tiles][packs * kPer]; null where a picture is one tile
  T* output;
  int64_t pitch;
  int64_t out_pitch;
  device::PixelTiles grid;
  float factor;

  KIN_DEVICE void operator()() const {
    auto& shared = device::shared<ReduceTiles>();
    const uint32_t t = threadIdx.x;
    const uint32_t row = t / grid.columns;
    const uint32_t block = blockIdx.x;
    const uint32_t pack = block % grid.column_blocks * grid.columns + t % grid.columns;
    const uint32_t tile = block / grid.column_blocks % grid.tiles;
    const int64_t n = block / grid.column_blocks / grid.tiles;
    const bool inside = pack < grid.packs;

    float sum[kPer];
#pragma unroll
    for (int i = 0; i < kPer; ++i) sum[i] = Join::none();
    if (inside) {
      const T* from = input + n * grid.pixels * pitch + pack * kPer;
      const uint32_t begin = tile * grid.tile_pixels;
      const uint32_t end =
          begin + (grid.tile_pixels < grid.pixels - begin ? grid.tile_pixels : grid.pixels - begin);
      for (uint32_t pixel = begin + row; pixel < end; pixel += kBatch * grid.rows) {
        device::Pack<T> packs[kBatch] = {};
#pragma unroll
        for (int b = 0; b < kBatch; ++b) {
          const uint32_t p = pixel + b * grid.rows;
          if (p < end) packs[b] = device::load_pack(from + p * pitch);
        }
#pragma unroll
        for (int i = 0; i < kPer; ++i) {
          float value[kBatch];
#pragma unroll
          for (int b = 0; b < kBatch; ++b) {
            const bool there = pixel + b * grid.rows < end;
            value[b] = there ? device::to_float(packs[b].x[i]) : Join::none();
          }
          sum[i] = Join::join(
              sum[i], Join::join(Join::join(value[0], value[1]), Join::join(value[2], value[3])));
        }
      }
    }

#pragma unroll
    for (int i = 0; i < kPer; ++i) shared.part[i][t] = sum[i];
    for (uint32_t half = grid.rows / 2; half > 0; half /= 2) {
      device::syncthreads();  // what the rows from `half` on hold stands in shared memory
      if (row >= half) continue;
#pragma unroll
      for (int i = 0; i < kPer; ++i) {
        sum[i] = Join::join(sum[i], shared.part[i][t + half * grid.columns]);
        shared.part[i][t] = sum[i];
      }
    }
    if (row > 0 || !inside) return;
    if (partial == nullptr) {  // pads are zero, and so is what they are reduced to
      device::Pack<T> result;
#pragma unroll
      for (int i = 0; i < kPer; ++i) result.x[i] = device::from_float<T>(sum[i] * factor);
      device::store_pack(output + n * out_pitch + pack * kPer, result);
      return;
    }
    float* to = partial + ((n * grid.tiles + tile) * grid.packs + pack) * kPer;
#pragma unroll
    for (int i = 0; i < kPer; i += 4) {
      device::store_pack(to + i, device::Pack<float>{{sum[i], sum[i + 1], sum[i + 2], sum[i + 3]}});
    }
  }
};

template <typename T, typename Join>
struct ReduceGather {
  static constexpr uint32_t kLanes = device::kWarpSize;
  static constexpr uint32_t kWarps = 8;
  static constexpr unsigned kThreads = kWarps * kLanes;
  static constexpr int kMaxRegisters = 32;

  struct Shared {
    float part[kWarps][kLanes];
  };

  const float* partial;  // [N][tiles][stored]
  T* output;
  int64_t out_pitch;
  uint32_t tiles;
  uint32_t channels;
  uint32_t stored;
  uint32_t blocks;  // of a picture
  float factor;

  KIN_DEVICE void operator()() const {
    auto& shared = device::shared<ReduceGather>();
    const uint32_t lane = threadIdx.x % kLanes;
    const uint32_t warp = threadIdx.x / kLanes;
    const int64_t n = blockIdx.x / blocks;
    const uint32_t k = blockIdx.x % blocks * kLanes + lane;
    float sum = Join::none();
    if (k < channels) {
      const float* from = partial + n * tiles * stored + k;
      for (uint32_t tile = warp; tile < tiles; tile += kWarps) {
        sum = Join::join(sum, device::load(from + static_cast<int64_t>(tile) * stored));
      }
    }
    shared.part[warp][lane] = sum;
    device::syncthreads();  // every warp's part stands in shared memory
    if (warp > 0 || k >= stored) return;
    for (uint32_t w = 1; w < kWarps; ++w) sum = Join::join(sum, shared.part[w][lane]);
    device::store(output + n * out_pitch + k,
                  device::from_float<T>(k < channels ? sum * factor : 0.0f));
  }
};

template <typename T, typename Join>
struct ReduceChannels {
  static constexpr unsigned kThreads = 256;
  static constexpr int kMaxRegisters = 24;
  static constexpr int kPer = device::Pack<T>::kCount;

  const T* input;
  T* output;
  int64_t pitch;
  int64_t out_pitch;
  uint32_t pixels;  // of all pictures
  uint32_t packs;
  uint32_t lanes;  // of a pixel: a power of two up to 32
  int channels;
  float factor;

  KIN_DEVICE float of_pack(const device::Pack<T>& pack, int k) const {
    float value[kPer];
#pragma unroll
    for (int i = 0; i < kPer; ++i) {
      value[i] = k + i < channels ? device::to_float(pack.x[i]) : Join::none();
    }
#pragma unroll
    for (int apart = kPer / 2; apart > 0; apart /= 2) {
#pragma unroll
      for (int i = 0; i < kPer / 2; ++i) {
        if (i < apart) value[i] = Join::join(value[i], value[i + apart]);
      }
    }
    return value[0];
  }

  KIN_DEVICE void operator()() const {
    const uint32_t lane = threadIdx.x % lanes;
    const uint32_t pixel = blockIdx.x * (kThreads / lanes) + threadIdx.x / lanes;
    float sum = Join::none();
    if (pixel < pixels) {
      const T* from = input + pixel * pitch;
      for (uint32_t p = lane; p < packs; p += lanes) {
        const int k = static_cast<int>(p) * kPer;
        sum = Join::join(sum, of_pack(device::load_pack(from + k), k));
      }
    }
    for (uint32_t apart = lanes / 2; apart > 0; apart /= 2) {  // the whole warp
      sum = Join::join(sum, device::shfl_xor(sum, static_cast<int>(apart)));
    }
    if (lane > 0 || pixel >= pixels) return;
    device::Pack<T> result = {};
    result.x[0] = device::from_float<T>(sum * factor);
    device::store_pack(output + pixel * out_pitch, result);
  }
};

[[noreturn]] void refuse(const char* what) {
  throw Error(ErrorCode::internal, std::string("reduce on CUDA: ") + what);
}

constexpr const char* kOp = "reduce";

unsigned block_count(int64_t value) {
  return static_cast<unsigned>(device::narrow_int(kOp, value, "blocks"));
}

template <typename Join, typename T>
void over_pixels(const Args<T>& args, bool mean, device::Stream& stream) {
  constexpr int64_t kPer = device::Pack<T>::kCount;
  constexpr int64_t kLanes = ReduceGather<T, Join>::kLanes;
  const Shape& in = args.input.shape;
  const int64_t pixels = device::narrow_int(kOp, checked_multiply(in.h(), in.w()), "pixels");
  const int64_t stored = device::narrow_int(kOp, round_up(in.c(), kPer), "channels");
  const device::PixelTiles grid = device::pixel_tiles(pixels, stored / kPer);
  const float factor = mean ? 1.0f / static_cast<float>(pixels) : 1.0f;
  if (grid.tiles > 1 && args.workspace.data == nullptr) {
    refuse("a picture of several tiles needs a workspace");
  }
  auto* const partial = grid.tiles > 1 ? reinterpret_cast<float*>(args.workspace.data) : nullptr;
  device::launch(stream, {.x = block_count(checked_multiply(in.n(), grid.blocks()))},
                 ReduceTiles<T, Join>{.input = args.input.data,
                                      .partial = partial,
                                      .output = args.output.data,
                                      .pitch = args.input.pitch,
                                      .out_pitch = args.output.pitch,
                                      .grid = grid,
                                      .factor = factor});
  if (partial == nullptr) return;
  const int64_t gathers = divide_up(stored, kLanes);
  device::launch(stream, {.x = block_count(checked_multiply(in.n(), gathers))},
                 ReduceGather<T, Join>{.partial = partial,
                                       .output = args.output.data,
                                       .out_pitch = args.output.pitch,
                                       .tiles = grid.tiles,
                                       .channels = static_cast<uint32_t>(in.c()),
                                       .stored = static_cast<uint32_t>(stored),
                                       .blocks = static_cast<uint32_t>(gathers),
                                       .factor = factor});
}

template <typename Join, typename T>
void over_channels(const Args<T>& args, bool mean, device::Stream& stream) {
  using Kernel = ReduceChannels<T, Join>;
  const Shape& in = args.input.shape;
  const int64_t pixels = device::narrow_int(kOp, in.pixels(), "pixels");
  const int64_t packs =
      device::narrow_int(kOp, round_up(in.c(), int64_t{Kernel::kPer}), "channels") / Kernel::kPer;
  const uint32_t lanes = device::pixel_tiles(1, packs).columns;
  const int64_t blocks = divide_up(pixels, int64_t{Kernel::kThreads / lanes});
  device::launch(stream, {.x = block_count(blocks)},
                 Kernel{.input = args.input.data,
                        .output = args.output.data,
                        .pitch = args.input.pitch,
                        .out_pitch = args.output.pitch,
                        .pixels = static_cast<uint32_t>(pixels),
                        .packs = static_cast<uint32_t>(packs),
                        .lanes = lanes,
                        .channels = static_cast<int>(in.c()),
                        .factor = mean ? 1.0f / static_cast<float>(in.c()) : 1.0f});
}

}  // namespace

template <class T>
void cuda(const Desc& desc, const Args<T>& args, device::Stream& stream) {
  if (!(output_shape(desc, args.input.shape) == args.output.shape)) {
    refuse("an output does not fit");
  }
  device::check_aligned(kOp, args.input, args.output, args.workspace.data);
  const bool mean = desc.reduction == Reduction::mean;
  const bool largest = desc.reduction == Reduction::max;
  if (desc.over == Over::pixels) {
    if (largest) return over_pixels<Larger>(args, mean, stream);
    return over_pixels<Plus>(args, mean, stream);
  }
  if (largest) return over_channels<Larger>(args, mean, stream);
  over_channels<Plus>(args, mean, stream);
}

template void cuda(const Desc&, const Args<float>&, device::Stream&);
template void cuda(const Desc&, const Args<f16>&, device::Stream&);
template void cuda(const Desc&, const Args<bf16>&, device::Stream&);

void Op::cuda(const Desc& desc, const Config&, const Call& call, device::Stream& stream) {
  with_cuda_type(call.dtype,
                 [&]<class T>(T) { reduce::cuda<T>(desc, bind<T>(desc, call), stream); });
}

}  // namespace kintsugi::reduce
