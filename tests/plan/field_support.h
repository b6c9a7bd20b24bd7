// SPDX-License-Identifier: MIT
//
// What the tests of receptive fields share: layers on a Toy, runs with a NaN in a pixel, fields as text.
#pragma once

#include "runtime/program/field.h"
#include "tests/plan/random_runs.h"

namespace kintsugi::test {

/// Where an image starts in a larger one, and the pixel of it that is a NaN.
struct Pixels {
  int64_t y0 = 0, x0 = 0;
  int64_t nan_y = -1, nan_x = -1;
};

/// The first output, channels first: [C, H, W].
class Runs {
 public:
  explicit Runs(const Graph& graph)
      : bound_(plan_here(graph, {.backend = plan::Backend::reference_f64})),
        shape_(graph.shape(graph.outputs[0].value)) {}

  std::vector<float> of(const Pixels& pixels) {
    execute::Executor& executor = *bound_.executor;
    for (const plan::Port& port : executor.plan().inputs) {
      executor.write_input(port.value, [&](int64_t, int64_t y, std::span<float> row) {
        const auto channels = static_cast<int64_t>(row.size()) / port.value.shape.w();
        for (int64_t i = 0; i < static_cast<int64_t>(row.size()); ++i) {
          const int64_t x = i / channels;
          const auto place = static_cast<uint64_t>(
              ((y + pixels.y0) * 1000 + x + pixels.x0) * channels + i % channels);
          row[static_cast<size_t>(i)] = y == pixels.nan_y && x == pixels.nan_x
                                            ? NAN
                                            : static_cast<float>(seven_bits(1, place));
        }
      });
    }
    executor.run({});
    std::vector<float> all(static_cast<size_t>(shape_.elements()));
    executor.read(executor.plan().outputs[0].value,
                  [&](int64_t, int64_t y, std::span<const float> row) {
                    for (int64_t i = 0; i < static_cast<int64_t>(row.size()); ++i) {
                      const int64_t x = i / shape_.c(), c = i % shape_.c();
                      all[static_cast<size_t>((c * shape_.h() + y) * shape_.w() + x)] =
                          row[static_cast<size_t>(i)];
                    }
                  });
    return all;
  }
  [[nodiscard]] const Shape& shape() const { return shape_; }

 private:
  Bound bound_;
  Shape shape_;
};

/// "3 2 1 0, stride 2 makes 1"
inline std::string text(const program::Field& f) {
  return std::to_string(f.top) + " " + std::to_string(f.bottom) + " " + std::to_string(f.left) +
         " " + std::to_string(f.right) + ", stride " + brief(f.stride) + " makes " +
         brief(f.output_stride);
}
inline std::string text(const std::optional<program::Field>& f) {
  return f ? text(*f) : "unbounded";
}

using Build = std::function<Value(Toy&, Value)>;

inline Value down(Toy& t, Value x, const std::string& name) {
  return t.conv(x, name, {.out_channels = 2, .kernel = 3, .stride = 2, .padding = 1});
}
inline Value same(Toy& t, Value x, const std::string& name) {
  return t.conv(x, name, {.out_channels = 2, .kernel = 3, .padding = 1});
}
inline Value up(Toy& t, Value x, const std::string& name) {
  return t.deconv(x, name, {.out_channels = 2, .kernel = 4, .stride = 2, .padding = 1});
}
inline Toy made(const Build& build, const Shape& shape) {
  Toy t(shape);
  t.graph.output("output", build(t, t.x));
  return t;
}

}  // namespace kintsugi::test
