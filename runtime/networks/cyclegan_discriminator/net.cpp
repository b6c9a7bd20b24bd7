// SPDX-License-Identifier: MIT
//
// Three halvings and two convolutions that keep the size but for a pixel each, zeros at all borders.
#include "runtime/graph/nn.h"
#include "runtime/networks/cyclegan_discriminator/cyclegan_discriminator.h"

namespace kintsugi::networks::cyclegan_discriminator {
using graph::Value;

Value judge(const Scope& m, Value x, const Config& config) {
  const int64_t w = config.width;  // 64 in the paper
  const auto conv = [&](const Name& name, int64_t channels, int64_t stride, bool bias) {
    x = nn::conv2d(
        m[name], x,
        {.channels = channels, .kernel = 4, .stride = stride, .padding = 1, .bias = bias});
  };
  const auto normed = [&](const Name& conv_name, const Name& norm_name, const Name& act,
                          int64_t channels, int64_t stride) {
    conv(conv_name, channels, stride, config.bias);
    x = nn::leaky_relu(m[act], norm(m[norm_name], x, config.norm), 0.2f);
  };
  conv("conv1", w, 2, config.bias_ends);
  x = nn::leaky_relu(m["act1"], x, 0.2f);
  normed("conv2", "norm2", "act2", 2 * w, 2);
  normed("conv3", "norm3", "act3", 4 * w, 2);
  normed("conv4", "norm4", "act4", 8 * w, 1);
  conv("conv5", 1, 1, config.bias_ends);
  return x;
}

}  // namespace kintsugi::networks::cyclegan_discriminator
