// SPDX-License-Identifier: MIT
//
// How files of CycleGAN's generator differ beyond their names, and how one is opened. The key layout
// tells the form; keys tell the norm, shapes the width.
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

SettingList<Config> settings() {
  SettingList<Config> list;
  add_norm_setting(list);
  list.add_number("blocks", 1, kMostBlocks, "of a file whose blocks share their weights: how many",
                  [](Config& config, int64_t blocks) {
                    if (!config.shared && blocks != config.blocks) {
                      refuse_setting("blocks", std::to_string(blocks),
                                     std::to_string(config.blocks) +
                                         " for this file: each has weights of its own");
                    }
                    config.blocks = blocks;
                  });
  return list;
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

Program open(const weights::Weights& weights, const weights::Detection& detection) {
  check_config(weights, kNetwork, std::string(detection.layout->name), {-1.0, 1.0});
  const weights::KeyMap keys = detection.map();
  Config config = configure(weights, detection);
  const bool tutorial = config.form == Form::mindspore;
  const SettingList<Config> known = settings();

  Program program{.keys = keys};
  Description& d = program.description;
  d.settings = known.described();
  with_metadata(weights, [&] { config = known.applied(config, stated(weights, config)); });
  d.title = "CycleGAN generator, " + std::to_string(config.width) + " channels, " +
            std::to_string(config.blocks) + (config.shared ? " times one block" : " blocks");
  d.variant = std::string(tutorial ? "MindSpore form (zero borders, LeakyReLU, shifted upsampling)"
                                   : "PyTorch form (reflected borders, ReLU)") +
              ", " + describe(config.norm) + ", key layout '" +
              std::string(detection.layout->name) + "': " + std::string(detection.layout->source);
  d.value_range = "RGB in [-1, 1]";
  d.size_multiple = kMultiple;

  program.graphs = {{.name = kGraph,
                     .inputs = {{"input", "[N, 3, H, W]", "RGB in [-1, 1]"}},
                     .outputs = {{"output", "[N, 3, H, W]",
                                  "RGB in [-1, 1], sizes rounded up to multiples of 4"}},
                     .record = [config, known](const Recording& r) {
                       const graph::Value x = r.input("input");
                       if (config.form == Form::pytorch) {
                         require_pixels("the generator", kLeastReflected, r.m.graph().shape(x));
                       }
                       r.output("output", generator(r.m, x, known.applied(config, r.settings)));
                     }}};
  Images images;
  if (config.form == Form::pytorch) {
    images = {.inputs = {{"input", {input_desc()}}}, .outputs = {{"output", output_desc(false)}}};
  }
  program.tasks = {{.task = Task::translate,
                    .graphs = {{kGraph, images}},
                    .run = [config](const TaskInput& input, Runner& runner) {
                      return translate(config, input, runner);
                    }}};
  return program;
}

}  // namespace kintsugi::networks::cyclegan
