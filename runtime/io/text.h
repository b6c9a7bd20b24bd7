// SPDX-License-Identifier: MIT
//
// Numbers, lists and tables as sentences show them.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace kintsugi {

/// "1.23 GB", "300.00 kB", "840 B": powers of a thousand.
[[nodiscard]] std::string readable_bytes(int64_t bytes);
/// Columns as wide as their widest cell, two spaces apart.
[[nodiscard]] std::string align_columns(const std::vector<std::vector<std::string>>& rows);
[[nodiscard]] std::string join(const std::vector<std::string>& parts, const char* between);
/// "glcic, cyclegan": what `text`, a member or a function, says of each value, with commas between.
template <class Range, class Text>
[[nodiscard]] std::string listed(const Range& range, const Text& text) {
  std::vector<std::string> parts;
  for (const auto& value : range) parts.emplace_back(std::invoke(text, value));
  return join(parts, ", ");
}

}  // namespace kintsugi
