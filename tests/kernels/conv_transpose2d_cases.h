// SPDX-License-Identifier: MIT
//
// The transposed convolutions that tests and benchmarks run, by name. `layers` are those of real
// networks, at their size; the tests run them on a small picture. `corners` are small and odd.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "kernels/conv_transpose2d/conv_transpose2d.h"

namespace kintsugi::conv_transpose2d {

struct Case {
  std::string name;
  Desc desc;
  Shape input;
};

[[nodiscard]] inline std::vector<Case> layers() {
  const auto up = [](int64_t c, int64_t k, int64_t kernel, int64_t output_padding) {
    return Desc{.in_channels = c,
                .out_channels = k,
                .kernel = kernel,
                .stride = 2,
                .padding = 1,
                .output_padding = output_padding,
                .epilogue = {step::add(Extent::channel), step::activate(Function::relu)}};
  };
  return {
      {"up_4x4_256_128_64px", up(256, 128, 4, 0), {1, 256, 64, 64}},
      {"up_4x4_128_64_128px", up(128, 64, 4, 0), {1, 128, 128, 128}},
      {"up_3x3_256_128_64px", up(256, 128, 3, 1), {1, 256, 64, 64}},
      {"up_3x3_128_64_128px", up(128, 64, 3, 1), {1, 128, 128, 128}},
  };
}

[[nodiscard]] inline std::vector<Case> corners() {
  std::vector<Case> cases;
  const auto add = [&](const std::string& name, const Desc& desc, const Shape& input) {
    cases.push_back({name, desc, input});
  };
  for (const int64_t size : {1, 2, 3, 4, 5, 7}) {
    add("kernel_" + std::to_string(size),
        {.in_channels = 5, .out_channels = 17, .kernel = size, .stride = 2, .padding = size / 3},
        {1, 5, 5, 15});
  }
  for (const int64_t stride : {1, 2, 3}) {
    add("stride_" + std::to_string(stride),
        {.in_channels = 4, .out_channels = 9, .kernel = 3, .stride = stride, .padding = 1},
        {1, 4, 7, 16});
  }
  add("stride_2x1_of_4x3",
      {.in_channels = 6, .out_channels = 8, .kernel = {4, 3}, .stride = {2, 1}, .padding = 1},
      {1, 6, 4, 29});
  add("output_padding",
      {.in_channels = 4,
       .out_channels = 6,
       .kernel = 3,
       .stride = 3,
       .padding = 1,
       .output_padding = {2, 1}},
      {2, 4, 3, 6});
  add("gaps_between_taps", {.in_channels = 4, .out_channels = 6, .kernel = 2, .stride = 5},
      {1, 4, 3, 4});
  for (const int64_t dilation : {2, 3, 16}) {
    add("dilation_" + std::to_string(dilation),
        {.in_channels = 4,
         .out_channels = 16,
         .kernel = 3,
         .stride = 2,
         .dilation = dilation,
         .padding = dilation},
        {1, 4, 9, 11});
  }
  for (const int64_t channels : {1, 3, 4, 5, 16, 37}) {
    add("inputs_" + std::to_string(channels),
        {.in_channels = channels, .out_channels = 6, .kernel = 4, .stride = 2, .padding = 1},
        {1, channels, 4, 15});
  }
  for (const int64_t channels : {1, 3, 17, 32, 33, 64, 65}) {
    add("outputs_" + std::to_string(channels),
        {.in_channels = 7, .out_channels = channels, .kernel = 4, .stride = 2, .padding = 1},
        {1, 7, 3, 14});
  }
  add("one_pixel", {.in_channels = 3, .out_channels = 5, .kernel = 4, .stride = 2, .padding = 1},
      {1, 3, 1, 1});
  add("one_pixel_out", {.in_channels = 3, .out_channels = 5}, {1, 3, 1, 1});
  add("narrower_than_the_stride", {.in_channels = 3, .out_channels = 5, .kernel = 2, .stride = 4},
      {1, 3, 1, 1});
  add("batch_3", {.in_channels = 5, .out_channels = 9, .kernel = 4, .stride = 2, .padding = 1},
      {3, 5, 4, 6});
  return cases;
}

/// All of them, the layers on a picture of at most 8 x 16.
[[nodiscard]] inline std::vector<Case> test_cases() {
  std::vector<Case> cases = corners();
  for (Case layer : layers()) {
    const Shape& s = layer.input;
    layer.input = {1, s.c(), std::min<int64_t>(s.h(), 8), std::min<int64_t>(s.w(), 16)};
    cases.push_back(layer);
  }
  return cases;
}

}  // namespace kintsugi::conv_transpose2d
