// SPDX-License-Identifier: MIT
//
// Transposed convolutions that tests compute, small and with every corner, and layers of networks.
#pragma once

#include <algorithm>

#include "kernels/contract/case.h"
#include "kernels/conv_transpose2d/contract.h"
#include "kernels/implicit_gemm/convolution_cases.h"

namespace kintsugi::conv_transpose2d {

using AddCase = implicit_gemm::AddCase<Desc>;

/// The two layers of an inpainting network's decoder, and the kinds that others enlarge with.
[[nodiscard]] inline std::vector<OpCase> layers() {
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
      layer("up_4x4_256_128_64px", up(256, 128, 4, 0), {1, 256, 64, 64}),
      layer("up_4x4_128_64_128px", up(128, 64, 4, 0), {1, 128, 128, 128}),
      layer("up_3x3_256_128_64px", up(256, 128, 3, 1), {1, 256, 64, 64}),
      layer("up_3x3_128_64_128px", up(128, 64, 3, 1), {1, 128, 128, 128}),
  };
}

inline void add_corners(std::vector<OpCase>& cases) {
  const AddCase add{cases};
  for (const int64_t size : {1, 2, 3, 4, 5, 7}) {
    add({.in_channels = 5, .out_channels = 17, .kernel = size, .stride = 2, .padding = size / 3},
        {1, 5, 5, 15});
  }
  for (const int64_t stride : {1, 2, 3}) {
    add({.in_channels = 4, .out_channels = 9, .kernel = 3, .stride = stride, .padding = 1},
        {1, 4, 7, 16});
  }
  add({.in_channels = 6, .out_channels = 8, .kernel = {4, 3}, .stride = {2, 1}, .padding = 1},
      {1, 6, 4, 29});
  add({.in_channels = 4,
       .out_channels = 6,
       .kernel = 3,
       .stride = 3,
       .padding = 1,
       .output_padding = {2, 1}},
      {2, 4, 3, 6});
  add({.in_channels = 4, .out_channels = 6, .kernel = 2, .stride = 5}, {1, 4, 3, 4});
  for (const int64_t dilation : {2, 3, 16}) {
    add({.in_channels = 4,
         .out_channels = 16,
         .kernel = 3,
         .stride = 2,
         .dilation = dilation,
         .padding = dilation},
        {1, 4, 9, 11});
  }
  for (const int64_t channels : {1, 3, 4, 5, 16, 37}) {
    add({.in_channels = channels, .out_channels = 6, .kernel = 4, .stride = 2, .padding = 1},
        {1, channels, 4, 15});
  }
  for (const int64_t channels : {1, 3, 17, 32, 33, 64, 65}) {
    add({.in_channels = 7, .out_channels = channels, .kernel = 4, .stride = 2, .padding = 1},
        {1, 7, 3, 14});
  }
  add({.in_channels = 3, .out_channels = 5, .kernel = 4, .stride = 2, .padding = 1}, {1, 3, 1, 1});
  add({.in_channels = 3, .out_channels = 5}, {1, 3, 1, 1});
  add({.in_channels = 3, .out_channels = 5, .kernel = 2, .stride = 4}, {1, 3, 1, 1});
  add({.in_channels = 5, .out_channels = 9, .kernel = 4, .stride = 2, .padding = 1}, {3, 5, 4, 6});
  // Taps of a phase that are neither neighbours nor read neighbours, in phases that differ.
  add({.in_channels = 5,
       .out_channels = 9,
       .kernel = {5, 4},
       .stride = 4,
       .dilation = 6,
       .padding = {5, 2},
       .output_padding = 3},
      {2, 5, 4, 5});
}

/// The layers on a corner of the image.
inline void add_small_layers(std::vector<OpCase>& cases) {
  for (OpCase layer : layers()) {
    Desc desc = *layer.op.as<Desc>();
    desc.in_channels = std::min<int64_t>(desc.in_channels, 128);
    layer.op = desc;
    layer.inputs[0] = {1, desc.in_channels, 2, 16};
    cases.push_back(layer);
  }
}

/// What is fused, before the sums and behind them.
inline void add_steps(std::vector<OpCase>& cases) {
  const AddCase add{cases};
  const implicit_gemm::StepLists lists;
  for (const Step& step : every_step()) {
    add({.in_channels = 9,
         .out_channels = 21,
         .kernel = 4,
         .stride = 2,
         .padding = 1,
         .epilogue = {step}},
        {2, 9, 3, 5});
    add({.in_channels = 5,
         .out_channels = 6,
         .kernel = 4,
         .stride = 2,
         .padding = 1,
         .prologue = {.steps = {step}},
         .epilogue = {step::add(Extent::tensor)}},
        {2, 5, 3, 4});
  }
  add({.in_channels = 9,
       .out_channels = 24,
       .kernel = 4,
       .stride = 2,
       .padding = 1,
       .epilogue = lists.around_gate},
      {2, 9, 3, 5});
  add({.in_channels = 7, .out_channels = 10, .kernel = 3, .stride = 2, .epilogue = lists.gated},
      {1, 7, 4, 3});
  for (const int64_t stride : {1, 2, 3}) {
    add({.in_channels = 17,
         .out_channels = 6,
         .kernel = 3,
         .stride = stride,
         .padding = 1,
         .prologue = {.steps = {step::mul(Extent::pixel)}},
         .epilogue = lists.gated},
        {2, 17, 4, 9});
  }
  add({.in_channels = 12,
       .out_channels = 70,
       .kernel = 4,
       .stride = 2,
       .padding = 1,
       .prologue = {.steps = lists.norm}},
      {2, 12, 3, 5});
  add({.in_channels = 7,
       .out_channels = 10,
       .kernel = 3,
       .stride = 2,
       .padding = 1,
       .output_padding = 1,
       .prologue = {.steps = lists.prologue},
       .epilogue = lists.around_gate},
      {2, 7, 3, 4});
}

/// Phases of different sizes: of two blocks and of one, so that blocks have no pixel; and more phases
/// than one of them has pixels.
inline void add_moments(std::vector<OpCase>& cases) {
  const implicit_gemm::StepLists lists;
  const auto add = [&](Desc desc, const Shape& input) {
    desc.epilogue = lists.far_bias;
    desc.moments = true;
    cases.push_back(small_case(desc, {input}));
  };
  add({.in_channels = 5, .out_channels = 12, .kernel = 3, .stride = 2, .padding = 1},
      {2, 5, 12, 12});
  add({.in_channels = 4, .out_channels = 40, .kernel = 3, .stride = 4}, {2, 4, 1, 2});
  add({.in_channels = 7,
       .out_channels = 70,
       .kernel = 4,
       .stride = 2,
       .padding = 1,
       .prologue = {.steps = lists.norm}},
      {1, 7, 3, 5});
}

/// Every stage of a CUDA pipeline is used three times and more; on many multiprocessors their depth is
/// split.
inline void add_deep(std::vector<OpCase>& cases, int64_t element_bytes) {
  const AddCase add{cases, element_bytes};
  add({.in_channels = 136,
       .out_channels = 60,
       .kernel = 4,
       .stride = 2,
       .padding = 1,
       .epilogue = {step::add(Extent::channel), step::activate(Function::relu)}},
      {1, 136, 6, 9});
  // Phases of one to four taps, two blocks of rows in the first and one in the last.
  add({.in_channels = 136, .out_channels = 9, .kernel = 3, .stride = 2, .padding = 1},
      {1, 136, 12, 12});
  // Phases of sixteen taps and of none.
  add({.in_channels = 40,
       .out_channels = 40,
       .kernel = 4,
       .stride = {1, 2},
       .dilation = {3, 2},
       .padding = 3,
       .epilogue = {step::add(Extent::channel)}},
      {2, 40, 5, 7});
  add({.in_channels = 136,
       .out_channels = 9,
       .kernel = 3,
       .stride = 2,
       .padding = 1,
       .epilogue = implicit_gemm::StepLists{}.far_bias,
       .moments = true},
      {1, 136, 12, 12});
}

[[nodiscard]] inline std::vector<OpCase> cases() {
  return implicit_gemm::cases_of({add_corners, add_small_layers, add_steps, add_moments}, add_deep);
}

[[nodiscard]] inline std::vector<Mistakes> mistakes() {
  return implicit_gemm::mistakes_of(
      Desc{.in_channels = 37, .out_channels = 20, .kernel = 3, .stride = 2, .padding = 1},
      {1, 37, 9, 9});
}

}  // namespace kintsugi::conv_transpose2d
