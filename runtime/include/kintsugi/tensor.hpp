// SPDX-License-Identifier: MIT
//
// Named tensors for the raw door: what a network takes and gives, exactly as its PyTorch module.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "kernels/core/shape.h"
#include "kintsugi/api.hpp"

namespace kintsugi {

/// A dense tensor, row-major, f32: NCHW where it is a picture, exactly as the PyTorch module has it.
struct Tensor {
  Shape shape;
  std::vector<float> values;
};
using Tensors = std::map<std::string, Tensor>;

/// Reads every tensor of a safetensors file; floating dtypes are widened to f32, integers skipped.
[[nodiscard]] KINTSUGI_API Tensors read_tensors(const std::filesystem::path& file);
KINTSUGI_API void write_tensors(const std::filesystem::path& file, const Tensors& tensors,
                                const std::map<std::string, std::string>& metadata = {});

}  // namespace kintsugi
