// SPDX-License-Identifier: MIT
//
// That an op and a network are a folder and a line each. The toys of this folder are in the lists beside
// it, which are added to those of the product; nothing else names them.
#include <gtest/gtest.h>

#include <filesystem>

#include "kernels/contract/ops.h"
#include "kernels/norm/norm.h"
#include "kintsugi/kintsugi.hpp"
#include "runtime/networks/network.h"
#include "runtime/plan/plan.h"
#include "tests/house/ops/duel/duel.h"

namespace kintsugi {
namespace {

class Toy : public testing::Test {
 protected:
  static std::filesystem::path weights() {
    const auto file = std::filesystem::temp_directory_path() / "kintsugi_house.safetensors";
    write_tensors(file, {{"factor.weight", {{3}, {1, 2, -1}}}});
    return file;
  }
  static Tensor image(float value) { return {{1, 3, 2, 2}, std::vector<float>(12, value)}; }
};

TEST_F(Toy, OpIsOneOfTheList) {
  const OpTable& op = op_named("duel");
  EXPECT_FALSE(has_cuda(op));
  Fields fields(std::map<std::string, std::string>{{"handicap", "2"}});
  EXPECT_EQ(to_string(AnyOp(op, op.read({}, fields))), "duel, handicap 2.000000");
}

TEST_F(Toy, OpIsBenchedByName) {
  const OpBench bench = bench_op({.op = "duel", .input = {1, 5, 8, 8}, .device = "cpu", .runs = 1});
  EXPECT_EQ(bench.op, "duel, handicap 0.000000");
  EXPECT_EQ(bench.flops, 5 * 64);
}

// Its second output is no moments: a norm of either reads what was stored.
TEST_F(Toy, OpLeavesNoMoments) {
  for (const int32_t output : {0, 1}) {
    graph::Graph graph;
    const graph::Value a = graph.input("a", {1, 4, 3, 3}), b = graph.input("b", {1, 4, 3, 3});
    const graph::Value winner =
        graph.record({.does = duel::Desc{}, .inputs = {a, b}, .names = {"duel"}});
    const graph::Value normed{winner.node, output};
    const graph::Value scale = graph.record({.does = norm::Desc{.groups = graph.shape(normed).c()},
                                             .inputs = {normed},
                                             .names = {"norm"}});
    graph.output("scale", scale);
    const plan::Plan plan = plan::make(graph, {});
    EXPECT_EQ(plan.steps[1].inputs[0].region,
              plan.steps[0].outputs[static_cast<size_t>(output)].region);
    EXPECT_EQ(plan.steps[1].inputs[0].shape, (Shape{1, output == 0 ? 4 : 1, 3, 3}));
    EXPECT_EQ(plan.steps[1].work.op().as<norm::Desc>()->moments_of, 0);
  }
}

TEST_F(Toy, NetworkIsRecognisedAndItsStateCounts) {
  for (const char* device : {"cpu", "reference", "reference-f64"}) {
    const Model model = Model::open(weights());
    EXPECT_EQ(model.describe().network, "toy");
    const PlanSummary plan = model.plan({.height = 2, .width = 2, .device = device});
    EXPECT_GT(plan.memory.persistent, 0);
    Session session = model.session({.device = device});
    const float fed[] = {1, 3, -2};
    const float best[] = {2, 6, 6};  // of twice the image
    for (int i = 0; i < 3; ++i) {
      const Tensors out = session.run({{"input", image(fed[i])}});
      EXPECT_EQ(out.at("count").values[0], static_cast<float>(i + 1)) << device;
      EXPECT_EQ(out.at("output").values[4], best[i]) << device << " " << i;  // channel 1
    }
    EXPECT_EQ(session.allocated_bytes(), plan.memory.peak()) << device;
  }
}

TEST_F(Toy, AnOpWithoutACudaKernelIsRefusedByName) {
  const Model model = Model::open(weights());
  try {
    (void)model.plan({.height = 2, .width = 2, .device = "emulated"});
    ADD_FAILURE() << "planned";
  } catch (const Error& error) {
    if (error.code() == ErrorCode::device_unavailable) GTEST_SKIP() << error.what();
    EXPECT_STREQ(error.what(), "duel (duel, handicap 0.000000) has no CUDA kernel");
  }
}

}  // namespace
}  // namespace kintsugi
