// SPDX-License-Identifier: MIT
#include "mend.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <kintsugi/classical.hpp>
#include <kintsugi/compare.hpp>

#include "files.h"
#include "format.h"
#include "interrupt.h"
#include "picture.h"

namespace kintsugi::cli {
namespace {

constexpr int64_t kDefaultRadius = 3;

/// `name`: what it is said of, where there are several.
void warn(Console& console, const std::string& name, const std::string& sentence) {
  console.warn(name.empty() ? sentence : name + ": " + sentence);
}

void check_size(const ImageView& other, const ImageView& picture, const std::string& what) {
  if (other.width == picture.width && other.height == picture.height) return;
  const bool turned = other.width == picture.height && other.height == picture.width;
  throw Error(ErrorCode::mismatch,
              what + " is " + size_of(other) + ", the picture " + size_of(picture),
              turned ? "the picture may have been turned upright by its EXIF orientation"
                     : "both must have the same width and height");
}

/// The damaged picture, its hole white, the mended one and, where it is known, the truth.
void write_side_by_side(const Mending& m) {
  Image damaged = m.picture;
  const bool alpha = damaged.channels == 2 || damaged.channels == 4;
  const auto sample = static_cast<size_t>(damaged.bits / 8);
  const size_t size = static_cast<size_t>(damaged.channels) * sample;
  for (size_t pixel = 0; pixel < m.hole.pixels.size(); ++pixel) {
    if (m.hole.pixels[pixel] == 0) continue;
    uint8_t* const at = &damaged.pixels[pixel * size];
    std::fill(at, at + size - (alpha ? sample : 0), uint8_t{255});
  }
  std::vector<ImageView> pictures = {damaged, m.mended};
  if (m.truth) pictures.push_back(*m.truth);
  write_image(m.side_by_side, side_by_side(pictures));
}

}  // namespace

Blend blend_of(const std::string& name) {
  if (name == "off") return Blend::off;
  if (name == "poisson") return Blend::poisson;
  if (name == "official") return Blend::official;
  throw Error(ErrorCode::usage, "--blend: '" + name + "' is not a way to blend",
              "they are --blend=poisson, which --blend alone means, and --blend=official");
}

int64_t radius_of(const InpaintArguments& arguments) {
  return arguments.radius == 0 ? kDefaultRadius : arguments.radius;
}

Mender::Mender(const InpaintArguments& arguments, Console& console)
    : arguments_(arguments), console_(console) {
  if (!arguments.score.empty()) {
    judge_model_ = Model::open(arguments.score, {.network = "glcic-discriminator"});
  }
  if (arguments.model.empty()) return;
  model_ = Model::open(arguments.model);
  require_task(model_->describe(), Task::inpaint);
  console.debug("model: " + model_->describe().title + "; " + model_->describe().reason);
}

void Mender::check_settings() const {
  if (!model_) return;
  static_cast<void>(model_->plan({.device = arguments_.device.device,
                                  .dtype = arguments_.device.dtype,
                                  .threads = arguments_.device.threads,
                                  .settings = parse_settings(arguments_.settings)}));
}

void Mender::start(Progress progress) {
  SessionOptions options = arguments_.device.session(console_, std::move(progress));
  if (judge_model_) {
    SessionOptions judging = options;
    judging.progress = [](double, const std::string&) { return !interrupted(); };
    judge_ = judge_model_->session(judging);
    if (options.max_memory > 0) {
      // Both hold their memory at once. What the judge takes is known: its views have one size.
      const int64_t taken = judge_model_
                                ->plan({.device = options.device,
                                        .dtype = options.dtype,
                                        .threads = options.threads,
                                        .max_memory = options.max_memory})
                                .memory.peak();
      options.max_memory = std::max<int64_t>(options.max_memory - taken, 1);
    }
  }
  if (!model_) return;
  options.warn = [this](const std::string& sentence) { warn(console_, name_, sentence); };
  session_ = model_->session(options);
  console_.info("device: " + session_->device());
}

void Mender::mend(Mending& m) {
  name_ = m.name;
  if (!session_ && m.hole_pixels == 0) {
    warn(console_, m.name,
         "the mask selects nothing: the picture is copied as it is (white = hole)");
  }
  const ImageView mask = m.mask_of_all != nullptr ? *m.mask_of_all : m.mask_picture;
  const auto start = std::chrono::steady_clock::now();
  if (session_) {
    m.mended = session_->inpaint(m.picture, mask,
                                 {.settings = parse_settings(arguments_.settings),
                                  .invert_mask = arguments_.invert_mask,
                                  .max_side = arguments_.max_side,
                                  .blend = blend_of(arguments_.blend)});
  } else {
    m.mended = inpaint_telea(m.picture, m.hole, radius_of(arguments_));
  }
  m.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (judge_) {
    m.score = judge_->score(m.mended, mask, {.invert_mask = arguments_.invert_mask});
  }
}

void read_mending(Mending& m, const InpaintArguments& arguments, Console& console) {
  m.picture = read_picture(m.input, console);
  if (m.mask_of_all == nullptr) m.mask_picture = read_picture(m.mask, console);
  const Image& mask = m.mask_of_all != nullptr ? *m.mask_of_all : m.mask_picture;
  check_size(mask, m.picture, "the mask");
  check_format(m.output, m.picture, m.picture.metadata, console);
  if (!m.side_by_side.empty()) check_format(m.side_by_side, m.picture, {}, console);
  if (!m.compare_to.empty()) {
    m.truth = read_picture(m.compare_to, console);
    check_size(*m.truth, m.picture, "the picture to compare to");
  }
  if (!m.baseline.empty()) {
    m.other = read_picture(m.baseline, console);
    check_size(*m.other, m.picture, "the baseline");
  }
  m.hole = hole_of(mask, arguments.invert_mask);
  m.hole_pixels = count_hole(m.hole);
}

void write_mending(Mending& m, Console& console) {
  m.known_pixels_changed = differing_outside(m.picture, m.mended, m.hole);
  if (m.known_pixels_changed > 0) {
    warn(console, m.name,
         plural(m.known_pixels_changed, "known pixel") + " changed: please report this");
  }
  if (m.truth) m.psnr = psnr_inside(m.mended, *m.truth, m.hole);
  if (m.other) m.baseline_psnr = psnr_inside(*m.other, *m.truth, m.hole);
  if (!m.side_by_side.empty()) write_side_by_side(m);
  write_picture(m.output, m.mended, m.picture.metadata, console);
}

Json facts_of(const Mending& m) {
  Json facts = Json::object();
  if (m.picture.pixels.empty()) return facts;
  facts["width"] = m.picture.width;
  facts["height"] = m.picture.height;
  facts["channels"] = m.picture.channels;
  if (m.hole.pixels.empty()) return facts;
  facts["hole_pixels"] = m.hole_pixels;
  facts["hole_fraction"] =
      static_cast<double>(m.hole_pixels) / static_cast<double>(m.picture.width * m.picture.height);
  if (m.mended.pixels.empty()) return facts;
  // Counted in memory: null where the file's format changes pixels anyway.
  const bool exact = is_exact(m.output, m.picture);
  facts["known_pixels_changed"] = exact ? Json(m.known_pixels_changed) : Json(nullptr);
  if (!std::isnan(m.score)) facts["score"] = m.score;
  if (m.truth) facts["psnr_hole_db"] = decibels(m.psnr);
  if (m.other) facts["baseline_psnr_hole_db"] = decibels(m.baseline_psnr);
  return facts;
}

Json decibels(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

std::string print_decibels(double value) {
  if (std::isnan(value)) return "no hole";
  return std::isinf(value) ? "identical" : text("%.2f dB", value);
}

}  // namespace kintsugi::cli
