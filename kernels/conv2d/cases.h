// SPDX-License-Identifier: MIT
//
// Convolutions that tests compute, small and with every corner, and layers of networks.
#pragma once

#include <algorithm>

#include "kernels/contract/case.h"
#include "kernels/conv2d/contract.h"
#include "kernels/implicit_gemm/convolution_cases.h"

namespace kintsugi::conv2d {

using AddCase = implicit_gemm::AddCase<Desc>;

/// The layers of an inpainting network (GLCIC), and layers of the kinds that others have.
[[nodiscard]] inline std::vector<OpCase> layers() {
  const auto conv = [](int64_t c, int64_t k, Pair kernel, Pair stride, Pair dilation,
                       const Step& last = step::activate(Function::relu)) {
    return Desc{.in_channels = c,
                .out_channels = k,
                .kernel = kernel,
                .stride = stride,
                .dilation = dilation,
                .padding = {dilation.h * (kernel.h / 2), dilation.w * (kernel.w / 2)},
                .epilogue = {step::add(Extent::channel), last}};
  };
  Desc reflected = conv(64, 3, 7, 1, 1, step::activate(Function::tanh));
  reflected.padding_mode = PaddingMode::reflect;
  return {
      layer("first_5x5_4_64_256px", conv(4, 64, 5, 1, 1), {1, 4, 256, 256}),
      layer("down_3x3_64_128_256px", conv(64, 128, 3, 2, 1), {1, 64, 256, 256}),
      layer("body_3x3_128_128_128px", conv(128, 128, 3, 1, 1), {1, 128, 128, 128}),
      layer("body_3x3_64_64_128px", conv(64, 64, 3, 1, 1), {1, 64, 128, 128}),
      layer("body_3x3_64_32_256px", conv(64, 32, 3, 1, 1), {1, 64, 256, 256}),
      layer("body_3x3_32_32_128px", conv(32, 32, 3, 1, 1), {1, 32, 128, 128}),
      layer("body_3x3_256_256_64px", conv(256, 256, 3, 1, 1), {1, 256, 64, 64}),
      layer("dilated2_3x3_256_256_64px", conv(256, 256, 3, 1, 2), {1, 256, 64, 64}),
      layer("dilated4_3x3_256_256_64px", conv(256, 256, 3, 1, 4), {1, 256, 64, 64}),
      layer("dilated8_3x3_256_256_64px", conv(256, 256, 3, 1, 8), {1, 256, 64, 64}),
      layer("dilated16_3x3_256_256_64px", conv(256, 256, 3, 1, 16), {1, 256, 64, 64}),
      layer("point_1x1_320_320_64px", conv(320, 320, 1, 1, 1), {1, 320, 64, 64}),
      layer("deep_3x3_640_640_32px", conv(640, 640, 3, 1, 1), {1, 640, 32, 32}),
      layer("small_3x3_512_512_8px", conv(512, 512, 3, 1, 1), {1, 512, 8, 8}),
      layer("gated_3x3_96_192_64px",
            conv(96, 192, 3, 1, 2, step::gate(Function::elu, Function::sigmoid)), {1, 96, 64, 64}),
      layer("last_3x3_32_3_256px", conv(32, 3, 3, 1, 1, step::activate(Function::sigmoid)),
            {1, 32, 256, 256}),
      layer("last_7x7_64_3_256px", reflected, {1, 64, 256, 256}),
  };
}

/// Geometry and channels: every kernel size a network uses, strides, dilations, odd channel counts,
/// images of a pixel, more padding than image, batches, reflection.
inline void add_corners(std::vector<OpCase>& cases) {
  const AddCase add{cases};
  for (const int64_t size : {1, 2, 3, 4, 5, 7}) {
    add({.in_channels = 5, .out_channels = 17, .kernel = size, .padding = size / 2}, {1, 5, 9, 31});
  }
  add({.in_channels = 3, .out_channels = 4, .kernel = {1, 7}, .padding = {0, 3}}, {1, 3, 4, 15});
  add({.in_channels = 4, .out_channels = 3, .kernel = {3, 1}, .padding = {1, 0}}, {2, 4, 7, 5});
  for (const int64_t stride : {2, 3}) {
    add({.in_channels = 4, .out_channels = 33, .kernel = 3, .stride = stride, .padding = 1},
        {1, 4, 13, 41});
  }
  add({.in_channels = 6, .out_channels = 8, .kernel = {5, 4}, .stride = {1, 2}, .padding = {2, 1}},
      {1, 6, 8, 20});
  for (const int64_t dilation : {2, 4, 16}) {  // the last reaches beyond the image on all sides
    add({.in_channels = 16,
         .out_channels = 32,
         .kernel = 3,
         .dilation = dilation,
         .padding = dilation},
        {1, 16, 12, 15});
  }
  for (const int64_t channels : {1, 3, 4, 5, 16, 37}) {
    add({.in_channels = channels, .out_channels = 6, .kernel = 3, .padding = 1},
        {1, channels, 6, 29});
  }
  for (const int64_t channels : {1, 3, 17, 32, 33, 64, 65}) {
    add({.in_channels = 7, .out_channels = channels, .kernel = 3, .padding = 1}, {1, 7, 5, 27});
  }
  add({.in_channels = 3, .out_channels = 5, .kernel = 3, .padding = 1}, {1, 3, 1, 1});
  add({.in_channels = 37, .out_channels = 65}, {1, 37, 1, 1});
  add({.in_channels = 3, .out_channels = 4, .kernel = 4}, {1, 3, 4, 18});
  add({.in_channels = 3, .out_channels = 4, .kernel = 3, .padding = 5}, {1, 3, 2, 3});
  add({.in_channels = 5, .out_channels = 9, .kernel = 3, .padding = 1}, {3, 5, 6, 11});
  const auto reflected = [&](int64_t c, int64_t k, Pair kernel, Pair stride, Pair dilation,
                             Pair padding, const Shape& input) {
    add({c, k, kernel, stride, dilation, padding, PaddingMode::reflect}, input);
  };
  add({.in_channels = 19, .out_channels = 70, .kernel = 3, .padding = 1}, {2, 19, 17, 23});
  reflected(4, 8, 3, 1, 1, 1, {2, 4, 6, 17});
  reflected(3, 16, 7, 2, 1, 3, {1, 3, 4, 30});
  reflected(5, 5, 3, 1, 4, 4, {1, 5, 5, 5});
}

/// The layers on a corner of the image, as wide as they are and half as deep: in the tiles that they have.
inline void add_small_layers(std::vector<OpCase>& cases) {
  for (OpCase layer : layers()) {
    Desc desc = *layer.op.as<Desc>();
    // Tiles of these are those of others.
    if (desc.out_channels > 320 || desc.dilation == Pair(4) || desc.dilation == Pair(8)) continue;
    const Shape s = layer.inputs[0];
    desc.in_channels = std::min<int64_t>(s.c(), 128);
    const Pair least = desc.padding_mode == PaddingMode::reflect ? desc.padding : Pair(0);
    layer.inputs[0] = {1, desc.in_channels, std::max<int64_t>(2, least.h + 1),
                       std::max<int64_t>(16, least.w + 1)};
    // Sums of random weights are far larger than trained ones make: of them tanh keeps only those near
    // zero, and shows nothing but their rounding.
    if (desc.kernel == Pair(7)) {
      desc.epilogue = {step::add(Extent::channel), step::mul(0.03125f),
                       step::activate(Function::tanh)};
    }
    layer.op = desc;
    cases.push_back(layer);
  }
}

/// What is fused: every step behind the sums and before them, gates, enlargements.
inline void add_steps(std::vector<OpCase>& cases) {
  const AddCase add{cases};
  const implicit_gemm::StepLists lists;
  for (const Step& step : every_step()) {
    add({.in_channels = 9, .out_channels = 21, .kernel = 3, .padding = 1, .epilogue = {step}},
        {2, 9, 4, 7});
    add({.in_channels = 5,
         .out_channels = 7,
         .kernel = 3,
         .padding = 1,
         .prologue = {.steps = {step}, .upsample = 2}},
        {2, 5, 2, 3});
    Desc gated{.in_channels = 5, .out_channels = 14, .epilogue = {step}};
    if (accepts(gated, lists.gate)) {
      gated.epilogue.append(lists.gate);
      add(gated, {2, 5, 3, 4});
    }
    gated.epilogue = {lists.gate, step};
    add(gated, {2, 5, 3, 4});
  }
  add({.in_channels = 5,
       .out_channels = 21,
       .kernel = 3,
       .stride = 2,
       .padding = 1,
       .epilogue = {step::mul(Extent::sample_channel), step::add(Extent::pixel),
                    step::affine(Extent::channel), step::activate(Function::elu),
                    step::add(Extent::tensor), step::mul(0.5f),
                    step::activate(Function::leaky_relu, 0.2f), step::clamp(-0.1f, 0.9f)}},
      {2, 5, 9, 20});
  // Gates.
  add({.in_channels = 9, .out_channels = 24, .kernel = 3, .padding = 1, .epilogue = lists.gated},
      {2, 9, 5, 7});
  add({.in_channels = 7,
       .out_channels = 10,
       .kernel = 3,
       .stride = 2,
       .epilogue = lists.around_gate},
      {2, 7, 9, 8});
  add({.in_channels = 3, .out_channels = 2, .epilogue = {lists.gate}}, {1, 3, 2, 5});
  add({.in_channels = 8, .out_channels = 32, .epilogue = lists.around_gate}, {2, 8, 3, 5});
  add({.in_channels = 5, .out_channels = 140, .epilogue = lists.around_gate}, {2, 5, 3, 5});
  // Prologues: not zero where the input is, which padding shows.
  add({.in_channels = 9,
       .out_channels = 21,
       .kernel = 3,
       .padding = 1,
       .prologue = {.steps = {step::affine(Extent::channel)}}},
      {2, 9, 5, 7});
  add({.in_channels = 12,
       .out_channels = 3,
       .kernel = 5,
       .dilation = 2,
       .padding = 4,
       .padding_mode = PaddingMode::reflect,
       .prologue = {.steps = lists.norm},
       .epilogue = {step::add(Extent::channel)}},
      {2, 12, 5, 7});
  add({.in_channels = 5,
       .out_channels = 6,
       .kernel = 3,
       .stride = {1, 2},
       .padding = 1,
       .prologue = {.upsample = 2}},
      {2, 5, 4, 3});
  add({.in_channels = 8,
       .out_channels = 70,
       .kernel = {3, 4},
       .padding = {4, 3},
       .padding_mode = PaddingMode::reflect,
       .prologue = {.upsample = 2}},
      {1, 8, 3, 2});
  add({.in_channels = 6,
       .out_channels = 9,
       .kernel = 3,
       .padding = 1,
       .prologue = {.steps = {step::affine(2.0f, 0.5f)}, .upsample = 2}},
      {2, 6, 4, 3});
  add({.in_channels = 7,
       .out_channels = 10,
       .kernel = 3,
       .padding = 1,
       .prologue = {.steps = lists.prologue, .upsample = 2},
       .epilogue = lists.around_gate},
      {2, 7, 3, 5});
  add({.in_channels = 5,
       .out_channels = 130,
       .prologue = {.steps = lists.prologue},
       .epilogue = {step::add(Extent::tensor)}},
      {2, 5, 3, 5});
}

/// Of every width of tile, and blocks of rows that are full, broken off, and of one pixel.
inline void add_moments(std::vector<OpCase>& cases) {
  const implicit_gemm::StepLists lists;
  const auto add = [&](Desc desc, const Shape& input, bool relu = false) {
    desc.epilogue = lists.far_bias;
    if (relu) desc.epilogue.append(step::activate(Function::relu));
    desc.moments = true;
    cases.push_back(small_case(desc, {input}));
  };
  add({.in_channels = 5,
       .out_channels = 3,
       .kernel = 3,
       .padding = 1,
       .padding_mode = PaddingMode::reflect},
      {2, 5, 11, 13});
  add({.in_channels = 9, .out_channels = 12}, {3, 9, 5, 7}, true);
  add({.in_channels = 6,
       .out_channels = 30,
       .kernel = 3,
       .padding = 1,
       .prologue = {.steps = lists.norm}},
      {2, 6, 9, 15});
  add({.in_channels = 8, .out_channels = 40, .kernel = 3, .stride = 2}, {1, 8, 25, 23}, true);
  add({.in_channels = 4, .out_channels = 132}, {2, 4, 5, 13});
  add({.in_channels = 4, .out_channels = 20}, {2, 4, 1, 1});
  // A mean of a thousand deviations takes no digit from the variance.
  Desc far{.in_channels = 5, .out_channels = 3, .kernel = 3, .moments = true};
  far.epilogue = {step::add(1000.0f)};
  cases.push_back(small_case(far, {{2, 5, 11, 13}}));
  cases.back().element_bytes = 4;
}

/// Every stage of a CUDA pipeline is used three times and more, in every width of tile; on many
/// multiprocessors their depth is split.
inline void add_deep(std::vector<OpCase>& cases, int64_t element_bytes) {
  const AddCase add{cases, element_bytes};
  const implicit_gemm::StepLists lists;
  add({.in_channels = 72,
       .out_channels = 70,
       .kernel = 3,
       .dilation = 2,
       .padding = 2,
       .epilogue = {step::add(Extent::channel), step::activate(Function::relu)}},
      {1, 72, 13, 11});
  add({.in_channels = 100, .out_channels = 24, .kernel = 3, .padding = 1}, {2, 100, 7, 9});
  add({.in_channels = 72, .out_channels = 130, .kernel = 3, .stride = 2, .padding = 1},
      {1, 72, 24, 23});
  add({.in_channels = 104, .out_channels = 3, .kernel = 3}, {1, 104, 12, 12});
  add({.in_channels = 104, .out_channels = 9, .kernel = 3}, {1, 104, 12, 12});
  add({.in_channels = 53,
       .out_channels = 24,
       .kernel = 3,
       .dilation = 2,
       .padding = 2,
       .epilogue = lists.gated},
      {1, 53, 9, 11});
  add({.in_channels = 53,
       .out_channels = 70,
       .kernel = 3,
       .padding = 1,
       .prologue = {.steps = lists.norm}},
      {2, 53, 5, 7});
  add({.in_channels = 53,
       .out_channels = 24,
       .kernel = 3,
       .padding = 1,
       .padding_mode = PaddingMode::reflect,
       .prologue = {.steps = lists.norm, .upsample = 2},
       .epilogue = lists.gated},
      {1, 53, 4, 5});
  add({.in_channels = 72,
       .out_channels = 20,
       .kernel = 3,
       .padding = 1,
       .epilogue = lists.far_bias,
       .moments = true},
      {1, 72, 9, 15});
}

[[nodiscard]] inline std::vector<OpCase> cases() {
  return implicit_gemm::cases_of({add_corners, add_small_layers, add_steps, add_moments}, add_deep);
}

[[nodiscard]] inline std::vector<Mistakes> mistakes() {
  return implicit_gemm::mistakes_of(
      Desc{.in_channels = 37, .out_channels = 40, .kernel = 3, .padding = 1}, {1, 37, 12, 12},
      [](Desc& d) { d.padding_mode = PaddingMode::reflect; });
}

}  // namespace kintsugi::conv2d
