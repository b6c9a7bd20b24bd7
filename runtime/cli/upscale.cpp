// SPDX-License-Identifier: MIT
//
// kintsugi upscale: makes images larger, by the factor of the weights. What it shares with other verbs
// is image_verb.h.
#include <cstring>
#include <memory>
#include <vector>

#include <kintsugi/compare.hpp>

#include "image_verb.h"

namespace kintsugi::cli {
namespace {

/// Every pixel as a square of `factor` a side.
Image enlarged(const Image& image, int64_t factor) {
  Image large = image;
  large.width *= factor;
  large.height *= factor;
  const auto size = static_cast<size_t>(image.channels * image.bits / 8);
  large.pixels.resize(static_cast<size_t>(large.width * large.height) * size);
  for (int64_t y = 0; y < large.height; ++y) {
    for (int64_t x = 0; x < large.width; ++x) {
      const auto to = static_cast<size_t>(y * large.width + x);
      const auto from = static_cast<size_t>(y / factor * image.width + x / factor);
      std::memcpy(&large.pixels[to * size], &image.pixels[from * size], size);
    }
  }
  return large;
}

class Enlargement final : public ImageJob {
 public:
  [[nodiscard]] Image panels() const override {
    const Image before = enlarged(image, factor());
    return kintsugi::side_by_side(std::vector<ImageView>{before, result()});
  }
  /// Extents are those of the result: not known before it is there.
  [[nodiscard]] Json facts() const override {
    if (made.images.empty()) return Json::object();
    return {{"width", result().width},
            {"height", result().height},
            {"channels", result().channels},
            {"factor", factor()}};
  }

 private:
  [[nodiscard]] int64_t factor() const { return result().width / image.width; }
};

}  // namespace

Verb add_upscale(CLI::App& program, Console& console) {
  const auto a = std::make_shared<ImageArguments>();
  CLI::App* verb =
      add_image_verb(program, Task::upscale, *a,
                     {.verb = "make an image, or each of a folder, larger",
                      .side_by_side = "also write the image, its pixels as squares | result"},
                     console, [&](CLI::App& own) { add_tiles(own, a->tiles); });
  return {verb, [a, &console] {
            return run_image_verb({.task = Task::upscale,
                                   .done = "upscaled",
                                   .judge = nullptr,
                                   .job = [] { return std::make_unique<Enlargement>(); }},
                                  *a, console);
          }};
}

}  // namespace kintsugi::cli
