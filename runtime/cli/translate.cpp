// SPDX-License-Identifier: MIT
//
// kintsugi translate: takes a picture, or each of a folder, to another domain and writes it. Options,
// their checks and both ways; how a folder is run is folder_run.h.
#include <chrono>
#include <cmath>
#include <filesystem>
#include <memory>
#include <optional>
#include <utility>

#include <kintsugi/compare.hpp>

#include "files.h"
#include "folder.h"
#include "folder_run.h"
#include "format.h"
#include "interrupt.h"
#include "options.h"
#include "picture.h"
#include "printable.h"

namespace kintsugi::cli {
namespace {

namespace fs = std::filesystem;

struct TranslateArguments {
  fs::path input, model, output, side_by_side;  // the last empty: not given
  fs::path score;                               // weights of a discriminator, the same
  fs::path manifest;                            // the same; and of a folder alone
  std::string format;                           // the same
  int64_t max_side = 0;
  bool round = false;
  DeviceChoice device;
  std::vector<std::string> settings;
};

/// A picture on its way.
struct Translation {
  fs::path input, output;
  Image picture, made;
  double seconds = 0;
  double score = NAN;  // where it was asked for
};

/// A picture of the channels that the result will have, for questions about formats.
ImageView like_the_result(const Image& picture) {
  ImageView view = picture;
  const bool alpha = picture.channels == 2 || picture.channels == 4;
  view.channels = alpha ? 4 : 3;
  return view;
}

class Translator {
 public:
  Translator(const TranslateArguments& arguments, Console& console)
      : arguments_(arguments), console_(console), model_(Model::open(arguments.model)) {
    require_task(model_.describe(), Task::translate);
    console.debug("model: " + model_.describe().title + "; " + model_.describe().reason);
    if (!arguments.score.empty()) {
      judge_model_ = Model::open(arguments.score, {.network = "cyclegan-discriminator"});
    }
  }
  /// Throws Error::usage on settings that the network does not know, before a picture is read.
  void check_settings() const {
    static_cast<void>(model_.plan({.device = arguments_.device.device,
                                   .dtype = arguments_.device.dtype,
                                   .threads = arguments_.device.threads,
                                   .settings = parse_settings(arguments_.settings)}));
  }
  void start(Progress progress) {
    session_ = model_.session(arguments_.device.session(console_, std::move(progress)));
    console_.info("device: " + session_->device());
    if (judge_model_) {
      judge_ = judge_model_->session(arguments_.device.session(
          console_, [](double, const std::string&) { return !interrupted(); }));
    }
  }
  void read(Translation& t) const {
    t.picture = read_picture(t.input, console_);
    check_format(t.output, like_the_result(t.picture), t.picture.metadata, console_);
    // A judge that cannot take the picture says so before the work.
    if (judge_model_) {
      static_cast<void>(judge_model_->plan({.height = t.picture.height,
                                            .width = t.picture.width,
                                            .device = arguments_.device.device,
                                            .dtype = arguments_.device.dtype,
                                            .threads = arguments_.device.threads}));
    }
  }
  void run(Translation& t) {
    const auto start = std::chrono::steady_clock::now();
    t.made = session_->translate(t.picture, {.settings = parse_settings(arguments_.settings),
                                             .max_side = arguments_.max_side,
                                             .round = arguments_.round});
    t.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (judge_) t.score = judge_->score(t.made, {});
  }
  void write(const Translation& t) const {
    write_picture(t.output, t.made, t.picture.metadata, console_);
  }

  [[nodiscard]] const Model& model() const { return model_; }
  [[nodiscard]] std::string device() const { return session_->device(); }
  [[nodiscard]] int64_t peak_bytes() const {
    return session_->peak_allocated_bytes() + (judge_ ? judge_->peak_allocated_bytes() : 0);
  }

 private:
  const TranslateArguments& arguments_;
  Console& console_;
  Model model_;
  std::optional<Session> session_;
  std::optional<Model> judge_model_;
  std::optional<Session> judge_;
};

Json facts_of(const Translation& t) {
  Json facts = Json::object();
  if (t.picture.pixels.empty()) return facts;
  facts["width"] = t.picture.width;
  facts["height"] = t.picture.height;
  facts["channels"] = like_the_result(t.picture).channels;
  if (!std::isnan(t.score)) facts["score"] = t.score;
  return facts;
}

Json head_of(const TranslateArguments& a, const Translator& translator) {
  Json head = {{"kintsugi", version()},
               {"verb", "translate"},
               {"input", a.input.string()},
               {"output", a.output.string()},
               {"device", translator.device()},
               {"model", a.model.string()},
               {"network", translator.model().describe().network},
               {"settings", parse_settings(a.settings)},
               {"max_side", a.max_side},
               {"round", a.round}};
  if (!a.score.empty()) head["score_model"] = a.score.string();
  return head;
}

int translate_folder(const TranslateArguments& a, Console& console) {
  if (!a.side_by_side.empty()) {
    throw Error(ErrorCode::usage, "--side-by-side is for one picture, not for a folder");
  }
  if (!a.format.empty()) check_format_name(a.format);
  const FolderListing listing = list_pictures(a.input);
  const std::vector<fs::path> outputs = output_names(listing.pictures, a.output, a.format);
  std::vector<fs::path> read = {a.input, a.model};
  if (!a.score.empty()) read.push_back(a.score);
  check_output_folder(a.output, outputs, read);
  const fs::path manifest = a.manifest.empty() ? a.output / "manifest.json" : a.manifest;
  check_manifest(manifest, a.output, outputs, read);
  std::vector<FolderFile> files;
  for (size_t i = 0; i < outputs.size(); ++i) files.push_back({listing.pictures[i], outputs[i]});
  std::vector<fs::path> written = outputs;
  written.push_back(manifest);
  read.insert(read.end(), listing.pictures.begin(), listing.pictures.end());
  check_apart(written, read);

  Translator translator(a, console);
  translator.check_settings();
  FolderRun run(files, listing.skipped, manifest, console);
  translator.start(run.progress());
  for (const fs::path& output : outputs) {
    if (tell_of_jpeg(output, console)) break;
  }
  create_folder(a.output);
  std::vector<std::unique_ptr<Translation>> under_way(files.size());
  return run.run({.done = "translated",
                  .read =
                      [&](size_t i) {
                        under_way[i] = std::make_unique<Translation>();
                        under_way[i]->input = files[i].input;
                        under_way[i]->output = files[i].output;
                        translator.read(*under_way[i]);
                      },
                  .run = [&](size_t i) { translator.run(*under_way[i]); },
                  .write = [&](size_t i) { translator.write(*under_way[i]); },
                  .finish =
                      [&](size_t i) {
                        const std::unique_ptr<Translation> done = std::move(under_way[i]);
                        return facts_of(*done);
                      },
                  .totals =
                      [&] {
                        return Json{{"peak_bytes", translator.peak_bytes()}};
                      }},
                 head_of(a, translator));
}

void check_paths(const TranslateArguments& a, const Console& console) {
  refuse_folder_options(a.manifest, a.format);
  check_input(a.input);
  std::vector<fs::path> inputs = {a.input, a.model};
  if (!a.score.empty()) inputs.push_back(a.score);
  check_outputs(a.output, a.side_by_side, inputs, console.json());
  if (!is_stream(a.output)) static_cast<void>(image_format(a.output));
  if (!a.side_by_side.empty()) static_cast<void>(image_format(a.side_by_side));
}

int translate_one(const TranslateArguments& a, Console& console) {
  check_paths(a, console);
  Translator translator(a, console);
  Translation t;
  t.input = a.input;
  t.output = a.output;
  translator.read(t);
  if (!a.side_by_side.empty()) {
    check_format(a.side_by_side, like_the_result(t.picture), {}, console);
  }
  tell_of_jpeg(a.output, console);
  stop_if_interrupted();
  {
    ProgressBar bar(console);
    translator.start(bar.callback());
    translator.run(t);
  }
  stop_if_interrupted();
  translator.write(t);
  if (!a.side_by_side.empty()) {
    write_image(a.side_by_side, side_by_side(std::vector<ImageView>{t.picture, t.made}));
  }

  const int64_t process_bytes = process_peak_bytes();
  const std::string name = is_stream(a.output) ? "standard output" : a.output.string();
  if (console.json()) {
    Json json = {{"output", name}};
    json.update(facts_of(t));
    json.update({{"seconds", t.seconds},
                 {"peak_bytes", translator.peak_bytes()},
                 {"process_peak_bytes", process_bytes},
                 {"device", translator.device()}});
    console.print_json(json);
    return kOk;
  }
  const std::string line = name + "  " + size_of(t.made) + "  " + format_seconds(t.seconds) +
                           "  peak " + format_bytes(translator.peak_bytes()) + " (process " +
                           format_bytes(process_bytes) + ")";
  // Standard output belongs to the picture where that is what it carries.
  if (is_stream(a.output))
    console.info(line);
  else
    console.print(one_line(line) + "\n");
  if (!std::isnan(t.score)) {
    const std::string score = "score: " + text("%.4f", t.score);
    if (is_stream(a.output))
      console.info(score);
    else
      console.print(score + "\n");
  }
  return kOk;
}

int translate(const TranslateArguments& a, Console& console) {
  a.device.check();
  static_cast<void>(a.device.memory_limit());
  static_cast<void>(parse_settings(a.settings));
  if (is_stream(a.model)) {
    throw Error(ErrorCode::usage, "a model is not read from standard input");
  }
  check_input(a.model);
  if (!a.score.empty()) {
    check_input(a.score);
    if (!a.device.max_memory.empty()) {
      throw Error(ErrorCode::usage, "--max-memory is not shared with --score",
                  "leave one of them out: what the judge takes depends on each picture");
    }
  }
  return is_folder(a.input) ? translate_folder(a, console) : translate_one(a, console);
}

}  // namespace

Verb add_translate(CLI::App& program, Console& console) {
  const auto a = std::make_shared<TranslateArguments>();
  CLI::App* verb = program.add_subcommand(
      "translate", "take a picture, or a folder of them, to another domain: CycleGAN");
  verb->add_option("-i,--input,photo", a->input, "the picture, or a folder; - reads standard input")
      ->required()
      ->type_name("FILE");
  verb->add_option("-m,--model", a->model, "weights")->required()->type_name("FILE");
  add_picture_outputs(*verb, a->output, a->format, a->manifest);
  add_max_side(*verb, a->max_side);
  verb->add_flag("--round", a->round,
                 "to the nearest sample; else truncated, as the official programs do it");
  verb->add_option("--side-by-side", a->side_by_side, "also write picture | result")
      ->type_name("FILE");
  verb->add_option("--score", a->score,
                   "weights of CycleGAN's discriminator: how real the result is, about 0 to 1")
      ->type_name("FILE");
  add_device(*verb, a->device);
  add_settings(*verb, a->settings);
  add_common(*verb, console);
  return {verb, [a, &console] { return translate(*a, console); }};
}

}  // namespace kintsugi::cli
