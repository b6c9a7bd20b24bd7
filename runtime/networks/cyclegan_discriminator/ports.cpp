// SPDX-License-Identifier: MIT
//
// How a file of the discriminator is opened, and what it makes of a picture: the mean over all patches.
#include "runtime/image/pixel.h"
#include "runtime/networks/cyclegan_discriminator/cyclegan_discriminator.h"

namespace kintsugi::networks::cyclegan_discriminator {
namespace {

Config configure(const weights::Weights& weights, const weights::KeyMap& keys) {
  Config config;
  config.width = first_extent(weights, keys.stored("conv1.weight"), config.width);
  config.bias = weights.has(keys.stored("conv2.bias"));
  config.bias_ends = weights.has(keys.stored("conv1.bias"));
  config.stored = stored_norm(weights, keys, "norm2");
  config.norm = config.stored.norm();
  return config;
}

constexpr const char* kGraph = "discriminator";

double score(const ImageView& image, Runner& runner) {
  double sum = 0;
  int64_t count = 0;
  const WriteRow write = [&](int64_t, int64_t y, std::span<float> row) {
    for (int64_t x = 0; x < image.width; ++x) {
      const auto rgb = image::rgb_at(image, y, x);
      for (size_t c = 0; c < 3; ++c) {
        row[static_cast<size_t>(3 * x) + c] = (rgb[c] - 0.5f) / 0.5f;
      }
    }
  };
  const ReadRow read = [&](int64_t, int64_t, std::span<const float> row) {
    for (const float value : row) sum += static_cast<double>(value);
    count += static_cast<int64_t>(row.size());
  };
  runner.replay(kGraph, {.h = image.height, .w = image.width}, {{"input", write}},
                {{"score", read}});
  return sum / static_cast<double>(count);
}

}  // namespace

Program open(const weights::Weights& weights, const weights::Detection& detection) {
  const weights::KeyMap keys = detection.map();
  check_config(weights, kNetwork, std::string(detection.layout->name), {-1.0, 1.0});

  SettingList<Config> known;
  add_norm_setting(known);
  Program program{.keys = keys};
  Description& d = program.description;
  d.settings = known.described();
  Config config = configure(weights, keys);
  if (detection.layout->name == "mindspore") {  // PyTorch's keys tell
    with_metadata(weights, [&] {
      config.norm = choose_norm(config.stored, config.norm, config_text(weights, kNetwork, "norm"));
    });
  }
  d.title = "CycleGAN discriminator, " + std::to_string(config.width) + " channels";
  d.variant = "PatchGAN of 70 pixels, key layout '" + std::string(detection.layout->name) +
              "': " + std::string(detection.layout->source);
  d.value_range = "RGB in [-1, 1]";

  program.graphs = {
      {.name = kGraph,
       .inputs = {{"input", "[N, 3, H, W]", "RGB in [-1, 1]"}},
       .outputs = {{"score", "[N, 1, H, W]", "of each patch: 1 real, 0 made, not bounded"}},
       .record = [config, known](const Recording& r) {
         constexpr int64_t kLeast = 24;  // halved three times, then a pixel less twice
         const graph::Value x = r.input("input");
         require_pixels("the discriminator", kLeast, r.m.graph().shape(x));
         r.output("score", judge(r.m, x, known.applied(config, r.settings)));
       }}};
  program.tasks = {{.task = Task::score,
                    .graphs = {{kGraph, {}}},
                    .run = [](const TaskInput& input, Runner& runner) {
                      return TaskOutput{.numbers = {{"score", score(input.image, runner)}}};
                    }}};
  return program;
}

}  // namespace kintsugi::networks::cyclegan_discriminator
