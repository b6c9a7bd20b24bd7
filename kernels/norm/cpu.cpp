// SPDX-License-Identifier: MIT
//
// norm on the CPU.
//
// Math        of each group: mean = sum x / count, variance = sum (x - mean)^2 / count
// Shapes      x [N,C,H,W]   scale, shift [N,C,1,1]
// Layout      NHWC with a pitch; pad channels are read, and written as zeros
// Tiling      a tile is some 32 Ki elements: up to 256 pixels with all their channels; a task takes
//             neighbouring tiles. Then a task is a group, which gathers its tiles in order. Where what
//             stored the input has left moments of tiles of its own, only that
// Scratch     records of kernels/core/moments.h, the caller's: of each tile and channel mean and squares
// Numerics    f32 in a tile (kernels/simd/moments.cpp); tiles gathered in double
// Roofline    6 FLOP over 4 bytes an element: bound by memory
// Limits      none beyond the contract
#include <algorithm>
#include <cmath>

#include "kernels/norm/norm.h"
#include "kernels/simd/moments.h"

namespace kintsugi::norm {
namespace {

constexpr int64_t kTileElements = 1 << 15;
constexpr int64_t kGathered = 64;           // channels whose sums stand side by side
constexpr int64_t kTaskElements = 1 << 16;  // large against taking a task, small against a picture

int64_t tile_pixels(const Shape& input) {
  return std::clamp<int64_t>(kTileElements / storage_channels(input.c()), 16, 256);
}

int64_t tiles_of(const Shape& input) {
  return divide_up(checked_multiply(input.h(), input.w()), tile_pixels(input));
}

/// What is known of some pixels or channels together.
struct Sum {
  double count = 0;
  double mean = 0;
  double squares = 0;

  void join(const Sum& more) {
    const double apart = more.mean - mean;
    const double part = more.count / (count + more.count);
    squares += more.squares + apart * apart * count * part;
    mean += apart * part;
    count += more.count;
  }
};

/// Scales and shifts of channels [first, end) of a picture.
void store(const Desc& desc, const Args<float>& args, int64_t n, const Sum& group, int64_t first,
           int64_t end) {
  for (int64_t c = first; c < end; ++c) {
    const auto i = static_cast<size_t>(c);
    const double weight = desc.affine ? double{args.weight[i]} : 1.0;
    const double bias = desc.affine ? double{args.bias[i]} : 0.0;
    const double scale = weight / std::sqrt(group.squares / group.count + desc.eps);
    args.scale.at(n, c, 0, 0) = static_cast<float>(scale);
    args.shift.at(n, c, 0, 0) = static_cast<float>(bias - group.mean * scale);
  }
}

/// The whole groups that are channels [first, end): of each channel all tiles, in their order, then of
/// each group its channels.
void gather(const Desc& desc, const Args<float>& args, const MomentsView<const float>& moments,
            int64_t n, int64_t first, int64_t end) {
  const int64_t channels = args.scale.shape.c() / desc.groups;
  double pixels = 0;
  for (int64_t t = 0; t < moments.tiles; ++t) pixels += double{moments.count(n, t)};
  double means[kGathered];
  double squares[kGathered];
  Sum group;
  for (int64_t c0 = first; c0 < end; c0 += kGathered) {
    const int64_t count = std::min(kGathered, end - c0);
    std::fill_n(means, count, 0.0);
    std::fill_n(squares, count, 0.0);
    for (int64_t t = 0; t < moments.tiles; ++t) {
      const double part = moments.count(n, t) / pixels;
      const float* of_tile = moments.means(n, t) + c0;
      for (int64_t i = 0; i < count; ++i) means[i] += part * double{of_tile[i]};
    }
    for (int64_t t = 0; t < moments.tiles; ++t) {
      const double of_tile = moments.count(n, t);
      const float* mean = moments.means(n, t) + c0;
      const float* square = moments.squares(n, t) + c0;
      for (int64_t i = 0; i < count; ++i) {
        const double apart = double{mean[i]} - means[i];
        squares[i] += double{square[i]} + of_tile * apart * apart;
      }
    }
    for (int64_t i = 0; i < count; ++i) {
      const int64_t c = c0 + i;
      if (c % channels == 0) group = {};
      group.join({pixels, means[i], squares[i]});
      if ((c + 1) % channels == 0) store(desc, args, n, group, c + 1 - channels, c + 1);
    }
  }
}

/// Used when no moments were passed: reads the input.
MomentsView<const float> measure(const Desc& desc, simd::Isa isa, const Args<float>& args,
                                 Parallel& parallel) {
  const Shape& in = args.input.shape;
  if (static_cast<int64_t>(args.workspace.as<float>().size()) < workspace_elements(desc, in)) {
    throw Error(ErrorCode::internal, to_string(desc) + ": the workspace is too small");
  }
  const MomentsView<float> moments{args.workspace.as<float>().data(), tiles_of(in),
                                   storage_channels(in.c())};
  simd::JoinMoments* const join = simd::join_moments(isa);
  const int64_t size = tile_pixels(in);
  const int64_t task_tiles = std::max<int64_t>(kTaskElements / (size * moments.channels), 1);
  const int64_t chunks = divide_up(moments.tiles, task_tiles);
  parallel.parallel_for(in.n() * chunks, [&](int64_t task) {
    const int64_t n = task / chunks;
    const int64_t end = std::min(moments.tiles, (task % chunks + 1) * task_tiles);
    for (int64_t t = task % chunks * task_tiles; t < end; ++t) {
      const int64_t pixels = std::min(size, in.h() * in.w() - t * size);
      join({.pixel = args.input.pixel(n, 0, 0) + t * size * args.input.pitch,
            .columns = pixels,
            .column_step = args.input.pitch,
            .channels = moments.channels,
            .mean = moments.means(n, t),
            .squares = moments.squares(n, t)});
      moments.count(n, t) = static_cast<float>(pixels);
    }
  });
  return moments;
}

}  // namespace

int64_t workspace_elements(const Desc& desc, const Shape& input) {
  static_cast<void>(output_shape(desc, input));
  if (desc.moments_of > 0) return 0;
  return moment_elements(input.n(), tiles_of(input), storage_channels(input.c()));
}

void cpu(const Desc& desc, simd::Isa isa, const Args<float>& args, Parallel& parallel) {
  const int64_t batch = args.scale.shape.n();
  const int64_t channels = args.scale.shape.c();
  const bool given = desc.moments_of > 0;
  check_moments(desc, given, args.moments, std::max<int64_t>(args.moments.tiles, 1),
                storage_channels(channels));
  const MomentsView<const float> moments =
      given ? args.moments : measure(desc, isa, args, parallel);
  // A task gathers whole groups, of kGathered channels together where they are smaller.
  const int64_t of_group = channels / desc.groups;
  const int64_t of_task = std::max<int64_t>(kGathered / of_group, 1) * of_group;
  const int64_t tasks = divide_up(channels, of_task);
  parallel.parallel_for(batch * tasks, [&](int64_t task) {
    const int64_t first = task % tasks * of_task;
    gather(desc, args, moments, task / tasks, first, std::min(channels, first + of_task));
  });
  for (int64_t n = 0; n < batch; ++n) {
    for (const TensorView<float>& output : {args.scale, args.shift}) {
      float* pixel = output.pixel(n, 0, 0);
      std::fill(pixel + channels, pixel + storage_channels(channels), 0.0f);
    }
  }
}

}  // namespace kintsugi::norm
