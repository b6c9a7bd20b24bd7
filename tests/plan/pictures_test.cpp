// SPDX-License-Identifier: MIT
//
// Pictures as inputs and outputs of a plan, on every backend: the same bits as when their numbers are
// written and read row by row, in whatever order one asks, and nothing else is disturbed.
#include "kernels/image/image.h"
#include "tests/plan/support.h"

namespace kintsugi {
namespace {

using execute::Executor;
using graph::Value;
using test::Bound;
using test::Toy;
using Samples = std::vector<uint16_t>;

constexpr int64_t kHeight = 9, kWidth = 13;
const Shape kPicture{1, 4, kHeight, kWidth}, kInput{1, 4, 12, 16}, kMask{1, 1, 12, 16};

const image::ToTensor kColours{{.from = image::From::blue, .mean = 0.3f, .scale = 1.7f},
                               {.from = image::From::green, .mean = 0.4f, .hole = 0.5f},
                               {.from = image::From::red, .mean = 0.5f, .scale = 2},
                               {.hole = 1}};
const image::ToTensor kKnown{{.known = 1}};
const image::ToPicture kBack{.rgb = {{{2, 1, 0.5f}, {1, 1, 0.4f}, {0, 1, 0.3f}}}, .rounds = true};

graph::Graph two_inputs() {
  Toy t(kInput);
  const Value mask = t.graph.input("mask", kMask);
  const conv2d::Desc conv{.out_channels = 8, .kernel = 3, .padding = 1};
  const Value sum = t.add(t.conv(t.x, "a", conv), t.conv(mask, "b", conv), "sum");
  t.graph.output("y", t.conv(sum, "c", {.out_channels = 3, .kernel = 3, .padding = 1}));
  return t.graph;
}

std::vector<plan::Options> every_backend() {
  std::vector<plan::Options> out{{.backend = plan::Backend::cpu, .isa = simd::chosen()},
                                 {.backend = plan::Backend::reference_f32},
                                 {.backend = plan::Backend::reference_f64}};
  if (!test::has_gpu()) return out;
  for (const auto precision :
       {plan::Precision::f32, plan::Precision::tf32, plan::Precision::f16, plan::Precision::bf16}) {
    out.push_back({.backend = plan::Backend::gpu, .precision = precision, .gpu = device::info()});
  }
  return out;
}

struct Pictures {
  Samples samples;
  std::vector<uint8_t> holes;

  Pictures() {
    std::mt19937 random(1);
    for (int64_t i = 0; i < kPicture.elements(); ++i) {
      samples.push_back(static_cast<uint16_t>(random()));
    }
    for (int64_t i = 0; i < kPicture.pixels(); ++i) holes.push_back(random() % 3 == 0 ? 9 : 0);
  }
  [[nodiscard]] image::MaskView mask() const { return {holes.data(), kWidth}; }
  [[nodiscard]] image::PictureIn in(const image::ToTensor& desc) const {
    return {desc, image::PictureView<const uint16_t>{samples.data(), kPicture, 4 * kWidth}, mask()};
  }
  image::PictureOut out(const image::ToPicture& desc) {
    return {desc, image::PictureView<uint16_t>{samples.data(), kPicture, 4 * kWidth}, mask()};
  }

  /// A tensor by definition, dense.
  [[nodiscard]] std::vector<float> numbers(const image::ToTensor& desc, const Shape& shape) const {
    std::vector<float> stored(static_cast<size_t>(4 * shape.pixels())), dense;
    const auto picture = std::get<image::PictureView<const uint16_t>>(in(desc).picture);
    image::reference<uint16_t, float>(desc, {picture, mask(), {stored.data(), shape, 4}},
                                      test_threads());
    for (size_t i = 0; i < stored.size(); ++i) {
      if (i % 4 < static_cast<size_t>(shape.c())) dense.push_back(stored[i]);
    }
    return dense;
  }
  /// The picture with what a network made, dense, in it.
  [[nodiscard]] Samples filled(const std::vector<float>& made) const {
    std::vector<float> stored;
    for (size_t i = 0; i < made.size(); ++i) {
      stored.push_back(made[i]);
      if (i % 3 == 2) stored.push_back(0);
    }
    Pictures result = *this;
    int64_t first_bad = image::kNoPixel;
    const auto into = std::get<image::PictureView<uint16_t>>(result.out(kBack).picture);
    image::reference<uint16_t, float>(
        kBack, {{stored.data(), {1, 3, 12, 16}, 4}, mask(), into, &first_bad}, test_threads());
    return result.samples;
  }
  static Parallel& test_threads() {
    static ThreadPool pool(2);
    return pool;
  }
};

std::vector<float> rows(const Executor& executor, const plan::Placed& value) {
  std::vector<float> all;
  executor.read(value, [&](int64_t, int64_t, std::span<const float> row) {
    all.insert(all.end(), row.begin(), row.end());
  });
  return all;
}

void write_rows(Executor& executor, const plan::Placed& input, const std::vector<float>& numbers) {
  executor.write_input(input, [&](int64_t, int64_t y, std::span<float> row) {
    const size_t first = static_cast<size_t>(y) * row.size();
    std::copy_n(numbers.begin() + static_cast<std::ptrdiff_t>(first), row.size(), row.begin());
  });
}

std::string error_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Pictures, AreTheirNumbersOnEveryBackend) {
  const Pictures before;
  for (const plan::Options& options : every_backend()) {
    SCOPED_TRACE(static_cast<int>(options.backend) * 10 + static_cast<int>(options.precision));
    const plan::Plan plan = plan::make(two_inputs(), options);
    Bound by_rows(plan), by_pictures(plan);
    const plan::Placed x = plan.inputs[0].value, mask = plan.inputs[1].value;
    const plan::Placed y = plan.outputs[0].value;

    Executor& told = *by_rows.executor;
    write_rows(told, x, before.numbers(kColours, kInput));
    write_rows(told, mask, before.numbers(kKnown, kMask));
    told.run({});
    const std::vector<float> expected = rows(told, y);

    Executor& shown = *by_pictures.executor;
    for (int time = 0; time < 2; ++time) {
      if (time == 0) shown.write_input(x, before.in(kColours));
      if (time == 0) shown.write_input(mask, before.in(kKnown));
      shown.run({});  // the second time of what is there
      Pictures result;
      shown.read(y, result.out(kBack));
      EXPECT_EQ(result.samples, before.filled(expected));
      EXPECT_NE(result.samples, before.samples);
      EXPECT_EQ(rows(shown, y), expected);
      EXPECT_EQ(rows(shown, x), rows(told, x));
      EXPECT_EQ(rows(shown, mask), rows(told, mask));
      EXPECT_FALSE(shown.check(x).not_finite || shown.check(y).not_finite);
    }
    // And back to rows, a picture beside them.
    write_rows(shown, mask, std::vector<float>(12 * 16, 0.25f));
    write_rows(told, mask, std::vector<float>(12 * 16, 0.25f));
    shown.run({});
    told.run({});
    EXPECT_EQ(rows(shown, y), rows(told, y));
    EXPECT_NE(rows(shown, y), expected);
  }
}

TEST(Pictures, TakeNoSampleThatIsNoNumber) {
  for (const plan::Options& options : every_backend()) {
    Bound bound(plan::make(two_inputs(), options));
    Executor& executor = *bound.executor;
    const plan::Plan& plan = executor.plan();
    image::ToTensor desc = kColours;
    desc.channels[0].hole = NAN;
    Pictures picture;
    std::ranges::fill(picture.holes, uint8_t{0});
    picture.holes[5 * kWidth + 7] = 1;  // what a 5x5 about it makes is none
    executor.write_input(plan.inputs[0].value, picture.in(desc));
    executor.write_input(plan.inputs[1].value, picture.in(kKnown));
    executor.run({});
    EXPECT_TRUE(executor.check(plan.inputs[0].value).not_finite);
    std::ranges::fill(picture.holes, uint8_t{1});
    EXPECT_EQ(error_of([&] { executor.read(plan.outputs[0].value, picture.out(kBack)); }),
              "the network's output is not a number at pixel x = 5, y = 3");
    picture.holes[5 * kWidth + 7] = 0;
    for (int64_t at = 0; at < kPicture.pixels(); ++at) {
      const bool near = std::abs(at / kWidth - 5) <= 2 && std::abs(at % kWidth - 7) <= 2;
      picture.holes[static_cast<size_t>(at)] = near ? 0 : 1;
    }
    EXPECT_EQ(error_of([&] { executor.read(plan.outputs[0].value, picture.out(kBack)); }), "");
  }
}

TEST(Pictures, WhatDoesNotFitIsSaid) {
  for (const plan::Options& options : every_backend()) {
    Bound bound(plan::make(two_inputs(), options));
    Executor& executor = *bound.executor;
    Pictures picture;
    EXPECT_EQ(error_of([&] {
                executor.write_input(executor.plan().inputs[1].value, picture.in(kColours));
              }),
              "picture to tensor of 4 channels: the tensor [1, 1, 12, 16] has another number");
    EXPECT_NE(error_of([&] { executor.read(executor.plan().inputs[1].value, picture.out(kBack)); }),
              "");
  }
}

TEST(Pictures, WantRoomBetweenRunsOnAGpu) {
  if (!test::has_gpu()) GTEST_SKIP();
  Toy t(kInput);
  t.graph.output("y", t.conv(t.x, "only", {.out_channels = 3, .kernel = 3, .padding = 1}));
  Bound bound(plan::make(t.graph, {.backend = plan::Backend::gpu, .gpu = device::info()}));
  Executor& executor = *bound.executor;
  const Pictures picture;
  EXPECT_EQ(error_of([&] {
              executor.write_input(executor.plan().inputs[0].value, picture.in(kColours));
            }),
            "a plan has no room for a picture of 1.07 kB between two runs");
}

}  // namespace
}  // namespace kintsugi
