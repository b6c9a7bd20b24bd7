// SPDX-License-Identifier: MIT
//
// random on CUDA beside what tests/ops asks: the numbers of a tile, and what is refused.
#include "kernels/random/cuda.h"
#include "tests/device/support.h"

namespace kintsugi {
namespace {

using random::State;
using test::DeviceBuffer;
using test::DeviceTensor;
using test::Tensor;

const Shape kState{1, State::kPieces, 1, 1};

Tensor<float> drawn(const random::Desc& desc, const State& state) {
  const State::Pieces pieces = state.pieces();
  const DeviceBuffer given(std::vector<uint16_t>(pieces.begin(), pieces.end()));
  DeviceTensor<float> out(random::output_shape(desc, kState));
  const auto stream = device::make_stream();
  random::cuda<float>(desc, {{given.data<uint16_t>(), kState, State::kPieces}, out.view()},
                      *stream);
  device::synchronize(*stream);
  return out.download();
}

TEST(RandomCuda, ATileHasTheNumbersOfTheWholeImage) {
  random::Desc desc{.channels = 6, .size = {11, 13}, .stream = random::stream_of("noise3")};
  const State state{.seed = 240, .offset = 5};
  const Tensor<float> whole = drawn(desc, state);
  desc.whole = desc.size;
  desc.size = {4, 5};
  const Tensor<float> tile = drawn(desc, {.seed = 240, .offset = 5, .y = 7, .x = 8});
  for (int64_t i = 0; i < 6 * 20; ++i) {
    const int64_t c = i / 20, y = i / 5 % 4, x = i % 5;
    EXPECT_EQ(tile.view().at(0, c, y, x), whole.view().at(0, c, 7 + y, 8 + x));
  }
}

TEST(RandomCuda, WhatDoesNotFitIsRefused) {
  const auto stream = device::make_stream();
  const auto refusal = [&](const random::Desc& desc, const Shape& output, int64_t pitch) {
    return test::error_of([&] {
      random::cuda<f16>(desc, {{nullptr, kState, State::kPieces}, {nullptr, output, pitch}},
                        *stream);
    });
  };
  EXPECT_EQ(refusal({.channels = 2, .size = 8}, {1, 2, 8, 8}, 12),
            "random on CUDA: a pixel does not start at 16 bytes");
  EXPECT_EQ(refusal({.channels = 2, .size = 8}, {1, 2, 8, 9}, 8),
            "random on CUDA: an output does not fit");
  EXPECT_EQ(refusal({.channels = 2, .size = 65536}, {1, 2, 65536, 65536}, 8),
            "random on CUDA: 4294967296 groups of 16 bytes are beyond its 31 bits");
}

}  // namespace
}  // namespace kintsugi
