// SPDX-License-Identifier: MIT
//
// How the ports of the discriminators differ beyond their names, and how a file is opened as one of
// them. The key layout tells the port; shapes tell the widths, and the sizes of the two views: a
// linear layer fits one size alone.
#include <algorithm>
#include <cmath>

#include "runtime/networks/glcic_discriminator/glcic_discriminator.h"

namespace kintsugi::networks::glcic_discriminator {
namespace {

/// A port's arithmetic, and the sentence about it.
struct Variant {
  Config config;
  std::string_view order;
};

constexpr Variant kOtenim = {.config = {.order = Order::relu_norm, .sigmoid = true},
                             .order = "otenim order (convolution, ReLU, batch norm)"};
constexpr Variant kMmEditing = {
    .config = {.bias = false, .first = First::global, .bgr = true},
    .order = "MMEditing form (BGR in [-1, 1], the whole picture first)"};
constexpr Variant kLiruilong = {.config = {.relu = false},
                                .order = "liruilong form (no ReLU after the views' linear layers)"};

const Variant& variant_of(const weights::Detection& detection) {
  if (detection.layout->name == "mmediting") return kMmEditing;
  if (detection.layout->name == "liruilong") return kLiruilong;
  return kOtenim;
}

/// The side of the view whose last convolution leaves what the linear layer reads.
int64_t side_of(const weights::Weights& weights, const weights::KeyMap& keys,
                const std::string& view, int64_t layers, int64_t otherwise) {
  const std::string last = view + ".conv" + std::to_string(layers) + ".weight";
  const int64_t channels = first_extent(weights, keys.stored(last), 1);
  const Shape linear = weights.shape_of(keys.stored(view + ".fc.weight"));
  if (linear.rank() != 2) return otherwise;
  const auto side = std::llround(std::sqrt(static_cast<double>(linear[1] / channels)));
  constexpr int64_t kLargestSide = 64;  // after the convolutions; far beyond any real one
  return side >= 1 && side <= kLargestSide ? side << layers : otherwise;
}

Config configure(const weights::Weights& weights, const weights::KeyMap& keys, Config config) {
  config.width = first_extent(weights, keys.stored("local.conv1.weight"), config.width);
  config.features = first_extent(weights, keys.stored("local.fc.weight"), config.features);
  config.bias = weights.has(keys.stored("local.conv1.bias"));
  config.global_layers = weights.has(keys.stored("global.conv6.weight")) ? 6 : 5;
  config.local_size = side_of(weights, keys, "local", kLocalLayers, config.local_size);
  config.global_size = side_of(weights, keys, "global", config.global_layers, config.global_size);
  return config;
}

std::string view_shape(int64_t side) {
  return "[N, 3, " + std::to_string(side) + ", " + std::to_string(side) + "]";
}

}  // namespace

Program open(const weights::Weights& weights, const weights::Detection& detection) {
  const weights::KeyMap keys = detection.map();
  const Variant& variant = variant_of(detection);
  networks::check_config(weights, kNetwork, std::string(detection.layout->name),
                         {variant.config.bgr ? -1.0 : 0.0, 1.0});
  const Config config = configure(weights, keys, variant.config);

  Program program{.keys = keys};
  Description& d = program.description;
  d.title = "GLCIC discriminators, " + std::to_string(config.width) + " channels, patch of " +
            std::to_string(config.local_size) + " pixels";
  d.variant = std::string(variant.order) + (config.bias ? "" : ", no convolution biases") +
              ", key layout '" + std::string(detection.layout->name) +
              "': " + std::string(detection.layout->source);
  d.mask_polarity = "white = what was filled";
  d.value_range = config.bgr ? "BGR in [-1, 1]" : "RGB in [0, 1]";

  program.graphs = {
      {.name = kGraph,
       .inputs = {{"local", view_shape(config.local_size), "a patch around the filled hole"},
                  {"global", view_shape(config.global_size), "the whole picture, scaled"}},
       .outputs = {{"score", "[N, 1]",
                    config.sigmoid ? "P(real)"
                                   : "the logit of P(real): a sigmoid is to be applied"}},
       .record = [config](const Recording& r) {
         const graph::Value local = r.input("local"), global = r.input("global");
         r.output("score", score(r.m, local, global, config));
       }}};
  program.tasks = {{.task = Task::score,
                    .mask = Mask::required,
                    .graphs = {{kGraph, {}}},
                    .run = [config](const TaskInput& input, Runner& runner) {
                      return TaskOutput{.numbers = {{"score", judge(config, input, runner)}}};
                    }}};
  return program;
}

}  // namespace kintsugi::networks::glcic_discriminator
