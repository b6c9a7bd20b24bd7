// SPDX-License-Identifier: MIT
//
// kintsugi inpaint: fills the holes of a picture and writes it. Known pixels are copied bit for
// bit, and counted; with the truth at hand, the hole is measured too. Here are the options, their
// checks and the single picture; a folder of them is inpaint_folder.cpp.
#include <filesystem>
#include <memory>
#include <utility>

#include "files.h"
#include "folder.h"
#include "format.h"
#include "inpaint_folder.h"
#include "interrupt.h"
#include "mend.h"
#include "options.h"
#include "picture.h"
#include "printable.h"

namespace kintsugi::cli {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kLargestRadius = 100;

/// What only a network takes is refused without one, and the other way round.
void check_method(const InpaintArguments& a) {
  if (a.method == "network") {
    if (a.model.empty()) {
      throw Error(ErrorCode::usage, "inpaint: --model is required",
                  "give weights with -m, or use --method telea, which needs none");
    }
    if (a.radius != 0) throw Error(ErrorCode::usage, "--radius is for --method telea");
    return;
  }
  if (a.method != "telea") {
    throw Error(ErrorCode::usage, "--method: '" + a.method + "' is not known",
                "the methods are network and telea");
  }
  const std::pair<bool, const char*> networks_own[] = {
      {!a.model.empty(), "--model"},
      {a.blend != "off", "--blend"},
      {a.max_side != 0, "--max-side"},
      {!a.settings.empty(), "--set"},
      {!a.device.max_memory.empty() && a.score.empty(), "--max-memory"}};
  for (const auto& [given, option] : networks_own) {
    if (given) {
      throw Error(ErrorCode::usage,
                  std::string(option) + " is for networks, not for --method telea");
    }
  }
}

void check_paths(const InpaintArguments& a, const Console& console) {
  refuse_folder_options(a.manifest, a.format);
  const std::vector<fs::path> inputs = {a.input,      a.mask,     a.model,
                                        a.compare_to, a.baseline, a.score};
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
  check_outputs(a.output, a.side_by_side, inputs, console.json());
}

int inpaint_one(const InpaintArguments& a, Console& console) {
  check_paths(a, console);
  if (!is_stream(a.output)) static_cast<void>(image_format(a.output));
  if (!a.side_by_side.empty()) static_cast<void>(image_format(a.side_by_side));

  Mender mender(a, console);
  Mending m;
  m.input = a.input;
  m.mask = a.mask;
  m.output = a.output;
  m.side_by_side = a.side_by_side;
  m.compare_to = a.compare_to;
  m.baseline = a.baseline;
  read_mending(m, a, console);
  tell_of_jpeg(a.output, console);
  stop_if_interrupted();
  {
    ProgressBar bar(console);
    mender.start(bar.callback());
    mender.mend(m);
  }
  stop_if_interrupted();
  write_mending(m, console);

  const int64_t process_bytes = process_peak_bytes();
  const std::string name = is_stream(a.output) ? "standard output" : a.output.string();
  if (console.json()) {
    Json json = {{"output", name}, {"method", a.method}, {"blend", a.blend}};
    json.update(facts_of(m));
    json.update({{"seconds", m.seconds},
                 {"peak_bytes", mender.peak_bytes()},
                 {"process_peak_bytes", process_bytes},
                 {"device", mender.device()}});
    console.print_json(json);
    return kOk;
  }
  const std::string memory = mender.model() ? "peak " + format_bytes(mender.peak_bytes()) +
                                                  " (process " + format_bytes(process_bytes) + ")"
                                            : "process " + format_bytes(process_bytes);
  std::vector<std::string> lines = {name + "  " + size_of(m.picture) + "  " +
                                    format_seconds(m.seconds) + "  " + memory};
  if (m.truth) {
    lines.push_back("PSNR inside the hole: " + print_decibels(m.psnr));
    if (m.other) lines.back() += ", the baseline: " + print_decibels(m.baseline_psnr);
    lines.push_back("known pixels changed: " + (is_exact(m.output, m.picture)
                                                    ? format_count(m.known_pixels_changed)
                                                    : "this format is not exact"));
  }
  if (!std::isnan(m.score)) {
    lines.push_back("score: " + text("%.4f", m.score));
  }
  for (const std::string& line : lines) {
    // Standard output belongs to the picture where that is what it carries.
    if (is_stream(a.output))
      console.info(line);
    else
      console.print(one_line(line) + "\n");
  }
  return kOk;
}

int inpaint(const InpaintArguments& a, Console& console) {
  check_method(a);
  static_cast<void>(blend_of(a.blend));
  a.device.check();
  static_cast<void>(a.device.memory_limit());
  static_cast<void>(parse_settings(a.settings));
  return is_folder(a.input) ? inpaint_folder(a, console) : inpaint_one(a, console);
}

}  // namespace

Verb add_inpaint(CLI::App& program, Console& console) {
  const auto a = std::make_shared<InpaintArguments>();
  CLI::App* verb =
      program.add_subcommand("inpaint", "fill the holes of a picture, or of a folder of them");
  verb->add_option("-i,--input,photo", a->input, "the picture, or a folder; - reads standard input")
      ->required()
      ->type_name("FILE");
  verb->add_option("--mask", a->mask, "of the same size, white is the hole; or a folder of them")
      ->required()
      ->type_name("FILE");
  verb->add_option("-m,--model", a->model, "weights; --method telea needs none")->type_name("FILE");
  add_picture_outputs(*verb, a->output, a->format, a->manifest);
  verb->add_flag("--invert-mask", a->invert_mask, "black is the hole");
  add_max_side(*verb, a->max_side);
  verb->add_flag("--blend{poisson}", a->blend,
                 "no step at a hole's edge; --blend=official: as GLCIC's release does it");
  verb->add_option("--method", a->method, "network or telea")
      ->type_name("NAME")
      ->capture_default_str();
  verb->add_option("--radius", a->radius, "of --method telea: how far a pixel looks; 3")
      ->type_name("N")
      ->check(within(int64_t{1}, kLargestRadius));
  verb->add_option("--side-by-side", a->side_by_side, "also write damaged | mended | truth")
      ->type_name("FILE");
  CLI::Option* truth =
      verb->add_option("--compare-to", a->compare_to, "the undamaged picture: prints PSNR")
          ->type_name("FILE");
  verb->add_option("--baseline", a->baseline, "another result, to be compared in the same way")
      ->type_name("FILE")
      ->needs(truth);
  verb->add_option("--score", a->score,
                   "weights of GLCIC's discriminators: how plausible the result is, 0 to 1")
      ->type_name("FILE");
  add_device(*verb, a->device);
  add_settings(*verb, a->settings);
  add_common(*verb, console);
  return {verb, [a, &console] { return inpaint(*a, console); }};
}

}  // namespace kintsugi::cli
