// SPDX-License-Identifier: MIT
#include <algorithm>
#include <iterator>
#include <utility>

#include "runtime/io/guarded.h"
#include "runtime/session/impl.h"
#include "runtime/session/plan_cache.h"
#include "runtime/session/value_check.h"

namespace kintsugi {
namespace {

/// A value of the plan as a dense NCHW tensor.
Tensor copy_out(const execute::Executor& executor, const plan::Placed& value) {
  const Shape& shape = value.shape;
  Tensor tensor{shape, std::vector<float>(static_cast<size_t>(shape.elements()))};
  executor.read(value, [&](int64_t n, int64_t y, std::span<const float> row) {
    for (int64_t c = 0; c < shape.c(); ++c) {
      float* out =
          &tensor.values[static_cast<size_t>(((n * shape.c() + c) * shape.h() + y) * shape.w())];
      for (int64_t x = 0; x < shape.w(); ++x) out[x] = row[static_cast<size_t>(x * shape.c() + c)];
    }
  });
  return tensor;
}

void copy_in(execute::Executor& executor, const plan::Placed& input, const Tensor& tensor) {
  const Shape& shape = tensor.shape;
  executor.write_input(input, [&](int64_t n, int64_t y, std::span<float> row) {
    for (int64_t c = 0; c < shape.c(); ++c) {
      const float* in =
          &tensor.values[static_cast<size_t>(((n * shape.c() + c) * shape.h() + y) * shape.w())];
      for (int64_t x = 0; x < shape.w(); ++x) row[static_cast<size_t>(x * shape.c() + c)] = in[x];
    }
  });
}

/// One call at a time: a session's memory and stream are those of the call that is under way.
class OneCall {
 public:
  explicit OneCall(std::atomic<bool>& busy) : busy_(busy) {
    if (busy_.exchange(true)) {
      throw Error(ErrorCode::usage, "a session does one thing at a time, and this one is busy",
                  "make a session for each thread; they share the model's weights");
    }
  }
  OneCall(const OneCall&) = delete;
  OneCall& operator=(const OneCall&) = delete;
  ~OneCall() { busy_ = false; }

 private:
  std::atomic<bool>& busy_;
};

Image image_of(TaskOutput output) { return std::move(output.images["image"]); }

template <class F>
auto one_call(std::atomic<bool>& busy, F&& body) {
  return guarded([&] {
    const OneCall call(busy);
    return body();
  });
}

}  // namespace

Session::Impl::Impl(std::shared_ptr<Model::Impl> m, const SessionOptions& o)
    : model(std::move(m)),
      options(o),
      device(session::choose_device(o.device, o.dtype)),
      parallel(std::make_unique<ThreadPool>(o.threads)) {
  if (on_gpu()) {
    device::select(device.gpu);
    queue.stream = device::make_stream();
  } else {
    device.text += ", " + std::to_string(parallel->threads()) +
                   (parallel->threads() == 1 ? " thread" : " threads");
  }
}

plan::Plan Session::Impl::plan_for(const Request& request) const {
  const program::Program& program = model->program;
  graph::Graph graph = program.record(program.graph(request.graph), model->weights, request.letters,
                                      request.inputs, request.settings);
  return session::make_plan(
      session::with_images(std::move(graph), request.images),
      device.options(parallel->threads(), session::passes_without(request.without),
                     request.keep_all),
      limit());
}

session::ValueCheck Session::Impl::values_of(const execute::Executor& executor,
                                             const plan::Placed& value) const {
  return session::check_values(executor.readable(value), *parallel);
}

execute::Executor& Session::Impl::prepare(const Request& request) {
  auto at = std::ranges::find(cache, request, &Cached::request);
  if (at != cache.end() && limit() > 0 && at->executor->plan().peak_bytes() > limit()) {
    cache.erase(at);  // it was made when a task held less
    at = cache.end();
  }
  if (at == cache.end()) {
    plan::Plan plan = plan_for(request);
    if (limit() > 0) make_room(plan);
    give_back(plan);
    execute::PackedWeights weights = model->store.pack(plan, *parallel, device.gpu);
    cache.push_front({request, execute::make_executor(std::move(plan), std::move(weights))});
  } else {
    cache.splice(cache.begin(), cache, at);
  }
  execute::Executor& executor = *cache.front().executor;
  if (arena.bytes() < executor.plan().arena_bytes) {
    renew(arena, executor.plan().arena_bytes, meter, memory());
  }
  if (std::string key = plan::states_key(executor.plan()); key != states_key) {
    states_key.clear();  // other states: they begin anew, as zeros
    renew(states, executor.plan().state_bytes, meter, memory());
    if (on_gpu() && states.bytes() > 0) {
      queue.in_flight = true;
      device::fill(*queue.stream, states.data(), 0, static_cast<size_t>(states.bytes()));
    }
    states_key = std::move(key);
  }
  if (staging.bytes() < executor.plan().staging_bytes()) {
    renew(staging, executor.plan().staging_bytes(), staging_meter, execute::Memory::staging);
  }
  executor.bind({.arena = arena.data(),
                 .states = states.data(),
                 .parallel = parallel.get(),
                 .staging = staging.data(),
                 .queue = on_gpu() ? &queue : nullptr,
                 .gpu = device.gpu,
                 .poison = options.check_memory});
  return executor;
}

void Session::Impl::release(const std::string& graph) {
  std::erase_if(cache, [&](const Cached& cached) { return cached.request.graph == graph; });
}

void Session::Impl::wait() {
  if (queue.in_flight) execute::synchronize(queue, device.gpu);
}

void Session::Impl::renew(execute::Buffer& buffer, int64_t bytes,
                          const std::shared_ptr<execute::Meter>& counted, execute::Memory kind) {
  wait();
  buffer = {};  // the old one goes first
  if (on_gpu()) device::select(device.gpu);
  buffer = execute::Buffer(bytes, counted, kind);
}

void Session::Impl::give_back(const plan::Plan& plan) {
  std::vector<const plan::Plan*> plans{&plan};
  for (const Cached& cached : cache) plans.push_back(&cached.executor->plan());
  const std::vector<size_t> indices = session::to_give_back(plans);
  for (auto i = indices.rbegin(); i != indices.rend(); ++i) {
    cache.erase(std::next(cache.begin(), static_cast<std::ptrdiff_t>(*i - 1)));
  }
}

void Session::Impl::make_room(const plan::Plan& plan) {
  const auto fits = [&] {
    const int64_t packed = model->store.meter(place()).held() + plan.packed_bytes;  // at most
    return packed + std::max(arena.bytes(), plan.arena_bytes) +
               std::max(states.bytes(), plan.state_bytes) <=
           limit();
  };
  while (!cache.empty() && !fits()) cache.pop_back();
  if (cache.empty() && arena.bytes() > plan.arena_bytes) {
    wait();
    arena = {};
  }
}

void Session::Impl::run(execute::Executor& executor,
                        const std::function<void(int step)>& after_step) {
  const plan::Plan& plan = executor.plan();
  int64_t done = 0;
  const auto report = [&](double fraction, const std::string& step) {
    return !options.progress ||
           options.progress(part_from + (part_to - part_from) * fraction, step);
  };
  executor.run({.before =
                    [&](int i) {
                      const plan::PlanStep& step = plan.steps[static_cast<size_t>(i)];
                      const double fraction = static_cast<double>(done) /
                                              static_cast<double>(std::max<int64_t>(plan.flops, 1));
                      done += step.flops;
                      return report(fraction, model->program.keys.module(step.names.back()));
                    },
                .after = after_step});
}

void Session::Impl::check(execute::Executor& executor, const plan::Port& port) {
  const plan::Plan& plan = executor.plan();
  if (session::is_first_bad(port.name)) return;
  if (is_samples(plan.slot(port.value).dtype)) {
    const plan::Port& says = session::port_of(plan.outputs, session::first_bad_port(port.name));
    if (const auto at = session::first_bad(executor, says.value)) {
      explain_not_finite(executor, port.name, *at);
    }
  }
  const session::ValueCheck check = values_of(executor, port.value);
  if (check.not_finite) explain_not_finite(executor, port.name, *check.not_finite);
  // A single number an image, a score, cannot be anything but constant; what is made of a constant
  // image, or under a mask of everything, may be.
  const Shape& shape = port.value.shape;
  const auto is_constant = [&](const plan::Port& in) {
    return values_of(executor, in.value).constant;
  };
  if (check.constant && !constant_told && shape.h() * shape.w() > 1 &&
      std::ranges::none_of(plan.inputs, is_constant)) {
    constant_told = true;
    warn("every value of the output '" + port.name + "' is the same; are these the right weights?");
  }
}

void Session::Impl::explain_not_finite(execute::Executor& executor, const std::string& output,
                                       const std::array<int64_t, 4>& first) {
  const plan::Plan& plan = executor.plan();
  const auto refuse = [](const std::string& what, const std::array<int64_t, 4>& at) {
    throw Error(ErrorCode::not_finite,
                what + " holds a NaN or an infinity, first at batch item " + std::to_string(at[0]) +
                    ", channel " + std::to_string(at[1]) + ", row " + std::to_string(at[2]) +
                    ", column " + std::to_string(at[3]));
  };
  for (const plan::Port& port : plan.inputs) {
    if (const auto at = values_of(executor, port.value).not_finite) {
      refuse("the input '" + port.name + "'", *at);
    }
  }
  if (plan.state_bytes > 0) {  // a second run would begin with what the first one wrote
    refuse("the output '" + output + "'", first);
  }
  executor.run({.before = {}, .after = [&](int i) {
                  const plan::PlanStep& step = plan.steps[static_cast<size_t>(i)];
                  if (const auto at = values_of(executor, step.outputs[0]).not_finite) {
                    refuse("the output of layer '" + model->program.keys.module(step.names.back()) +
                               "'",
                           *at);
                  }
                }});
  throw Error(ErrorCode::internal,
              "the output '" + output + "' was not finite once, and finite when repeated");
}

std::vector<std::string> session::tap_names(const plan::Plan& plan, const weights::KeyMap& keys) {
  std::vector<std::string> names;
  std::map<std::string, int> runs;
  for (const plan::PlanStep& step : plan.steps) {
    for (const std::string& module : step.names) ++runs[module];
    const int run = runs[step.names.back()];
    names.push_back(keys.module(step.names.back()) + (run > 1 ? "#" + std::to_string(run) : ""));
  }
  return names;
}

Session::Session(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
Session::~Session() = default;

Tensors Session::Impl::run(const Tensors& inputs, const RunOptions& run_options) {
  const program::GraphSpec& graph = model->program.graph(run_options.graph);
  const program::Chosen chosen = program::checked_shapes(graph.inputs, inputs, letters);
  if (chosen.letters.h == 0 && graph.inputs.empty()) {
    throw Error(ErrorCode::usage, "no input of the graph '" + graph.name + "' tells its size",
                "run a graph of the program first whose inputs do");
  }
  execute::Executor& executor = prepare({.graph = graph.name,
                                         .letters = chosen.letters,
                                         .inputs = chosen.shapes,
                                         .settings = run_options.settings,
                                         .without = run_options.without,
                                         .keep_all = run_options.keep_all});
  letters = chosen.letters;
  constant_told = false;
  const plan::Plan& plan = executor.plan();
  for (const plan::Port& port : plan.inputs) copy_in(executor, port.value, inputs.at(port.name));

  Tensors outputs;
  const std::vector<std::string> names = session::tap_names(plan, model->program.keys);
  const auto tap = [&](int i) {
    const auto at = static_cast<size_t>(i);
    outputs["tap/" + names[at]] = copy_out(executor, plan.steps[at].outputs[0]);
  };
  // To be seen, steps run one by one: nobody watches without a reason.
  const bool watched = run_options.taps || run_options.keep_all;
  run(executor, watched ? std::function<void(int)>(tap) : nullptr);
  for (const plan::Port& output : plan.outputs) check(executor, output);
  if (options.progress) options.progress(1.0, "");
  for (const Port& port : graph.outputs) {
    Tensor& output = outputs[port.name];
    output = copy_out(executor, session::port_of(plan.outputs, port.name).value);
    output.shape = program::declared(port, output.shape);
  }
  return outputs;
}

Tensors Session::run(const Tensors& inputs, const RunOptions& options) {
  return one_call(impl_->busy, [&] { return impl_->run(inputs, options); });
}

TaskOutput Session::perform(Task task, const TaskInput& input) {
  return one_call(impl_->busy, [&] { return impl_->perform(task, input); });
}

Image Session::inpaint(const ImageView& picture, const ImageView& mask,
                       const InpaintOptions& options) {
  return image_of(perform(Task::inpaint, {.image = picture,
                                          .mask = mask,
                                          .settings = options.settings,
                                          .invert_mask = options.invert_mask,
                                          .max_side = options.max_side,
                                          .blend = options.blend,
                                          .tiles = options.tiles,
                                          .crop = options.crop,
                                          .without = options.without}));
}

Image Session::translate(const ImageView& picture, const TranslateOptions& options) {
  return image_of(perform(Task::translate, {.image = picture,
                                            .settings = options.settings,
                                            .max_side = options.max_side,
                                            .round = options.round,
                                            .tiles = options.tiles}));
}

Image Session::upscale(const ImageView& image, const UpscaleOptions& options) {
  return image_of(perform(Task::upscale,
                          {.image = image, .settings = options.settings, .tiles = options.tiles}));
}

TaskOutput Session::detect(const ImageView& image, const DetectOptions& options) {
  return perform(Task::detect, {.image = image, .settings = options.settings});
}

double Session::score(const ImageView& picture, const ImageView& mask,
                      const ScoreOptions& options) {
  return perform(Task::score, {.image = picture,
                               .mask = mask,
                               .settings = options.settings,
                               .invert_mask = options.invert_mask})
      .numbers.at("score");
}

Profile Session::profile(const ProfileOptions& options) {
  return one_call(impl_->busy, [&] { return impl_->profile(options); });
}

std::string Session::trace() const {
  return one_call(impl_->busy, [&] {
    if (impl_->cache.empty()) return session::chrome_trace({}, {}, {});
    const execute::Executor& executor = *impl_->cache.front().executor;
    return session::chrome_trace(executor.plan(), executor.times(), impl_->model->program.keys);
  });
}

const std::string& Session::device() const { return impl_->device.text; }

int64_t Session::allocated_bytes() const {
  return impl_->meter->held() + impl_->model->store.meter(impl_->place()).held();
}

int64_t Session::peak_allocated_bytes() const {
  return impl_->meter->peak() + impl_->model->store.meter(impl_->place()).peak();
}

}  // namespace kintsugi
