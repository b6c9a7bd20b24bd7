// SPDX-License-Identifier: MIT
#include "image_verb.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include <kintsugi/compare.hpp>

#include "files.h"
#include "folder.h"
#include "folder_run.h"
#include "format.h"
#include "interrupt.h"
#include "picture.h"
#include "printable.h"

namespace kintsugi::cli {
namespace {

namespace fs = std::filesystem;

/// The network and the judge, with what they run on.
class Engine {
 public:
  /// Opens the weights, and refuses what they cannot do. All arguments must outlive this.
  Engine(const ImageVerb& verb, const ImageArguments& arguments, Console& console);
  /// Chooses the device, and says which.
  void start(Progress progress);

  void read(ImageJob& job) const;
  void run(ImageJob& job);
  void write(ImageJob& job) const;

  [[nodiscard]] bool has_network() const { return model_.has_value(); }
  [[nodiscard]] std::string device() const { return session_ ? session_->device() : "cpu"; }
  [[nodiscard]] int64_t peak_bytes() const {
    return (session_ ? session_->peak_allocated_bytes() : 0) +
           (judge_ ? judge_->peak_allocated_bytes() : 0);
  }
  /// Opens the manifest.
  [[nodiscard]] Json head() const;

 private:
  [[nodiscard]] PlanOptions plan_options() const {
    return {.device = arguments_.device.device,
            .dtype = arguments_.device.dtype,
            .threads = arguments_.device.threads};
  }

  const ImageVerb& verb_;
  const ImageArguments& arguments_;
  Console& console_;
  std::optional<Model> model_, judge_model_;
  std::optional<Session> session_, judge_;
  std::string name_;  // of the image that is run
};

/// Options with which a user says how the network sees an image; those that were given.
Json given_of(const ImageArguments& a) {
  Json given = Json::object();
  if (!a.tiles.size.empty()) {
    const int64_t size = a.tiles.options().size;
    given["tile"] = size > 0 ? Json(size) : Json(size == TileOptions::kOff ? "off" : "auto");
  }
  if (a.tiles.overlap) given["tile_overlap"] = *a.tiles.overlap;
  if (!a.crop.mode.empty()) given["crop"] = a.crop.mode;
  if (a.crop.margin) given["crop_margin"] = *a.crop.margin;
  if (!a.without.empty()) given["without"] = a.without;
  return given;
}

Engine::Engine(const ImageVerb& verb, const ImageArguments& arguments, Console& console)
    : verb_(verb), arguments_(arguments), console_(console) {
  if (!arguments.model.empty()) {
    model_ = Model::open(arguments.model);
    require_task(model_->describe(), verb.task);
    console.debug("model: " + model_->describe().title + "; " + model_->describe().reason);
  }
  if (!arguments.score.empty()) {
    judge_model_ = Model::open(arguments.score, {.network = verb.judge});
    if (!judge_model_->describe().own_size && !arguments.device.max_memory.empty()) {
      throw Error(ErrorCode::usage, "--max-memory is not shared with --score",
                  "leave one of them out: what the judge takes depends on each picture");
    }
  }
  if (!model_) return;
  // Settings and passes that the network does not know are refused before an image is read.
  PlanOptions options = plan_options();
  options.without = arguments.without;
  options.settings = parse_settings(arguments.settings);
  static_cast<void>(model_->plan(options));
}

void Engine::start(Progress progress) {
  SessionOptions options = arguments_.device.session(console_, std::move(progress));
  if (judge_model_) {
    SessionOptions judging = options;
    judging.progress = [](double, const std::string&) { return !interrupted(); };
    judge_ = judge_model_->session(judging);
    if (options.max_memory > 0) {
      // Both hold their memory at once. What the judge takes is known: its views have one size.
      PlanOptions judges = plan_options();
      judges.max_memory = options.max_memory;
      const int64_t taken = judge_model_->plan(judges).memory.peak();
      options.max_memory = std::max<int64_t>(options.max_memory - taken, 1);
    }
  }
  if (!model_) return;
  options.warn = [this](const std::string& sentence) {
    console_.warn(name_.empty() ? sentence : name_ + ": " + sentence);
  };
  session_ = model_->session(options);
  console_.info("device: " + session_->device());
}

void Engine::read(ImageJob& job) const {
  job.read(console_);
  // A judge that cannot take the image says so before the work.
  if (judge_model_ && !judge_model_->describe().own_size) {
    const ImageView like = job.like_result();
    PlanOptions options = plan_options();
    options.height = like.height;
    options.width = like.width;
    static_cast<void>(judge_model_->plan(options));
  }
}

void Engine::run(ImageJob& job) {
  name_ = job.name;
  TaskInput input;
  input.image = job.image;
  input.max_side = arguments_.max_side;
  input.tiles = arguments_.tiles.options();
  input.crop = arguments_.crop.options();
  input.without = arguments_.without;
  input.settings = parse_settings(arguments_.settings);
  job.fill(input);
  const auto start = std::chrono::steady_clock::now();
  job.made = session_ ? session_->perform(verb_.task, input) : job.run_without_network(console_);
  job.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (!judge_) return;
  TaskInput judged;
  judged.image = job.result();
  judged.mask = input.mask;
  judged.invert_mask = input.invert_mask;
  job.score = judge_->perform(Task::score, judged).numbers.at("score");
}

void Engine::write(ImageJob& job) const {
  job.measure(console_);
  if (!job.side_by_side.empty()) write_image(job.side_by_side, job.panels());
  if (!job.output.empty()) write_picture(job.output, job.result(), job.metadata(), console_);
}

Json Engine::head() const {
  Json head = {{"kintsugi", version()},
               {"verb", to_string(verb_.task)},
               {"input", arguments_.input.string()},
               {"output", arguments_.output.string()},
               {"device", device()}};
  if (model_) {
    head["model"] = arguments_.model.string();
    head["network"] = model_->describe().network;
    head["settings"] = parse_settings(arguments_.settings);
  }
  if (!arguments_.score.empty()) head["score_model"] = arguments_.score.string();
  head.update(verb_.head);
  head.update(given_of(arguments_));
  return head;
}

// ---- A folder -----------------------------------------------------------------------------------

int run_folder(const ImageVerb& verb, const ImageArguments& a, Console& console) {
  if (!a.side_by_side.empty()) {
    throw Error(ErrorCode::usage, "--side-by-side is for one picture, not for a folder");
  }
  verb.folder.check();
  if (!a.format.empty()) check_format_name(a.format);
  std::vector<fs::path> read = {a.input};
  for (const fs::path& path : verb.inputs) {
    if (!path.empty()) read.push_back(path);
  }
  for (const fs::path& weights : {a.model, a.score}) {
    if (weights.empty()) continue;
    if (is_stream(weights)) {
      throw Error(ErrorCode::usage, "a model is not read from standard input");
    }
    check_input(weights);
    read.push_back(weights);
  }
  const FolderListing listing = list_pictures(a.input);
  const std::vector<fs::path> outputs = output_names(listing.pictures, a.output, a.format);
  check_output_folder(a.output, outputs, read);
  const fs::path manifest = a.manifest.empty() ? a.output / "manifest.json" : a.manifest;
  check_manifest(manifest, a.output, outputs, read);
  std::vector<FolderFile> files;
  for (size_t i = 0; i < outputs.size(); ++i) files.push_back({listing.pictures[i], outputs[i]});

  Engine engine(verb, a, console);
  const std::vector<fs::path> others = verb.folder.open();
  read.insert(read.end(), others.begin(), others.end());
  read.insert(read.end(), listing.pictures.begin(), listing.pictures.end());
  std::vector<fs::path> written = outputs;
  written.push_back(manifest);
  check_apart(written, read);
  FolderRun run(files, listing.skipped, manifest, console);
  engine.start(run.progress());
  for (const fs::path& output : outputs) {
    if (tell_of_jpeg(output, console)) break;
  }

  create_folder(a.output);
  std::vector<std::unique_ptr<ImageJob>> jobs(files.size());
  const int code = run.run({.done = verb.done,
                            .read =
                                [&](size_t i) {
                                  jobs[i] = verb.job();
                                  jobs[i]->input = files[i].input;
                                  jobs[i]->output = files[i].output;
                                  jobs[i]->name = "'" + files[i].input.string() + "'";
                                  engine.read(*jobs[i]);
                                },
                            .run = [&](size_t i) { engine.run(*jobs[i]); },
                            .write = [&](size_t i) { engine.write(*jobs[i]); },
                            .finish = [&](size_t i) { return std::exchange(jobs[i], {})->facts(); },
                            .totals =
                                [&] {
                                  Json totals = {{"peak_bytes", engine.peak_bytes()}};
                                  totals.update(verb.folder.totals());
                                  return totals;
                                }},
                           engine.head());
  const std::string closing = verb.folder.closing();
  if (!closing.empty() && !console.json()) console.print(closing + "\n");
  return code;
}

// ---- One image ----------------------------------------------------------------------------------

void check_paths(const ImageVerb& verb, const ImageArguments& a, const Console& console) {
  refuse_folder_options(a.manifest, a.format);
  std::vector<fs::path> inputs = verb.inputs;
  inputs.insert(inputs.begin(), a.input);
  inputs.insert(inputs.end(), {a.model, a.score});
  int streams = 0;
  for (const fs::path& input : inputs) {
    if (input.empty()) continue;
    check_input(input);
    streams += is_stream(input) ? 1 : 0;
  }
  if (streams > 1 || is_stream(a.model) || is_stream(a.score)) {
    throw Error(ErrorCode::usage, "standard input can be one picture, and nothing else",
                "give files for the others");
  }
  check_outputs(a.output, a.side_by_side, inputs, console.json(), a.needs_output);
  for (const fs::path& output : {a.output, a.side_by_side}) {
    if (!output.empty() && !is_stream(output)) static_cast<void>(image_format(output));
  }
}

int run_one(const ImageVerb& verb, const ImageArguments& a, Console& console) {
  check_paths(verb, a, console);
  Engine engine(verb, a, console);
  const std::unique_ptr<ImageJob> job = verb.job();
  job->input = a.input;
  job->output = a.output;
  job->side_by_side = a.side_by_side;
  engine.read(*job);
  if (!a.output.empty()) tell_of_jpeg(a.output, console);
  stop_if_interrupted();
  {
    ProgressBar bar(console);
    engine.start(bar.callback());
    engine.run(*job);
  }
  stop_if_interrupted();
  engine.write(*job);

  const int64_t process_bytes = process_peak_bytes();
  const std::string name = is_stream(a.output) ? "standard output" : a.output.string();
  if (console.json()) {
    Json json = {{"output", name.empty() ? Json(nullptr) : Json(name)}};
    json.update(verb.head_of_one);
    json.update(given_of(a));
    json.update(job->facts());
    json.update({{"seconds", job->seconds},
                 {"peak_bytes", engine.peak_bytes()},
                 {"process_peak_bytes", process_bytes},
                 {"device", engine.device()}});
    console.print_json(json);
    return kOk;
  }
  const std::string process = "process " + format_bytes(process_bytes);
  const std::string memory =
      engine.has_network() ? "peak " + format_bytes(engine.peak_bytes()) + " (" + process + ")"
                           : process;
  std::vector<std::string> lines = job->lines();
  lines.insert(lines.begin(), (name.empty() ? a.input.string() : name) + "  " +
                                  size_of(job->result()) + "  " + format_seconds(job->seconds) +
                                  "  " + memory);
  for (const std::string& line : lines) {
    // Standard output belongs to the image where that is what it carries.
    if (is_stream(a.output))
      console.info(line);
    else
      console.print(one_line(line) + "\n");
  }
  return kOk;
}

}  // namespace

void ImageJob::read(Console& console) {
  image = read_picture(input, console);
  const ImageView like = like_result();
  if (!output.empty()) check_format(output, like, metadata(), console);
  if (!side_by_side.empty()) check_format(side_by_side, like, {}, console);
}

Image ImageJob::panels() const {
  return kintsugi::side_by_side(std::vector<ImageView>{image, result()});
}

Json ImageJob::facts() const {
  Json facts = Json::object();
  if (image.pixels.empty()) return facts;
  const ImageView like = like_result();
  facts["width"] = like.width;
  facts["height"] = like.height;
  facts["channels"] = like.channels;
  if (!std::isnan(score)) facts["score"] = score;
  return facts;
}

std::vector<std::string> ImageJob::lines() const {
  if (std::isnan(score)) return {};
  return {"score: " + text("%.4f", score)};
}

void ImageJob::warn(Console& console, const std::string& sentence) const {
  console.warn(name.empty() ? sentence : name + ": " + sentence);
}

CLI::App* add_image_verb(CLI::App& program, Task task, ImageArguments& a, const ImageHelp& help,
                         Console& console, const std::function<void(CLI::App&)>& own) {
  CLI::App* verb = program.add_subcommand(to_string(task), help.verb);
  verb->add_option("-i,--input,photo", a.input, "the picture, or a folder; - reads standard input")
      ->required()
      ->type_name("FILE");
  verb->add_option("-m,--model", a.model, "weights")->required(a.needs_model)->type_name("FILE");
  verb->add_option("-o,--output", a.output,
                   "PNG, JPEG, BMP, TGA or PPM; - writes PNG to stdout; or a folder")
      ->required(a.needs_output)
      ->type_name("FILE");
  verb->add_option("-f,--format", a.format, "of a folder's outputs; as its inputs, else png")
      ->type_name("NAME");
  verb->add_option("--manifest", a.manifest,
                   "of a folder: what became of each; OUTPUT/manifest.json")
      ->type_name("FILE");
  verb->add_option("--side-by-side", a.side_by_side, help.side_by_side)->type_name("FILE");
  if (help.score != nullptr) {
    verb->add_option("--score", a.score, help.score)->type_name("FILE");
  }
  own(*verb);
  add_device(*verb, a.device);
  add_settings(*verb, a.settings);
  add_common(*verb, console);
  return verb;
}

int run_image_verb(const ImageVerb& verb, const ImageArguments& a, Console& console) {
  a.device.check();
  static_cast<void>(a.device.memory_limit());
  static_cast<void>(parse_settings(a.settings));
  static_cast<void>(a.tiles.options());
  static_cast<void>(a.crop.options());
  return is_folder(a.input) ? run_folder(verb, a, console) : run_one(verb, a, console);
}

}  // namespace kintsugi::cli
