// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>

#include "runtime/image/codec.h"
#include "runtime/image/samples.h"
#include "runtime/io/guarded.h"
#include "runtime/session/impl.h"

namespace kintsugi {
namespace {

constexpr size_t kCachedPlans = 8;

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

/// The one of that name; every name comes from a plan or a task of our own.
const plan::Port& port_of(std::span<const plan::Port> ports, const std::string& name) {
  const auto at = std::ranges::find(ports, name, &plan::Port::name);
  if (at == ports.end()) throw Error(ErrorCode::internal, "a plan has no port '" + name + "'");
  return *at;
}

void check_picture(const ImageView& picture) {
  if (picture.width <= 0 || picture.height <= 0 || picture.pixels == nullptr) {
    throw Error(ErrorCode::mismatch, "the picture is empty");
  }
  image::require_picture(picture);
}

/// A picture and its mask, as every task takes them that has one.
void check_pictures(const ImageView& picture, const ImageView& mask) {
  check_picture(picture);
  if (picture.width != mask.width || picture.height != mask.height) {
    throw Error(ErrorCode::mismatch,
                "the mask is " + std::to_string(mask.width) + "x" + std::to_string(mask.height) +
                    ", the picture " + std::to_string(picture.width) + "x" +
                    std::to_string(picture.height) + "; they must have one size");
  }
}

}  // namespace

Session::Impl::Impl(std::shared_ptr<Model::Impl> m, const SessionOptions& o)
    : model(std::move(m)),
      options(o),
      device(session::choose_device(o.device, o.dtype)),
      parallel(std::make_unique<ThreadPool>(o.threads)) {
  if (on_gpu()) {
    device::select(device.gpu);
    stream = device::make_stream();
  } else {
    device.text += ", " + std::to_string(parallel->threads()) +
                   (parallel->threads() == 1 ? " thread" : " threads");
  }
}

execute::Executor& Session::Impl::prepare(const Request& request) {
  const auto at = std::ranges::find(cache, request, &Cached::request);
  if (at == cache.end()) {
    plan::Plan plan = session::make_plan(
        session::with_images(model->opened.record(request.inputs, request.settings),
                             request.images),
        device.options(parallel->threads(), session::passes_without(request.without),
                       request.keep_all),
        options.max_memory);
    if (options.max_memory > 0) make_room(plan);
    execute::PackedWeights weights = model->store.pack(plan, *parallel, device.gpu);
    cache.push_front({request, execute::make_executor(std::move(plan), std::move(weights))});
    if (cache.size() > kCachedPlans) cache.pop_back();
  } else {
    cache.splice(cache.begin(), cache, at);
  }
  execute::Executor& executor = *cache.front().executor;
  if (arena.bytes() < executor.plan().arena_bytes) {
    arena = {};  // the old one goes first
    if (on_gpu()) device::select(device.gpu);
    arena = execute::Buffer(executor.plan().arena_bytes, meter,
                            on_gpu() ? execute::Memory::device : execute::Memory::host);
  }
  if (std::string key = plan::states_key(executor.plan()); key != states_key) {
    states_key = std::move(key);  // other states: they begin anew, as zeros
    states = {};
    if (on_gpu()) device::select(device.gpu);
    states = execute::Buffer(executor.plan().state_bytes, meter,
                             on_gpu() ? execute::Memory::device : execute::Memory::host);
    if (on_gpu() && states.bytes() > 0) {
      device::fill(*stream, states.data(), 0, static_cast<size_t>(states.bytes()));
    }
  }
  if (staging.bytes() < executor.plan().staging_bytes()) {
    staging = {};
    staging =
        execute::Buffer(executor.plan().staging_bytes(), staging_meter, execute::Memory::staging);
  }
  executor.bind({.arena = arena.data(),
                 .states = states.data(),
                 .parallel = parallel.get(),
                 .staging = staging.data(),
                 .stream = stream.get(),
                 .gpu = device.gpu,
                 .poison = options.check_memory});
  return executor;
}

void Session::Impl::make_room(const plan::Plan& plan) {
  const auto fits = [&] {
    const int64_t packed = model->store.meter(place()).held() + plan.packed_bytes;  // at most
    return packed + std::max(arena.bytes(), plan.arena_bytes) +
               std::max(states.bytes(), plan.state_bytes) <=
           options.max_memory;
  };
  while (!cache.empty() && !fits()) cache.pop_back();
  if (cache.empty() && arena.bytes() > plan.arena_bytes) arena = {};
}

void Session::Impl::run(execute::Executor& executor,
                        const std::function<void(int step)>& after_step) {
  const plan::Plan& plan = executor.plan();
  int64_t done = 0;
  executor.run({.before =
                    [&](int i) {
                      if (!options.progress) return true;
                      const plan::PlanStep& step = plan.steps[static_cast<size_t>(i)];
                      const double fraction = static_cast<double>(done) /
                                              static_cast<double>(std::max<int64_t>(plan.flops, 1));
                      done += step.flops;
                      return options.progress(fraction,
                                              model->opened.keys.module(step.names.back()));
                    },
                .after = after_step});
  for (const plan::Port& port : plan.outputs) {
    if (session::is_first_bad(port.name)) continue;
    if (is_samples(plan.slot(port.value).dtype)) {
      const plan::Port& says = port_of(plan.outputs, session::first_bad_port(port.name));
      if (const auto at = session::first_bad(executor, says.value)) {
        explain_not_finite(executor, port.name, *at);
      }
    }
    const execute::ValueCheck check = executor.check(port.value);
    if (check.not_finite) explain_not_finite(executor, port.name, *check.not_finite);
    // A single number an image, a score, cannot be anything but constant; what is made of a constant
    // image, or under a mask of everything, may be.
    const Shape& shape = port.value.shape;
    const auto is_constant = [&](const plan::Port& in) {
      return executor.check(in.value).constant;
    };
    if (check.constant && shape.h() * shape.w() > 1 &&
        std::ranges::none_of(plan.inputs, is_constant)) {
      warn("every value of the output '" + port.name +
           "' is the same; are these the right weights?");
    }
  }
  if (options.progress) options.progress(1.0, "");
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
    if (const auto at = executor.check(port.value).not_finite) {
      refuse("the input '" + port.name + "'", *at);
    }
  }
  if (plan.state_bytes > 0) {  // a second run would begin with what the first one wrote
    refuse("the output '" + output + "'", first);
  }
  executor.run({.before = {}, .after = [&](int i) {
                  const plan::PlanStep& step = plan.steps[static_cast<size_t>(i)];
                  if (const auto at = executor.check(step.outputs[0]).not_finite) {
                    refuse("the output of layer '" + model->opened.keys.module(step.names.back()) +
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

Tensors Session::run(const Tensors& inputs, const RunOptions& options) {
  return guarded([&] { return impl_->run(inputs, options); });
}

Image Session::inpaint(const ImageView& picture, const ImageView& mask,
                       const InpaintOptions& options) {
  return guarded([&] { return impl_->inpaint(picture, mask, options); });
}

Image Session::translate(const ImageView& picture, const TranslateOptions& options) {
  return guarded([&] { return impl_->translate(picture, options); });
}

double Session::score(const ImageView& picture, const ImageView& mask,
                      const ScoreOptions& options) {
  return guarded([&] { return impl_->score(picture, mask, options); });
}

Tensors Session::Impl::run(const Tensors& inputs, const RunOptions& run_options) {
  const Description& description = model->opened.description;
  execute::Executor& executor =
      prepare({.inputs = networks::checked_shapes(description.inputs, inputs),
               .settings = run_options.settings,
               .without = run_options.without,
               .keep_all = run_options.keep_all});
  const plan::Plan& plan = executor.plan();
  for (const plan::Port& port : plan.inputs) copy_in(executor, port.value, inputs.at(port.name));

  Tensors outputs;
  const std::vector<std::string> names = session::tap_names(plan, model->opened.keys);
  const auto tap = [&](int i) {
    const auto at = static_cast<size_t>(i);
    outputs["tap/" + names[at]] = copy_out(executor, plan.steps[at].outputs[0]);
  };
  // To be seen, steps run one by one: nobody watches without a reason.
  const bool watched = run_options.taps || run_options.keep_all;
  run(executor, watched ? std::function<void(int)>(tap) : nullptr);
  for (const Port& port : description.outputs) {
    Tensor& output = outputs[port.name];
    output = copy_out(executor, port_of(plan.outputs, port.name).value);
    output.shape = networks::declared(port, output.shape);
  }
  return outputs;
}

Image Session::Impl::inpaint(const ImageView& picture, const ImageView& mask,
                             const InpaintOptions& inpaint_options) {
  const networks::Opened& opened = model->opened;
  require_task(opened.description, "inpaint");
  check_pictures(picture, mask);
  return opened.inpaint(picture, mask, inpaint_options, replay(inpaint_options.settings),
                        [&](const std::string& sentence) { warn(sentence); });
}

Image Session::Impl::translate(const ImageView& picture,
                               const TranslateOptions& translate_options) {
  const networks::Opened& opened = model->opened;
  require_task(opened.description, "translate");
  check_picture(picture);
  return opened.translate(picture, translate_options, replay(translate_options.settings));
}

double Session::Impl::score(const ImageView& picture, const ImageView& mask,
                            const ScoreOptions& score_options) {
  const networks::Opened& opened = model->opened;
  require_task(opened.description, "score");
  if (!opened.score_reads_mask) {
    check_picture(picture);
  } else if (mask.pixels == nullptr) {
    throw Error(ErrorCode::usage,
                opened.description.network + " judges what a mask says was filled");
  } else {
    check_pictures(picture, mask);
  }
  return opened.score(picture, mask, score_options, replay(score_options.settings));
}

networks::Replay Session::Impl::replay(const Settings& settings) {
  return [this, settings](const std::map<std::string, networks::Feed>& inputs,
                          const std::map<std::string, networks::Taker>& outputs) {
    Request request{.images = session::images_of(inputs, outputs), .settings = settings};
    for (const auto& [name, feed] : inputs) request.inputs[name] = feed.shape;
    execute::Executor& executor = prepare(request);
    const plan::Plan& plan = executor.plan();
    for (const auto& [name, feed] : inputs) {
      const plan::Placed& input = port_of(plan.inputs, name).value;
      if (const auto* write = std::get_if<networks::WriteRow>(&feed.from)) {
        executor.write_input(input, *write);
        continue;
      }
      const auto& source = std::get<networks::ImageSource>(feed.from);
      image::write_samples(executor.writable(input), source.image, *parallel);
      if (source.holes == nullptr) continue;
      const plan::Placed& mask = port_of(plan.inputs, session::mask_port(name)).value;
      image::write_samples(executor.writable(mask), *source.holes, *parallel);
    }
    run(executor, {});
    for (const auto& [name, taker] : outputs) {
      const plan::Placed& output = port_of(plan.outputs, name).value;
      if (const auto* read = std::get_if<networks::ReadRow>(&taker)) {
        executor.read(output, *read);
        continue;
      }
      const auto& sink = std::get<networks::ImageSink>(taker);
      image::read_samples(executor.readable(output), *sink.image, sink.selected, *parallel);
    }
  };
}

std::string Session::trace() const {
  if (impl_->cache.empty()) return session::chrome_trace({}, {}, {});
  const execute::Executor& executor = *impl_->cache.front().executor;
  return session::chrome_trace(executor.plan(), executor.times(), impl_->model->opened.keys);
}

const std::string& Session::device() const { return impl_->device.text; }

int64_t Session::allocated_bytes() const {
  return impl_->meter->held() + impl_->model->store.meter(impl_->place()).held();
}

int64_t Session::peak_allocated_bytes() const {
  return impl_->meter->peak() + impl_->model->store.meter(impl_->place()).peak();
}

}  // namespace kintsugi
