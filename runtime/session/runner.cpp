// SPDX-License-Identifier: MIT
//
// Tasks: what a Session hands a network's task, and the checks before it.
#include <algorithm>

#include "runtime/image/codec.h"
#include "runtime/image/samples.h"
#include "runtime/session/impl.h"

namespace kintsugi {
namespace {

using program::Letters;

void check_image(const ImageView& image) {
  if (image.width <= 0 || image.height <= 0 || image.pixels == nullptr) {
    throw Error(ErrorCode::mismatch, "the picture is empty");
  }
  image::require_picture(image);
}

void check_mask(const ImageView& image, const ImageView& mask) {
  if (image.width == mask.width && image.height == mask.height) return;
  throw Error(ErrorCode::mismatch, "the mask is " + std::to_string(mask.width) + "x" +
                                       std::to_string(mask.height) + ", the picture " +
                                       std::to_string(image.width) + "x" +
                                       std::to_string(image.height) + "; they must have one size");
}

/// The shapes of a graph's inputs as a replay's sources choose them.
program::Shapes shapes_of(const program::GraphSpec& graph, const Letters& letters,
                          const program::Sources& sources) {
  program::Shapes shapes;
  for (const Port& port : graph.inputs) {
    const auto source = sources.find(port.name);
    if (source == sources.end()) {
      if (port.optional) continue;
      throw Error(ErrorCode::internal,
                  "nothing fills the input '" + port.name + "' of the graph '" + graph.name + "'");
    }
    const auto* image = std::get_if<program::ImageSource>(&source->second);
    const auto channels =
        image != nullptr ? std::optional<int64_t>(image->desc.count) : std::nullopt;
    shapes[port.name] = program::shape_of(port, letters, channels);
  }
  return shapes;
}

class SessionRunner final : public program::Runner {
 public:
  SessionRunner(Session::Impl& session, const TaskInput& input)
      : session_(session), input_(input) {}
  SessionRunner(const SessionRunner&) = delete;
  SessionRunner& operator=(const SessionRunner&) = delete;
  /// What the task asked for ends with it, however it ends.
  ~SessionRunner() override {
    session_.held_by_task = 0;
    session_.part_from = 0, session_.part_to = 1;
  }

  void replay(std::string_view graph, const Letters& letters, const program::Sources& sources,
              const program::Sinks& sinks) override;
  void fill(std::string_view graph, const Letters& letters, std::string_view state,
            const program::WriteRow& write, int64_t entry) override {
    execute::Executor& executor = of_state(graph, letters);
    executor.fill(entry_of(executor, state, entry), write);
  }
  void take(std::string_view graph, const Letters& letters, std::string_view state,
            const program::ReadRow& read, int64_t entry) override;
  bool fits(std::string_view graph, const Letters& letters, const program::Images& images) override;
  void hold(int64_t bytes) override { session_.held_by_task += bytes; }
  std::optional<program::Field> field(std::string_view graph, std::string_view input,
                                      std::string_view output) override {
    return session_.model->field(graph, input, output, input_.settings);
  }
  void release(std::string_view graph) override { session_.release(std::string(graph)); }
  void part(double from, double to) override { session_.part_from = from, session_.part_to = to; }
  void warn(const std::string& sentence) override { session_.warn(sentence); }

 private:
  [[nodiscard]] const program::Program& program() const { return session_.model->program; }
  [[nodiscard]] Session::Impl::Request request(const program::GraphSpec& graph,
                                               const Letters& letters) const {
    return {.graph = graph.name,
            .letters = letters,
            .settings = input_.settings,
            .without = input_.without};
  }
  /// For the graph with its inputs, whatever fills those that are no images.
  [[nodiscard]] Session::Impl::Request request_of(std::string_view name, const Letters& letters,
                                                  const program::Images& images) const {
    const program::GraphSpec& graph = program().graph(name);
    Session::Impl::Request wanted = request(graph, letters);
    wanted.inputs = program::input_shapes(graph.inputs, letters, images);
    wanted.images = images;
    return wanted;
  }
  /// An executor that is bound to the states.
  execute::Executor& of_state(std::string_view graph, const Letters& letters) {
    return session_.prepare(request_of(graph, letters, {}));
  }
  [[nodiscard]] static const plan::StateEntry& entry_of(const execute::Executor& executor,
                                                        std::string_view state, int64_t entry);
  void feed(execute::Executor& executor, const std::string& port, const program::Source& source);
  void hand_out(execute::Executor& executor, const std::string& port, const program::Sink& sink);

  Session::Impl& session_;
  const TaskInput& input_;
};

void SessionRunner::replay(std::string_view name, const Letters& letters,
                           const program::Sources& sources, const program::Sinks& sinks) {
  const program::GraphSpec& graph = program().graph(name);
  Session::Impl::Request wanted = request(graph, letters);
  wanted.inputs = shapes_of(graph, letters, sources);
  wanted.images = program::images_of(sources, sinks);
  execute::Executor& executor = session_.prepare(wanted);
  for (const auto& [port, source] : sources) feed(executor, port, source);
  session_.run(executor, {});
  for (const auto& [port, sink] : sinks) hand_out(executor, port, sink);
}

void SessionRunner::feed(execute::Executor& executor, const std::string& port,
                         const program::Source& source) {
  const std::vector<plan::Port>& inputs = executor.plan().inputs;
  const plan::Placed& input = session::port_of(inputs, port).value;
  if (const auto* write = std::get_if<program::WriteRow>(&source)) {
    executor.write_input(input, *write);
    return;
  }
  const auto& image = std::get<program::ImageSource>(source);
  image::write_samples(executor.writable(input), image.image, image.y0, image.x0,
                       *session_.parallel);
  if (image.holes == nullptr) return;
  const plan::Placed& mask = session::port_of(inputs, session::mask_port(port)).value;
  image::write_samples(executor.writable(mask), *image.holes, image.y0, image.x0,
                       *session_.parallel);
}

void SessionRunner::hand_out(execute::Executor& executor, const std::string& port,
                             const program::Sink& sink) {
  const plan::Port& output = session::port_of(executor.plan().outputs, port);
  session_.check(executor, output);
  if (const auto* read = std::get_if<program::ReadRow>(&sink)) {
    executor.read(output.value, *read);
    return;
  }
  const auto& image = std::get<program::ImageSink>(sink);
  image::read_samples(executor.readable(output.value), *image.image, image.part,
                      *session_.parallel);
}

const plan::StateEntry& SessionRunner::entry_of(const execute::Executor& executor,
                                                std::string_view state, int64_t entry) {
  for (const plan::StateEntry& known : executor.plan().states) {
    if (known.name == state && known.entry == entry) return known;
  }
  throw Error(ErrorCode::internal, "the program has no entry " + std::to_string(entry) +
                                       " of a state '" + std::string(state) + "'");
}

void SessionRunner::take(std::string_view graph, const Letters& letters, std::string_view state,
                         const program::ReadRow& read, int64_t entry) {
  execute::Executor& executor = of_state(graph, letters);
  executor.read(entry_of(executor, state, entry).value, [&](int64_t n, int64_t y,
                                                            std::span<const float> row) {
    if (!std::ranges::all_of(row, [](float v) { return std::isfinite(v); })) {
      throw Error(ErrorCode::not_finite, "the state '" + std::string(state) +
                                             "' holds a NaN or an infinity, first at batch item " +
                                             std::to_string(n) + ", row " + std::to_string(y));
    }
    read(n, y, row);
  });
}

bool SessionRunner::fits(std::string_view name, const Letters& letters,
                         const program::Images& images) {
  if (session_.limit() == 0) return true;
  try {
    return session_.plan_for(request_of(name, letters, images)).peak_bytes() <= session_.limit();
  } catch (const Error& error) {
    if (error.code() == ErrorCode::out_of_memory) return false;
    throw;
  }
}

}  // namespace

TaskOutput Session::Impl::perform(Task task, const TaskInput& input) {
  const program::TaskSpec& spec = model->program.task(task);
  program::check_settings(input.settings, model->program.description.settings);
  static_cast<void>(session::passes_without(input.without));
  check_image(input.image);
  if (spec.mask == program::Mask::required) {
    if (input.mask.pixels == nullptr && task == Task::score) {
      throw Error(ErrorCode::usage,
                  model->program.description.network + " judges what a mask says was filled");
    }
    check_image(input.mask);
    check_mask(input.image, input.mask);
  }
  SessionRunner runner(*this, input);
  constant_told = false;
  TaskOutput output = spec.run(input, runner);
  const bool complete = task == Task::score ? output.numbers.contains("score")
                        : task == Task::detect
                            ? output.numbers.contains("score") && output.images.contains("heatmap")
                            : output.images.contains("image");
  if (!complete) {
    throw Error(ErrorCode::internal, model->program.description.network +
                                         " left out a part of what " + to_string(task) + " makes");
  }
  if (options.progress) options.progress(1.0, "");
  return output;
}

}  // namespace kintsugi
