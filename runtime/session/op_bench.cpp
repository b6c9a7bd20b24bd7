// SPDX-License-Identifier: MIT
//
// Time of one op alone. It takes the same way as a network's layer, a graph of one node, so that what is
// timed is what runs.
#include <charconv>

#include "kernels/simd/probe.h"
#include "runtime/io/guarded.h"
#include "runtime/session/impl.h"

namespace kintsugi {
namespace {

/// Settings of an op, each asked for once; what is left over was not understood.
class OpSettings {
 public:
  explicit OpSettings(const Settings& settings) : left_(settings) {}

  int64_t integer(const std::string& key, int64_t otherwise) {
    const std::string text = take(key);
    if (text.empty()) return otherwise;
    int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) {
      throw Error(ErrorCode::usage, "the setting " + key + "=" + text + " is not an integer");
    }
    return value;
  }

  /// The index of the setting's value among `names`; the first when it is not given.
  size_t choice(const std::string& key, std::initializer_list<const char*> names) {
    const std::string text = take(key);
    if (text.empty()) return 0;
    std::string list;
    size_t index = 0;
    for (const char* name : names) {
      if (text == name) return index;
      list += (list.empty() ? "" : ", ") + std::string(name);
      ++index;
    }
    throw Error(ErrorCode::usage, "the setting " + key + "=" + text + " is not known",
                key + " is one of: " + list);
  }

  void finish() const {
    if (left_.empty()) return;
    std::string list;
    for (const std::string& key : known_) list += (list.empty() ? "" : ", ") + key;
    throw Error(ErrorCode::usage, "unknown setting '" + left_.begin()->first + "'",
                "settings of this op: " + list);
  }

 private:
  std::string take(const std::string& key) {
    known_.push_back(key);
    const auto at = left_.find(key);
    if (at == left_.end()) return {};
    std::string value = at->second;
    left_.erase(at);
    return value;
  }

  Settings left_;
  std::vector<std::string> known_;
};

constexpr std::array kFunctions = {Function::identity, Function::relu,    Function::leaky_relu,
                                   Function::elu,      Function::sigmoid, Function::tanh,
                                   Function::silu};

Function take_function(OpSettings& s) {
  return kFunctions[s.choice("act",
                             {"identity", "relu", "leaky_relu", "elu", "sigmoid", "tanh", "silu"})];
}

Steps activation(Function function) {
  if (function == Function::identity) return {};
  return {step::activate(function, 0.2f)};
}

PaddingMode take_padding(OpSettings& s) {
  return s.choice("mode", {"zero", "reflect"}) == 0 ? PaddingMode::zero : PaddingMode::reflect;
}

/// As networks have it: what a norm did not yet do to the input, a channel bias first, then an
/// activation or a gate; of `k` channels twice the filters with one.
template <class Desc>
graph::Op in_a_network(Desc desc, OpSettings& s) {
  if (s.choice("norm", {"off", "on"}) == 1) {
    desc.prologue.steps = {step::affine(Extent::sample_channel), step::activate(Function::relu)};
  }
  desc.moments = s.choice("moments", {"off", "on"}) == 1;
  desc.epilogue = {step::add(Extent::channel)};
  const Function function = take_function(s);
  if (s.choice("gate", {"off", "on"}) == 1) {
    desc.out_channels = checked_multiply(2, desc.out_channels);
    desc.epilogue.append(step::gate(function, Function::sigmoid, 0.2f));
  } else {
    for (const Step& step : activation(function)) desc.epilogue.append(step);
  }
  if (desc.moments && !accepts_moments(desc)) {
    throw Error(ErrorCode::usage, "what was gated leaves no moments: moments=on or gate=on");
  }
  return desc;
}

graph::Op make_conv2d(const Shape& input, OpSettings& s) {
  return in_a_network(conv2d::Desc{.in_channels = input.c(),
                                   .out_channels = s.integer("k", input.c()),
                                   .kernel = s.integer("kernel", 3),
                                   .stride = s.integer("stride", 1),
                                   .dilation = s.integer("dilation", 1),
                                   .padding = s.integer("padding", 0),
                                   .padding_mode = take_padding(s),
                                   .prologue = {.upsample = s.integer("upsample", 1)}},
                      s);
}

graph::Op make_conv_transpose2d(const Shape& input, OpSettings& s) {
  return in_a_network(conv_transpose2d::Desc{.in_channels = input.c(),
                                             .out_channels = s.integer("k", input.c()),
                                             .kernel = s.integer("kernel", 4),
                                             .stride = s.integer("stride", 2),
                                             .dilation = s.integer("dilation", 1),
                                             .padding = s.integer("padding", 1)},
                      s);
}

graph::Op make_elementwise(const Shape&, OpSettings& s) {
  elementwise::Desc desc{.steps = {step::affine(Extent::channel)}};
  for (const Step& step : activation(take_function(s))) desc.steps.append(step);
  return desc;
}

graph::Op make_layer_norm(const Shape&, OpSettings& s) {
  return layer_norm::Desc{.affine = s.choice("affine", {"on", "off"}) == 0};
}

graph::Op make_norm(const Shape& input, OpSettings& s) {
  return norm::Desc{.groups = s.integer("groups", input.c()),
                    .affine = s.choice("affine", {"off", "on"}) == 1};
}

graph::Op make_pad(const Shape&, OpSettings& s) {
  const int64_t amount = s.integer("amount", 1);
  return pad::Desc{
      .top = amount, .bottom = amount, .left = amount, .right = amount, .mode = take_padding(s)};
}

graph::Op make_partial_mask(const Shape&, OpSettings& s) {
  return partial_mask::Desc{.kernel = s.integer("kernel", 3),
                            .stride = s.integer("stride", 1),
                            .dilation = s.integer("dilation", 1),
                            .padding = s.integer("padding", 1),
                            .channels = {s.integer("channels", 64), 0}};
}

graph::Op make_pool(const Shape&, OpSettings& s) {
  return pool::Desc{
      .mode = s.choice("kind", {"max", "average"}) == 0 ? pool::Mode::max : pool::Mode::average,
      .kernel = s.integer("kernel", 2),
      .stride = s.integer("stride", 2),
      .padding = s.integer("padding", 0)};
}

graph::Op make_reduce(const Shape&, OpSettings& s) {
  constexpr std::array kKinds = {reduce::Reduction::mean, reduce::Reduction::sum,
                                 reduce::Reduction::max};
  return reduce::Desc{.reduction = kKinds[s.choice("kind", {"mean", "sum", "max"})],
                      .over = s.choice("over", {"pixels", "channels"}) == 0
                                  ? reduce::Over::pixels
                                  : reduce::Over::channels};
}

graph::Op make_resample(const Shape& input, OpSettings& s) {
  return resample::Desc{.size = {s.integer("height", checked_multiply(2, input.h())),
                                 s.integer("width", checked_multiply(2, input.w()))},
                        .mode = s.choice("kind", {"nearest", "bilinear"}) == 0
                                    ? resample::Mode::nearest
                                    : resample::Mode::bilinear};
}

struct NamedOp {
  const char* name;
  graph::Op (*make)(const Shape& input, OpSettings& s);
};
constexpr NamedOp kOps[] = {
    {"conv2d", make_conv2d},
    {"conv_transpose2d", make_conv_transpose2d},
    {"elementwise", make_elementwise},
    {"layer_norm", make_layer_norm},
    {"norm", make_norm},
    {"pad", make_pad},
    {"partial_mask", make_partial_mask},
    {"pool", make_pool},
    {"reduce", make_reduce},
    {"resample", make_resample},
};

graph::Op make_op(const OpBenchOptions& options, OpSettings& s) {
  std::string names;
  for (const NamedOp& op : kOps) {
    if (options.op == op.name) return op.make(options.input, s);
    names += (names.empty() ? "" : ", ") + std::string(op.name);
  }
  throw Error(ErrorCode::usage, "there is no op named '" + options.op + "'",
              "ops of this build: " + names);
}

graph::ConstantId random_constant(graph::Graph& graph, const Shape& shape) {
  const std::string name = "random " + std::to_string(graph.constants.size());
  const int64_t count = shape.elements();
  return graph.constant({.name = name,
                         .shape = shape,
                         .sources = {},
                         .formula =
                             [count](std::span<const std::vector<double>>) {
                               return session::random_values(count, 1);
                             },
                         .where = {}});
}

/// One node of `op` on random constants, and on random statistics where it applies some.
graph::Graph graph_of(const graph::Op& op, const Shape& input) {
  graph::Graph graph;
  const bool is_mask = std::holds_alternative<partial_mask::Desc>(op);
  graph::Node node{.op = op, .inputs = {graph.input("input", input, is_mask)}, .names = {"op"}};
  const Prologue* prologue = graph::prologue_of(op);
  if (prologue != nullptr && !prologue->steps.empty()) {
    const graph::Value statistics = graph.input("statistics", {input.n(), input.c(), 1, 1}, true);
    node.operands.assign(static_cast<size_t>(prologue->steps.operand_count()), statistics);
  }
  std::visit(
      [&](const auto& desc) {
        int64_t channels = input.c();
        if constexpr (requires { desc.weight_shape(); }) {
          node.weights = {random_constant(graph, desc.weight_shape())};
          channels = desc.out_channels;
        } else if constexpr (requires { desc.affine; }) {
          for (int i = 0; i < (desc.affine ? 2 : 0); ++i) {
            node.weights.push_back(random_constant(graph, {channels}));
          }
        }
        const Steps* steps = graph::steps_of(op);
        for (int i = 0; steps != nullptr && i < steps->operand_count(); ++i) {
          node.operands.push_back(random_constant(graph, {channels}));
        }
      },
      op);
  graph.output("output", graph.record(std::move(node)));
  return graph;
}

OpBench bench_alone(const OpBenchOptions& options) {
  session::require_runs(options.runs);
  if (options.input.rank() != 4) {
    throw Error(ErrorCode::usage, "the shape " + options.input.to_string() + " is not NxCxHxW");
  }
  OpSettings settings(options.settings);
  const graph::Op op = make_op(options, settings);
  settings.finish();

  const session::Device device = session::choose_device(options.device, options.dtype);
  const bool on_gpu = device.backend == plan::Backend::gpu;
  ThreadPool pool(options.threads);
  plan::Plan plan =
      plan::make(graph_of(op, options.input), device.options(pool.threads(), {}, false));
  execute::PackedStore store({});
  execute::PackedWeights weights = store.pack(plan, device.gpu);
  const auto executor = execute::make_executor(std::move(plan), std::move(weights));
  const device::Handle<device::Stream> stream = on_gpu ? device::make_stream() : nullptr;
  const execute::Buffer arena(executor->plan().arena_bytes, std::make_shared<execute::Meter>(),
                              on_gpu ? execute::Memory::device : execute::Memory::host);
  const execute::Buffer staging(executor->plan().staging_bytes(),
                                std::make_shared<execute::Meter>(), execute::Memory::staging);
  executor->bind({.arena = arena.data(),
                  .parallel = &pool,
                  .staging = staging.data(),
                  .stream = stream.get(),
                  .gpu = device.gpu});
  session::fill_with_noise(*executor);
  executor->run({});

  const plan::PlanStep& step = executor->plan().steps[0];
  OpBench bench{.op = graph::to_string(step.op),
                .config = plan::to_string(step.config),
                .device = device.text,
                .flops = step.flops,
                .bytes = step.bytes};
  std::vector<double> peaks;
  for (int run = 0; run < options.runs; ++run) {
    executor->run({});
    bench.seconds.push_back(static_cast<double>(executor->run_ns()) * 1e-9);
    if (!on_gpu) peaks.push_back(simd::fma_peak(pool, device.isa));
  }
  if (!on_gpu) bench.peaks = {session::median(peaks), simd::copy_bandwidth(pool)};
  return bench;
}

}  // namespace

OpBench bench_op(const OpBenchOptions& options) {
  return guarded([&] { return bench_alone(options); });
}

}  // namespace kintsugi
