// SPDX-License-Identifier: MIT
//
// The functions of steps on CUDA, each value for itself: an L2 norm would let small results be wrong.
#include "kernels/elementwise/cuda.h"
#include "tests/device/support.h"

namespace kintsugi {
namespace {

TEST(CudaFunctions, AreAccurateEverywhere) {
  const std::vector<float> arguments = test::function_arguments();
  test::Tensor<float> input({1, 1, 1, static_cast<int64_t>(arguments.size())});
  input.for_each([&](int64_t, int64_t c, int64_t, int64_t x, float& v) {
    v = c == 0 ? arguments[static_cast<size_t>(x)] : 0.0f;
  });
  const test::DeviceTensor<float> in(input, 0);
  for (const Function function : kFunctions) {
    const test::DeviceTensor<float> out(input.shape());
    const auto stream = device::make_stream();
    elementwise::cuda<float>({.steps = {step::activate(function, 0.2f)}},
                             {.input = in.view(), .operands = {}, .output = out.view()}, *stream);
    device::synchronize(*stream);
    // The error of a large exponent is absolute; elu and tanh are exact near zero as well.
    const bool by_exp = function == Function::sigmoid || function == Function::silu;
    const bool near_zero = function == Function::elu || function == Function::tanh;
    test::expect_function(function, arguments, out.download().view(), 0.2f, near_zero ? 2e-6 : 8e-7,
                          by_exp ? 5e-7 : 1e-36);
  }
}

}  // namespace
}  // namespace kintsugi
