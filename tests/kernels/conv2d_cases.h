// SPDX-License-Identifier: MIT
//
// The convolutions that tests and benchmarks run, by name. `layers` are those of real networks, at
// their size; the tests run them on a small picture. `corners` are small and odd.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "kernels/conv2d/conv2d.h"

namespace kintsugi::conv2d {

struct Case {
  std::string name;
  Desc desc;
  Shape input;
};

[[nodiscard]] inline std::vector<Case> layers() {
  const auto conv = [](int64_t c, int64_t k, Pair kernel, Pair stride, Pair dilation) {
    return Desc{.in_channels = c,
                .out_channels = k,
                .kernel = kernel,
                .stride = stride,
                .dilation = dilation,
                .padding = {dilation.h * (kernel.h / 2), dilation.w * (kernel.w / 2)},
                .epilogue = {step::add(Extent::channel), step::activate(Function::relu)}};
  };
  const auto picture = [](Desc desc, PaddingMode mode, Function function) {
    desc.padding_mode = mode;
    desc.epilogue = {step::add(Extent::channel), step::activate(function)};
    return desc;
  };
  return {
      {"first_5x5_4_64_256px", conv(4, 64, 5, 1, 1), {1, 4, 256, 256}},
      {"down_3x3_64_128_256px", conv(64, 128, 3, 2, 1), {1, 64, 256, 256}},
      {"body_3x3_128_128_128px", conv(128, 128, 3, 1, 1), {1, 128, 128, 128}},
      {"body_3x3_64_64_128px", conv(64, 64, 3, 1, 1), {1, 64, 128, 128}},
      {"body_3x3_64_32_256px", conv(64, 32, 3, 1, 1), {1, 64, 256, 256}},
      {"body_3x3_32_32_128px", conv(32, 32, 3, 1, 1), {1, 32, 128, 128}},
      {"body_3x3_256_256_64px", conv(256, 256, 3, 1, 1), {1, 256, 64, 64}},
      {"dilated2_3x3_256_256_64px", conv(256, 256, 3, 1, 2), {1, 256, 64, 64}},
      {"dilated4_3x3_256_256_64px", conv(256, 256, 3, 1, 4), {1, 256, 64, 64}},
      {"dilated8_3x3_256_256_64px", conv(256, 256, 3, 1, 8), {1, 256, 64, 64}},
      {"dilated16_3x3_256_256_64px", conv(256, 256, 3, 1, 16), {1, 256, 64, 64}},
      {"point_1x1_320_320_64px", conv(320, 320, 1, 1, 1), {1, 320, 64, 64}},
      {"deep_3x3_640_640_32px", conv(640, 640, 3, 1, 1), {1, 640, 32, 32}},
      {"small_3x3_512_512_8px", conv(512, 512, 3, 1, 1), {1, 512, 8, 8}},
      {"last_3x3_32_3_256px",
       picture(conv(32, 3, 3, 1, 1), PaddingMode::zero, Function::sigmoid),
       {1, 32, 256, 256}},
      {"last_7x7_64_3_256px",
       picture(conv(64, 3, 7, 1, 1), PaddingMode::reflect, Function::tanh),
       {1, 64, 256, 256}},
  };
}

[[nodiscard]] inline std::vector<Case> corners() {
  std::vector<Case> cases;
  const auto add = [&](const std::string& name, const Desc& desc, const Shape& input) {
    cases.push_back({name, desc, input});
  };
  for (const int64_t size : {1, 2, 3, 4, 5, 7}) {
    add("kernel_" + std::to_string(size),
        {.in_channels = 5, .out_channels = 17, .kernel = size, .padding = size / 2}, {1, 5, 9, 31});
  }
  add("kernel_1x7", {.in_channels = 3, .out_channels = 4, .kernel = {1, 7}, .padding = {0, 3}},
      {1, 3, 4, 15});
  add("kernel_3x1", {.in_channels = 4, .out_channels = 3, .kernel = {3, 1}, .padding = {1, 0}},
      {2, 4, 7, 5});
  for (const int64_t stride : {2, 3}) {
    add("stride_" + std::to_string(stride),
        {.in_channels = 4, .out_channels = 33, .kernel = 3, .stride = stride, .padding = 1},
        {1, 4, 13, 41});
  }
  add("stride_1x2_of_5x4",
      {.in_channels = 6, .out_channels = 8, .kernel = {5, 4}, .stride = {1, 2}, .padding = {2, 1}},
      {1, 6, 8, 20});
  for (const int64_t dilation : {2, 4, 16}) {  // the last reaches beyond the picture on all sides
    add("dilation_" + std::to_string(dilation),
        {.in_channels = 16,
         .out_channels = 32,
         .kernel = 3,
         .dilation = dilation,
         .padding = dilation},
        {1, 16, 12, 15});
  }
  for (const int64_t channels : {1, 3, 4, 5, 16, 37}) {
    add("inputs_" + std::to_string(channels),
        {.in_channels = channels, .out_channels = 6, .kernel = 3, .padding = 1},
        {1, channels, 6, 29});
  }
  for (const int64_t channels : {1, 3, 17, 32, 33, 64, 65}) {
    add("outputs_" + std::to_string(channels),
        {.in_channels = 7, .out_channels = channels, .kernel = 3, .padding = 1}, {1, 7, 5, 27});
  }
  add("one_pixel", {.in_channels = 3, .out_channels = 5, .kernel = 3, .padding = 1}, {1, 3, 1, 1});
  add("one_pixel_of_1x1", {.in_channels = 37, .out_channels = 65}, {1, 37, 1, 1});
  add("valid", {.in_channels = 3, .out_channels = 4, .kernel = 4}, {1, 3, 4, 18});
  add("too_much_padding", {.in_channels = 3, .out_channels = 4, .kernel = 3, .padding = 5},
      {1, 3, 2, 3});
  add("batch_3", {.in_channels = 5, .out_channels = 9, .kernel = 3, .padding = 1}, {3, 5, 6, 11});
  add("reflect_3",
      {.in_channels = 4,
       .out_channels = 8,
       .kernel = 3,
       .padding = 1,
       .padding_mode = PaddingMode::reflect},
      {2, 4, 6, 17});
  add("reflect_7_stride_2",
      {.in_channels = 3,
       .out_channels = 16,
       .kernel = 7,
       .stride = 2,
       .padding = 3,
       .padding_mode = PaddingMode::reflect},
      {1, 3, 4, 30});
  add("reflect_widest",
      {.in_channels = 5,
       .out_channels = 5,
       .kernel = {3, 3},
       .dilation = 4,
       .padding = 4,
       .padding_mode = PaddingMode::reflect},
      {1, 5, 5, 5});
  return cases;
}

/// All of them, the layers on a picture of at most so many pixels, but of as many as reflecting needs.
[[nodiscard]] inline std::vector<Case> cases_within(int64_t rows, int64_t columns) {
  std::vector<Case> cases = corners();
  for (Case layer : layers()) {
    const Shape& s = layer.input;
    const bool reflects = layer.desc.padding_mode == PaddingMode::reflect;
    const Pair least = reflects ? layer.desc.padding : Pair(0);
    layer.input = {1, s.c(), std::min(s.h(), std::max(rows, least.h + 1)),
                   std::min(s.w(), std::max(columns, least.w + 1))};
    // Sums of random weights are far larger than trained ones make: of them tanh keeps only those near
    // zero, and shows nothing but their rounding.
    if (layer.name.starts_with("last_7x7")) {
      layer.desc.epilogue = {step::add(Extent::channel), step::mul(0.03125f),
                             step::activate(Function::tanh)};
    }
    cases.push_back(layer);
  }
  return cases;
}

[[nodiscard]] inline std::vector<Case> test_cases() { return cases_within(4, 16); }

}  // namespace kintsugi::conv2d
