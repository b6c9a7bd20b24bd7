// SPDX-License-Identifier: MIT
//
// norm on CUDA: the moments of tiles, and what gathers them.
//
// Math        of each group: mean = sum x / count, variance = sum (x - mean)^2 / count;
//             scale = weight / sqrt(variance + eps), shift = bias - mean * scale
// Shapes      x [N,H,W,C] with a pitch; scale, shift [N,C] with a pitch, f32; moments a record a tile of pixels
//             (kernels/core/moments.h), f32, of whole groups of 16 bytes of T
// Tiling      first grid (N * tiles * column_blocks), kernels/device/pixel_tiles.h: a block takes a tile
//             of pixels by up to 32 groups of 16 bytes of channels, a thread one group of every rows-th
//             pixel. Second grid (N * C / 8), gather.h: a block takes whole groups of up to 8, 16 or 32
//             channels, or one larger group; a thread a channel of every rows-th tile. Where moments were passed
//             the second grid is all: it reads records, never the image.
// Shared      first: count [256], mean and squares [channels of a thread][256] f32, pivots of one row:
//             18 KiB at most; second: moments [1024], 12 KiB
// Sync        one barrier a halving of the rows; second: a warp's before its lanes' channels are read
// Numerics    f32. Moments (count, mean, sum of squared differences) grow by a value as Welford (1962)
//             and are joined as Chan, Golub, LeVeque (1979), in the order of pixels and tiles. Values are
//             differences from the picture's first pixel of that channel until a tile's mean is stored,
//             means differences from that of the first tile of a pixel, of the group's first channel:
//             exact where they are small, so that a large mean takes no digit from the variance. Tiles of
//             a thread are joined 32 at a time, and these, so that many of them do not drift. The
//             scale is good to about 1e-6 at a mean of a thousand deviations; the shift is of the
//             mean's size, so that x * scale + shift, whoever computes it, is then good to that size's
//             last digit.
// Roofline    8 FLOP over e bytes an element, e of an element: bound by memory; from given moments 12
//             bytes a tile and channel
// Limits      pixels start at multiples of 16 bytes; fewer than 2^31 pixels of a picture and blocks
#include "kernels/norm/cuda.h"

#include "kernels/device/groups.h"
#include "kernels/device/memory.cuh"
#include "kernels/device/moments.cuh"
#include "kernels/device/narrow.h"
#include "kernels/device/numeric.cuh"
#include "kernels/device/pixel_tiles.h"
#include "kernels/device/sync.cuh"
#include "kernels/norm/contract.h"
#include "kernels/norm/gather.h"

namespace kintsugi::norm {
namespace {

using device::Moments;

template <typename T>
struct NormTiles {
  static constexpr unsigned kThreads = device::kPixelThreads;
  static constexpr int kMaxRegisters = 80;
  static constexpr int kPer = device::Pack<T>::kCount;
  static constexpr int kBatch = 4;  // pixels whose loads are on their way together

  struct Shared {
    float count[kThreads];
    float mean[kPer][kThreads];
    float squares[kPer][kThreads];
    float pivot[kPer][device::kWarpSize];  // of row 0, which alone wants it back: 15 registers
  };

  const T* input;
  MomentsView<float> moments;  // a record a tile
  int64_t pitch;
  device::PixelTiles grid;

  KIN_DEVICE void add(Moments (&sum)[kPer], const device::Pack<T>& pack,
                      const float (&pivot)[kPer]) const {
    const float count = sum[0].count + 1;
    const float part = device::rcp(count);
#pragma unroll
    for (int i = 0; i < kPer; ++i) {
      const float value = device::to_float(pack.x[i]) - pivot[i];
      const float before = value - sum[i].mean;
      sum[i].count = count;
      sum[i].mean = device::fma(before, part, sum[i].mean);
      sum[i].squares = device::fma(before, value - sum[i].mean, sum[i].squares);
    }
  }

  KIN_DEVICE void operator()() const {
    auto& shared = device::shared<NormTiles>();
    const uint32_t t = threadIdx.x;
    const uint32_t row = t / grid.columns;
    const uint32_t block = blockIdx.x;
    const uint32_t pack = block % grid.column_blocks * grid.columns + t % grid.columns;
    const uint32_t tile = block / grid.column_blocks % grid.tiles;
    const int64_t n = block / grid.column_blocks / grid.tiles;
    const bool inside = pack < grid.packs;

    Moments sum[kPer] = {};
    if (inside) {
      const T* from = input + n * grid.pixels * pitch + pack * kPer;
      const device::Pack<T> first = device::load_pack(from);
      float pivot[kPer];
#pragma unroll
      for (int i = 0; i < kPer; ++i) pivot[i] = device::to_float(first.x[i]);
      if (row == 0) {
#pragma unroll
        for (int i = 0; i < kPer; ++i) shared.pivot[i][t] = pivot[i];
      }
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
        for (int b = 0; b < kBatch; ++b) {
          if (pixel + b * grid.rows < end) add(sum, packs[b], pivot);
        }
      }
    }

    shared.count[t] = sum[0].count;
#pragma unroll
    for (int i = 0; i < kPer; ++i) {
      shared.mean[i][t] = sum[i].mean;
      shared.squares[i][t] = sum[i].squares;
    }
    for (uint32_t half = grid.rows / 2; half > 0; half /= 2) {
      device::syncthreads();  // what the rows from `half` on hold stands in shared memory
      if (row >= half) continue;
      const uint32_t other = t + half * grid.columns;
      const float count = shared.count[other];
#pragma unroll
      for (int i = 0; i < kPer; ++i) {
        sum[i] = device::join(sum[i], {count, shared.mean[i][other], shared.squares[i][other]});
        shared.mean[i][t] = sum[i].mean;
        shared.squares[i][t] = sum[i].squares;
      }
      shared.count[t] = sum[0].count;
    }
    if (row > 0 || !inside) return;
    if (pack == 0) device::store(&moments.count(n, tile), sum[0].count);
    float* means = moments.means(n, tile) + pack * kPer;
    float* squares = moments.squares(n, tile) + pack * kPer;
#pragma unroll
    for (int i = 0; i < kPer; i += 4) {
      device::Pack<float> mean, square;
#pragma unroll
      for (int j = 0; j < 4; ++j) {
        mean.x[j] = shared.pivot[i + j][t] + sum[i + j].mean;
        square.x[j] = sum[i + j].squares;
      }
      device::store_pack(means + i, mean);
      device::store_pack(squares + i, square);
    }
  }
};

/// Works on any records, whoever wrote them.
struct NormGather {
  static constexpr unsigned kThreads = kGatherThreads;
  static constexpr int kMaxRegisters = 64;
  /// Tiles joined on their own first: a long sum of like terms drifts.
  static constexpr int kRun = 32;

  struct Shared {
    Moments part[kThreads];
  };

  MomentsView<const float> moments;
  const float* weight;
  const float* bias;
  float* scales;
  float* shifts;
  int64_t scale_pitch;  // from one batch item to the next
  int64_t shift_pitch;
  uint32_t channels;
  Gather gather;
  float eps;

  /// A mean that all are near to: of the first tile that has a pixel.
  KIN_DEVICE float near(int64_t n, uint32_t channel) const {
    for (int64_t tile = 0; tile < moments.tiles; ++tile) {
      const float count = device::load(&moments.count(n, tile));
      const float mean = device::load(moments.means(n, tile) + channel);
      if (count > 0) return mean;
    }
    return 0;
  }

  /// Of one channel the tiles of a row, less the pivot.
  KIN_DEVICE Moments of_channel(int64_t n, uint32_t channel, uint32_t row, float pivot) const {
    Moments sum;
    for (int64_t begin = row; begin < moments.tiles; begin += kRun * gather.rows) {
      Moments run;
      for (int i = 0; i < kRun; ++i) {
        const int64_t tile = begin + i * gather.rows;
        if (tile >= moments.tiles) break;
        run = device::join(run, {device::load(&moments.count(n, tile)),
                                 device::load(moments.means(n, tile) + channel) - pivot,
                                 device::load(moments.squares(n, tile) + channel)});
      }
      sum = device::join(sum, run);
    }
    return sum;
  }

  KIN_DEVICE void operator()() const {
    auto& shared = device::shared<NormGather>();
    const uint32_t t = threadIdx.x;
    const uint32_t column = t % gather.columns;
    const uint32_t row = t / gather.columns;
    const int64_t n = blockIdx.x / gather.blocks;
    const uint32_t first = blockIdx.x % gather.blocks * gather.block_channels;
    const uint32_t end =
        first + gather.block_channels < channels ? first + gather.block_channels : channels;
    const uint32_t group = column / gather.group_channels * gather.group_channels;  // first column

    const bool inside = first + column < end && row < moments.tiles;
    const float pivot = inside ? near(n, first + group) : 0.0f;
    Moments sum;
    if (inside) {
      for (uint32_t k = first + column; k < end; k += gather.columns) {  // again in a large group
        sum = device::join(sum, of_channel(n, k, row, pivot));
      }
    }
    shared.part[t] = sum;
    for (uint32_t half = gather.rows / 2; half > 0; half /= 2) {
      device::syncthreads();  // what the rows from `half` on hold stands in shared memory
      if (row >= half) continue;
      sum = device::join(sum, shared.part[t + half * gather.columns]);
      shared.part[t] = sum;
    }
    if (t >= device::kWarpSize) return;
    device::syncwarp();  // and what the first row has of every column
    if (row > 0) return;
    Moments all;
    for (uint32_t i = group; i < gather.columns && i < group + gather.group_channels; ++i) {
      all = device::join(all, shared.part[i]);
    }
    const float deviation = device::rsqrt(all.squares / all.count + eps);
    float* scale_of = scales + n * scale_pitch;
    float* shift_of = shifts + n * shift_pitch;
    for (uint32_t k = first + column; k < end; k += gather.columns) {
      const float scale = weight != nullptr ? device::load(weight + k) * deviation : deviation;
      const float addend = bias != nullptr ? device::load(bias + k) : 0.0f;
      device::store(scale_of + k, scale);
      device::store(shift_of + k,
                    device::fma(-pivot, scale, device::fma(-all.mean, scale, addend)));
    }
    if (end < channels) return;
    for (uint32_t k = channels + column; k < moments.channels; k += gather.columns) {
      device::store(scale_of + k, 0.0f);
      device::store(shift_of + k, 0.0f);
    }
  }
};

constexpr const char* kOp = "norm";

/// What a description does not say, and the kernels rely on.
[[noreturn]] void refuse(const char* what) {
  throw Error(ErrorCode::internal, std::string("norm on CUDA: ") + what);
}

/// Of results for `channels` channels, of which `stored` are written.
template <class T>
void check(const Desc& desc, const Args<T>& args, const Shape& output, int64_t stored) {
  const TensorView<float> results[] = {args.scale, args.shift};
  for (const TensorView<float>& result : results) {
    if (!(result.shape == output)) refuse("an output does not fit");
    device::check_aligned(kOp, result);
    if (result.pitch < stored) {
      refuse("an output does not hold whole groups of the input's channels");
    }
  }
  if (desc.affine == args.weight.empty() || desc.affine == args.bias.empty()) {
    refuse("weight and bias are given with `affine`, and only then");
  }
  if ((desc.moments_of > 0) != (args.moments.data != nullptr)) {
    refuse("moments are given with `moments_of`, and only then");
  }
}

/// Moments of tiles of the input, into the workspace.
template <class T>
MomentsView<const float> measure(const Args<T>& args, device::Stream& stream) {
  constexpr int64_t kPer = device::Pack<T>::kCount;
  const Shape& in = args.input.shape;
  device::check_aligned(kOp, args.input, args.workspace.data);
  const int64_t pixels = device::narrow_int(kOp, checked_multiply(in.h(), in.w()), "pixels");
  const int64_t channels = device::narrow_int(kOp, round_up(in.c(), kPer), "channels");
  const device::PixelTiles grid = device::pixel_tiles(pixels, channels / kPer);
  const auto blocks = static_cast<unsigned>(
      device::narrow_int(kOp, checked_multiply(in.n(), grid.blocks()), "blocks"));
  const MomentsView<float> own{reinterpret_cast<float*>(args.workspace.data), grid.tiles, channels};
  device::launch(
      stream, {.x = blocks},
      NormTiles<T>{
          .input = args.input.data, .moments = own, .pitch = args.input.pitch, .grid = grid});
  return own;
}

}  // namespace

template <class T>
void cuda(const Desc& desc, const Args<T>& args, device::Stream& stream) {
  const bool given = desc.moments_of > 0;
  const int64_t batch = given ? args.scale.shape.n() : args.input.shape.n();
  const int64_t channels = given ? desc.moments_of : args.input.shape.c();
  const int64_t stored =
      given ? args.moments.channels : round_up(channels, int64_t{device::Pack<T>::kCount});
  check(desc, args, given ? Shape{batch, channels, 1, 1} : output_shape(desc, args.input.shape),
        stored);
  if (given && (args.moments.tiles < 1 || args.moments.channels < channels ||
                args.moments.channels % 4 != 0 || !device::is_aligned(args.moments.data))) {
    refuse("moments do not fit the input");
  }
  static_cast<void>(device::narrow_int(kOp, stored, "channels"));
  const MomentsView<const float> moments = given ? args.moments : measure(args, stream);

  const Gather gather = gather_of(channels, desc.groups);
  device::launch(stream,
                 {.x = static_cast<unsigned>(device::narrow_int(
                      kOp, checked_multiply(batch, int64_t{gather.blocks}), "blocks"))},
                 NormGather{.moments = moments,
                            .weight = args.weight.data(),
                            .bias = args.bias.data(),
                            .scales = args.scale.data,
                            .shifts = args.shift.data,
                            .scale_pitch = args.scale.pitch,
                            .shift_pitch = args.shift.pitch,
                            .channels = static_cast<uint32_t>(channels),
                            .gather = gather,
                            .eps = static_cast<float>(desc.eps)});
}

template void cuda(const Desc&, const Args<float>&, device::Stream&);
template void cuda(const Desc&, const Args<f16>&, device::Stream&);
template void cuda(const Desc&, const Args<bf16>&, device::Stream&);

void Op::cuda(const Desc& desc, const Config&, const Call& call, device::Stream& stream) {
  with_cuda_type(call.dtype, [&]<class T>(T) { norm::cuda<T>(desc, bind<T>(desc, call), stream); });
}

}  // namespace kintsugi::norm
