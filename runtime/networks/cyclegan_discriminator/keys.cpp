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

Config chosen(Config config, const Settings& settings, std::span<const Port> known) {
  check_settings(settings, known);
  const auto at = settings.find("norm");
  if (at != settings.end()) config.norm = choose_norm(config.stored, config.norm, at->second);
  return config;
}

double score(const ImageView& picture, const Replay& replay) {
  const Shape input{1, 3, picture.height, picture.width};
  double sum = 0;
  int64_t count = 0;
  replay({{"input",
           {input,
            [&](int64_t, int64_t y, std::span<float> row) {
              for (int64_t x = 0; x < picture.width; ++x) {
                const auto rgb = image::rgb_at(picture, y, x);
                for (size_t c = 0; c < 3; ++c) {
                  row[static_cast<size_t>(3 * x) + c] = (rgb[c] - 0.5f) / 0.5f;
                }
              }
            }}}},
         {{"score", [&](int64_t, int64_t, std::span<const float> row) {
             for (const float value : row) sum += static_cast<double>(value);
             count += static_cast<int64_t>(row.size());
           }}});
  return sum / static_cast<double>(count);
}

}  // namespace

Opened open(const weights::Weights& weights, const weights::Detection& detection) {
  const weights::KeyMap keys = detection.map();
  check_config(weights, kNetwork, std::string(detection.layout->name), {-1.0, 1.0});

  Opened opened;
  opened.keys = keys;
  Description& d = opened.description;
  d.settings = {norm_setting()};
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
  d.inputs = {{"input", "[N, 3, H, W]", "RGB in [-1, 1]"}};
  d.outputs = {{"score", "[N, 1, H, W]", "of each patch: 1 real, 0 made, not bounded"}};

  opened.record = [weights, keys, config, known = d.settings](const Shapes& inputs,
                                                              const Settings& settings) {
    constexpr int64_t kLeast = 24;  // halved three times, then a pixel less twice
    require_pixels("the discriminator", kLeast, inputs.at("input"));
    graph::Graph graph;
    const graph::Value x = graph.input("input", inputs.at("input"));
    graph.output("score", judge(Scope(graph, weights, keys), x, chosen(config, settings, known)));
    return graph;
  };
  opened.score_reads_mask = false;
  opened.score = [](const ImageView& picture, const ImageView&, const ScoreOptions&,
                    const Replay& replay) { return score(picture, replay); };
  return opened;
}

}  // namespace kintsugi::networks::cyclegan_discriminator
