// SPDX-License-Identifier: MIT
//
// Fields are the settings that describe one op as text, "k=64 kernel=3": what `kintsugi bench --op` and
// the layer lists of benchmarks/ are parsed from, by the op's own `read`. Each is asked for once; what
// is left over was not understood.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <vector>

#include "kernels/core/padding.h"
#include "kernels/core/steps.h"

namespace kintsugi {

class Fields {
 public:
  explicit Fields(std::map<std::string, std::string> values) : left_(std::move(values)) {}

  /// The setting's integer, or `otherwise` where it is not given; throws Error::usage.
  int64_t integer(const std::string& key, int64_t otherwise);
  /// The index of the setting's value among `names`; the first when it is not given.
  size_t choice(const std::string& key, std::initializer_list<const char*> names);
  /// `key` is a function's name; identity when it is not given.
  Function function(const std::string& key);
  /// `key` is a list of steps, "norm,silu": functions, `add` of a tensor, `mul` by a mask of pixels,
  /// `affine` or `prelu` of channels, `norm`, which is an affine of each batch item's channels, and
  /// `gate`, the first half of the channels by the sigmoid of the second. Empty when it is not given.
  Steps steps(const std::string& key);
  /// mode=zero or reflect
  PaddingMode padding_mode();
  bool is_on(const std::string& key) { return choice(key, {"off", "on"}) == 1; }

  /// Throws Error::usage naming a setting that nobody asked for, and those that are known.
  void finish() const;

 private:
  std::string take(const std::string& key);

  std::map<std::string, std::string> left_;
  std::vector<std::string> known_;
};

/// leaky_relu's factor below zero, of every layer.
inline constexpr float kLayerSlope = 0.2f;
/// The activation of a benchmark's layer: nothing for identity.
[[nodiscard]] inline Steps activation(Function function) {
  if (function == Function::identity) return {};
  return {step::activate(function, kLayerSlope)};
}

}  // namespace kintsugi
