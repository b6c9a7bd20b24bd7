// SPDX-License-Identifier: MIT
//
// The nearest name to a mistyped one: edit distance, where exchanging two neighbours is one edit.
#include <algorithm>

#include "options.h"

namespace kintsugi::cli {
namespace {

size_t edits(const std::string& a, const std::string& b) {
  const size_t rows = a.size() + 1, columns = b.size() + 1;
  std::vector<size_t> d(rows * columns);
  const auto at = [&](size_t i, size_t j) -> size_t& { return d[i * columns + j]; };
  for (size_t i = 0; i < rows; ++i) at(i, 0) = i;
  for (size_t j = 0; j < columns; ++j) at(0, j) = j;
  for (size_t i = 1; i < rows; ++i) {
    for (size_t j = 1; j < columns; ++j) {
      const size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
      at(i, j) = std::min({at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        at(i, j) = std::min(at(i, j), at(i - 2, j - 2) + 1);
      }
    }
  }
  return at(rows - 1, columns - 1);
}

}  // namespace

std::string nearest(const std::string& typed, const std::vector<std::string>& names) {
  constexpr size_t kLongestTyped = 64;
  if (typed.size() > kLongestTyped) return {};
  std::string best;
  size_t best_edits = std::max<size_t>(2, typed.size() / 3) + 1;
  for (const std::string& name : names) {
    const size_t distance = edits(typed, name);
    if (distance < best_edits && distance < name.size()) {
      best = name;
      best_edits = distance;
    }
  }
  return best;
}

std::string did_you_mean(const std::string& close) {
  return close.empty() ? "" : "did you mean '" + close + "'? ";
}

}  // namespace kintsugi::cli
