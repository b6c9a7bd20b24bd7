// SPDX-License-Identifier: MIT
//
// The convolutions that conv2d on CUDA is tried with.
#pragma once

#include "kernels/conv2d/cuda.h"
#include "tests/device/convolution_trial.h"
#include "tests/kernels/conv2d_cases.h"

namespace kintsugi::conv2d {

using test::kTypes;
using test::Type;
using test::with_storage;
template <class T>
using Trial = test::Trial<Desc, T>;

/// All corners, and the layers of networks on a picture of at most 3 x 9: a block computes 128 rows
/// whether they are there or not.
inline std::vector<Case> small_cases() { return cases_within(3, 9); }

/// Deep enough that every stage of the pipeline is used three times and more, ragged at all edges. Depth
/// is bytes: of wider types there are fewer channels.
inline std::vector<Case> pipelined(Type type) {
  std::vector<Case> cases{
      {"ragged",
       {.in_channels = 72,
        .out_channels = 70,
        .kernel = 3,
        .dilation = 2,
        .padding = 2,
        .epilogue = {step::add(Extent::channel), step::activate(Function::relu)}},
       {1, 72, 13, 11}},
      {"narrow",
       {.in_channels = 100, .out_channels = 24, .kernel = 3, .padding = 1},
       {2, 100, 7, 9}},
      {"wide",
       {.in_channels = 72, .out_channels = 130, .kernel = 3, .stride = 2, .padding = 1},
       {1, 72, 24, 23}},
      {"three", {.in_channels = 104, .out_channels = 3, .kernel = 3}, {1, 104, 13, 14}},
      {"nine", {.in_channels = 104, .out_channels = 9, .kernel = 3}, {1, 104, 13, 14}}};
  if (type == Type::f32) cases.resize(3);  // the exact kernel has one tile
  if (type == Type::f32 || type == Type::tf32) {
    for (Case& c : cases) {
      c.desc.in_channels /= 2;
      c.input = {c.input.n(), c.desc.in_channels, c.input.h(), c.input.w()};
    }
  }
  return cases;
}

}  // namespace kintsugi::conv2d
