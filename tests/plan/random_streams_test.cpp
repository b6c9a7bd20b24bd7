// SPDX-License-Identifier: MIT
//
// Random streams in a plan, on every backend and in every precision: one plan draws new numbers in each
// replay, of the state that it is given, and a tensor can stand in place of a stream.
#include "kernels/random/random.h"
#include "tests/plan/support.h"

namespace kintsugi {
namespace {

using graph::Value;
using random::State;
using test::Right;
using test::rights;
using test::Toy;

constexpr int64_t kBatch = 2;
const Shape kImage{kBatch, 6, 5, 7};
const random::Desc kNoise{.channels = kImage.c(),
                          .size = {kImage.h(), kImage.w()},
                          .stream = random::stream_of("noise0")};

/// A convolution of the image, and the noise added; the noise is a stream or an input.
Toy noisy(bool injected) {
  Toy toy(kImage);
  const Value convolved =
      toy.conv(toy.x, "conv", {.out_channels = kImage.c(), .kernel = 3, .padding = 1});
  Value noise;
  if (injected) {
    noise = toy.graph.input("noise", kImage);
  } else {
    const Value state = toy.graph.image("state", {kBatch, State::kPieces, 1, 1}, DType::u16);
    noise = toy.record({state}, "noise", kNoise, {}, {});
  }
  toy.graph.output("output", toy.add(convolved, noise, "sum"));
  return toy;
}

State state_of(uint64_t draw, int64_t item) {
  return {.seed = 0xfedcba9876543210, .offset = draw << 40 | static_cast<uint64_t>(item)};
}

/// As the reference draws it, [N, H, W, C].
std::vector<float> noise_of(uint64_t draw) {
  const int64_t stored = storage_channels(kImage.c());
  std::vector<float> all;
  ThreadPool one(1);
  for (int64_t n = 0; n < kBatch; ++n) {
    const State::Pieces pieces = state_of(draw, n).pieces();
    const Shape image{1, kImage.c(), kImage.h(), kImage.w()};
    std::vector<float> drawn(static_cast<size_t>(image.pixels() * stored));
    random::reference<float>(
        kNoise,
        {{pieces.data(), {1, State::kPieces, 1, 1}, State::kPieces}, {drawn.data(), image, stored}},
        one);
    for (int64_t pixel = 0; pixel < image.pixels(); ++pixel) {
      const auto from = drawn.begin() + pixel * stored;
      all.insert(all.end(), from, from + image.c());
    }
  }
  return all;
}

/// The sum of one draw after another, by one executor.
std::vector<std::vector<float>> drawn_by(bool injected, const plan::Options& options,
                                         const std::vector<uint64_t>& draws) {
  test::Bound bound(test::plan_here(noisy(injected).graph, options), 2);
  execute::Executor& executor = *bound.executor;
  std::vector<std::vector<float>> all;
  for (const uint64_t draw : draws) {
    const std::vector<float> noise = noise_of(draw);
    for (const plan::Port& port : executor.plan().inputs) {
      executor.write_input(port.value, [&](int64_t n, int64_t y, std::span<float> row) {
        if (port.name == "state") {
          std::ranges::copy(state_of(draw, n).pieces(), row.begin());
        } else if (port.name == "noise") {
          const auto width = static_cast<int64_t>(row.size());
          std::copy_n(noise.begin() + (n * kImage.h() + y) * width, width, row.begin());
        } else {
          for (size_t i = 0; i < row.size(); ++i) row[i] = 0.01f * static_cast<float>(i);
        }
      });
    }
    executor.run({});
    std::vector<float>& one = all.emplace_back();
    executor.read(executor.plan().outputs[0].value,
                  [&](int64_t, int64_t, std::span<const float> row) {
                    one.insert(one.end(), row.begin(), row.end());
                  });
  }
  return all;
}

TEST(RandomStreams, OnePlanDrawsAnewInEachReplayAndATensorCanTakeItsPlace) {
  const auto expected = drawn_by(true, {.backend = plan::Backend::reference_f64}, {1, 2});
  EXPECT_GT(test::relative_l2(expected[0], expected[1]), 0.5);
  for (const Right& right : rights()) {
    SCOPED_TRACE(static_cast<int>(right.backend) * 10 + static_cast<int>(right.precision));
    const plan::Options options{.backend = right.backend, .precision = right.precision};
    const auto got = drawn_by(false, options, {1, 2, 1});
    EXPECT_LE(test::relative_l2(got[0], expected[0]), right.bound);
    EXPECT_LE(test::relative_l2(got[1], expected[1]), right.bound);
    EXPECT_EQ(got[2], got[0]);
  }
}

}  // namespace
}  // namespace kintsugi
