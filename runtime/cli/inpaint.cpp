// SPDX-License-Identifier: MIT
//
// kintsugi inpaint: fills the holes of images. Known pixels are copied bit for bit, and counted; with
// the truth at hand, the hole is measured too. What it shares with other verbs is image_verb.h.
#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>

#include <kintsugi/classical.hpp>
#include <kintsugi/compare.hpp>

#include "files.h"
#include "folder.h"
#include "format.h"
#include "image_verb.h"
#include "picture.h"

namespace kintsugi::cli {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kDefaultRadius = 3;
constexpr int64_t kLargestRadius = 100;

struct Arguments : ImageArguments {
  std::string method = "network";
  std::string blend = "off";
  int64_t radius = 0;                   // 0: not given
  fs::path mask, compare_to, baseline;  // the latter empty: not given
  bool invert_mask = false;

  [[nodiscard]] int64_t radius_or_default() const { return radius == 0 ? kDefaultRadius : radius; }
};

Blend blend_of(const std::string& name) {
  if (name == "off") return Blend::off;
  if (name == "poisson") return Blend::poisson;
  if (name == "official") return Blend::official;
  throw Error(ErrorCode::usage, "--blend: '" + name + "' is not a way to blend",
              "they are --blend=poisson, which --blend alone means, and --blend=official");
}

/// In dB; null where there is no such number.
Json decibels(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

std::string print_decibels(double value) {
  if (std::isnan(value)) return "no hole";
  return std::isinf(value) ? "identical" : text("%.2f dB", value);
}

void check_size(const ImageView& other, const ImageView& image, const std::string& what) {
  if (other.width == image.width && other.height == image.height) return;
  const bool turned = other.width == image.height && other.height == image.width;
  throw Error(ErrorCode::mismatch,
              what + " is " + size_of(other) + ", the picture " + size_of(image),
              turned ? "the picture may have been turned upright by its EXIF orientation"
                     : "both must have the same width and height");
}

/// What the images of one command share.
struct Shared {
  const Arguments& arguments;
  Console& console;
  std::optional<ByStem> masks = {}, truths = {};  // of a folder
  std::optional<Image> mask = {};                 // of all its images
  double psnr_sum = 0;
  int64_t compared = 0;  // images for which there is a number of dB

  [[nodiscard]] double mean_psnr() const {
    return compared > 0 ? psnr_sum / static_cast<double>(compared) : NAN;
  }
};

/// An image with its holes.
class Filling final : public ImageJob {
 public:
  explicit Filling(Shared& shared) : shared_(shared), arguments_(shared.arguments) {}

  void read(Console& console) override;
  void fill(TaskInput& task) const override {
    task.mask = mask();
    task.invert_mask = arguments_.invert_mask;
    task.blend = blend_of(arguments_.blend);
  }
  [[nodiscard]] TaskOutput run_without_network(Console& console) override;
  void measure(Console& console) override;
  [[nodiscard]] Image panels() const override;
  [[nodiscard]] Json facts() const override;
  [[nodiscard]] std::vector<std::string> lines() const override;

 private:
  [[nodiscard]] const Image& mask() const { return shared_.mask ? *shared_.mask : mask_; }

  Shared& shared_;
  const Arguments& arguments_;
  fs::path mask_path_;
  Image mask_, hole_;
  std::optional<Image> truth_, other_;
  int64_t hole_pixels_ = 0, known_pixels_changed_ = 0;
  double psnr_ = NAN, baseline_psnr_ = NAN;
};

void check_folder(const Arguments& a) {
  if (!a.baseline.empty()) {
    throw Error(ErrorCode::usage, "--baseline is for one picture, not for a folder");
  }
  if (!a.compare_to.empty() && !is_folder(a.compare_to)) {
    throw Error(ErrorCode::usage, "--compare-to must be a folder, as the input is");
  }
  std::error_code ignored;
  if (fs::equivalent(a.mask, a.input, ignored)) {
    throw Error(ErrorCode::usage, "the masks are in the same folder as the pictures",
                "give another folder to --mask, or one mask for all pictures");
  }
  if (!is_folder(a.mask)) check_input(a.mask);
}

std::vector<fs::path> open_folder(Shared& shared) {
  std::vector<fs::path> files;
  const auto open = [&](std::optional<ByStem>& folder, const fs::path& path, const char* what) {
    const std::vector<fs::path> found = folder.emplace(path, what).files();
    files.insert(files.end(), found.begin(), found.end());
  };
  const Arguments& a = shared.arguments;
  if (is_folder(a.mask))
    open(shared.masks, a.mask, "mask");
  else
    shared.mask = read_picture(a.mask, shared.console);
  if (!a.compare_to.empty()) open(shared.truths, a.compare_to, "picture to compare to");
  return files;
}

void Filling::read(Console& console) {
  const Arguments& a = arguments_;
  mask_path_ = shared_.masks ? shared_.masks->find(input) : a.mask;
  const fs::path truth = shared_.truths ? shared_.truths->find(input) : a.compare_to;
  ImageJob::read(console);
  if (!shared_.mask) mask_ = read_picture(mask_path_, console);
  check_size(mask(), image, "the mask");
  if (!truth.empty()) {
    truth_ = read_picture(truth, console);
    check_size(*truth_, image, "the picture to compare to");
  }
  if (!a.baseline.empty()) {
    other_ = read_picture(a.baseline, console);
    check_size(*other_, image, "the baseline");
  }
  hole_ = hole_of(mask(), a.invert_mask);
  hole_pixels_ = count_hole(hole_);
}

TaskOutput Filling::run_without_network(Console& console) {
  if (hole_pixels_ == 0) {
    warn(console, "the mask selects nothing: the picture is copied as it is (white = hole)");
  }
  TaskOutput filled;
  filled.images["image"] = inpaint_telea(image, hole_, arguments_.radius_or_default());
  return filled;
}

void Filling::measure(Console& console) {
  known_pixels_changed_ = differing_outside(image, result(), hole_);
  if (known_pixels_changed_ > 0) {
    warn(console, plural(known_pixels_changed_, "known pixel") + " changed: please report this");
  }
  if (truth_) psnr_ = psnr_inside(result(), *truth_, hole_);
  if (other_) baseline_psnr_ = psnr_inside(*other_, *truth_, hole_);
  if (std::isfinite(psnr_)) {
    shared_.psnr_sum += psnr_;
    ++shared_.compared;
  }
}

/// The damaged image, its hole white, the mended one and, where it is known, the truth.
Image Filling::panels() const {
  Image damaged = image;
  const bool alpha = damaged.channels == 2 || damaged.channels == 4;
  const auto sample = static_cast<size_t>(damaged.bits / 8);
  const size_t size = static_cast<size_t>(damaged.channels) * sample;
  for (size_t pixel = 0; pixel < hole_.pixels.size(); ++pixel) {
    if (hole_.pixels[pixel] == 0) continue;
    uint8_t* const at = &damaged.pixels[pixel * size];
    std::fill(at, at + size - (alpha ? sample : 0), uint8_t{255});
  }
  std::vector<ImageView> images = {damaged, result()};
  if (truth_) images.push_back(*truth_);
  return kintsugi::side_by_side(images);
}

Json Filling::facts() const {
  Json facts = Json::object();
  // In a folder each image has its own mask.
  if (!name.empty()) {
    facts["mask"] = mask_path_.empty() ? Json(nullptr) : Json(mask_path_.string());
  }
  facts.update(ImageJob::facts());
  if (hole_.pixels.empty()) return facts;
  facts["hole_pixels"] = hole_pixels_;
  facts["hole_fraction"] =
      static_cast<double>(hole_pixels_) / static_cast<double>(image.width * image.height);
  if (made.images.empty()) return facts;
  // Counted in memory: null where the file's format changes pixels anyway.
  const bool exact = is_exact(output, image);
  facts["known_pixels_changed"] = exact ? Json(known_pixels_changed_) : Json(nullptr);
  if (truth_) facts["psnr_hole_db"] = decibels(psnr_);
  if (other_) facts["baseline_psnr_hole_db"] = decibels(baseline_psnr_);
  return facts;
}

std::vector<std::string> Filling::lines() const {
  std::vector<std::string> lines = ImageJob::lines();
  if (!truth_) return lines;
  std::string measured = "PSNR inside the hole: " + print_decibels(psnr_);
  if (other_) measured += ", the baseline: " + print_decibels(baseline_psnr_);
  const std::string changed =
      is_exact(output, image) ? format_count(known_pixels_changed_) : "this format is not exact";
  lines.insert(lines.begin(), {measured, "known pixels changed: " + changed});
  return lines;
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
      {!a.tiles.size.empty(), "--tile"},
      {a.tiles.overlap.has_value(), "--tile-overlap"},
      {!a.crop.mode.empty(), "--crop"},
      {a.crop.margin.has_value(), "--crop-margin"},
      {!a.without.empty(), "--without"},
      {!a.device.max_memory.empty() && a.score.empty(), "--max-memory"}};
  for (const auto& [given, option] : networks_own) {
    if (!given) continue;
    throw Error(ErrorCode::usage, std::string(option) + " is for networks, not for --method telea");
  }
}

int inpaint(const Arguments& a, Console& console) {
  check_method(a);
  static_cast<void>(blend_of(a.blend));
  Shared shared{.arguments = a, .console = console};
  ImageVerb verb{.task = Task::inpaint,
                 .done = "mended",
                 .judge = "glcic-discriminator",
                 .job = [&] { return std::make_unique<Filling>(shared); },
                 .head_of_one = {{"method", a.method}, {"blend", a.blend}},
                 .inputs = {a.mask, a.compare_to, a.baseline}};
  verb.head = {{"mask", a.mask.string()}, {"method", a.method}, {"invert_mask", a.invert_mask}};
  if (a.model.empty())
    verb.head["radius"] = a.radius_or_default();
  else
    verb.head.update({{"blend", a.blend}, {"max_side", a.max_side}});
  verb.folder.check = [&] { check_folder(a); };
  verb.folder.open = [&] { return open_folder(shared); };
  if (!a.compare_to.empty()) {
    verb.folder.totals = [&] { return Json{{"psnr_hole_db_mean", decibels(shared.mean_psnr())}}; };
    verb.folder.closing = [&] {
      return "PSNR inside the hole, mean of " + format_count(shared.compared) + ": " +
             print_decibels(shared.mean_psnr());
    };
  }
  return run_image_verb(verb, a, console);
}

void add_own(CLI::App& verb, Arguments& a) {
  verb.add_option("--mask", a.mask, "of the same size, white is the hole; or a folder of them")
      ->required()
      ->type_name("FILE");
  verb.add_flag("--invert-mask", a.invert_mask, "black is the hole");
  add_max_side(verb, a.max_side);
  add_tiles(verb, a.tiles);
  add_crop(verb, a.crop);
  add_without(verb, a.without);
  verb.add_flag("--blend{poisson}", a.blend,
                "no step at a hole's edge; --blend=official: as GLCIC's release does it");
  verb.add_option("--method", a.method, "network or telea, which needs no weights")
      ->type_name("NAME")
      ->capture_default_str();
  verb.add_option("--radius", a.radius, "of --method telea: how far a pixel looks; 3")
      ->type_name("N")
      ->check(within(int64_t{1}, kLargestRadius));
  CLI::Option* truth =
      verb.add_option("--compare-to", a.compare_to, "the undamaged picture: prints PSNR")
          ->type_name("FILE");
  verb.add_option("--baseline", a.baseline, "another result, to be compared in the same way")
      ->type_name("FILE")
      ->needs(truth);
}

}  // namespace

Verb add_inpaint(CLI::App& program, Console& console) {
  const auto a = std::make_shared<Arguments>();
  a->needs_model = false;  // --method telea needs none
  CLI::App* verb = add_image_verb(
      program, Task::inpaint, *a,
      {.verb = "fill the holes of a picture, or of a folder of them",
       .side_by_side = "also write damaged | mended | truth",
       .score = "weights of GLCIC's discriminators: how plausible the result is, 0 to 1"},
      console, [&](CLI::App& own) { add_own(own, *a); });
  return {verb, [a, &console] { return inpaint(*a, console); }};
}

}  // namespace kintsugi::cli
