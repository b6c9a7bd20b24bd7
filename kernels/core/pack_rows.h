// SPDX-License-Identifier: MIT
//
// Weights on their way from the order of PyTorch into the order of a kernel, some rows of the first axis
// at a time, so that threads share a tensor and no copy of the whole is made. A kernel's order gives a
// weight the place base(row) + offset(i), where i counts what lies within a row.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

namespace kintsugi {

/// Rows of a weight's first axis.
struct Rows {
  int64_t first = 0;
  int64_t count = 0;
};

/// Rows that lie together in every order: those that fill a cache line are written at once.
inline constexpr int64_t kRowsTogether = 16;

/// packed[base(row) + offset(i)] = convert(weight[(row - rows.first) * inner + i]). `weight` holds these
/// rows alone.
template <class T, class Base, class Offset, class Convert>
void pack_rows(const Rows& rows, int64_t inner, std::span<const float> weight, std::span<T> packed,
               const Base& base, const Offset& offset, const Convert& convert) {
  std::vector<int64_t> offsets(static_cast<size_t>(inner));
  for (int64_t i = 0; i < inner; ++i) offsets[static_cast<size_t>(i)] = offset(i);
  for (int64_t first = 0; first < rows.count; first += kRowsTogether) {
    const int64_t count = std::min(kRowsTogether, rows.count - first);
    T* to[kRowsTogether];
    for (int64_t r = 0; r < count; ++r) to[r] = packed.data() + base(rows.first + first + r);
    const float* from = weight.data() + first * inner;
    for (int64_t i = 0; i < inner; ++i) {
      const int64_t at = offsets[static_cast<size_t>(i)];
      for (int64_t r = 0; r < count; ++r) to[r][at] = convert(from[r * inner + i]);
    }
  }
}

}  // namespace kintsugi
