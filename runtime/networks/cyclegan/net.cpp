// SPDX-License-Identifier: MIT
//
// The generator: down to a quarter of the size, residual blocks there, and back. No activation follows
// a block's sum.
#include "runtime/graph/nn.h"
#include "runtime/networks/cyclegan/cyclegan.h"

namespace kintsugi::networks::cyclegan {
namespace {

using graph::Value;

struct Layers {
  const Config& config;

  [[nodiscard]] Value norm(const Scope& m, Value x) const {
    return networks::norm(m, x, config.norm);
  }

  [[nodiscard]] Value activate(const Scope& m, Value x) const {
    return config.form == Form::mindspore ? nn::leaky_relu(m, x, 0.2f) : nn::relu(m, x);
  }

  /// A convolution of the picture's own size, behind a border as the form has it.
  [[nodiscard]] Value same(const Scope& m, const Name& number, Value x, int64_t channels,
                           int64_t kernel, bool bias) const {
    nn::Conv2d options{.channels = channels, .kernel = kernel, .bias = bias};
    if (config.form == Form::mindspore) {
      options.padding = kernel / 2;
    } else {
      x = nn::pad(m["pad" + number], x, kernel / 2, PaddingMode::reflect);
    }
    return nn::conv2d(m["conv" + number], x, options);
  }

  [[nodiscard]] Value in(const Scope& m, Value x, int64_t channels) const {
    x = same(m, "", x, channels, 7, config.bias);
    return activate(m["act"], norm(m["norm"], x));
  }

  [[nodiscard]] Value down(const Scope& m, Value x, int64_t channels) const {
    x = nn::conv2d(
        m["conv"], x,
        {.channels = channels, .kernel = 3, .stride = 2, .padding = 1, .bias = config.bias});
    return activate(m["act"], norm(m["norm"], x));
  }

  [[nodiscard]] Value block(const Scope& m, Value x, int64_t channels) const {
    Value y = same(m, "1", x, channels, 3, config.bias);
    y = nn::relu(m["act"], norm(m["norm1"], y));
    y = same(m, "2", y, channels, 3, config.bias);
    return nn::add(m, x, norm(m["norm2"], y));
  }

  /// Twice the size. PyTorch's form pads by one and adds a pixel at the end; MindSpore's pads nothing
  /// and cuts the last, which is the same filter a pixel further on.
  [[nodiscard]] Value up(const Scope& m, Value x, int64_t channels) const {
    const bool cuts = config.form == Form::mindspore;
    x = nn::conv_transpose2d(m["conv"], x,
                             {.channels = channels,
                              .kernel = 3,
                              .stride = 2,
                              .padding = cuts ? 0 : 1,
                              .output_padding = cuts ? -1 : 1,
                              .bias = config.bias});
    return activate(m["act"], norm(m["norm"], x));
  }

  [[nodiscard]] Value out(const Scope& m, Value x) const {
    x = same(m, "", x, 3, 7, config.bias_out);
    return nn::tanh(m["tanh"], x);
  }
};

}  // namespace

Value generator(const Scope& m, Value x, const Config& config) {
  const int64_t w = config.width;  // 64 in the paper
  const Layers layers{config};

  x = layers.in(m["in"], x, w);
  x = layers.down(m["down1"], x, 2 * w);
  x = layers.down(m["down2"], x, 4 * w);
  for (int64_t i = 0; i < config.blocks; ++i) {
    x = layers.block(m["blocks"][config.shared ? 0 : i], x, 4 * w);
  }
  x = layers.up(m["up1"], x, 2 * w);
  x = layers.up(m["up2"], x, w);
  return layers.out(m["out"], x);
}

}  // namespace kintsugi::networks::cyclegan
