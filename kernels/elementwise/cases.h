// SPDX-License-Identifier: MIT
//
// Step lists that tests apply, and layers of networks.
#pragma once

#include "kernels/contract/case.h"
#include "kernels/elementwise/contract.h"

namespace kintsugi::elementwise {

[[nodiscard]] inline std::vector<OpCase> layers() {
  return {
      layer("silu_320_64px", Desc{{step::activate(Function::silu)}}, {1, 320, 64, 64}),
      layer("add_256_128px", Desc{{step::add(Extent::tensor)}}, {1, 256, 128, 128}),
      layer("add_relu_128_512px", Desc{{step::add(Extent::tensor), step::activate(Function::relu)}},
            {1, 128, 512, 512})};
}

/// Every step on every shape, eight in order, and gates whatever the halves' distance is in granules.
[[nodiscard]] inline std::vector<OpCase> cases() {
  std::vector<OpCase> cases;
  const auto add = [&](const Steps& steps, const Shape& input, bool thorough = true) {
    cases.push_back(small_case(Desc{steps}, {input}));
    cases.back().thorough = thorough;
  };
  for (const Step& step : every_step()) {
    add({step}, {2, 3, 5, 7});
    add({step}, {1, 17, 3, 40}, false);
  }
  for (const Shape& shape : {Shape{1, 1, 1, 1}, Shape{3, 8, 1, 43}, Shape{2, 66, 11, 3},
                             Shape{3, 36, 2, 130}, Shape{1, 4100, 2, 3}}) {
    add({step::add(Extent::tensor), step::activate(Function::silu)}, shape);
    add({step::affine(Extent::sample_channel), step::mul(Extent::pixel)}, shape, false);
    add({step::affine(Extent::channel), step::affine(Extent::pixel)}, shape, false);
  }
  add({step::mul(Extent::pixel), step::add(Extent::channel), step::activate(Function::silu),
       step::affine(Extent::sample_channel), step::add(Extent::tensor), step::mul(0.5f),
       step::activate(Function::tanh), step::clamp(-0.25f, 0.5f)},
      {2, 19, 6, 11});
  add({step::activate(Function::tanh)}, {3, 24, 40, 70}, false);
  const Step gate = step::gate(Function::leaky_relu, Function::sigmoid, 0.2f);
  for (const int64_t k : {1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 16, 21, 24, 33, 70, 1023, 2050, 4097}) {
    add({step::add(Extent::channel), gate, step::mul(Extent::tensor)}, {2, 2 * k, 2, 5}, false);
  }
  for (const int64_t k : {1, 4, 5, 8, 12, 35}) {
    add({gate}, {2, 2 * k, 3, 7});
    add({step::add(Extent::tensor), step::affine(Extent::sample_channel),
         step::mul(Extent::channel), step::mul(Extent::pixel),
         step::gate(Function::elu, Function::sigmoid), step::mul(Extent::channel),
         step::add(Extent::tensor)},
        {2, 2 * k, 3, 7}, false);
  }
  const Step other = step::gate(Function::identity, Function::silu);
  for (const Step& step : every_step()) {
    add({step, other}, {2, 18, 3, 5}, false);
    add({other, step}, {2, 18, 3, 5}, false);
  }
  return cases;
}

[[nodiscard]] inline std::vector<Mistakes> mistakes() {
  const Step mul = step::mul(0.75f), add = step::add(0.125f);
  const Step relu = step::activate(Function::relu);
  std::vector<Mistakes> out{{small_case(Desc{{mul, add, relu}}, {{1, 8, 16, 16}}), {}}};
  for (const Steps& wrong :
       {Steps{add, mul, relu}, Steps{mul, relu, add},         // exchanged
        Steps{mul, add}, Steps{mul, relu}, Steps{add, relu},  // dropped: last, middle, first
        Steps{mul, add, relu, relu, add}, Steps{mul, step::add(0.135f), relu}}) {
    out[0].wrong.emplace_back(Desc{wrong});
  }
  return out;
}

}  // namespace kintsugi::elementwise
