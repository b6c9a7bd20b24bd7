// SPDX-License-Identifier: MIT
//
// The context discriminators, as the paper's table has them: convolutions of stride two down to a few
// pixels, a linear layer for each view, and one for both.
#include <algorithm>
#include <array>

#include "runtime/graph/nn.h"
#include "runtime/networks/glcic_discriminator/glcic_discriminator.h"

namespace kintsugi::networks::glcic_discriminator {
namespace {

using graph::Value;

Value view(const Scope& m, Value x, int64_t layers, const Config& config) {
  for (int64_t i = 1; i <= layers; ++i) {
    const std::string number = std::to_string(i);
    const auto norm = [&](Value v) { return nn::batch_norm(m["bn" + number], v); };
    const auto relu = [&](Value v) { return nn::relu(m["relu" + number], v); };
    const int64_t channels = config.width * std::min(int64_t{1} << (i - 1), int64_t{8});
    x = nn::conv2d(
        m["conv" + number], x,
        {.channels = channels, .kernel = 5, .stride = 2, .padding = 2, .bias = config.bias});
    x = config.order == Order::relu_norm ? norm(relu(x)) : relu(norm(x));
  }
  x = nn::linear(m["fc"], x, config.features);
  return config.relu ? nn::relu(m["fc_relu"], x) : x;
}

}  // namespace

Value score(const Scope& m, Value local, Value global, const Config& config) {
  std::array views = {view(m["local"], local, kLocalLayers, config),
                      view(m["global"], global, config.global_layers, config)};
  if (config.first == First::global) std::swap(views[0], views[1]);
  const Value logit = nn::linear(m["fc"], nn::concat(m["views"], views), 1);
  return config.sigmoid ? nn::sigmoid(m["sigmoid"], logit) : logit;
}

}  // namespace kintsugi::networks::glcic_discriminator
