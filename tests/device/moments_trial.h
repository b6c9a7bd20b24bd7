// SPDX-License-Identifier: MIT
//
// Convolutions that leave the moments of their output, small and odd, and the norm of it gathered from
// them alone: the picture is not even handed over.
#pragma once

#include "kernels/norm/cuda.h"
#include "tests/device/fused_steps_trial.h"

namespace kintsugi::test::moments {

/// Means are not near zero, where a shift has fewer digits to be compared.
inline Epilogue bias() { return {step::add(Extent::channel), step::add(2.0f)}; }
inline Epilogue bias_relu() {
  Epilogue steps = bias();
  steps.append(step::activate(Function::relu));
  return steps;
}

/// With every width of tile there is, and blocks of rows that are full, broken off, and of one pixel.
inline std::vector<conv2d::Case> conv2d_cases() {
  std::vector<conv2d::Case> cases{
      {"three_reflected",
       {.in_channels = 5,
        .out_channels = 3,
        .kernel = 3,
        .padding = 1,
        .padding_mode = PaddingMode::reflect,
        .epilogue = bias()},
       {2, 5, 11, 13}},
      {"twelve", {.in_channels = 9, .out_channels = 12, .epilogue = bias_relu()}, {3, 9, 5, 7}},
      {"thirty_changed",
       {.in_channels = 6,
        .out_channels = 30,
        .kernel = 3,
        .padding = 1,
        .prologue = {.steps = prologues::norm()},
        .epilogue = bias()},
       {2, 6, 9, 15}},
      {"forty",
       {.in_channels = 8, .out_channels = 40, .kernel = 3, .stride = 2, .epilogue = bias_relu()},
       {1, 8, 25, 23}},
      {"wide", {.in_channels = 4, .out_channels = 132, .epilogue = bias()}, {2, 4, 5, 13}},
      {"pixel", {.in_channels = 4, .out_channels = 20, .epilogue = bias()}, {2, 4, 1, 1}},
  };
  for (conv2d::Case& c : cases) c.desc.moments = true;
  return cases;
}

/// Phases of different sizes: of two blocks and of one, so that blocks have no pixel; and more phases
/// than one of them has pixels.
inline std::vector<conv_transpose2d::Case> conv_transpose2d_cases() {
  std::vector<conv_transpose2d::Case> cases{
      {"odd",
       {.in_channels = 5,
        .out_channels = 12,
        .kernel = 3,
        .stride = 2,
        .padding = 1,
        .epilogue = bias()},
       {2, 5, 12, 12}},
      {"phases",
       {.in_channels = 4, .out_channels = 40, .kernel = 3, .stride = 4, .epilogue = bias_relu()},
       {2, 4, 1, 2}},
      {"changed",
       {.in_channels = 7,
        .out_channels = 70,
        .kernel = 4,
        .stride = 2,
        .padding = 1,
        .prologue = {.steps = prologues::norm()},
        .epilogue = bias()},
       {1, 7, 3, 5}},
  };
  for (conv_transpose2d::Case& c : cases) c.desc.moments = true;
  return cases;
}

/// To be split into three.
inline conv2d::Case deep_conv2d(Type type) {
  const int64_t c = deep(type, 72);
  return {"deep",
          {.in_channels = c,
           .out_channels = 20,
           .kernel = 3,
           .padding = 1,
           .epilogue = bias(),
           .moments = true},
          {2, c, 9, 15}};
}
inline conv_transpose2d::Case deep_conv_transpose2d(Type type) {
  const int64_t c = deep(type, 136);
  return {"deep",
          {.in_channels = c,
           .out_channels = 9,
           .kernel = 3,
           .stride = 2,
           .padding = 1,
           .epilogue = bias(),
           .moments = true},
          {2, c, 12, 12}};
}

/// f(trial) of every case, in this storage type.
template <class T, class F>
void each_trial(Type type, const F& f) {
  const auto whole = [&](const auto& cases) {
    for (const auto& c : cases) {
      SCOPED_TRACE(c.name + ": " + to_string(c.desc));
      Trial<std::decay_t<decltype(c.desc)>, T> trial(c.desc, c.input, type);
      f(trial);
    }
  };
  const auto split = [&](const auto& c) {
    SCOPED_TRACE(c.name + ": " + to_string(c.desc));
    Trial<std::decay_t<decltype(c.desc)>, T> trial(c.desc, c.input, type);
    trial.config.splits = 3;
    f(trial);
  };
  whole(conv2d_cases());
  whole(conv_transpose2d_cases());
  split(deep_conv2d(type));
  split(deep_conv_transpose2d(type));
}

/// Which tile of its picture has output pixel (y, x): a block of 128 rows, each of one phase.
inline int64_t tile_of(const conv2d::Desc&, const Shape& out, int64_t y, int64_t x) {
  return (y * out.w() + x) / 128;
}
inline int64_t tile_of(const conv_transpose2d::Desc& desc, const Shape& out, int64_t y, int64_t x) {
  const int64_t phases_h = std::min(desc.stride.h, out.h());
  const int64_t phases_w = std::min(desc.stride.w, out.w());
  const int64_t width = divide_up(out.w() - x % desc.stride.w, desc.stride.w);
  const int64_t row = y / desc.stride.h * width + x / desc.stride.w;
  return (row / 128 * phases_h + y % desc.stride.h) * phases_w + x % desc.stride.w;
}

/// A norm's result, whole groups of T wide.
struct Stats {
  std::vector<float> values;
  Shape shape;
  int64_t pitch = 0;
  /// The scales or the shifts alone.
  [[nodiscard]] TensorView<const float> row(int64_t row) const {
    return {values.data() + row * pitch, {shape.n(), shape.c(), 1, 1}, 2 * pitch};
  }
};

/// Of the picture, or of `moments` where they are given.
template <class T>
Stats norm_of(int64_t groups, TensorView<const T> picture, MomentsView<const float> moments) {
  const norm::Desc desc{.groups = groups, .from_moments = moments.data != nullptr};
  if (desc.from_moments) picture.data = nullptr;
  Stats stats{.values = {},
              .shape = norm::output_shape(desc, picture.shape),
              .pitch = round_up(picture.shape.c(), kGroup<T>)};
  const DeviceBuffer out(2 * stats.shape.n() * stats.pitch * 4);
  const DeviceBuffer workspace(norm::scratch(desc, picture.shape, sizeof(T)));
  const auto stream = device::make_stream();
  norm::cuda<T>(desc,
                {.input = picture,
                 .output = {out.data<float>(), stats.shape, stats.pitch},
                 .workspace = workspace.data(),
                 .moments = moments},
                *stream);
  device::synchronize(*stream);
  stats.values = out.values<float>();
  return stats;
}

/// All channels together, each alone, and something between where there is something.
inline std::vector<int64_t> groups_of(int64_t channels) {
  std::vector<int64_t> groups{1, channels};
  if (channels % 4 == 0) groups.push_back(channels / 4);
  if (channels % 10 == 0) groups.push_back(channels / 10);
  return groups;
}

}  // namespace kintsugi::test::moments
