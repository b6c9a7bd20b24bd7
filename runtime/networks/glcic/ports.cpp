// SPDX-License-Identifier: MIT
//
// How the ports of GLCIC differ beyond their names, and how a file is opened as one of them. The
// key layout tells the port; shapes tell the widths; metadata may state the mean.
#include <algorithm>
#include <cstdio>

#include "runtime/networks/glcic/glcic.h"

namespace kintsugi::networks::glcic {
namespace {

/// A port's arithmetic, and the sentences about it.
struct Variant {
  std::string_view name;  // in `kintsugi.config`
  Config config;
  std::string_view order;
  std::string_view value_range;
  std::string_view input;
  std::string_view output;
};

constexpr Variant kOfficial = {
    .name = "official",
    .config = {},
    .order = "official order (convolution, batch norm, ReLU)",
    .value_range = "RGB in [0, 1] less the training mean; 0 inside the hole",
    .input = "RGB - mean, 0 in the hole; then the mask, 1 = hole",
    .output = "RGB in [0, 1]; the mean is not to be added",
};

// Subtracts nothing: the hole holds the mean colour of its training set, which its config.json
// calls mpv. Weights that do not say it get that of Places2, and describe() says so.
constexpr Variant kOtenim = {
    .name = "otenim",
    .config = {.order = Order::relu_norm, .mean = {0, 0, 0}, .hole = kOfficial.config.mean},
    .order = "otenim order (convolution, ReLU, batch norm)",
    .value_range = "RGB in [0, 1]; the mean colour of the training set inside the hole",
    .input = "RGB, the mean colour in the hole; then the mask, 1 = hole",
    .output = "RGB in [0, 1]",
};

// Pictures come as OpenCV reads them, and bytes x go in as (x - 127.5) / 127.5.
constexpr Variant kMmEditing = {
    .name = "mmediting",
    .config = {.output = Output::clamp,
               .colours = Colours::bgr,
               .mean = {0.5f, 0.5f, 0.5f},
               .scale = 2,
               .rounds = true},
    .order = "MMEditing form (official order, BGR in [-1, 1], clamped)",
    .value_range = "BGR in [-1, 1]; 0 inside the hole",
    .input = "BGR in [-1, 1], 0 in the hole; then the mask, 1 = hole",
    .output = "BGR in [-1, 1]",
};

const Variant& variant_of(const weights::Detection& detection) {
  if (detection.layout->name == "otenim") return kOtenim;
  if (detection.layout->name == "mmediting") return kMmEditing;
  return kOfficial;
}

/// "mean 0.456 0.4472 0.4155, that of Places2": what the file said, or what stands in for it.
std::string mean_text(const std::array<float, 3>& mean) {
  std::array<char, 64> text{};
  const auto value = [&](size_t c) { return static_cast<double>(mean[c]); };
  std::snprintf(text.data(), text.size(), "mean %.4g %.4g %.4g", value(0), value(1), value(2));
  return std::string(text.data()) + (mean == kOfficial.config.mean ? ", that of Places2" : "");
}

Config configure(const weights::Weights& weights, const weights::KeyMap& keys,
                 const Variant& variant) {
  Config config = variant.config;
  config.width = networks::first_extent(weights, keys.stored("conv1.weight"), config.width);
  config.last = networks::first_extent(weights, keys.stored("conv16.weight"), config.last);
  // One bias is enough to expect all: a file that lost some is then refused.
  config.bias = std::ranges::any_of(normed_convolutions(), [&](const std::string& convolution) {
    return weights.has(keys.stored(convolution + ".bias"));
  });

  const auto stated = [&](const char* name, std::array<float, 3>& rgb) {
    const std::vector<double> numbers =
        networks::config_numbers(weights, kNetwork, name, {rgb.begin(), rgb.end()});
    std::ranges::transform(numbers, rgb.begin(), [](double v) { return static_cast<float>(v); });
  };
  if (config.order == Order::relu_norm) {
    stated("mean", config.hole);
    stated("mpv", config.hole);
  } else {
    stated("mean", config.mean);
  }
  return config;
}

}  // namespace

Program open(const weights::Weights& weights, const weights::Detection& detection) {
  const weights::KeyMap keys = detection.map();
  const Variant& variant = variant_of(detection);
  const bool clamps = variant.config.output == Output::clamp;
  networks::check_config(weights, kNetwork, std::string(variant.name), {clamps ? -1.0 : 0.0, 1.0});
  const Config config = configure(weights, keys, variant);

  Program program{.keys = keys};
  Description& d = program.description;
  d.title = "GLCIC completion network, " + std::to_string(config.width) + " channels";
  d.variant = std::string(variant.order) + (config.bias ? "" : ", no convolution biases") +
              ", key layout '" + std::string(detection.layout->name) +
              "': " + std::string(detection.layout->source);
  d.mask_polarity = "1 = hole";
  d.value_range = variant.value_range;
  if (config.colours == Colours::rgb) {
    const bool filled = config.order == Order::relu_norm;
    d.value_range += " (" + mean_text(filled ? config.hole : config.mean) + ")";
  }
  d.size_multiple = kMultiple;

  program.graphs = {{.name = kGraph,
                     .inputs = {{"input", "[N, 4, H, W]", std::string(variant.input)}},
                     .outputs = {{"output", "[N, 3, H, W]", std::string(variant.output)}},
                     .record = [config](const Recording& r) {
                       r.output("output", completion(r.m, r.input("input"), config));
                     }}};
  to_tensor::Desc input = input_desc(config);
  input.masked = true;
  program.tasks = {
      {.task = Task::inpaint,
       .mask = Mask::required,
       .graphs = {{kGraph,
                   {.inputs = {{"input", {input}}}, .outputs = {{"output", output_desc(config)}}}}},
       .run = [config](const TaskInput& task, Runner& runner) {
         return inpaint(config, task, runner);
       }}};
  return program;
}

}  // namespace kintsugi::networks::glcic
