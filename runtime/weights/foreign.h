// SPDX-License-Identifier: MIT
//
// recognise_foreign tells what a file that is not safetensors probably is, from its first bytes.
// It is not a reader of those formats and opens nothing. It owns nothing: texts are constants.
// Called by the safetensors parser once a file has failed its first checks.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace kintsugi::weights {

struct ForeignFormat {
  std::string_view what;     // "a PyTorch checkpoint (zip)"; empty when nothing is recognised
  std::string_view advice;   // what to do
  bool convertible = false;  // the Python exporter reads it
};

[[nodiscard]] ForeignFormat recognise_foreign(std::span<const std::byte> file);

}  // namespace kintsugi::weights
