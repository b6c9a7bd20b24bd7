// SPDX-License-Identifier: MIT
//
// The definition of conv2d. Loops in the order of the formula, double accumulation, one rounding to
// T at the store. Sixteen neighbouring output channels are summed side by side, which lets the
// compiler vectorise over them and changes no sum's order.
#include <algorithm>
#include <array>
#include <vector>

#include "kernels/conv2d/conv2d.h"

namespace kintsugi::conv2d {
namespace {

constexpr int64_t kGroup = 16;

/// [K, C, R, S] -> [R, S, C, K rounded up to kGroup], in double.
template <class T>
std::vector<double> channels_last(const Desc& desc, std::span<const T> weight) {
  const auto [C, R, S] = std::array{desc.in_channels, desc.kernel.h, desc.kernel.w};
  const int64_t K = round_up(desc.out_channels, kGroup);
  std::vector<double> out(static_cast<size_t>(R * S * C * K));
  size_t i = 0;
  for (int64_t k = 0; k < desc.out_channels; ++k) {
    for (int64_t c = 0; c < C; ++c) {
      for (int64_t tap = 0; tap < R * S; ++tap) {
        out[static_cast<size_t>((tap * C + c) * K + k)] = static_cast<double>(weight[i++]);
      }
    }
  }
  return out;
}

}  // namespace

template <class T>
void reference(const Desc& desc, const Args<T>& args, Parallel& parallel) {
  const Shape& in = args.input.shape;
  const Shape& out = args.output.shape;
  const int64_t up = desc.prologue.upsample;
  const Steps& before = desc.prologue.steps;
  const auto read = static_cast<size_t>(before.operand_count());
  const Operands operands = args.operands.subspan(read);
  const std::vector<double> changed =
      before.empty() ? std::vector<double>()
                     : apply_steps<T>(before, args.operands.first(read), args.input);
  const std::vector<double> weight = channels_last(desc, args.weight);
  const int64_t K = round_up(desc.out_channels, kGroup);

  parallel.parallel_for(out.n() * out.h(), [&](int64_t row) {
    const int64_t n = row / out.h();
    const int64_t y = row % out.h();
    std::vector<double> sums(static_cast<size_t>(K));  // of all filters at one pixel
    for (int64_t x = 0; x < out.w(); ++x) {
      for (int64_t k0 = 0; k0 < desc.out_channels; k0 += kGroup) {
        std::array<double, kGroup> sum{};
        const auto accumulate = [&](const auto* pixel, const double* w) {
          for (int64_t c = 0; c < desc.in_channels; ++c, w += K) {
            const double value = static_cast<double>(pixel[c]);
            for (size_t i = 0; i < kGroup; ++i) sum[i] += value * w[i];
          }
        };
        for (int64_t r = 0; r < desc.kernel.h; ++r) {
          for (int64_t s = 0; s < desc.kernel.w; ++s) {
            const int64_t iy =
                source_coordinate(y * desc.stride.h + r * desc.dilation.h - desc.padding.h,
                                  in.h() * up, desc.padding_mode);
            const int64_t ix =
                source_coordinate(x * desc.stride.w + s * desc.dilation.w - desc.padding.w,
                                  in.w() * up, desc.padding_mode);
            if (iy < 0 || ix < 0) continue;
            const double* w =
                &weight[static_cast<size_t>((r * desc.kernel.w + s) * desc.in_channels * K + k0)];
            if (before.empty()) {
              accumulate(args.input.pixel(n, iy / up, ix / up), w);
            } else {
              const int64_t at = (n * in.h() + iy / up) * in.w() + ix / up;
              accumulate(&changed[static_cast<size_t>(at * in.c())], w);
            }
          }
        }
        std::ranges::copy(sum, sums.begin() + k0);
      }
      for (int64_t k = 0; k < out.c(); ++k) {
        args.output.at(n, k, y, x) = static_cast<T>(apply_steps<T>(
            desc.epilogue, operands, [&](int64_t i) { return sums[static_cast<size_t>(i)]; },
            {.n = n, .k = k, .y = y, .x = x, .h = out.h(), .w = out.w()}, out.c()));
      }
      T* pixel = args.output.pixel(n, y, x);
      std::fill(pixel + out.c(), pixel + storage_channels(out.c()), T{0});
    }
  });
}

template void reference(const Desc&, const Args<float>&, Parallel&);
template void reference(const Desc&, const Args<double>&, Parallel&);

}  // namespace kintsugi::conv2d
