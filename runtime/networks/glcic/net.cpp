// SPDX-License-Identifier: MIT
//
// The completion network, one line a layer, as in the paper's table. Strides and transposed layers
// change the resolution from 1 to 1/2 to 1/4 and back; dilations widen the view to some 300 pixels.
#include "runtime/graph/nn.h"
#include "runtime/networks/glcic/glcic.h"

namespace kintsugi::networks::glcic {
namespace {

using graph::Value;

/// A row of the table: a convolution, then norm and activation in the port's order. A layer's
/// mistakes are told with the line of the table that wrote it: hence `Name`.
struct Layers {
  const Scope& m;
  const Config& config;

  [[nodiscard]] Value conv(const Name& layer, Value x, nn::Conv2d options) const {
    options.bias = config.bias;
    return finish(layer, nn::conv2d(m["conv" + layer], x, options));
  }

  [[nodiscard]] Value deconv(const Name& layer, Value x, int64_t channels) const {
    const nn::ConvTranspose2d options{
        .channels = channels, .kernel = 4, .stride = 2, .padding = 1, .bias = config.bias};
    x = nn::conv_transpose2d(m["deconv" + layer], x, options);
    return finish(layer, x);
  }

 private:
  [[nodiscard]] Value finish(const Name& layer, Value x) const {
    const auto norm = [&](Value v) { return nn::batch_norm(m["bn" + layer], v); };
    const auto relu = [&](Value v) { return nn::relu(m["relu" + layer], v); };
    return config.order == Order::relu_norm ? norm(relu(x)) : relu(norm(x));
  }
};

}  // namespace

Value completion(const Scope& m, Value x, const Config& config) {
  const int64_t w = config.width;  // 64 in the paper
  const Layers layers{m, config};

  x = layers.conv(1, x, {.channels = w, .kernel = 5, .padding = 2});
  x = layers.conv(2, x, {.channels = 2 * w, .kernel = 3, .stride = 2, .padding = 1});
  x = layers.conv(3, x, {.channels = 2 * w, .kernel = 3, .padding = 1});
  x = layers.conv(4, x, {.channels = 4 * w, .kernel = 3, .stride = 2, .padding = 1});
  x = layers.conv(5, x, {.channels = 4 * w, .kernel = 3, .padding = 1});
  x = layers.conv(6, x, {.channels = 4 * w, .kernel = 3, .padding = 1});
  x = layers.conv(7, x, {.channels = 4 * w, .kernel = 3, .padding = 2, .dilation = 2});
  x = layers.conv(8, x, {.channels = 4 * w, .kernel = 3, .padding = 4, .dilation = 4});
  x = layers.conv(9, x, {.channels = 4 * w, .kernel = 3, .padding = 8, .dilation = 8});
  x = layers.conv(10, x, {.channels = 4 * w, .kernel = 3, .padding = 16, .dilation = 16});
  x = layers.conv(11, x, {.channels = 4 * w, .kernel = 3, .padding = 1});
  x = layers.conv(12, x, {.channels = 4 * w, .kernel = 3, .padding = 1});
  x = layers.deconv(13, x, 2 * w);
  x = layers.conv(14, x, {.channels = 2 * w, .kernel = 3, .padding = 1});
  x = layers.deconv(15, x, w);
  x = layers.conv(16, x, {.channels = config.last, .kernel = 3, .padding = 1});
  x = nn::conv2d(m["conv17"], x, {.channels = 3, .kernel = 3, .padding = 1});
  if (config.output == Output::clamp) return nn::clamp(m["clamp"], x, -1, 1);
  return nn::sigmoid(m["sigmoid"], x);
}

}  // namespace kintsugi::networks::glcic
