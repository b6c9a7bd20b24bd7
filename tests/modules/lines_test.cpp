// SPDX-License-Identifier: MIT
//
// Nodes and mistakes name the line of the network that says `m["conv1"]`, never one of nn.
#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <functional>
#include <string>

#include "runtime/graph/nn.h"
#include "runtime/weights/source_line.h"

namespace kintsugi {
namespace {

using graph::Value;

std::string line(int ahead, std::source_location here = std::source_location::current()) {
  return "tests/modules/lines_test.cpp:" + std::to_string(static_cast<int>(here.line()) + ahead);
}

struct Lines : testing::Test {
  const weights::Weights weights{std::filesystem::path(KINTSUGI_TEST_DATA) / "modules.safetensors"};
  const weights::KeyMap as_stored;
  graph::Graph graph;
  const Value x = graph.input("x", {2, 12, 11, 14});
  const Value mask = graph.input("mask", {2, 1, 11, 14}, true);
  const Scope m{graph, weights, as_stored};

  static std::string of(const Scope& scope) { return weights::source_line(scope.where()); }
  /// Of the `count` last nodes.
  void expect_all(size_t count, const std::string& expected) {
    ASSERT_GE(graph.nodes.size(), count);
    for (size_t i = graph.nodes.size() - count; i < graph.nodes.size(); ++i) {
      EXPECT_EQ(weights::source_line(graph.nodes[i].where), expected) << graph.nodes[i].name();
    }
  }
  static std::string refusal(const std::function<void()>& action) {
    try {
      action();
    } catch (const Error& error) {
      return error.what();
    }
    return "nothing was refused";
  }
};

TEST_F(Lines, AreThoseOfTheLastName) {
  const Scope root(graph, weights, as_stored);
  EXPECT_EQ(of(root), line(-1));
  EXPECT_EQ(of(m["conv1"]), line(0));
  for (int64_t i = 0; i < 2; ++i) {
    const Scope scope = m["blocks"][i]["conv" + std::to_string(i)];
    EXPECT_EQ(of(scope), line(-1));
    EXPECT_EQ(scope.path(), "blocks." + std::to_string(i) + ".conv" + std::to_string(i));
  }
  const Scope blocks = m["blocks"];
  const Scope conv = blocks["conv"];
  EXPECT_EQ(of(blocks), line(-2));
  EXPECT_EQ(of(conv), line(-2));
  EXPECT_EQ(of(conv.inner("part")), of(conv));
  EXPECT_EQ(conv.inner("part").path(), "blocks.conv.part");
}

// The name's line, not where the statement begins or ends.
TEST_F(Lines, OfLongCallsAreThoseOfTheName) {
  // clang-format off
  const std::string outer = line(2), inner = line(4);
  const Value y = nn::max_pool2d(
      m["blocks"][0]["outer"],
      nn::max_pool2d(
          m["blocks"][0]["inner"], x,
          {.kernel = 2}),
      {.kernel = 3});
  // clang-format on
  EXPECT_EQ(graph.node(y).name(), "blocks.0.outer");
  EXPECT_EQ(weights::source_line(graph.node(y).where), outer);
  EXPECT_EQ(weights::source_line(graph.node(graph.node(y).inputs[0]).where), inner);
}

// As a table's row says it: `layers.conv(1, x)`.
TEST_F(Lines, OfAHelperThatTakesANameAreItsCallers) {
  const auto conv = [&](const Name& layer) { return m["conv" + layer]; };
  EXPECT_EQ(of(conv(1)), line(0));
  EXPECT_EQ(of(conv("2")), line(0));
  EXPECT_EQ(conv(17).path(), "conv17");
}

TEST_F(Lines, OfWhatALayerAddsAreTheNetworks) {
  (void)nn::group_norm(m["norm"], x, 3, 1e-5, false);
  expect_all(2, line(-1));
  (void)nn::instance_norm(m["norm"], x);
  expect_all(2, line(-1));
  const Value picture = graph.input("picture", {2, 5, 11, 14});
  (void)nn::partial_conv2d(m["partial"]["conv1"], picture, mask, {.channels = 12, .kernel = 5});
  expect_all(3, line(-1));
  for (const graph::Constant& constant : graph.constants) {
    EXPECT_EQ(weights::source_line(constant.where), line(-3)) << constant.name;
  }
}

TEST_F(Lines, OfMistakesAreTheNetworks) {
  std::string said = refusal([&] { (void)nn::instance_norm(m["norm"], x, -1); });
  EXPECT_TRUE(said.starts_with("norm.statistics (" + line(-1) + "): ")) << said;
  said = refusal([&] { (void)nn::add(m["sum"], x, mask); });
  EXPECT_TRUE(said.starts_with("sum (" + line(-1) + "): ")) << said;
  said = refusal([&] { (void)nn::batch_norm(m["norm"]["conv1"], x); });
  EXPECT_NE(said.find("but " + line(-1) + " expects [12]"), std::string::npos) << said;
  said = refusal([&] { (void)nn::linear(m["fc"], x, 4); });
  EXPECT_NE(said.find(line(-1) + " expects, is missing"), std::string::npos) << said;
}

}  // namespace
}  // namespace kintsugi
