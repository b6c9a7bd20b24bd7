// SPDX-License-Identifier: MIT
//
// Time: per step as a table's rows, per run as a trace, and for one op alone. An op alone takes the
// same way as a network's layer, a graph of one node, so that what is timed is what runs.
#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "kernels/simd/probe.h"
#include "runtime/io/guarded.h"
#include "runtime/session/impl.h"

namespace kintsugi {
namespace {

double seconds(const execute::Executor::StepTime& time) {
  return static_cast<double>(time.end_ns - time.begin_ns) * 1e-9;
}

void fill_with_noise(execute::Executor& executor) {
  for (const plan::Port& port : executor.plan().inputs) {
    executor.write_input(port.slot, [](int64_t n, int64_t y, std::span<float> row) {
      const auto values = session::random_values(static_cast<int64_t>(row.size()),
                                                 static_cast<uint64_t>(n * 65536 + y));
      std::ranges::transform(values, row.begin(), [](double v) { return static_cast<float>(v); });
    });
  }
}

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

Steps take_activation(OpSettings& s) {
  constexpr std::array kFunctions = {Function::identity, Function::relu,    Function::leaky_relu,
                                     Function::elu,      Function::sigmoid, Function::tanh,
                                     Function::silu};
  const size_t index =
      s.choice("act", {"identity", "relu", "leaky_relu", "elu", "sigmoid", "tanh", "silu"});
  if (index == 0) return {};
  return {step::activate(kFunctions[index], 0.2f)};
}

/// The op with a channel bias first, as networks have it.
template <class Desc>
graph::Op with_bias(Desc desc, OpSettings& s) {
  desc.epilogue = {step::add(Extent::channel)};
  for (const Step& step : take_activation(s)) desc.epilogue.append(step);
  return desc;
}

graph::Op make_op(const OpBenchOptions& options, OpSettings& s) {
  const int64_t c = options.input.c();
  if (options.op == "conv2d") {
    return with_bias(conv2d::Desc{.in_channels = c,
                                  .out_channels = s.integer("k", c),
                                  .kernel = s.integer("kernel", 3),
                                  .stride = s.integer("stride", 1),
                                  .dilation = s.integer("dilation", 1),
                                  .padding = s.integer("padding", 0),
                                  .padding_mode = s.choice("mode", {"zero", "reflect"}) == 0
                                                      ? PaddingMode::zero
                                                      : PaddingMode::reflect},
                     s);
  }
  if (options.op == "conv_transpose2d") {
    return with_bias(conv_transpose2d::Desc{.in_channels = c,
                                            .out_channels = s.integer("k", c),
                                            .kernel = s.integer("kernel", 4),
                                            .stride = s.integer("stride", 2),
                                            .dilation = s.integer("dilation", 1),
                                            .padding = s.integer("padding", 1)},
                     s);
  }
  if (options.op == "elementwise") {
    elementwise::Desc desc{.steps = {step::affine(Extent::channel)}};
    for (const Step& step : take_activation(s)) desc.steps.append(step);
    return desc;
  }
  if (options.op == "pad") {
    const int64_t amount = s.integer("amount", 1);
    return pad::Desc{.top = amount,
                     .bottom = amount,
                     .left = amount,
                     .right = amount,
                     .mode = s.choice("mode", {"zero", "reflect"}) == 0 ? PaddingMode::zero
                                                                        : PaddingMode::reflect};
  }
  throw Error(ErrorCode::usage, "there is no op named '" + options.op + "'",
              "ops of this build: conv2d, conv_transpose2d, elementwise, pad");
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

/// One node of `op` on random constants.
graph::Graph graph_of(const graph::Op& op, const Shape& input) {
  graph::Graph graph;
  graph::Node node{.op = op, .inputs = {graph.input("input", input)}, .names = {"op"}};
  std::visit(
      [&](const auto& desc) {
        if constexpr (requires { desc.weight_shape(); }) {
          node.weights = {random_constant(graph, desc.weight_shape())};
        }
      },
      op);
  const Steps* steps = graph::steps_of(op);
  const int64_t channels = node.weights.empty()
                               ? input.c()
                               : std::visit(
                                     [&](const auto& desc) -> int64_t {
                                       if constexpr (requires { desc.out_channels; })
                                         return desc.out_channels;
                                       return input.c();
                                     },
                                     op);
  for (int i = 0; steps != nullptr && i < steps->operand_count(); ++i) {
    node.operands.push_back(random_constant(graph, {channels}));
  }
  graph.output("output", graph.record(std::move(node)));
  return graph;
}

void require_runs(int runs) {
  if (runs < 1) {
    throw Error(ErrorCode::usage, "a median needs at least one run, not " + std::to_string(runs));
  }
}

OpBench bench_alone(const OpBenchOptions& options) {
  require_runs(options.runs);
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
  fill_with_noise(*executor);
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

Profile Session::Impl::profile(const ProfileOptions& wanted) {
  require_runs(wanted.runs);
  execute::Executor& executor =
      prepare({.inputs = networks::input_shapes(model->opened.description.inputs, wanted.batch,
                                                wanted.height, wanted.width),
               .settings = wanted.settings,
               .without = wanted.without,
               .keep_all = wanted.keep_all});
  const plan::Plan& plan = executor.plan();
  fill_with_noise(executor);
  run(executor, {});  // warm caches and check the result; not counted

  const bool measures_peaks = wanted.measure_peaks && !on_gpu();  // they are the processor's
  std::vector<std::vector<double>> times(plan.steps.size());
  std::vector<double> totals;
  std::vector<double> peaks;
  for (int i = 0; i < wanted.runs; ++i) {
    const double fraction = i / static_cast<double>(wanted.runs);
    executor.run(
        {.before = [&](int) { return !options.progress || options.progress(fraction, "bench"); },
         .after = {}});
    totals.push_back(static_cast<double>(executor.run_ns()) * 1e-9);
    // A GPU's graph hides its steps; they are timed in a run of their own.
    if (on_gpu()) executor.run({.before = {}, .after = {}, .time_steps = true});
    for (size_t step = 0; step < times.size(); ++step) {
      times[step].push_back(seconds(executor.times()[step]));
    }
    if (measures_peaks) peaks.push_back(simd::fma_peak(*parallel, device.isa));
  }
  Profile profile{.rows = {}, .seconds = session::median(totals), .peaks = {}};
  for (size_t i = 0; i < times.size(); ++i) {
    const plan::PlanStep& step = plan.steps[i];
    profile.rows.push_back({.name = model->opened.keys.module(step.names.back()),
                            .op = graph::to_string(step.op),
                            .config = plan::to_string(step.config),
                            .seconds = session::median(times[i]),
                            .flops = step.flops,
                            .bytes = step.bytes});
  }
  if (measures_peaks) {
    // Two buffers of this size, within what the session may take.
    int64_t buffer = int64_t{256} << 20;
    if (options.max_memory > 0) {
      buffer = std::clamp<int64_t>((options.max_memory - plan.peak_bytes()) / 2, 1 << 20, buffer);
    }
    profile.peaks = {session::median(peaks), simd::copy_bandwidth(*parallel, buffer)};
  }
  return profile;
}

Profile Session::profile(const ProfileOptions& options) {
  return guarded([&] { return impl_->profile(options); });
}

OpBench bench_op(const OpBenchOptions& options) {
  return guarded([&] { return bench_alone(options); });
}

std::string session::chrome_trace(const plan::Plan& plan, const StepTimes& times,
                                  const weights::KeyMap& keys) {
  nlohmann::json events = nlohmann::json::array();
  for (size_t i = 0; i < plan.steps.size(); ++i) {
    const plan::PlanStep& step = plan.steps[i];
    if (times[i].end_ns == 0) continue;  // no run has timed it
    events.push_back({{"name", keys.module(step.names.back())},
                      {"cat", "step"},
                      {"ph", "X"},
                      {"pid", 1},
                      {"tid", 1},
                      {"ts", static_cast<double>(times[i].begin_ns) * 1e-3},
                      {"dur", static_cast<double>(times[i].end_ns - times[i].begin_ns) * 1e-3},
                      {"args",
                       {{"op", graph::to_string(step.op)},
                        {"config", plan::to_string(step.config)},
                        {"flops", step.flops},
                        {"bytes", step.bytes}}}});
  }
  return nlohmann::json{{"traceEvents", events}, {"displayTimeUnit", "ms"}}.dump(1);
}

}  // namespace kintsugi
