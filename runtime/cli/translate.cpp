// SPDX-License-Identifier: MIT
//
// kintsugi translate: takes images to another domain. What it shares with other verbs is image_verb.h.
#include <memory>

#include "image_verb.h"

namespace kintsugi::cli {
namespace {

struct Arguments : ImageArguments {
  bool round = false;
};

class Translation final : public ImageJob {
 public:
  explicit Translation(const Arguments& arguments) : arguments_(arguments) {}

  /// RGB, with alpha where the image has one.
  [[nodiscard]] ImageView like_result() const override {
    ImageView like = image;
    like.channels = image.channels % 2 == 0 ? 4 : 3;
    return like;
  }
  void fill(TaskInput& task) const override { task.round = arguments_.round; }

 private:
  const Arguments& arguments_;
};

}  // namespace

Verb add_translate(CLI::App& program, Console& console) {
  const auto a = std::make_shared<Arguments>();
  CLI::App* verb = add_image_verb(
      program, Task::translate, *a,
      {.verb = "take a picture, or a folder of them, to another domain: CycleGAN",
       .side_by_side = "also write picture | result",
       .score = "weights of CycleGAN's discriminator: how real the result is, about 0 to 1"},
      console, [&](CLI::App& own) {
        add_max_side(own, a->max_side);
        add_tiles(own, a->tiles);
        own.add_flag("--round", a->round,
                     "to the nearest sample; else truncated, as the official programs do it");
      });
  return {verb, [a, &console] {
            return run_image_verb({.task = Task::translate,
                                   .done = "translated",
                                   .judge = "cyclegan-discriminator",
                                   .job = [a] { return std::make_unique<Translation>(*a); },
                                   .head = {{"max_side", a->max_side}, {"round", a->round}}},
                                  *a, console);
          }};
}

}  // namespace kintsugi::cli
