// SPDX-License-Identifier: MIT
#include "tests/house/networks/toy/toy.h"

#include <array>

#include "kernels/elementwise/elementwise.h"
#include "tests/house/ops/duel/duel.h"

namespace kintsugi::networks::toy {
namespace {

graph::Graph record(const Scope& m, graph::Graph& graph, const Shape& input) {
  const graph::Value x = graph.input("input", input);
  const graph::StateId best = graph.state({.name = "best", .shape = input});
  const graph::StateId count = graph.state({.name = "count", .shape = {input.n(), 1, 1, 1}});

  const graph::ConstantId scale = m["scale"].weight("weight", {input.c()});
  const graph::Value scaled =
      graph.record({.does = elementwise::Desc{.steps = {step::mul(Extent::channel)}},
                    .inputs = {x},
                    .operands = {scale},
                    .names = {"scale"},
                    .where = m.where()});
  const graph::Value winner = graph.record({.does = duel::Desc{},
                                            .inputs = {graph.read(best), scaled},
                                            .names = {"duel"},
                                            .where = m.where()});
  const graph::Value more = graph.record({.does = elementwise::Desc{.steps = {step::add(1.0f)}},
                                          .inputs = {graph.read(count)},
                                          .names = {"count"},
                                          .where = m.where()});
  graph.write(best, winner);
  graph.write(count, more);
  graph.output("output", winner);
  graph.output("share", {winner.node, 1});
  graph.output("count", more);
  return graph;
}

}  // namespace

Opened open(const weights::Weights& weights, const weights::Detection& detection) {
  Opened opened;
  opened.keys = detection.map();
  Description& d = opened.description;
  d.title = "toy";
  d.inputs = {{"input", "[N, 3, H, W]", "anything"}};
  d.outputs = {{"output", "[N, 3, H, W]", "the best so far"},
               {"share", "[N, 1, H, W]", "of channels in which the past wins"},
               {"count", "[N, 1, 1, 1]", "replays"}};
  opened.record = [weights, keys = opened.keys](const Shapes& inputs, const Settings& settings) {
    check_settings(settings, {});
    graph::Graph graph;
    return record(Scope(graph, weights, keys), graph, inputs.at("input"));
  };
  return opened;
}

}  // namespace kintsugi::networks::toy
