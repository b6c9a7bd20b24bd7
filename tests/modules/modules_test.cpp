// SPDX-License-Identifier: MIT
//
// nn against PyTorch, module by module, on every backend: tests/data/modules.safetensors holds small
// modules' weights and results (tests/tools/make_module_data.py). What a network is made of is here
// before a network uses it: norms, gates, partial convolutions, sizes.
#include "kintsugi/kintsugi.hpp"
#include "runtime/graph/nn.h"
#include "tests/plan/support.h"

namespace kintsugi {
namespace {

using graph::Graph;
using graph::Value;
using plan::Backend;
using plan::Precision;

const std::filesystem::path kFile =
    std::filesystem::path(KINTSUGI_TEST_DATA) / "modules.safetensors";

const Tensors& stored() {
  static const Tensors tensors = read_tensors(kFile);
  return tensors;
}

/// Two modules of it: a convolution and whatever comes behind.
struct Inputs {
  Value x, mask;
};

Value norm(const Scope& m, Inputs in) {
  Value x = nn::conv2d(m["conv1"], in.x, {.channels = 12, .kernel = 3, .padding = 1});
  x = nn::relu(m["relu1"], nn::instance_norm(m["norm1"], x));
  x = nn::pad(m["pad"], x, 1, PaddingMode::reflect);
  x = nn::conv2d(m["conv2"], x, {.channels = 7, .kernel = 3});
  x = nn::relu(m["relu2"], nn::instance_norm(m["norm2"], x));
  return nn::conv_transpose2d(
      m["up"], x, {.channels = 6, .kernel = 3, .stride = 2, .padding = 1, .output_padding = 1});
}

Value group(const Scope& m, Inputs in) {
  Value x = nn::conv2d(m["conv1"], in.x, {.channels = 12, .kernel = 3, .padding = 1});
  x = nn::silu(m["silu"], nn::group_norm(m["norm"], x, 3));
  return nn::conv2d(m["conv2"], x, {.channels = 7, .kernel = 3, .padding = 1});
}

Value layer(const Scope& m, Inputs in) {
  return nn::layer_norm(m["norm"], nn::conv2d(m["conv"], in.x, {.channels = 12}));
}

Value gated(const Scope& m, Inputs in) {
  Value x =
      nn::conv2d(m["conv1"], in.x, {.channels = 24, .kernel = 3, .padding = 2, .dilation = 2});
  x = nn::gate(m["gate1"], x, Function::elu, Function::sigmoid);
  x = nn::upsample_nearest(m["up"], x, 2);
  x = nn::conv2d(m["conv2"], x, {.channels = 10, .kernel = 3, .padding = 1});
  x = nn::gate(m["gate2"], x, Function::leaky_relu, Function::sigmoid, 0.2f);
  return nn::conv2d(m["conv3"], x, {.channels = 3, .kernel = 3, .stride = 2});
}

Value sizes(const Scope& m, Inputs in) {
  const Shape& s = m.graph().shape(in.x);
  const Pair size{s.h(), s.w()};
  Value small = nn::max_pool2d(m["max"], in.x, {.kernel = 3, .stride = 2, .padding = 1});
  small =
      nn::avg_pool2d(m["average"], small, {.kernel = 2, .padding = 1, .count_include_pad = false});
  const auto back = [&](const char* name, resample::Mode mode, bool align) {
    return nn::interpolate(m[name], small, {.size = size, .mode = mode, .align_corners = align});
  };
  Value x = nn::add(m["sum1"], back("corners", resample::Mode::bilinear, true),
                    back("bilinear", resample::Mode::bilinear, false));
  x = nn::add(m["sum2"], x, back("nearest", resample::Mode::nearest, false));
  const Value whole =
      nn::conv2d(m["conv"], nn::global_avg_pool2d(m["mean"], in.x), {.channels = 5});
  return nn::mul(m["mul"], x, nn::sigmoid(m["sigmoid"], whole));
}

Value partial(const Scope& m, Inputs in) {
  nn::Masked x = nn::partial_conv2d(m["conv1"], in.x, in.mask,
                                    {.channels = 12, .kernel = 5, .stride = 2, .padding = 2});
  x.x = nn::relu(m["relu"], nn::batch_norm(m["norm"], x.x));
  return nn::partial_conv2d(m["conv2"], x.x, x.mask, {.channels = 7, .kernel = 3, .padding = 1}).x;
}

Value activated(const Scope& m, Inputs in) {
  Value x = nn::conv2d(m["conv1"], in.x, {.channels = 12, .kernel = 3, .padding = 1});
  x = nn::prelu(m["act1"], x, 12);
  x = nn::conv2d(m["conv2"], x, {.channels = 7, .kernel = 3, .padding = 1});
  x = nn::conv2d(m["conv3"], nn::gelu(m["gelu"], x), {.channels = 6, .kernel = 3, .stride = 2});
  x = nn::conv2d(m["conv4"], nn::hard_swish(m["hard_swish"], x), {.channels = 9});
  return nn::prelu(m["act4"], x);
}

struct Module {
  const char* name;
  Value (*record)(const Scope&, Inputs);
};
constexpr Module kModules[] = {{"norm", norm},          {"group", group}, {"layer", layer},
                               {"gated", gated},        {"sizes", sizes}, {"partial", partial},
                               {"activated", activated}};

Graph record(const Module& module, const weights::Weights& weights) {
  Graph graph;
  const weights::KeyMap as_stored;
  const Scope scope(graph, weights, as_stored);
  const Value x = graph.input("x", stored().at("input/x").shape);
  const Value mask = graph.input("mask", stored().at("input/mask").shape, true);
  graph.output("output", module.record(scope[module.name], {x, mask}));
  return graph;
}

/// Relative L2 of a module's output against PyTorch's.
double error_of(const Module& module, plan::Options options) {
  const weights::Weights weights(kFile);
  if (options.backend == Backend::cpu) options.isa = simd::chosen();
  if (options.backend == Backend::gpu) options.gpu = device::info();
  test::Bound bound(plan::make(record(module, weights), options), 2,
                    [&](const graph::Constant& c, int64_t first, std::span<double> out) {
                      weights.read(c.name, c.shape, first, out);
                    });
  execute::Executor& executor = *bound.executor;
  for (const plan::Port& port : executor.plan().inputs) {
    const Tensor& from = stored().at("input/" + port.name);
    const Shape& s = from.shape;
    executor.write_input(port.value, [&](int64_t n, int64_t y, std::span<float> row) {
      for (size_t i = 0; i < row.size(); ++i) {
        const auto at = static_cast<int64_t>(i);
        row[i] = from.values[static_cast<size_t>(((n * s.c() + at % s.c()) * s.h() + y) * s.w() +
                                                 at / s.c())];
      }
    });
  }
  executor.run({});
  const Tensor& right = stored().at(std::string("output/") + module.name);
  const plan::Port& port = executor.plan().outputs[0];
  const Shape& s = right.shape;
  EXPECT_EQ(port.value.shape, s);
  double difference = 0, size = 0;
  executor.read(port.value, [&](int64_t n, int64_t y, std::span<const float> row) {
    for (int64_t c = 0; c < s.c(); ++c) {
      for (int64_t x = 0; x < s.w(); ++x) {
        const double b =
            right.values[static_cast<size_t>(((n * s.c() + c) * s.h() + y) * s.w() + x)];
        difference += std::pow(double{row[static_cast<size_t>(x * s.c() + c)]} - b, 2);
        size += b * b;
      }
    }
  });
  return std::sqrt(difference / size);
}

TEST(Modules, AgreeWithPyTorchOnProcessors) {
  for (const Module& module : kModules) {
    for (const Backend backend : {Backend::reference_f64, Backend::reference_f32, Backend::cpu}) {
      for (int out = 0; out < 4; ++out) {
        plan::Options options{.backend = backend, .threads = 2};
        if (out == 1) options.passes.fuse = false;
        if (out == 2) options.passes.select = false;
        if (out == 3) options.passes.winograd = false;
        EXPECT_LT(error_of(module, options), backend == Backend::reference_f64 ? 2e-7 : 5e-6)
            << module.name << " on backend " << int(backend) << ", without " << out;
      }
    }
  }
}

TEST(Modules, AgreeWithPyTorchOnAGpu) {
  if (!test::has_gpu()) GTEST_SKIP() << "there is no GPU";
  for (const Module& module : kModules) {
    for (const auto& [precision, bound] : {std::pair{Precision::f32, 5e-6},
                                           {Precision::tf32, 1e-2},
                                           {Precision::f16, 1e-2},
                                           {Precision::bf16, 5e-2}}) {
      for (const bool fuse : {true, false}) {
        plan::Options options{.backend = Backend::gpu, .precision = precision};
        options.passes.fuse = fuse;
        EXPECT_LT(error_of(module, options), bound)
            << module.name << " in " << plan::to_string(precision) << (fuse ? "" : ", unfused");
      }
    }
  }
}

// What makes those worth something: the statistics, gates and borders are where they should be.
TEST(Modules, FuseIntoTheirConvolutions) {
  const weights::Weights weights(kFile);
  const auto fused = [&](const Module& module) {
    Graph graph = record(module, weights);
    plan::fold(graph);
    plan::fuse(graph, {.backend = Backend::gpu});
    std::string text;
    for (const graph::Node& node : graph.nodes) {
      if (node.op() == nullptr) continue;
      text += graph::to_string(node);
      const Steps* steps = node.op()->steps();
      if (steps != nullptr && !steps->empty()) text += ": " + to_string(*steps);
      text += "\n";
    }
    return text;
  };
  EXPECT_EQ(fused(kModules[0]),
            "conv2d 3x3 5->12, padding 1 zero, leaves moments: add channel\n"
            "norm_stats, groups 12, eps 1e-05, from moments\n"
            "elementwise: affine sample-channel, relu: affine sample-channel, relu\n"
            "conv2d 3x3 12->7, padding 1 reflect, leaves moments: add channel\n"
            "norm_stats, groups 7, eps 1e-05, from moments\n"
            "elementwise: affine sample-channel, relu: affine sample-channel, relu\n"
            "conv_transpose2d 3x3 7->6, stride 2, padding 1, output padding 1: add channel\n");
  EXPECT_EQ(fused(kModules[3]),
            "conv2d 3x3 5->24, dilation 2, padding 2 zero: add channel, gate elu sigmoid\n"
            "conv2d 3x3 12->10, padding 1 zero, input: nearest x2: add channel, gate leaky_relu "
            "0.2 sigmoid\n"
            "conv2d 3x3 5->3, stride 2: add channel\n");
  EXPECT_EQ(fused(kModules[5]),
            "partial_mask paper 5x5 5, stride 2, padding 2\n"
            "elementwise: mul pixel: mul pixel\n"
            "partial_mask paper 3x3 12, padding 1\n"
            "conv2d 5x5 5->12, stride 2, padding 2 zero: mul pixel, add channel, mul pixel, affine "
            "channel, relu, mul pixel\n"
            "conv2d 3x3 12->7, padding 1 zero: mul pixel, add channel, mul pixel\n");
  EXPECT_EQ(fused(kModules[6]),
            "conv2d 3x3 5->12, padding 1 zero: add channel, prelu channel\n"
            "conv2d 3x3 12->7, padding 1 zero: add channel, gelu\n"
            "conv2d 3x3 7->6, stride 2: add channel, hard_swish\n"
            "conv2d 1x1 6->9: add channel, prelu channel\n");
}

TEST(Prelu, HasOneSlopeOrOneForEachChannel) {
  const weights::Weights weights(kFile);
  Graph graph;
  const weights::KeyMap as_stored;
  const Scope scope(graph, weights, as_stored);
  const Value x = graph.input("x", {1, 7, 4, 4});
  EXPECT_EQ(graph.shape(nn::prelu(scope["activated"]["act4"], x)), (Shape{1, 7, 4, 4}));
  // Twelve slopes, and seven channels.
  EXPECT_THROW(static_cast<void>(nn::prelu(scope["activated"]["act1"], x, 12)), Error);
  EXPECT_THROW(static_cast<void>(nn::prelu(scope["activated"]["act1"], x)), Error);
}

// A value that has to be f32 is; where a reader needs another type, a copy converts.
TEST(Types, AreConvertedWhereTheyMeet) {
  const weights::Weights weights(kFile);
  const plan::Options options{.backend = Backend::gpu, .precision = Precision::f16};
  Graph graph = record(kModules[5], weights);
  plan::types(graph, options);
  for (const graph::Node& node : graph.nodes) {
    const bool exact = node.name() == "mask" || node.name().ends_with(".mask");
    for (const DType type : node.types) {
      EXPECT_EQ(type, exact ? DType::f32 : DType::f16) << node.name();
    }
  }
  Graph sizes = record(kModules[4], weights);
  plan::types(sizes, options);
  int converted = 0;
  for (const graph::Node& node : sizes.nodes) {
    if (graph::to_string(node) != "convert to exact") continue;
    EXPECT_EQ(node.name(), "sizes.sigmoid as f32");
    EXPECT_EQ(node.types, std::vector{DType::f32});
    ++converted;
  }
  EXPECT_EQ(converted, 1);
}

}  // namespace
}  // namespace kintsugi
