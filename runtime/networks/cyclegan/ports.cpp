// SPDX-License-Identifier: MIT
//
// How files of CycleGAN's generator differ beyond their names, and how one is opened. The key layout
// tells the form; keys tell the norm, shapes the width.
#include <algorithm>
#include <charconv>

#include "runtime/networks/cyclegan/cyclegan.h"

namespace kintsugi::networks::cyclegan {
namespace {

/// Whose residual blocks reflect a pixel of features a quarter of the picture's size.
constexpr int64_t kLeastReflected = 5;

Config configure(const weights::Weights& weights, const weights::Detection& detection) {
  const weights::KeyMap keys = detection.map();
  Config config;
  config.width = first_extent(weights, keys.stored("in.conv.weight"), config.width);
  config.bias = weights.has(keys.stored("in.conv.bias"));
  config.bias_out = weights.has(keys.stored("out.conv.bias"));
  config.stored = stored_norm(weights, keys, "in.norm");
  config.norm = config.stored.norm();
  const std::string_view port = detection.layout->name;
  if (port == "mindspore") {
    config.form = Form::mindspore;
    const int64_t stored = stored_blocks(weights, keys);
    config.shared = stored == 1;
    config.blocks = config.shared ? 9 : stored;
  } else {
    config.blocks = port.starts_with("resnet6") ? 6 : 9;
  }
  return config;
}

/// `config` as settings change it.
Config chosen(Config config, const Settings& settings, std::span<const Port> known) {
  check_settings(settings, known);
  const auto value_of = [&](const char* key) {
    const auto at = settings.find(key);
    return at == settings.end() ? std::string() : at->second;
  };
  const auto refuse = [](const char* key, const std::string& value, const std::string& valid) {
    throw Error(ErrorCode::usage, std::string("the setting ") + key + "=" + value + " is not known",
                std::string(key) + " is " + valid);
  };
  config.norm = choose_norm(config.stored, config.norm, value_of("norm"));
  if (const std::string text = value_of("blocks"); !text.empty()) {
    int64_t blocks = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), blocks);
    if (error != std::errc() || end != text.data() + text.size() || blocks < 1 ||
        blocks > kMostBlocks) {
      refuse("blocks", text, "a number from 1 to 64");
    }
    if (!config.shared && blocks != config.blocks) {
      refuse("blocks", text,
             std::to_string(config.blocks) + " for this file: each has weights of its own");
    }
    config.blocks = blocks;
  }
  return config;
}

/// What the file's metadata say of its settings; PyTorch's keys say it all, and metadata repeat it.
Settings stated(const weights::Weights& weights, const Config& config) {
  Settings settings;
  if (config.form == Form::pytorch) return settings;
  for (const char* key : {"norm", "blocks"}) {
    const std::string text = config_text(weights, kNetwork, key);
    if (!text.empty()) settings[key] = text;
  }
  return settings;
}

}  // namespace

Opened open(const weights::Weights& weights, const weights::Detection& detection) {
  check_config(weights, kNetwork, std::string(detection.layout->name), {-1.0, 1.0});
  const weights::KeyMap keys = detection.map();
  Config config = configure(weights, detection);
  const bool tutorial = config.form == Form::mindspore;

  Opened opened;
  opened.keys = keys;
  Description& d = opened.description;
  d.settings = {norm_setting(),
                {"blocks", "1 to 64", "of a file whose blocks share their weights: how many"}};
  with_metadata(weights, [&] { config = chosen(config, stated(weights, config), d.settings); });
  d.title = "CycleGAN generator, " + std::to_string(config.width) + " channels, " +
            std::to_string(config.blocks) + (config.shared ? " times one block" : " blocks");
  d.variant = std::string(tutorial ? "MindSpore form (zero borders, LeakyReLU, shifted upsampling)"
                                   : "PyTorch form (reflected borders, ReLU)") +
              ", " + describe(config.norm) + ", key layout '" +
              std::string(detection.layout->name) + "': " + std::string(detection.layout->source);
  d.value_range = "RGB in [-1, 1]";
  d.size_multiple = kMultiple;
  d.inputs = {{"input", "[N, 3, H, W]", "RGB in [-1, 1]"}};
  d.outputs = {{"output", "[N, 3, H, W]", "RGB in [-1, 1], sizes rounded up to multiples of 4"}};

  opened.record = [weights, keys, config, known = d.settings](const Shapes& inputs,
                                                              const Settings& settings) {
    if (config.form == Form::pytorch) {
      require_pixels("the generator", kLeastReflected, inputs.at("input"));
    }
    graph::Graph graph;
    const graph::Value x = graph.input("input", inputs.at("input"));
    graph.output("output",
                 generator(Scope(graph, weights, keys), x, chosen(config, settings, known)));
    return graph;
  };
  if (config.form == Form::pytorch) {
    opened.images = {.inputs = {{"input", {input_desc()}}},
                     .outputs = {{"output", output_desc(false)}}};
  }
  opened.translate = [config](const ImageView& picture, const TranslateOptions& options,
                              const Replay& replay) {
    return cyclegan::translate(config, picture, options, replay);
  };
  return opened;
}

}  // namespace kintsugi::networks::cyclegan
