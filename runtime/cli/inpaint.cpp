// SPDX-License-Identifier: MIT
//
// kintsugi inpaint: fills the holes of a picture and writes it. Known pixels are copied bit for
// bit, and counted; with the truth at hand, the hole is measured too.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <memory>
#include <optional>
#include <utility>

#include <kintsugi/classical.hpp>
#include <kintsugi/compare.hpp>
#include <kintsugi/kintsugi.hpp>

#include "files.h"
#include "format.h"
#include "interrupt.h"
#include "options.h"
#include "picture.h"
#include "printable.h"

namespace kintsugi::cli {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kLongestSide = int64_t{1} << 20;
constexpr int64_t kLargestRadius = 100;
constexpr int64_t kDefaultRadius = 3;

struct Arguments {
  std::string method = "network";
  std::string blend = "off";
  int64_t radius = 0;  // 0: not given
  fs::path input, mask, model, output;
  fs::path side_by_side, compare_to, baseline;
  bool invert_mask = false;
  int64_t max_side = 0;
  DeviceChoice device;
  std::vector<std::string> settings;
};

struct Outcome {
  Image picture;
  double seconds = 0;
  int64_t peak_bytes = 0;
  std::string device;
};

Blend blend_of(const std::string& name) {
  if (name == "off") return Blend::off;
  if (name == "poisson") return Blend::poisson;
  if (name == "official") return Blend::official;
  throw Error(ErrorCode::usage, "--blend: '" + name + "' is not a way to blend",
              "they are --blend=poisson, which --blend alone means, and --blend=official");
}

/// What only a network takes is refused without one, and the other way round.
void check_method(const Arguments& a) {
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
      {!a.device.max_memory.empty(), "--max-memory"}};
  for (const auto& [given, option] : networks_own) {
    if (given) {
      throw Error(ErrorCode::usage,
                  std::string(option) + " is for networks, not for --method telea");
    }
  }
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void check_paths(const Arguments& a, const Console& console) {
  const std::vector<fs::path> inputs = {a.input, a.mask, a.model, a.compare_to, a.baseline};
  int streams = 0;
  for (const fs::path& input : inputs) {
    if (input.empty()) continue;
    check_input(input);
    streams += is_stream(input) ? 1 : 0;
  }
  if (streams > 1 || is_stream(a.model)) {
    throw Error(ErrorCode::usage, "standard input can be one picture, and nothing else",
                "give files for the others");
  }
  if (is_stream(a.output) && console.json()) {
    throw Error(ErrorCode::usage, "the picture and the JSON cannot both go to standard output",
                "give a file to -o, or leave --json out");
  }
  check_output(a.output, inputs);
  if (a.side_by_side.empty()) return;
  if (is_stream(a.side_by_side)) {
    throw Error(ErrorCode::usage, "--side-by-side needs the name of a file");
  }
  std::vector<fs::path> taken = inputs;
  taken.push_back(a.output);
  check_output(a.side_by_side, taken);
}

void check_size(const ImageView& other, const ImageView& picture, const std::string& what) {
  if (other.width == picture.width && other.height == picture.height) return;
  const bool turned = other.width == picture.height && other.height == picture.width;
  throw Error(ErrorCode::mismatch,
              what + " is " + size_of(other) + ", the picture " + size_of(picture),
              turned ? "the picture may have been turned upright by its EXIF orientation"
                     : "both must have the same width and height");
}

Outcome mend_without_network(const Arguments& a, const Image& picture, const Image& hole,
                             Console& console) {
  if (count_hole(hole) == 0) {
    console.warn("the mask selects nothing: the picture is copied as it is (white = hole)");
  }
  const auto start = std::chrono::steady_clock::now();
  Outcome outcome;
  outcome.picture = inpaint_telea(picture, hole, a.radius == 0 ? kDefaultRadius : a.radius);
  outcome.seconds = seconds_since(start);
  outcome.device = "cpu";
  return outcome;
}

Outcome mend(const Arguments& a, const Model& model, const Image& picture, const Image& mask,
             Console& console) {
  ProgressBar bar(console);
  Session session = model.session(a.device.session(console, bar.callback()));
  console.info("device: " + session.device());
  const auto start = std::chrono::steady_clock::now();
  Outcome outcome;
  outcome.picture = session.inpaint(picture, mask,
                                    {.settings = parse_settings(a.settings),
                                     .invert_mask = a.invert_mask,
                                     .max_side = a.max_side,
                                     .blend = blend_of(a.blend)});
  outcome.seconds = seconds_since(start);
  outcome.peak_bytes = session.peak_allocated_bytes();
  outcome.device = session.device();
  return outcome;
}

/// The damaged picture, its hole white, the mended one and, where it is known, the truth.
void write_side_by_side(const Arguments& a, const Image& picture, const Image& hole,
                        const Image& mended, const std::optional<Image>& truth) {
  Image damaged = picture;
  const bool alpha = picture.channels == 2 || picture.channels == 4;
  const auto sample = static_cast<size_t>(picture.bits / 8);
  const size_t size = static_cast<size_t>(picture.channels) * sample;
  for (size_t pixel = 0; pixel < hole.pixels.size(); ++pixel) {
    if (hole.pixels[pixel] == 0) continue;
    uint8_t* const at = &damaged.pixels[pixel * size];
    std::fill(at, at + size - (alpha ? sample : 0), uint8_t{255});
  }
  std::vector<ImageView> pictures = {damaged, mended};
  if (truth) pictures.push_back(*truth);
  write_image(a.side_by_side, side_by_side(pictures));
}

Json decibels(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

std::string print_decibels(double value) {
  if (std::isnan(value)) return "no hole";
  return std::isinf(value) ? "identical" : text("%.2f dB", value);
}

int inpaint(const Arguments& a, Console& console) {
  check_method(a);
  static_cast<void>(blend_of(a.blend));
  check_paths(a, console);
  a.device.check();
  static_cast<void>(a.device.memory_limit());
  static_cast<void>(parse_settings(a.settings));
  if (!is_stream(a.output)) static_cast<void>(image_format(a.output));
  if (!a.side_by_side.empty()) static_cast<void>(image_format(a.side_by_side));

  std::optional<Model> model;
  if (!a.model.empty()) {
    model = Model::open(a.model);
    console.debug("model: " + model->describe().title + "; " + model->describe().reason);
  }

  const Image picture = read_picture(a.input, console);
  const Image mask = read_picture(a.mask, console);
  check_size(mask, picture, "the mask");
  check_format(a.output, picture, picture.metadata, console);
  if (!a.side_by_side.empty()) check_format(a.side_by_side, picture, {}, console);
  std::optional<Image> truth, baseline;
  if (!a.compare_to.empty()) {
    truth = read_picture(a.compare_to, console);
    check_size(*truth, picture, "the picture to compare to");
  }
  if (!a.baseline.empty()) {
    baseline = read_picture(a.baseline, console);
    check_size(*baseline, picture, "the baseline");
  }

  const Image hole = hole_of(mask, a.invert_mask);
  const int64_t hole_pixels = count_hole(hole);
  const double fraction =
      static_cast<double>(hole_pixels) / static_cast<double>(picture.width * picture.height);
  stop_if_interrupted();
  const Outcome outcome = model ? mend(a, *model, picture, mask, console)
                                : mend_without_network(a, picture, hole, console);
  stop_if_interrupted();

  const int64_t changed = differing_outside(picture, outcome.picture, hole);
  if (changed > 0) console.warn(plural(changed, "known pixel") + " changed: please report this");
  if (!a.side_by_side.empty()) {
    write_side_by_side(a, picture, hole, outcome.picture, truth);
  }
  write_picture(a.output, outcome.picture, picture.metadata, console);

  double psnr = 0, baseline_psnr = 0;
  if (truth) psnr = psnr_inside(outcome.picture, *truth, hole);
  if (baseline) baseline_psnr = psnr_inside(*baseline, *truth, hole);
  const int64_t process_bytes = process_peak_bytes();
  const std::string name = is_stream(a.output) ? "standard output" : a.output.string();
  if (console.json()) {
    Json json = {{"output", name},
                 {"method", a.method},
                 {"blend", a.blend},
                 {"width", picture.width},
                 {"height", picture.height},
                 {"channels", picture.channels},
                 {"hole_pixels", hole_pixels},
                 {"hole_fraction", fraction},
                 {"known_pixels_changed", changed},
                 {"seconds", outcome.seconds},
                 {"peak_bytes", outcome.peak_bytes},
                 {"process_peak_bytes", process_bytes},
                 {"device", outcome.device}};
    if (truth) json["psnr_hole_db"] = decibels(psnr);
    if (baseline) json["baseline_psnr_hole_db"] = decibels(baseline_psnr);
    console.print_json(json);
    return kOk;
  }
  const std::string memory = model ? "peak " + format_bytes(outcome.peak_bytes) + " (process " +
                                         format_bytes(process_bytes) + ")"
                                   : "process " + format_bytes(process_bytes);
  std::vector<std::string> lines = {name + "  " + size_of(picture) + "  " +
                                    format_seconds(outcome.seconds) + "  " + memory};
  if (truth) {
    lines.push_back("PSNR inside the hole: " + print_decibels(psnr));
    if (baseline) lines.back() += ", the baseline: " + print_decibels(baseline_psnr);
    lines.push_back("known pixels changed: " + format_count(changed));
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

}  // namespace

Verb add_inpaint(CLI::App& program, Console& console) {
  const auto a = std::make_shared<Arguments>();
  CLI::App* verb = program.add_subcommand("inpaint", "fill the holes of a picture");
  verb->add_option("-i,--input,photo", a->input, "the picture; - reads standard input")
      ->required()
      ->type_name("FILE");
  verb->add_option("--mask", a->mask, "a picture of the same size; white is the hole")
      ->required()
      ->type_name("FILE");
  verb->add_option("-m,--model", a->model, "weights; --method telea needs none")->type_name("FILE");
  verb->add_option("-o,--output", a->output, "PNG, JPEG, BMP, TGA or PPM; - writes PNG to stdout")
      ->required()
      ->type_name("FILE");
  verb->add_flag("--invert-mask", a->invert_mask, "black is the hole");
  verb->add_option("--max-side", a->max_side,
                   "let the network see at most so many pixels a side; 0: all")
      ->type_name("N")
      ->check(within(int64_t{0}, kLongestSide));
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
  add_device(*verb, a->device);
  add_settings(*verb, a->settings);
  add_common(*verb, console);
  return {verb, [a, &console] { return inpaint(*a, console); }};
}

}  // namespace kintsugi::cli
