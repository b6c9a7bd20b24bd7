// SPDX-License-Identifier: MIT
//
// Gates and prologues that the convolutions on CUDA are tried with, small and odd.
#pragma once

#include "tests/device/conv2d_trial.h"
#include "tests/device/conv_transpose2d_trial.h"

namespace kintsugi::test {

/// Of wider types fewer channels, so that depths are as many bytes.
inline int64_t deep(Type type, int64_t channels) {
  return type == Type::f32 || type == Type::tf32 ? channels / 2 : channels;
}

namespace gates {

/// Steps before and behind; relu and its like would hide a gate of zero.
inline Epilogue plain() {
  return {step::add(Extent::channel), step::gate(Function::elu, Function::sigmoid)};
}
inline Epilogue surrounded() {
  return {step::affine(Extent::channel),
          step::activate(Function::leaky_relu, 0.3f),
          step::gate(Function::leaky_relu, Function::tanh, 0.2f),
          step::mul(Extent::pixel),
          step::add(Extent::tensor),
          step::affine(Extent::sample_channel)};
}

inline std::vector<conv2d::Case> conv2d_cases() {
  return {
      {"twelve",
       {.in_channels = 9, .out_channels = 24, .kernel = 3, .padding = 1, .epilogue = plain()},
       {2, 9, 5, 7}},
      {"five",
       {.in_channels = 7, .out_channels = 10, .kernel = 3, .stride = 2, .epilogue = surrounded()},
       {2, 7, 9, 8}},
      {"one",
       {.in_channels = 3, .out_channels = 2, .epilogue = {step::gate({}, Function::sigmoid)}},
       {1, 3, 2, 5}},
      {"sixteen", {.in_channels = 8, .out_channels = 32, .epilogue = surrounded()}, {2, 8, 3, 5}},
      {"seventy", {.in_channels = 5, .out_channels = 140, .epilogue = surrounded()}, {2, 5, 3, 5}},
  };
}

inline std::vector<conv_transpose2d::Case> conv_transpose2d_cases() {
  return {
      {"twelve",
       {.in_channels = 9,
        .out_channels = 24,
        .kernel = 4,
        .stride = 2,
        .padding = 1,
        .epilogue = surrounded()},
       {2, 9, 3, 5}},
      {"five",
       {.in_channels = 7, .out_channels = 10, .kernel = 3, .stride = 2, .epilogue = plain()},
       {1, 7, 4, 3}},
  };
}

/// Every stage of the pipeline used three times and more, and split among many multiprocessors.
inline std::vector<conv2d::Case> pipelined(Type type) {
  const int64_t c = deep(type, 104);
  return {{"twelve",
           {.in_channels = c,
            .out_channels = 24,
            .kernel = 3,
            .dilation = 2,
            .padding = 2,
            .epilogue = surrounded()},
           {1, c, 13, 11}}};
}

}  // namespace gates

namespace prologues {

/// What is left of a norm when its statistics are known. Not zero where the input is.
inline Steps norm() {
  return {step::affine(Extent::sample_channel), step::activate(Function::relu)};
}
inline Steps of_every_extent() {
  return {step::mul(Extent::pixel),
          step::add(Extent::tensor),
          step::affine(Extent::channel),
          step::activate(Function::leaky_relu, 0.3f),
          step::affine(Extent::sample_channel),
          step::add(0.5f)};
}

inline std::vector<conv2d::Case> conv2d_cases() {
  return {
      {"zero_padding",
       {.in_channels = 9,
        .out_channels = 21,
        .kernel = 3,
        .padding = 1,
        .prologue = {.steps = {step::affine(Extent::channel)}}},
       {2, 9, 5, 7}},
      {"reflected_norm",
       {.in_channels = 12,
        .out_channels = 3,
        .kernel = 5,
        .dilation = 2,
        .padding = 4,
        .padding_mode = PaddingMode::reflect,
        .prologue = {.steps = norm()},
        .epilogue = {step::add(Extent::channel)}},
       {2, 12, 5, 7}},
      {"enlarged",
       {.in_channels = 5,
        .out_channels = 6,
        .kernel = 3,
        .stride = {1, 2},
        .padding = 1,
        .prologue = {.upsample = 2}},
       {2, 5, 4, 3}},
      {"enlarged_reflected",
       {.in_channels = 8,
        .out_channels = 70,
        .kernel = {3, 4},
        .padding = {4, 3},
        .padding_mode = PaddingMode::reflect,
        .prologue = {.upsample = 2}},
       {1, 8, 3, 2}},
      {"enlarged_of_every_extent",
       {.in_channels = 7,
        .out_channels = 10,
        .kernel = 3,
        .padding = 1,
        .prologue = {.steps = of_every_extent(), .upsample = 2},
        .epilogue = gates::surrounded()},
       {2, 7, 3, 5}},
      {"wide",
       {.in_channels = 5,
        .out_channels = 130,
        .prologue = {.steps = of_every_extent()},
        .epilogue = {step::add(Extent::tensor)}},
       {2, 5, 3, 5}},
  };
}

inline std::vector<conv_transpose2d::Case> conv_transpose2d_cases() {
  return {{"norm",
           {.in_channels = 12,
            .out_channels = 70,
            .kernel = 4,
            .stride = 2,
            .padding = 1,
            .prologue = {.steps = norm()}},
           {2, 12, 3, 5}},
          {"of_every_extent",
           {.in_channels = 7,
            .out_channels = 10,
            .kernel = 3,
            .stride = 2,
            .padding = 1,
            .output_padding = 1,
            .prologue = {.steps = of_every_extent()},
            .epilogue = gates::surrounded()},
           {2, 7, 3, 4}}};
}

/// As those of gates; the widest tile, and the narrowest with gates.
inline std::vector<conv2d::Case> pipelined(Type type) {
  const int64_t c = deep(type, 104);
  return {{"wide",
           {.in_channels = c,
            .out_channels = 70,
            .kernel = 3,
            .padding = 1,
            .prologue = {.steps = norm()}},
           {2, c, 5, 7}},
          {"gated",
           {.in_channels = c,
            .out_channels = 24,
            .kernel = 3,
            .padding = 1,
            .padding_mode = PaddingMode::reflect,
            .prologue = {.steps = of_every_extent(), .upsample = 2},
            .epilogue = gates::plain()},
           {1, c, 4, 5}}};
}

}  // namespace prologues
}  // namespace kintsugi::test
