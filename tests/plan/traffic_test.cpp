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
graph::Graph residual_block() {
  Toy t({1, 8, 40, 36});
  const auto conv = [&](Value x, const std::string& name) {
    x = t.pad(x, name + ".pad", 1, PaddingMode::reflect);
    return t.conv(x, name, {.out_channels = 16, .kernel = 3});
  };
  const Value x = t.relu(t.group_norm(conv(t.x, "conv0"), "norm0", 16), "relu0");
  const Value y = t.relu(t.group_norm(conv(x, "conv1"), "norm1", 16), "relu1");
  t.graph.output("y", t.add(x, t.group_norm(conv(y, "conv2"), "norm2", 16), "sum"));
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

TEST(Traffic, ANormInItsNeighboursCostsNoPictureOfItsOwn) {
  for (const plan::Precision precision : {plan::Precision::f32, plan::Precision::f16}) {
    plan::Options options{.backend = plan::Backend::gpu, .precision = precision};
    const Moved fused = moved(residual_block(), options);
    options.passes.fuse = false;
    const Moved plain = moved(residual_block(), options);
    const int64_t picture = 40 * 36 * 16 * (precision == plan::Precision::f32 ? 4 : 2);
    // Left out: a pad of each of three convolutions (the first of half the channels), the relu of norm0
    // and the norm and relu of norm1, the norm before the sum.
    EXPECT_LT(fused.written + 6 * picture, plain.written) << plan::to_string(precision);
    EXPECT_LT(fused.read, plain.read) << plan::to_string(precision);
    EXPECT_LT(fused.launches, plain.launches);
  }
}

}  // namespace
}  // namespace kintsugi
