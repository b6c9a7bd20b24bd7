// SPDX-License-Identifier: MIT
//
// The list of layers (layers.txt) as values. It knows how a line is written, not what an op is: an
// op's contract reads its own settings. Called by the benchmark of CUDA kernels.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "kernels/core/shape.h"

namespace kintsugi::gpu_bench {

struct Layer {
  struct Op {
    std::string name;
    std::map<std::string, std::string> settings;
  };
  std::string name;
  Shape input;          // [N, C, H, W]
  std::vector<Op> ops;  // in this order
};

/// Throws Error::io or Error::bad_file, which names the line.
[[nodiscard]] std::vector<Layer> read_layers(const std::string& path);

/// The layer on few pixels and channels, for a run that proves that it runs.
[[nodiscard]] Layer tiny(Layer layer);

}  // namespace kintsugi::gpu_bench
