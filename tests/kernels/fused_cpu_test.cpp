// SPDX-License-Identifier: MIT
//
// What is fused into a convolution on the CPU: against the definition, and bit by bit against the same
// as ops of their own. Buffers are of exact size and full of NaN where nothing may be read.
#include "kernels/conv2d/winograd.h"
#include "kernels/conv_transpose2d/conv_transpose2d.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/resample/resample.h"
#include "kernels/simd/tile.h"
#include "tests/kernels/support.h"

namespace kintsugi {
namespace {

using test::close;
using test::same_bits;
using test::Tensor;

enum class Form { chosen, plainest, winograd };

conv2d::CpuConfig configure(const conv2d::Desc& desc, const Shape& input, Form form) {
  if (form == Form::plainest) return {.isa = simd::chosen()};
  conv2d::CpuConfig config = choose(desc, input, simd::chosen(), false);
  if (form == Form::winograd) {
    config.algorithm = conv2d::Algorithm::winograd;
    config.tile_pixels = simd::max_tile_pixels(config.isa, config.vectors);
    config.task_tiles = 7;
  }
  return config;
}

conv_transpose2d::CpuConfig configure(const conv_transpose2d::Desc& desc, const Shape& input,
                                      Form form) {
  if (form == Form::plainest) return {.isa = simd::chosen()};
  return choose(desc, input, simd::chosen());
}

/// The op on the CPU. Its scratch is of exact size, and full of NaN like the output.
template <class Desc, class Config>
Tensor<float> run(const Desc& desc, const Config& config, const TensorView<const float>& input,
                  const std::vector<float>& weight, Operands<float> operands,
                  Parallel& parallel = test::threads(), int64_t gap = 0) {
  std::vector<float> packed(static_cast<size_t>(packed_elements(desc, config)));
  pack(desc, config, weight, packed);
  std::vector<float> scratch(
      static_cast<size_t>(workspace_elements(desc, config, input.shape, parallel.threads())),
      std::numeric_limits<float>::quiet_NaN());
  Tensor<float> output(output_shape(desc, input.shape), gap);
  cpu(desc, config, {input, packed, operands, output.view(), scratch}, parallel);
  return output;
}

Tensor<float> transformed(const Steps& steps, const Tensor<float>& input,
                          Operands<float> operands) {
  const elementwise::Desc desc{.steps = steps};
  Tensor<float> output(output_shape(desc, input.shape()));
  cpu(desc, simd::chosen(), {input.view(), operands, output.view()}, test::threads());
  return output;
}

Tensor<float> enlarged(const Tensor<float>& input, int64_t factor) {
  const resample::Desc desc{.size = {input.shape().h() * factor, input.shape().w() * factor}};
  Tensor<float> output(output_shape(desc, input.shape()));
  cpu(desc, simd::chosen(), {input.view(), output.view()}, test::threads());
  return output;
}

template <class Desc>
struct Fused {
  Desc desc;
  Tensor<float> input;
  std::vector<float> weight;
  test::OperandSet<float> operands;

  Fused(const Desc& d, const Shape& shape, int64_t gap = 0)
      : Fused(d, shape, gap, test::Random(11)) {}

  [[nodiscard]] Tensor<float> definition() const {
    const auto bound = operands.bind();
    Tensor<float> output(output_shape(desc, input.shape()));
    reference<float>(desc, {input.view(), weight, bound, output.view(), {}}, test::threads());
    return output;
  }
  [[nodiscard]] Tensor<float> whole(Form form, Parallel& parallel = test::threads(),
                                    int64_t gap = 0) const {
    const auto bound = operands.bind();
    return run(desc, configure(desc, input.shape(), form), input.view(), weight, bound, parallel,
               gap);
  }
  /// Each part by its own op, on the CPU.
  [[nodiscard]] Tensor<float> apart(Form form) const {
    const auto bound = operands.bind();
    const Operands<float> all(bound);
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
  Fused(const Desc& d, const Shape& shape, int64_t gap, test::Random random)
      : desc(d),
        input(Tensor<float>::random(shape, random, gap)),
        weight(random.values(d.weight_shape().elements())),
        operands(d.prologue, shape, d.epilogue, output_shape(d, shape), random) {}
};

constexpr double kWinogradTolerance = 2e-5;

/// In every form: right, the pads zero, and the very bits of the parts.
template <class Desc>
void expect_right(const Desc& desc, const Shape& picture) {
  const Fused<Desc> problem(desc, picture, 12);
  const Tensor<float> expected = problem.definition();
  std::vector<Form> forms{Form::chosen, Form::plainest};
  if constexpr (std::is_same_v<Desc, conv2d::Desc>) {
    if (conv2d::winograd::has_form(desc)) forms.push_back(Form::winograd);
  }
  for (const Form form : forms) {
    const std::string what = to_string(desc) + ", steps: " + to_string(desc.epilogue) + " on " +
                             picture.to_string() + ", form " +
                             std::to_string(static_cast<int>(form));
    const double tolerance = form == Form::winograd ? kWinogradTolerance : test::kTolerance;
    Tensor<float> output = problem.whole(form, test::threads(), 8);
    EXPECT_TRUE(close(output.view(), expected.view(), tolerance)) << what;
    EXPECT_TRUE(test::pads_are_zero(output)) << what;
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

const Step kGate = step::gate(Function::elu, Function::sigmoid);

// Gates.

TEST(GatedCpu, AnyNumberOfChannels) {
  for (const int64_t k : {1, 2, 3, 4, 5, 7, 8, 9, 12, 16, 17, 24, 33, 40, 70}) {
    conv2d::Desc desc{.in_channels = 5,
                      .out_channels = 2 * k,
                      .kernel = 3,
                      .padding = 1,
                      .epilogue = {step::add(Extent::channel), kGate}};
    expect_right(desc, {1, 5, 6, 15});
    desc.epilogue = {kGate};
    expect_right(desc, {1, 5, 4, 4});
    conv_transpose2d::Desc deconv{.in_channels = 5,
                                  .out_channels = 2 * k,
                                  .kernel = 4,
                                  .stride = 2,
                                  .padding = 1,
                                  .epilogue = {step::add(Extent::channel), kGate}};
    expect_right(deconv, {1, 5, 3, 7});
  }
}

TEST(GatedCpu, AnyConvolution) {
  const Steps steps{step::add(Extent::channel), kGate};
  for (const int64_t k : {5, 12, 24}) {
    const auto conv = [&](int64_t c, Pair kernel, Pair stride, Pair dilation, PaddingMode mode) {
      return conv2d::Desc{.in_channels = c,
                          .out_channels = 2 * k,
                          .kernel = kernel,
                          .stride = stride,
                          .dilation = dilation,
                          .padding = {dilation.h * (kernel.h / 2), dilation.w * (kernel.w / 2)},
                          .padding_mode = mode,
                          .epilogue = steps};
    };
    expect_right(conv(3, 5, 1, 1, PaddingMode::zero), {2, 3, 9, 17});
    expect_right(conv(3, 3, 2, 1, PaddingMode::zero), {2, 3, 9, 17});
    expect_right(conv(6, 3, 1, 2, PaddingMode::reflect), {2, 6, 9, 17});
    expect_right(conv(6, 3, 1, 4, PaddingMode::zero), {2, 6, 9, 17});
    expect_right(conv(37, 1, 1, 1, PaddingMode::zero), {1, 37, 3, 29});
    expect_right(conv(4, {1, 3}, {1, 2}, 1, PaddingMode::zero), {1, 4, 1, 1});
  }
}

TEST(GatedCpu, EveryStepBeforeAndBehind) {
  for (const Step& step : test::every_step()) {
    for (const int64_t k : {5, 21}) {
      conv2d::Desc desc{.in_channels = 3, .out_channels = 2 * k, .kernel = 3, .padding = 1};
      if (step.extent == Extent::scalar || step.extent == Extent::channel) {
        desc.epilogue = {step, kGate};
        expect_right(desc, {2, 3, 5, 9});
      }
      desc.epilogue = {step::add(Extent::channel), kGate, step};
      expect_right(desc, {2, 3, 5, 9});
    }
  }
}

TEST(GatedCpu, EveryPairOfFunctions) {
  const std::vector<Function> functions{Function::identity, Function::relu,    Function::leaky_relu,
                                        Function::elu,      Function::sigmoid, Function::tanh,
                                        Function::silu};
  for (const Function feature : functions) {
    for (const Function gate : functions) {
      const conv2d::Desc desc{.in_channels = 3,
                              .out_channels = 18,
                              .kernel = 3,
                              .epilogue = {step::gate(feature, gate, 0.2f)}};
      expect_right(desc, {1, 3, 5, 9});
    }
  }
}

TEST(GatedCpu, BitsDependOnTheElementAlone) {
  const Steps steps{step::add(Extent::channel), step::activate(Function::relu), kGate,
                    step::mul(Extent::channel)};
  const conv2d::Desc conv{.in_channels = 7,
                          .out_channels = 42,
                          .kernel = 3,
                          .dilation = 2,
                          .padding = 2,
                          .epilogue = steps};
  for (const Form form : {Form::chosen, Form::plainest, Form::winograd}) {
    expect_same_bits(conv, {2, 7, 21, 19}, form);
  }
  expect_same_bits(conv_transpose2d::Desc{.in_channels = 7,
                                          .out_channels = 42,
                                          .kernel = 4,
                                          .stride = 2,
                                          .padding = 1,
                                          .epilogue = steps},
                   {2, 7, 11, 9}, Form::chosen);
}

TEST(GatedCpu, NamesAPackingOfItsOwn) {
  conv2d::Desc desc{.in_channels = 16, .out_channels = 64, .kernel = 3, .padding = 1};
  conv2d::Desc gated = desc;
  gated.epilogue = {kGate};
  const Shape picture{1, 16, 64, 64};
  for (const Form form : {Form::chosen, Form::plainest}) {
    EXPECT_NE(packing(desc, configure(desc, picture, form)),
              packing(gated, configure(gated, picture, form)));
  }
  // Winograd pairs behind its products: the weights are those of any other.
  EXPECT_EQ(packing(desc, configure(desc, picture, Form::winograd)),
            packing(gated, configure(gated, picture, Form::winograd)));
}

TEST(GatedCpu, NeverHidesNaN) {
  for (const Function function : {Function::relu, Function::elu, Function::sigmoid}) {
    conv2d::Desc desc{
        .in_channels = 3, .out_channels = 10, .epilogue = {step::gate(function, function)}};
    Fused<conv2d::Desc> problem(desc, {1, 3, 4, 4});
    problem.input.view().at(0, 2, 1, 3) = std::numeric_limits<float>::quiet_NaN();
    const Tensor<float> output = problem.whole(Form::chosen);
    for (int64_t k = 0; k < 5; ++k) {
      EXPECT_TRUE(std::isnan(output.view().at(0, k, 1, 3)));
      EXPECT_FALSE(std::isnan(output.view().at(0, k, 1, 2)));
    }
  }
}

// Prologues.

const Step kNorm = step::affine(Extent::sample_channel);
const Step kRelu = step::activate(Function::relu);

TEST(PrologueCpu, EveryStepInFrontOfEveryConvolution) {
  for (const Step& step : test::every_step()) {
    for (const PaddingMode mode : {PaddingMode::zero, PaddingMode::reflect}) {
      const conv2d::Desc conv{.in_channels = 5,
                              .out_channels = 6,
                              .kernel = 3,
                              .padding = 1,
                              .padding_mode = mode,
                              .prologue = {.steps = {step}},
                              .epilogue = {step::add(Extent::channel)}};
      expect_right(conv, {2, 5, 7, 9});
    }
    const conv_transpose2d::Desc deconv{.in_channels = 5,
                                        .out_channels = 6,
                                        .kernel = 4,
                                        .stride = 2,
                                        .padding = 1,
                                        .prologue = {.steps = {step}},
                                        .epilogue = {step::add(Extent::tensor)}};
    expect_right(deconv, {2, 5, 3, 4});
  }
}

TEST(PrologueCpu, NormsInFrontOfAnyNumberOfChannels) {
  for (const int64_t c : {1, 3, 4, 5, 15, 16, 17, 33, 63, 64, 65, 70, 130}) {
    conv2d::Desc desc{.in_channels = c, .out_channels = 9, .kernel = 3, .padding = 1};
    for (const Steps& steps : {Steps{kNorm}, Steps{kNorm, kRelu}, Steps{kNorm, kRelu, kNorm},
                               Steps{step::add(0.5f), step::affine(Extent::tensor)}}) {
      desc.prologue.steps = steps;
      expect_right(desc, {2, c, 9, 6});
    }
  }
}

TEST(PrologueCpu, AnyGeometry) {
  const Steps epilogue{step::add(Extent::channel), kRelu};
  for (const int64_t up : {1, 2}) {
    for (const PaddingMode mode : {PaddingMode::zero, PaddingMode::reflect}) {
      for (const Steps& steps : {Steps{}, Steps{kNorm, kRelu}, Steps{step::mul(Extent::pixel)}}) {
        const auto expect = [&](Pair kernel, Pair stride, Pair dilation, Pair padding,
                                Shape picture) {
          const conv2d::Desc desc{.in_channels = picture.c(),
                                  .out_channels = 7,
                                  .kernel = kernel,
                                  .stride = stride,
                                  .dilation = dilation,
                                  .padding = padding,
                                  .padding_mode = mode,
                                  .prologue = {.steps = steps, .upsample = up},
                                  .epilogue = epilogue};
          expect_right(desc, picture);
        };
        expect(3, 1, 1, 1, {2, 5, 6, 11});
        expect(3, 1, 1, 0, {1, 3, 5, 3});
        expect(3, 1, 2, 2, {1, 12, 5, 8});
        expect(3, 1, 3, 4, {1, 4, 9, 15});
        expect(3, 2, 1, 1, {2, 3, 6, 29});
        expect(3, 3, 1, 2, {1, 3, 6, 9});
        expect({5, 4}, {1, 2}, 1, {2, 1}, {1, 6, 5, 7});
        expect({1, 7}, {2, 1}, {1, 2}, {0, 6}, {1, 4, 3, 9});
        expect(1, 1, 1, 0, {1, 9, 3, 31});
        expect(1, 2, 1, 0, {1, 9, 3, 31});
      }
    }
  }
  // Pictures of a pixel or two, and more padding than picture.
  for (const int64_t padding : {1, 5}) {
    const conv2d::Desc desc{.in_channels = 3,
                            .out_channels = 5,
                            .kernel = 3,
                            .padding = padding,
                            .prologue = {.steps = {kNorm, kRelu}, .upsample = 2}};
    expect_right(desc, {1, 3, 1, 1});
    expect_right(desc, {1, 3, 2, 1});
  }
}

TEST(PrologueCpu, InFrontOfTransposedOnes) {
  for (const int64_t stride : {1, 2, 3}) {
    for (const Steps& steps : {Steps{kNorm, kRelu}, Steps{step::mul(Extent::pixel)}}) {
      const conv_transpose2d::Desc desc{.in_channels = 17,
                                        .out_channels = 6,
                                        .kernel = 3,
                                        .stride = stride,
                                        .padding = 1,
                                        .prologue = {.steps = steps},
                                        .epilogue = {step::add(Extent::channel), kGate}};
      expect_right(desc, {2, 17, 4, 15});
    }
  }
}

TEST(PrologueCpu, EightStepsThenAGate) {
  const conv2d::Desc desc{
      .in_channels = 70,
      .out_channels = 24,
      .kernel = 3,
      .dilation = 2,
      .padding = 2,
      .prologue = {.steps = {step::add(Extent::channel), kRelu, step::mul(Extent::sample_channel),
                             step::add(Extent::pixel), step::affine(Extent::channel),
                             step::add(Extent::tensor), step::mul(0.5f), step::clamp(-0.1f, 0.9f)}},
      .epilogue = {step::add(Extent::channel), kGate, step::mul(Extent::pixel)}};
  expect_right(desc, {2, 70, 9, 10});
}

TEST(PrologueCpu, BitsDependOnTheElementAlone) {
  for (const Steps& steps : {Steps{kNorm, kRelu}, Steps{step::mul(Extent::pixel), kNorm}}) {
    const conv2d::Desc conv{.in_channels = 19,
                            .out_channels = 42,
                            .kernel = 3,
                            .padding = 1,
                            .prologue = {.steps = steps, .upsample = 2},
                            .epilogue = {step::add(Extent::channel), kGate}};
    for (const Form form : {Form::chosen, Form::plainest, Form::winograd}) {
      expect_same_bits(conv, {2, 19, 11, 9}, form);
    }
    expect_same_bits(conv_transpose2d::Desc{.in_channels = 19,
                                            .out_channels = 6,
                                            .kernel = 4,
                                            .stride = 2,
                                            .padding = 1,
                                            .prologue = {.steps = steps}},
                     {2, 19, 11, 9}, Form::chosen);
  }
}

TEST(PrologueCpu, NeedsScratchForWhatTheDirectFormCannotDoOnTheWay) {
  const Shape picture{2, 5, 6, 7};
  conv2d::Desc desc{.in_channels = 5, .out_channels = 8, .kernel = 3, .prologue = {.upsample = 2}};
  const auto elements = [&] {
    return workspace_elements(desc, configure(desc, picture, Form::chosen), picture, 3);
  };
  EXPECT_EQ(elements(), 0);
  desc.prologue.steps = {kRelu};
  EXPECT_EQ(elements(), 2 * 6 * 7 * 8);
  const Fused<conv2d::Desc> problem(desc, picture);
  const auto config = configure(desc, picture, Form::chosen);
  std::vector<float> packed(static_cast<size_t>(packed_elements(desc, config)));
  std::vector<float> scratch(static_cast<size_t>(elements() - 1));
  Tensor<float> output(output_shape(desc, picture));
  EXPECT_EQ(test::error_of([&] {
              cpu(desc, config, {problem.input.view(), packed, {}, output.view(), scratch},
                  test::threads());
            }),
            "the workspace holds 671 elements, the input after its steps 672");
}

}  // namespace
}  // namespace kintsugi
