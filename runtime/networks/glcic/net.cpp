// SPDX-License-Identifier: MIT
//
// The completion network, one line a layer, as in the paper's table. Strides and transposed layers
// change the resolution from 1 to 1/2 to 1/4 and back; dilations widen the view to some 300 pixels.
#include "runtime/graph/nn.h"
#include "runtime/networks/glcic/glcic.h"

namespace kintsugi::networks::glcic {
namespace {

using graph::Value;

using nn::Where;

/// Batch normalisation stands between convolution and ReLU.
Value norm_relu(const Scope& m, int layer, Value x, Where where) {
  x = nn::batch_norm(m["bn" + std::to_string(layer)], x, 1e-5, where);
  return nn::relu(m["relu" + std::to_string(layer)], x, where);
}

// A layer's mistakes are told with the line of the table below that wrote it: hence `where`.

Value conv(const Scope& m, int layer, Value x, const nn::Conv2d& options,
           Where where = Where::current()) {
  x = nn::conv2d(m["conv" + std::to_string(layer)], x, options, where);
  return norm_relu(m, layer, x, where);
}

Value deconv(const Scope& m, int layer, Value x, int64_t channels, Where where = Where::current()) {
  x = nn::conv_transpose2d(m["deconv" + std::to_string(layer)], x,
                           {.channels = channels, .kernel = 4, .stride = 2, .padding = 1}, where);
  return norm_relu(m, layer, x, where);
}

}  // namespace

Value completion(const Scope& m, Value x, const Config& config) {
  const int64_t w = config.width;  // 64 in the paper

  x = conv(m, 1, x, {.channels = w, .kernel = 5, .padding = 2});
  x = conv(m, 2, x, {.channels = 2 * w, .kernel = 3, .stride = 2, .padding = 1});
  x = conv(m, 3, x, {.channels = 2 * w, .kernel = 3, .padding = 1});
  x = conv(m, 4, x, {.channels = 4 * w, .kernel = 3, .stride = 2, .padding = 1});
  x = conv(m, 5, x, {.channels = 4 * w, .kernel = 3, .padding = 1});
  x = conv(m, 6, x, {.channels = 4 * w, .kernel = 3, .padding = 1});
  x = conv(m, 7, x, {.channels = 4 * w, .kernel = 3, .padding = 2, .dilation = 2});
  x = conv(m, 8, x, {.channels = 4 * w, .kernel = 3, .padding = 4, .dilation = 4});
  x = conv(m, 9, x, {.channels = 4 * w, .kernel = 3, .padding = 8, .dilation = 8});
  x = conv(m, 10, x, {.channels = 4 * w, .kernel = 3, .padding = 16, .dilation = 16});
  x = conv(m, 11, x, {.channels = 4 * w, .kernel = 3, .padding = 1});
  x = conv(m, 12, x, {.channels = 4 * w, .kernel = 3, .padding = 1});
  x = deconv(m, 13, x, 2 * w);
  x = conv(m, 14, x, {.channels = 2 * w, .kernel = 3, .padding = 1});
  x = deconv(m, 15, x, w);
  x = conv(m, 16, x, {.channels = config.last, .kernel = 3, .padding = 1});
  x = nn::conv2d(m["conv17"], x, {.channels = 3, .kernel = 3, .padding = 1});
  return nn::sigmoid(m["sigmoid"], x);
}

}  // namespace kintsugi::networks::glcic
