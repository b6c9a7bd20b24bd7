// SPDX-License-Identifier: MIT
//
// The names that files give to the discriminator's modules, beside those of net.cpp; how a file is
// opened, and what it makes of a picture: the mean over all patches.
#include <array>

#include "runtime/image/pixel.h"
#include "runtime/networks/cyclegan_discriminator/cyclegan_discriminator.h"

namespace kintsugi::networks::cyclegan_discriminator {
namespace {

using weights::ModuleName;

// A row is a layer, as set by hand.
// clang-format off

constexpr ModuleName kPyTorch[] = {
    {"conv1", "model.0"}, {"act1", "model.1"},
    {"conv2", "model.2"}, {"norm2", "model.3"}, {"act2", "model.4"},
    {"conv3", "model.5"}, {"norm3", "model.6"}, {"act3", "model.7"},
    {"conv4", "model.8"}, {"norm4", "model.9"}, {"act4", "model.10"},
    {"conv5", "model.11"},
};

constexpr ModuleName kMindSpore[] = {
    {"conv1", "features.0"}, {"act1", "features.1"},
    {"conv2", "features.2.features.0"}, {"norm2", "features.2.features.1"}, {"act2", "features.2.features.2"},
    {"conv3", "features.3.features.0"}, {"norm3", "features.3.features.1"}, {"act3", "features.3.features.2"},
    {"conv4", "features.4.features.0"}, {"norm4", "features.4.features.1"}, {"act4", "features.4.features.2"},
    {"conv5", "features.5"},
    {"norm2.weight", "features.2.features.1.gamma"}, {"norm2.bias", "features.2.features.1.beta"},
    {"norm2.running_mean", "features.2.features.1.moving_mean"}, {"norm2.running_var", "features.2.features.1.moving_variance"},
    {"norm3.weight", "features.3.features.1.gamma"}, {"norm3.bias", "features.3.features.1.beta"},
    {"norm3.running_mean", "features.3.features.1.moving_mean"}, {"norm3.running_var", "features.3.features.1.moving_variance"},
    {"norm4.weight", "features.4.features.1.gamma"}, {"norm4.bias", "features.4.features.1.beta"},
    {"norm4.running_mean", "features.4.features.1.moving_mean"}, {"norm4.running_var", "features.4.features.1.moving_variance"},
};

// clang-format on

constexpr weights::KeyLayout kLayouts[] = {
    {.name = "patchgan", .source = "the authors' PyTorch", .modules = kPyTorch},
    {.name = "mindspore", .source = "the tutorial of MindSpore", .modules = kMindSpore},
};

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

weights::Detection detect(const weights::Weights& weights) {
  constexpr std::array kConvolutions = {"conv1.weight", "conv2.weight", "conv3.weight",
                                        "conv4.weight", "conv5.weight"};
  const std::vector<std::string> required(kConvolutions.begin(), kConvolutions.end());
  return weights::detect(weights, kLayouts, required);
}

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
