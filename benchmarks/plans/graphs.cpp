// SPDX-License-Identifier: MIT
#include "benchmarks/plans/graphs.h"

#include <cmath>
#include <utility>

#include "benchmarks/numbers.h"
#include "kernels/concat/concat.h"
#include "kernels/conv2d/conv2d.h"
#include "kernels/conv_transpose2d/conv_transpose2d.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/norm/norm.h"
#include "kernels/pad/pad.h"
#include "kernels/reduce/reduce.h"
#include "kernels/resample/resample.h"

namespace kintsugi::bench {
namespace {

using graph::Value;

/// Records the layers of PyTorch on random constants of a size that keeps values near one.
class Recorder {
  graph::Graph graph_;

 public:
  explicit Recorder(const Shape& input) : x(graph_.input("input", input)) {}

  Value x;  // the input

  [[nodiscard]] Value input(const Shape& shape) {
    return graph_.input("input" + std::to_string(graph_.inputs.size()), shape);
  }
  [[nodiscard]] Value conv(Value in, conv2d::Desc desc) {
    desc.in_channels = channels(in);
    desc.epilogue = {step::add(Extent::channel)};
    const graph::ConstantId weight =
        filters(desc.weight_shape(), desc.in_channels * desc.kernel.h * desc.kernel.w);
    return record({in}, desc, {weight}, {vector(desc.out_channels)});
  }
  [[nodiscard]] Value conv3x3(Value in, int64_t out, int64_t dilation = 1) {
    return conv(in, {.out_channels = out, .kernel = 3, .dilation = dilation, .padding = dilation});
  }
  [[nodiscard]] Value deconv(Value in, conv_transpose2d::Desc desc) {
    desc.in_channels = channels(in);
    desc.epilogue = {step::add(Extent::channel)};
    const int64_t taps = desc.kernel.h * desc.kernel.w / (desc.stride.h * desc.stride.w);
    return record({in}, desc, {filters(desc.weight_shape(), desc.in_channels * taps)},
                  {vector(desc.out_channels)});
  }
  [[nodiscard]] Value apply(Value in, const Step& step, std::vector<graph::Operand> operands = {}) {
    return record({in}, elementwise::Desc{.steps = {step}}, {}, std::move(operands));
  }
  [[nodiscard]] Value activate(Value in, Function function, float slope = 0) {
    return apply(in, step::activate(function, slope));
  }
  [[nodiscard]] Value relu(Value in) { return activate(in, Function::relu); }
  [[nodiscard]] Value batch_norm(Value in) {
    return apply(in, step::affine(Extent::channel), {vector(channels(in)), vector(channels(in))});
  }
  [[nodiscard]] Value group_norm(Value in, int64_t groups) {
    const Value scale = record({in}, norm::Desc{.groups = groups});
    return apply(in, step::affine(Extent::sample_channel), {scale, Value{scale.node, 1}});
  }
  [[nodiscard]] Value instance_norm(Value in) { return group_norm(in, channels(in)); }
  [[nodiscard]] Value add(Value a, Value b) { return apply(a, step::add(Extent::tensor), {b}); }
  /// Of 2K channels K.
  [[nodiscard]] Value gate(Value in) {
    return apply(in, step::gate(Function::elu, Function::sigmoid));
  }
  [[nodiscard]] Value reflect(Value in, int64_t amount) {
    return record({in}, pad::Desc{amount, amount, amount, amount, PaddingMode::reflect});
  }
  [[nodiscard]] Value twice_as_large(Value in) {
    const Shape& of = graph_.shape(in);
    return record({in}, resample::Desc{.size = {2 * of.h(), 2 * of.w()}});
  }
  [[nodiscard]] Value concat(std::vector<Value> parts) {
    return record(std::move(parts), kintsugi::concat::Desc{});
  }
  [[nodiscard]] Value mean(Value in) { return record({in}, reduce::Desc{}); }

  [[nodiscard]] ShortGraph named(std::string name, Value output) {
    graph_.output("output", output);
    return {std::move(name), std::move(graph_)};
  }

 private:
  [[nodiscard]] int64_t channels(Value value) const { return graph_.shape(value).c(); }
  graph::ConstantId constant(const Shape& shape, double scale) {
    const auto seed = static_cast<uint32_t>(graph_.constants.size());
    const auto formula = [count = shape.elements(), scale, seed](auto) {
      const std::vector<float> numbers = random_values(count, seed);
      std::vector<double> values(numbers.begin(), numbers.end());
      for (double& value : values) value *= scale;
      return values;
    };
    return graph_.constant({.name = "constant" + std::to_string(seed),
                            .shape = shape,
                            .sources = {},
                            .formula = formula,
                            .where = {}});
  }
  graph::ConstantId filters(const Shape& shape, int64_t terms) {
    return constant(shape, 1.5 / std::sqrt(static_cast<double>(terms)));
  }
  graph::ConstantId vector(int64_t count) { return constant({count}, 0.5); }
  Value record(std::vector<Value> inputs, AnyOp op, std::vector<graph::ConstantId> weights = {},
               std::vector<graph::Operand> operands = {}) {
    return graph_.record({.does = std::move(op),
                          .inputs = std::move(inputs),
                          .weights = std::move(weights),
                          .operands = std::move(operands),
                          .names = {"node" + std::to_string(graph_.nodes.size())},
                          .where = {}});
  }
};

// ---- Layers.

ShortGraph conv_elu_add() {
  Recorder r({1, 128, 128, 128});
  return r.named("conv_elu_add_128_128px",
                 r.add(r.activate(r.conv3x3(r.x, 128), Function::elu), r.x));
}

ShortGraph conv_norm_relu_chain() {
  Recorder r({1, 128, 64, 64});
  Value y = r.x;
  for (int i = 0; i < 3; ++i) y = r.relu(r.batch_norm(r.conv3x3(y, 128)));
  return r.named("conv_norm_relu_3_times_128_64px", y);
}

ShortGraph first_layers() {
  Recorder r({1, 4, 256, 256});
  Value y = r.conv(r.x, {.out_channels = 64, .kernel = 5, .padding = 2});
  y = r.relu(r.batch_norm(y));
  y = r.conv(y, {.out_channels = 128, .kernel = 3, .stride = 2, .padding = 1});
  return r.named("glcic_first_4_128_256px", r.relu(r.batch_norm(y)));
}

ShortGraph deconv_norm_relu() {
  Recorder r({1, 256, 64, 64});
  const Value y = r.deconv(r.x, {.out_channels = 128, .kernel = 4, .stride = 2, .padding = 1});
  return r.named("glcic_up_256_128_64px", r.relu(r.batch_norm(y)));
}

ShortGraph gated(const char* name, const Shape& input, conv2d::Desc desc) {
  Recorder r(input);
  return r.named(name, r.gate(r.conv(r.x, desc)));
}

ShortGraph pad_conv() {
  Recorder r({1, 64, 256, 256});
  const Value y = r.conv(r.reflect(r.x, 3), {.out_channels = 3, .kernel = 7});
  return r.named("cyclegan_last_64_3_256px", r.activate(y, Function::tanh));
}

ShortGraph upsample_conv() {
  Recorder r({1, 128, 64, 64});
  return r.named("upsample_conv_128_64px", r.relu(r.conv3x3(r.twice_as_large(r.x), 128)));
}

// ---- Blocks.

/// Residual, of CycleGAN's generator.
ShortGraph cyclegan_block() {
  Recorder r({1, 256, 64, 64});
  const auto layer = [&](Value y) {
    return r.instance_norm(r.conv(r.reflect(y, 1), {.out_channels = 256, .kernel = 3}));
  };
  return r.named("cyclegan_block_256_64px", r.add(r.x, layer(r.relu(layer(r.x)))));
}

/// Residual, of the UNet of a diffusion model.
ShortGraph unet_block() {
  Recorder r({1, 320, 32, 32});
  const auto layer = [&](Value y) {
    return r.conv3x3(r.activate(r.group_norm(y, 32), Function::silu), 320);
  };
  return r.named("unet_block_320_32px", r.add(r.x, layer(layer(r.x))));
}

/// The way up of a UNet: an enlargement beside a skip.
ShortGraph unet_skip() {
  Recorder r({1, 128, 32, 32});
  const Value skip = r.relu(r.conv3x3(r.input({1, 64, 64, 64}), 64));
  const Value up = r.relu(r.conv3x3(r.twice_as_large(r.x), 64));
  return r.named("unet_skip_64_64_64px", r.relu(r.conv3x3(r.concat({up, skip}), 64)));
}

/// Huang et al. 2017: each layer reads all before it.
ShortGraph dense_block() {
  Recorder r({1, 64, 64, 64});
  Value all = r.relu(r.conv3x3(r.x, 64));
  for (int i = 0; i < 4; ++i) all = r.concat({all, r.relu(r.conv3x3(all, 32))});
  return r.named("dense_block_64_32_64px", r.conv(all, {.out_channels = 64}));
}

/// Hu et al. 2018: channels weighed by what the whole image says, and a residual.
ShortGraph squeeze_and_excite() {
  Recorder r({1, 128, 64, 64});
  const Value y = r.conv3x3(r.x, 128);
  const Value small = r.relu(r.conv(r.mean(y), {.out_channels = 16}));
  const Value factor = r.activate(r.conv(small, {.out_channels = 128}), Function::sigmoid);
  const Value weighed = r.apply(y, step::mul(Extent::sample_channel), {factor});
  return r.named("squeeze_excite_128_64px", r.relu(r.add(weighed, r.x)));
}

}  // namespace

std::vector<ShortGraph> short_graphs() {
  return {conv_elu_add(),
          conv_norm_relu_chain(),
          first_layers(),
          deconv_norm_relu(),
          gated("gate_5x5_5_2x24_256px", {1, 5, 256, 256},
                {.out_channels = 48, .kernel = 5, .padding = 2}),
          gated("gate_dilated2_96_2x96_64px", {1, 96, 64, 64},
                {.out_channels = 192, .kernel = 3, .dilation = 2, .padding = 2}),
          pad_conv(),
          upsample_conv(),
          cyclegan_block(),
          unet_block(),
          unet_skip(),
          dense_block(),
          squeeze_and_excite()};
}

}  // namespace kintsugi::bench
