// SPDX-License-Identifier: MIT
//
// kintsugi detect: finds defects in images: a score of each, boxes, and a map of where it is unlike
// what the weights were trained on. What it shares with other verbs is image_verb.h.
#include <memory>
#include <string>
#include <vector>

#include "format.h"
#include "image_verb.h"

namespace kintsugi::cli {
namespace {

/// An image and what was found in it; the result that is written is the heat map.
class Inspection final : public ImageJob {
 public:
  [[nodiscard]] ImageView like_result() const override {
    ImageView like = image;
    like.channels = 1;
    return like;
  }
  void measure(Console&) override { score = made.numbers.at("score"); }
  [[nodiscard]] const Image& result() const override { return made.images.at("heatmap"); }
  /// None: colours and exposure of the image are not the map's.
  [[nodiscard]] ImageMetadata metadata() const override { return {}; }
  [[nodiscard]] Json facts() const override;
  [[nodiscard]] std::vector<std::string> lines() const override;
};

Json Inspection::facts() const {
  Json facts = ImageJob::facts();
  if (made.images.empty()) return facts;
  Json boxes = Json::array();
  for (const Detection& d : made.detections) {
    boxes.push_back({{"x0", d.x0}, {"y0", d.y0}, {"x1", d.x1}, {"y1", d.y1}, {"score", d.score}});
    if (!d.label.empty()) boxes.back()["label"] = d.label;
  }
  facts["boxes"] = std::move(boxes);
  return facts;
}

std::vector<std::string> Inspection::lines() const {
  std::vector<std::string> lines = ImageJob::lines();
  for (const Detection& d : made.detections) {
    lines.push_back("box: " + std::to_string(d.x0) + "," + std::to_string(d.y0) + " to " +
                    std::to_string(d.x1) + "," + std::to_string(d.y1) + "  score " +
                    text("%.4f", d.score) + (d.label.empty() ? "" : "  " + d.label));
  }
  return lines;
}

}  // namespace

Verb add_detect(CLI::App& program, Console& console) {
  const auto a = std::make_shared<ImageArguments>();
  a->needs_output = false;
  CLI::App* verb =
      add_image_verb(program, Task::detect, *a,
                     {.verb = "find defects in an image, or in each of a folder; -o: the heat map",
                      .side_by_side = "also write image | heat map"},
                     console, [](CLI::App&) {});
  return {verb, [a, &console] {
            return run_image_verb({.task = Task::detect,
                                   .done = "inspected",
                                   .judge = nullptr,
                                   .job = [] { return std::make_unique<Inspection>(); }},
                                  *a, console);
          }};
}

}  // namespace kintsugi::cli
