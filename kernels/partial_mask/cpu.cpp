// SPDX-License-Identifier: MIT
//
// partial_mask on the CPU.
//
// Math        S = sum of channels_i * m_i over a window; ratio and valid of it (partial_mask.h)
// Shapes      m_i [N,1,H,W]   y [N,2,P,Q]
// Layout      NHWC with a pitch; a mask's channel is read alone, the result's pad channels are zeroed
// Tiling      a task owns neighbouring output rows; of a row 256 pixels at once, whose sums grow by
//             one tap after another: what of it lies in the picture is one run, without a test
// Scratch     256 sums on the stack
// Numerics    f32 in the order planes, rows, columns; every sum of a binary mask is exact
// Roofline    R*S*planes additions over 16*st*st*planes bytes read and 16 written a pixel: bound by
//             the loads of taps from L1, one a cycle; beside the convolution one in 2*C*K
// Limits      none beyond the contract
#include <algorithm>

#include "kernels/partial_mask/partial_mask.h"

namespace kintsugi::partial_mask {
namespace {

constexpr int64_t kRun = 256;           // output pixels whose sums are held at once
constexpr int64_t kTaskTaps = 1 << 16;  // large against taking a task, small against a picture

/// Output pixels from..to of a row of sums, and where they stand in the picture.
struct Run {
  int64_t n = 0, y = 0, from = 0, to = 0;
};

/// Adds what a row of one plane's window gives to the sums of a run.
void add_row(const Desc& desc, const TensorView<const float>& mask, float channels, const Run& run,
             int64_t iy, float* sums) {
  const int64_t stride = desc.stride.w;
  const float* row = mask.pixel(run.n, iy, 0);
  for (int64_t s = 0; s < desc.kernel.w; ++s) {
    // Output pixel x meets input pixel x * stride + offset.
    const int64_t offset = s * desc.dilation.w - desc.padding.w;
    const int64_t begin = std::max(run.from, divide_up(-offset, stride));
    const int64_t end = std::min(run.to, divide_up(mask.shape.w() - offset, stride));
    for (int64_t x = begin; x < end; ++x) {
      sums[x - run.from] += channels * row[(x * stride + offset) * mask.pitch];
    }
  }
}

void store(const Desc& desc, float sum, float window, float eps, float* to_ratio, float* to_valid) {
  float ratio = 0, valid = 0;
  if (desc.form == Form::naoto) {
    if (sum != 0) valid = 1, ratio = 1 / sum;
  } else if (!(sum <= 0)) {  // a NaN is kept
    valid = sum > 1 ? 1 : sum;
    ratio = window / (sum + eps) * valid;
  }
  std::fill_n(to_ratio, storage_channels(1), 0.0f);
  std::fill_n(to_valid, storage_channels(1), 0.0f);
  *to_ratio = ratio;
  *to_valid = valid;
}

}  // namespace

void cpu(const Desc& desc, const Args<float>& args, Parallel& parallel) {
  const Shape& in = args.masks[0].shape;
  const Shape& out = args.ratio.shape;
  const auto window = static_cast<float>(window_entries(desc));
  const auto eps = static_cast<float>(desc.eps);
  const int64_t row_taps = out.w() * desc.kernel.h * desc.kernel.w * desc.planes();
  const int64_t task_rows = std::clamp<int64_t>(kTaskTaps / row_taps, 1, out.h());
  const int64_t chunks = divide_up(out.h(), task_rows);
  parallel.parallel_for(out.n() * chunks, [&](int64_t task) {
    Run run{.n = task / chunks};
    const int64_t end = std::min(out.h(), (task % chunks + 1) * task_rows);
    for (run.y = task % chunks * task_rows; run.y < end; ++run.y) {
      for (run.from = 0; run.from < out.w(); run.from = run.to) {
        run.to = std::min(out.w(), run.from + kRun);
        float sums[kRun] = {};
        for (size_t plane = 0; plane < static_cast<size_t>(desc.planes()); ++plane) {
          const auto channels = static_cast<float>(desc.channels[plane]);
          for (int64_t r = 0; r < desc.kernel.h; ++r) {
            const int64_t iy = run.y * desc.stride.h + r * desc.dilation.h - desc.padding.h;
            if (iy < 0 || iy >= in.h()) continue;
            add_row(desc, args.masks[plane], channels, run, iy, sums);
          }
        }
        for (int64_t x = run.from; x < run.to; ++x) {
          store(desc, sums[x - run.from], window, eps, args.ratio.pixel(run.n, run.y, x),
                args.valid.pixel(run.n, run.y, x));
        }
      }
    }
  });
}

}  // namespace kintsugi::partial_mask
