// SPDX-License-Identifier: MIT
//
// What plans move on a GPU, counted by the emulator: what fusing is for.
#include "kernels/emulator/emulator.h"
#include "tests/plan/support.h"

namespace kintsugi {
namespace {

using graph::Value;
using test::Toy;

/// A residual block of CycleGAN (Zhu et al. 2017) behind a convolution, 16 channels wide.
constexpr int64_t kPixels = int64_t{40} * 36, kChannels = 16;

graph::Graph residual_block() {
  Toy t({1, kChannels / 2, 40, 36});
  const auto conv = [&](Value x, const std::string& name) {
    x = t.pad(x, name + ".pad", 1, PaddingMode::reflect);
    return t.conv(x, name, {.out_channels = kChannels, .kernel = 3});
  };
  const Value x = t.relu(t.group_norm(conv(t.x, "conv0"), "norm0", kChannels), "relu0");
  const Value y = t.relu(t.group_norm(conv(x, "conv1"), "norm1", kChannels), "relu1");
  t.graph.output("y", t.add(x, t.group_norm(conv(y, "conv2"), "norm2", kChannels), "sum"));
  return t.graph;
}

struct Moved {
  int64_t read = 0, written = 0;
  size_t launches = 0;
};

Moved moved(const graph::Graph& graph, plan::Options options) {
  static_cast<void>(emulator::take_reports());
  static_cast<void>(test::run(graph, options));
  Moved sum;
  for (const emulator::Report& report : emulator::take_reports()) {
    sum.read += report.bytes_read;
    sum.written += report.bytes_written;
    ++sum.launches;
  }
  return sum;
}

/// Fused, but for the norms, which read the images that they are of.
graph::Graph fused_without_riding(const plan::Options& options) {
  graph::Graph graph = residual_block();
  plan::fuse(graph, options);
  for (graph::Node& node : graph.nodes) {
    if (const auto* conv = node.as<conv2d::Desc>()) {
      conv2d::Desc plain = *conv;
      plain.moments = false;
      node.does = plain;
      node.shapes.resize(1);
    }
    if (const auto* statistics = node.as<norm::Desc>()) {
      norm::Desc plain = *statistics;
      plain.moments_of = 0;
      node.does = plain;
      node.inputs[0].output = 0;
    }
  }
  return graph;
}

class Traffic : public testing::TestWithParam<plan::Precision> {
 protected:
  plan::Options fused{.backend = plan::Backend::gpu, .precision = GetParam()};
  plan::Options as_recorded() const {
    plan::Options options = fused;
    options.passes.fuse = false;
    return options;
  }
  int64_t element() const { return GetParam() == plan::Precision::f32 ? 4 : 2; }
  int64_t picture() const { return kPixels * kChannels * element(); }
};
INSTANTIATE_TEST_SUITE_P(Types, Traffic,
                         testing::Values(plan::Precision::f32, plan::Precision::f16),
                         [](const auto& type) { return std::string(plan::to_string(type.param)); });

TEST_P(Traffic, OfANormThatRidesIsItsMoments) {
  const Moved riding = moved(residual_block(), fused);
  const Moved reading = moved(fused_without_riding(fused), as_recorded());
  // Three pictures are not read again; records are written and read in either form.
  EXPECT_LT(riding.read + riding.written + 2 * picture(), reading.read + reading.written);
  EXPECT_EQ(riding.launches + 3, reading.launches);
}

TEST_P(Traffic, OfANormIsOnePassOverTheImage) {
  const Moved together = moved(residual_block(), fused);
  const Moved apart = moved(residual_block(), as_recorded());
  // Not written: pads before three convolutions, of half the channels before the first; the relus, and
  // norm2 before the sum.
  EXPECT_LT(together.written + 5 * picture(), apart.written);
  EXPECT_LT(together.read + 5 * picture(), apart.read);
}

// Scale and shift would be read again with every tap.
TEST_P(Traffic, NoConvolutionBeyond1x1ChangesWhatItReads) {
  plan::Options options = fused;
  options.gpu = device::info();
  for (const plan::PlanStep& step : plan::make(residual_block(), options).steps) {
    const Prologue* prologue = step.work.op().prologue();
    EXPECT_TRUE(prologue == nullptr || prologue->steps.empty()) << step.names.back();
  }
}

}  // namespace
}  // namespace kintsugi
