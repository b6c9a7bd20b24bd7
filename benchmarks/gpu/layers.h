// SPDX-License-Identifier: MIT
//
// The list of layers (layers.txt) as values. It knows how a line is written, not what an op is: an
// op's file asks for its settings by name (problem.h). Called by the benchmark of CUDA kernels.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <vector>

#include "kernels/core/shape.h"

namespace kintsugi::gpu_bench {

struct Layer {
  std::string name;
  std::string op;
  Shape input;  // [N, C, H, W]
  std::map<std::string, std::string> settings;

  [[nodiscard]] int64_t integer(const std::string& key, int64_t otherwise) const;
  [[nodiscard]] std::string text(const std::string& key, const std::string& otherwise) const;
  /// Throws Error::usage when a setting is none of these.
  void expect(std::initializer_list<const char*> keys) const;
};

/// Throws Error::io or Error::bad_file, which names the line.
[[nodiscard]] std::vector<Layer> read_layers(const std::string& path);

/// The layer on few pixels and channels, for a run that proves that it runs.
[[nodiscard]] Layer tiny(Layer layer);

}  // namespace kintsugi::gpu_bench
