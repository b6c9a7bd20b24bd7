// SPDX-License-Identifier: MIT
#include "runtime/session/images.h"

#include <algorithm>

#include "kernels/core/sample.h"

namespace kintsugi::session {
namespace {

using graph::Graph;
using graph::Value;

/// A node of an op with its module's name; it has no line in a network.
Value record(Graph& graph, const std::string& name, AnyOp op, std::vector<Value> inputs) {
  return graph.record({.does = std::move(op), .inputs = std::move(inputs), .names = {name}});
}

Value read_image(Graph& graph, const std::string& port, const Images::In& in, const Shape& shape) {
  if (in.desc.count != shape.c()) {
    throw Error(ErrorCode::internal, "the input '" + port + "' has " + std::to_string(shape.c()) +
                                         " channels, an image makes " +
                                         std::to_string(in.desc.count));
  }
  const DType samples = in.desc.bits == 8 ? DType::u8 : DType::u16;
  std::vector<Value> inputs{
      graph.image(port, {shape.n(), in.colours, shape.h(), shape.w()}, samples)};
  if (in.desc.masked) {
    inputs.push_back(graph.image(mask_port(port), {shape.n(), 1, shape.h(), shape.w()}, DType::u8));
  }
  return record(graph, port, in.desc, std::move(inputs));
}

}  // namespace

Graph with_images(Graph graph, const Images& images) {
  const auto require = [&](const std::vector<graph::Port>& ports, const std::string& port) {
    if (std::ranges::find(ports, port, &graph::Port::name) != ports.end()) return;
    throw Error(ErrorCode::internal, "an image is for the port '" + port + "', which is not there");
  };
  for (const auto& [port, in] : images.inputs) require(graph.inputs, port);
  for (const auto& [port, desc] : images.outputs) require(graph.outputs, port);
  const std::vector<graph::Port> inputs = graph.inputs;
  graph::rebuild(graph, [&](graph::Node node, size_t number) {
    const Value first{static_cast<int32_t>(number)};
    const auto port = std::ranges::find(inputs, first, &graph::Port::value);
    if (port == inputs.end()) return graph.append(std::move(node));
    const auto image = images.inputs.find(port->name);
    if (image == images.inputs.end()) return graph.append(std::move(node));
    return read_image(graph, port->name, image->second, node.shapes[0]);
  });
  std::erase_if(graph.inputs, [&](const graph::Port& port) {
    return graph.node(port.value).op() != nullptr;  // made of an image now, which is the port
  });
  for (const auto& [port, desc] : images.outputs) {
    const auto output = std::ranges::find(graph.outputs, port, &graph::Port::name);
    output->value = record(graph, port, desc, {output->value});
    const Value first_bad{output->value.node, 1};
    graph.output(first_bad_port(port), first_bad);
  }
  return graph;
}

std::optional<std::array<int64_t, 4>> first_bad(const execute::Executor& executor,
                                                const plan::Placed& first_bad) {
  std::optional<std::array<int64_t, 4>> found;
  executor.read(first_bad, [&](int64_t n, int64_t y, std::span<const float> row) {
    if (!found && row[0] >= 0) found = {n, 0, y, static_cast<int64_t>(row[0])};
  });
  return found;
}

}  // namespace kintsugi::session
