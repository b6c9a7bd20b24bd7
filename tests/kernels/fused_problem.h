// SPDX-License-Identifier: MIT
//
// A convolution on random data with what is fused into it, on the CPU: held against the definition, and
// bit by bit against the same as ops of their own. Buffers are of exact size, and full of NaN where
// nothing may be read.
#pragma once

#include "kernels/conv2d/winograd.h"
#include "kernels/conv_transpose2d/conv_transpose2d.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/resample/resample.h"
#include "kernels/simd/tile.h"
#include "tests/kernels/support.h"

namespace kintsugi::test {

enum class Form { chosen, plainest, winograd, few_outputs };

[[nodiscard]] inline conv2d::CpuConfig configure(const conv2d::Desc& desc, const Shape& input,
                                                 Form form) {
  if (form == Form::plainest) return {.isa = simd::chosen()};
  conv2d::CpuConfig config = choose(desc, input, simd::chosen(), false);
  if (form == Form::winograd) {
    config.algorithm = conv2d::Algorithm::winograd;
    config.tile_pixels = simd::max_tile_pixels(config.isa, config.vectors);
    config.task_tiles = 7;
  }
  if (form == Form::few_outputs) {
    config.algorithm = conv2d::Algorithm::few_outputs;
    config.vectors = 1;
    config.tile_pixels = std::min(simd::max_dot_pixels(config.isa, desc.out_channels),
                                  output_shape(desc, input).w());
  }
  return config;
}

[[nodiscard]] inline conv_transpose2d::CpuConfig configure(const conv_transpose2d::Desc& desc,
                                                           const Shape& input, Form form) {
  if (form == Form::plainest) return {.isa = simd::chosen()};
  return choose(desc, input, simd::chosen());
}

/// Records of moments, of exact size, and full of NaN.
struct Records {
  int64_t tiles = 0, channels = 0;
  std::vector<float> data;

  Records() = default;
  Records(int64_t pictures, int64_t of_each, int64_t of_record)
      : tiles(of_each),
        channels(of_record),
        data(static_cast<size_t>(moment_elements(pictures, of_each, of_record)),
             std::numeric_limits<float>::quiet_NaN()) {}
  [[nodiscard]] MomentsView<float> view() { return {data.data(), tiles, channels}; }
  [[nodiscard]] MomentsView<const float> view() const { return {data.data(), tiles, channels}; }
};

/// The op on the CPU. Its scratch is of exact size, and full of NaN like the output; `left` are the
/// moments where the description asks for them.
template <class Desc, class Config>
[[nodiscard]] Tensor<float> run(const Desc& desc, const Config& config,
                                const TensorView<const float>& input,
                                const std::vector<float>& weight, Operands operands,
                                Parallel& parallel = threads(), int64_t gap = 0,
                                Records* left = nullptr) {
  std::vector<float> packed(static_cast<size_t>(packed_elements(desc, config)));
  pack(desc, config, {0, desc.weight_shape()[0]}, weight, packed);
  std::vector<float> scratch(
      static_cast<size_t>(workspace_elements(desc, config, input.shape, parallel.threads())),
      std::numeric_limits<float>::quiet_NaN());
  Tensor<float> output(output_shape(desc, input.shape), gap);
  MomentsView<float> moments;
  if (left != nullptr) {
    *left = Records(input.shape.n(), moment_tiles(desc, config, input.shape),
                    storage_channels(output.shape().c()));
    moments = left->view();
  }
  cpu(desc, config, {input, packed, operands, output.view(), std::span(scratch), moments},
      parallel);
  return output;
}

[[nodiscard]] inline Tensor<float> transformed(const Steps& steps, const Tensor<float>& input,
                                               Operands operands) {
  const elementwise::Desc desc{.steps = steps};
  Tensor<float> output(output_shape(desc, input.shape()));
  cpu(desc, simd::chosen(), {input.view(), operands, output.view()}, threads());
  return output;
}

[[nodiscard]] inline Tensor<float> enlarged(const Tensor<float>& input, int64_t factor) {
  const resample::Desc desc{.size = {input.shape().h() * factor, input.shape().w() * factor}};
  Tensor<float> output(output_shape(desc, input.shape()));
  cpu(desc, simd::chosen(), {input.view(), output.view()}, threads());
  return output;
}

template <class Desc>
struct Fused {
  Desc desc;
  Tensor<float> input;
  std::vector<float> weight;
  OperandSet<float> operands;

  Fused(const Desc& d, const Shape& shape, int64_t gap = 0) : Fused(d, shape, gap, Random(11)) {}

  [[nodiscard]] Tensor<float> definition() const {
    const auto bound = operands.bind();
    Tensor<float> output(output_shape(desc, input.shape()));
    reference<float>(desc, {input.view(), weight, bound, output.view(), {}}, threads());
    return output;
  }
  [[nodiscard]] Tensor<float> whole(Form form, Parallel& parallel = threads(), int64_t gap = 0,
                                    Records* left = nullptr) const {
    const auto bound = operands.bind();
    return run(desc, configure(desc, input.shape(), form), input.view(), weight, bound, parallel,
               gap, left);
  }
  /// Each part by its own op, on the CPU.
  [[nodiscard]] Tensor<float> apart(Form form) const {
    const auto bound = operands.bind();
    const Operands all(bound);
    const auto before = static_cast<size_t>(desc.prologue.steps.operand_count());
    const Tensor<float> stored = transformed(desc.prologue.steps, input, all.first(before));
    const Tensor<float> read = enlarged(stored, desc.prologue.upsample);
    Desc bare = desc;
    bare.prologue = {};
    bare.epilogue = {};
    const Tensor<float> sums =
        run(bare, configure(bare, read.shape(), form), read.view(), weight, {});
    return transformed(desc.epilogue, sums, all.subspan(before));
  }

 private:
  Fused(const Desc& d, const Shape& shape, int64_t gap, Random random)
      : desc(d),
        input(Tensor<float>::random(shape, random, gap)),
        weight(random.values(d.weight_shape().elements())),
        operands(d.prologue, shape, d.epilogue, output_shape(d, shape), random) {}
};

/// The promised relative L2 error of Winograd's form.
constexpr double kWinogradTolerance = 2e-5;

template <class Desc>
[[nodiscard]] std::vector<Form> forms_of(const Desc& desc) {
  std::vector<Form> forms{Form::chosen, Form::plainest};
  if constexpr (std::is_same_v<Desc, conv2d::Desc>) {
    if (conv2d::winograd::has_form(desc)) forms.push_back(Form::winograd);
    if (desc.out_channels <= simd::kDotOutputs && desc.epilogue.gate() < 0) {
      forms.push_back(Form::few_outputs);
    }
  }
  return forms;
}

/// In every form: right, the pads zero, and the very bits of the parts.
template <class Desc>
void expect_right(const Desc& desc, const Shape& picture) {
  const Fused<Desc> problem(desc, picture, 12);
  const Tensor<float> expected = problem.definition();
  for (const Form form : forms_of(desc)) {
    const std::string what = to_string(desc) + ", steps: " + to_string(desc.epilogue) + " on " +
                             picture.to_string() + ", form " +
                             std::to_string(static_cast<int>(form));
    const double tolerance = form == Form::winograd ? kWinogradTolerance : kTolerance;
    Tensor<float> output = problem.whole(form, threads(), 8);
    EXPECT_TRUE(close(output.view(), expected.view(), tolerance)) << what;
    EXPECT_TRUE(pads_are_zero(output)) << what;
    EXPECT_TRUE(same_bits(problem.whole(form).data(), problem.apart(form).data())) << what;
  }
}

/// Neither threads nor what else is in the batch changes a bit.
template <class Desc>
void expect_same_bits(const Desc& desc, const Shape& picture, Form form) {
  const Fused<Desc> problem(desc, picture);
  const Tensor<float> expected = problem.whole(form);
  for (const int threads : {1, 3}) {
    ThreadPool pool(threads);
    EXPECT_TRUE(same_bits(problem.whole(form, pool).data(), expected.data())) << threads;
  }
  const Shape single{1, picture.c(), picture.h(), picture.w()};
  Fused<Desc> one(desc, single);
  one.weight = problem.weight;
  const auto view = problem.input.view();
  one.input.for_each(
      [&](int64_t, int64_t c, int64_t y, int64_t x, float& v) { v = view.at(0, c, y, x); });
  const auto bound = problem.operands.bind();
  const Tensor<float> alone =
      run(desc, configure(desc, single, form), one.input.view(), one.weight, bound);
  const std::vector<float> part(
      expected.data().begin(), expected.data().begin() + static_cast<int64_t>(alone.data().size()));
  EXPECT_TRUE(same_bits(alone.data(), part));
}

}  // namespace kintsugi::test
