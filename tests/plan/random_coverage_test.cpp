// SPDX-License-Identifier: MIT
//
// That the random graphs of a test run are of everything: each op in each of its forms, each step on
// each extent, each function, and what the planner makes of them.
#include <map>
#include <set>

#include "kernels/contract/ops.h"
#include "tests/plan/random_graphs.h"
#include "tests/plan/support.h"

namespace kintsugi {
namespace {

using graph::Node;
using graph::Value;
using test::RandomGraph;

/// Of how many graphs each thing is a part.
class Seen {
 public:
  void add(const std::string& what, bool is = true) {
    if (is) now_.insert(what);
  }
  void next_graph() {
    for (const std::string& what : now_) ++graphs_[what];
    now_.clear();
  }
  int of(const std::string& what) const {
    const auto found = graphs_.find(what);
    return found == graphs_.end() ? 0 : found->second;
  }

 private:
  std::set<std::string> now_;
  std::map<std::string, int> graphs_;
};

void look_at(const conv2d::Desc& conv, const Shape& in, const Node&, Seen& seen) {
  seen.add("conv2d");
  seen.add("conv2d reflect", conv.padding_mode == PaddingMode::reflect && !(conv.padding == 0));
  seen.add("conv2d stride", !(conv.stride == Pair(1)));
  seen.add("conv2d dilation", !(conv.dilation == Pair(1)));
  seen.add("conv2d 1x1", conv.kernel == Pair(1));
  seen.add("conv2d linear", conv.kernel == Pair(in.h(), in.w()) && in.h() > 1);
  seen.add("conv2d few outputs", conv.in_channels >= 8 && conv.out_channels <= 4);
  seen.add("conv2d without bias", conv.epilogue.empty());
}
void look_at(const conv_transpose2d::Desc& deconv, const Shape&, const Node&, Seen& seen) {
  seen.add("conv_transpose2d");
  seen.add("conv_transpose2d stride 1", deconv.stride == Pair(1));
  seen.add("conv_transpose2d uneven stride", deconv.stride.h != deconv.stride.w);
  seen.add("conv_transpose2d dilation", !(deconv.dilation == Pair(1)));
  seen.add("conv_transpose2d output padding", !(deconv.output_padding == Pair(0)));
}
void look_at(const elementwise::Desc& chain, const Shape&, const Node& node, Seen& seen) {
  seen.add("several steps", chain.steps.size() > 1);
  seen.add("a gate alone", chain.steps.size() == 1 && chain.steps.gate() == 0);
  seen.add("a gate among steps", chain.steps.size() > 1 && chain.steps.gate() >= 0);
  if (!(chain.steps[0] == step::add(Extent::tensor))) return;
  const Value other = std::get<Value>(node.operands[0]);
  seen.add("a sum of itself", node.inputs[0] == other);
  seen.add("a sum, newer first", node.inputs[0].node > other.node);
  seen.add("a sum, older first", node.inputs[0].node < other.node);
}
void look_at(const pad::Desc& border, const Shape&, const Node&, Seen& seen) {
  const bool even = border.top == border.bottom && border.left == border.right;
  seen.add(std::string("pad ") + (even ? "even" : "uneven") +
           (border.mode == PaddingMode::reflect ? " reflect" : " zero"));
}
void look_at(const norm::Desc& norm, const Shape& in, const Node&, Seen& seen) {
  seen.add(norm.groups == 1        ? "norm of all"
           : norm.groups == in.c() ? "norm of channels"
                                   : "norm of groups");
  seen.add(norm.affine ? "norm affine" : "norm plain");
}
void look_at(const layer_norm::Desc& norm, const Shape&, const Node&, Seen& seen) {
  seen.add(norm.affine ? "layer_norm affine" : "layer_norm plain");
}
void look_at(const concat::Desc&, const Shape& in, const Node& node, Seen& seen) {
  seen.add(in.c() % 8 == 0 ? "concat in groups" : "concat ragged");
  seen.add("concat of more than a launch takes", node.inputs.size() > 8);
  seen.add("concat of three", node.inputs.size() >= 3);
}
void look_at(const copy::Desc& slice, const Shape&, const Node&, Seen& seen) {
  seen.add(slice.first % 8 == 0 && slice.channels % 8 == 0 ? "slice of groups" : "slice ragged");
}
void look_at(const partial_mask::Desc& mask, const Shape&, const Node& node, Seen& seen) {
  seen.add(mask.form == partial_mask::Form::paper ? "partial_mask paper" : "partial_mask naoto");
  seen.add("partial_mask of two planes", node.inputs.size() == 2);
}
void look_at(const resample::Desc& size, const Shape& in, const Node&, Seen& seen) {
  const bool nearest = size.mode == resample::Mode::nearest;
  seen.add(nearest              ? "resample nearest"
           : size.align_corners ? "resample aligned"
                                : "resample bilinear");
  seen.add("resample to less", size.size.h < in.h());
}
void look_at(const pool::Desc& window, const Shape&, const Node&, Seen& seen) {
  seen.add(window.mode == pool::Mode::max ? "pool max"
           : window.count_include_pad     ? "pool average"
                                          : "pool average inside");
}
void look_at(const reduce::Desc& whole, const Shape&, const Node&, Seen& seen) {
  seen.add(to_string(whole));
}
void look_at(const graph::Input& input, const Shape&, const Node&, Seen& seen) {
  if (input.state.index >= 0) return seen.add("a state");
  seen.add(input.exact && input.shape.c() == 1 ? "a mask" : input.exact ? "a style" : "a picture");
}

void look_at_steps(const Node& node, Seen& seen) {
  const Steps* list = node.op() != nullptr ? node.op()->steps() : nullptr;
  size_t operand = 0;
  for (int i = 0; list != nullptr && i < list->size(); ++i) {
    const Step& step = (*list)[i];
    if (step.kind == Step::Kind::activate) {
      seen.add(std::string("activate ") + to_string(step.function));
    } else if (step.kind == Step::Kind::gate) {
      seen.add(std::string("gate of ") + to_string(step.function));
      seen.add(std::string("gate by ") + to_string(step.gate));
    } else {
      const std::string text = to_string(Steps{step});
      const std::string name = text.substr(0, text.find(' ') + 1) + to_string(step.extent);
      seen.add(name);
      for (int o = 0; o < step.operand_count(); ++o) {
        const auto* value = std::get_if<Value>(&node.operands[operand++]);
        if (step.extent != Extent::channel || value == nullptr) continue;
        seen.add(name + " by a node");
      }
    }
  }
}

template <class... Descs>
void look_at_op(const Shape& in, const Node& node, Seen& seen) {
  const auto look = [&]<class Desc>(const Desc* desc) {
    if (desc != nullptr) look_at(*desc, in, node, seen);
    return desc != nullptr;
  };
  EXPECT_TRUE((look(node.as<Descs>()) || ...)) << graph::to_string(node);
}

void look_at_graph(const RandomGraph& drawn, Seen& seen) {
  const graph::Graph& graph = drawn.graph;
  std::vector<int> readers(graph.nodes.size(), 0);
  for (const Node& node : graph.nodes) {
    const bool reads = !node.inputs.empty();
    const Shape in = reads ? graph.shape(node.inputs[0]) : Shape();
    if (!reads) {
      look_at(std::get<graph::Input>(node.does), in, node, seen);
    } else {
      seen.add("op " + std::string(node.op()->table().name));
      look_at_op<conv2d::Desc, conv_transpose2d::Desc, elementwise::Desc, pad::Desc, norm::Desc,
                 layer_norm::Desc, partial_mask::Desc, concat::Desc, copy::Desc, resample::Desc,
                 pool::Desc, reduce::Desc>(in, node, seen);
      for (const Value value : node.inputs) {
        const Node& from = graph.node(value);
        seen.add("partial_mask of one made before", node.as<partial_mask::Desc>() != nullptr &&
                                                        from.as<partial_mask::Desc>() != nullptr);
        if (node.as<norm::Desc>() != nullptr && from.shapes.size() == 2) {
          const bool mask = from.as<partial_mask::Desc>() != nullptr;
          seen.add(std::string("norm of ") + (mask ? "a mask's" : "a norm's") + " output " +
                   std::to_string(value.output));
        }
        seen.add("a chain of long concats", node.as<concat::Desc>() != nullptr &&
                                                from.as<concat::Desc>() != nullptr &&
                                                from.inputs.size() >= 8);
      }
    }
    look_at_steps(node, seen);
    for (const Value value : graph::reads(node)) ++readers[static_cast<size_t>(value.node)];
  }
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    // The first two would absorb it.
    const auto* border = graph.nodes[i].as<pad::Desc>();
    std::vector<const Node*> by;
    for (const Node& node : graph.nodes) {
      const auto reads = graph::reads(node);
      if (std::ranges::find(reads, Value{static_cast<int32_t>(i)}) != reads.end()) {
        by.push_back(&node);
      }
    }
    seen.add("two convolutions and another reader of an even pad",
             border != nullptr && border->top == border->bottom && border->left == border->right &&
                 by.size() >= 3 && by[0]->as<conv2d::Desc>() && by[1]->as<conv2d::Desc>() &&
                 !by[2]->as<conv2d::Desc>());
  }
  seen.add("three readers", std::ranges::any_of(readers, [](int count) { return count >= 3; }));
  seen.add("three outputs", graph.outputs.size() >= 3);
  std::set<int> outputs;
  for (const graph::Port& port : graph.outputs) {
    seen.add("one value, two outputs", !outputs.insert(port.value.node).second);
    const Node& node = graph.node(port.value);
    seen.add("an input that is an output", node.op() == nullptr);
    seen.add("an output with readers", readers[static_cast<size_t>(port.value.node)] > 0);
    seen.add("statistics that are an output", node.as<norm::Desc>() != nullptr);
  }
  for (const graph::State& state : graph.states) {
    seen.add("a state of two entries", state.entries == 2);
  }
  seen.add("wide", drawn.wide);
  seen.add("mixes", drawn.mixes);
}

void look_at_plan(const plan::Plan& plan, const std::string& on, Seen& seen) {
  std::map<int, int> gathered;
  for (const plan::PlanStep& step : plan.steps) {
    const AnyOp& op = step.work.op();
    const Prologue* prologue = op.prologue();
    seen.add(on + "steps in a prologue", prologue != nullptr && !prologue->steps.empty());
    seen.add(on + "an enlarging prologue", prologue != nullptr && prologue->upsample == 2);
    const auto* statistics = op.as<norm::Desc>();
    const bool from_moments = statistics != nullptr && statistics->moments_of > 0;
    seen.add(on + "moments left", op.makes(1) == Stored::moments && step.outputs.size() > 1);
    seen.add(on + "moments gathered twice",
             from_moments && ++gathered[step.inputs[0].region.slot] == 2);
    seen.add(on + "a picture read for its norm", statistics != nullptr && !from_moments);
    seen.add(on + "a step in place", step.outputs[0].region == step.inputs[0].region);
    seen.add(on + "a region of a wider slot", step.outputs[0].region.channel > 0);
    seen.add(on + "a write of a state in place",
             plan.slot(step.outputs[0]).state && op.table().name != "copy");
    seen.add(on + "a copy", op.table().name == "copy");
    seen.add(on + "a concatenation that is called", op.table().name == "concat");
    seen.add(on + "scratch", step.workspace >= 0);
    const Steps* list = op.steps();
    seen.add(on + "a full list", list != nullptr && list->full());
    const bool conv = op.as<conv2d::Desc>() != nullptr;
    seen.add(on + "a gate behind a convolution", conv && list->gate() >= 0);
    if (!conv) continue;
    const auto* config = std::get_if<conv2d::CpuConfig>(&step.work.config_of<conv2d::Op>());
    if (config == nullptr) continue;
    seen.add("winograd", config->algorithm == conv2d::Algorithm::winograd);
    seen.add("few outputs' form", config->algorithm == conv2d::Algorithm::few_outputs);
  }
  seen.add(on + "tickets", plan.tickets >= 0);
}

const char* const kRecorded[] = {"conv2d",
                                 "conv2d reflect",
                                 "conv2d stride",
                                 "conv2d dilation",
                                 "conv2d 1x1",
                                 "conv2d linear",
                                 "conv2d few outputs",
                                 "conv2d without bias",
                                 "conv_transpose2d",
                                 "conv_transpose2d stride 1",
                                 "conv_transpose2d uneven stride",
                                 "conv_transpose2d dilation",
                                 "conv_transpose2d output padding",
                                 "several steps",
                                 "a gate alone",
                                 "a gate among steps",
                                 "a sum of itself",
                                 "a sum, newer first",
                                 "a sum, older first",
                                 "pad even zero",
                                 "pad even reflect",
                                 "pad uneven zero",
                                 "pad uneven reflect",
                                 "norm of all",
                                 "norm of channels",
                                 "norm of groups",
                                 "norm affine",
                                 "norm plain",
                                 "layer_norm affine",
                                 "layer_norm plain",
                                 "partial_mask paper",
                                 "partial_mask naoto",
                                 "partial_mask of two planes",
                                 "partial_mask of one made before",
                                 "concat in groups",
                                 "concat ragged",
                                 "concat of three",
                                 "concat of more than a launch takes",
                                 "a chain of long concats",
                                 "norm of a mask's output 0",
                                 "norm of a mask's output 1",
                                 "norm of a norm's output 0",
                                 "norm of a norm's output 1",
                                 "add channel by a node",
                                 "mul channel by a node",
                                 "affine channel by a node",
                                 "prelu channel by a node",
                                 "a state of two entries",
                                 "slice of groups",
                                 "slice ragged",
                                 "a state",
                                 "resample nearest",
                                 "resample aligned",
                                 "resample bilinear",
                                 "resample to less",
                                 "pool max",
                                 "pool average",
                                 "pool average inside",
                                 "reduce mean over pixels",
                                 "reduce sum over pixels",
                                 "reduce max over pixels",
                                 "reduce mean over channels",
                                 "reduce sum over channels",
                                 "reduce max over channels",
                                 "a mask",
                                 "a style",
                                 "a picture",
                                 "clamp scalar",
                                 "three readers",
                                 "two convolutions and another reader of an even pad",
                                 "three outputs",
                                 "one value, two outputs",
                                 "an input that is an output",
                                 "an output with readers",
                                 "statistics that are an output",
                                 "wide",
                                 "mixes"};

TEST(RandomCoverage, AHundredGraphsAreOfEverything) {
  Seen seen;
  const bool gpu = test::has_gpu();
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    const RandomGraph drawn(seed);
    look_at_graph(drawn, seen);
    look_at_plan(plan::make(drawn.graph, {.isa = simd::available().back()}), "cpu: ", seen);
    if (gpu) {
      plan::Options options{.backend = plan::Backend::gpu, .gpu = device::info()};
      look_at_plan(plan::make(drawn.graph, options), "gpu: ", seen);
    }
    seen.next_graph();
  }
  const auto expect = [&](const std::string& what) { EXPECT_GE(seen.of(what), 2) << what; };
  for (const char* what : kRecorded) expect(what);
  // Samples and draws have no numbers to judge by: images_test.cpp and random_streams_test.cpp hold them.
  const std::set<std::string> elsewhere{"to_image", "to_tensor", "random"};
  for (const OpTable* op : all_ops()) {
    const std::string name(op->name);
    if (!elsewhere.contains(name)) expect("op " + name);
  }
  for (const char* kind : {"add ", "mul ", "affine ", "prelu "}) {
    for (const Extent extent :
         {Extent::scalar, Extent::channel, Extent::sample_channel, Extent::pixel, Extent::tensor}) {
      expect(std::string(kind) + to_string(extent));
    }
  }
  for (const Function function : kFunctions) {
    for (const char* what : {"activate ", "gate of ", "gate by "}) {
      if (function != Function::rsqrt) expect(what + std::string(to_string(function)));
    }
  }
  for (const char* what :
       {"steps in a prologue", "an enlarging prologue", "moments left", "moments gathered twice",
        "a picture read for its norm", "a step in place", "a region of a wider slot",
        "a write of a state in place", "a copy", "a concatenation that is called", "scratch",
        "a full list", "a gate behind a convolution"}) {
    expect(std::string("cpu: ") + what);
    if (gpu) expect(std::string("gpu: ") + what);
  }
  expect("winograd");
  if (gpu) expect("gpu: tickets");
  if (simd::available().back() != simd::Isa::emu128) expect("few outputs' form");
}

}  // namespace
}  // namespace kintsugi
