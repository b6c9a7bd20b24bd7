// SPDX-License-Identifier: MIT
//
// Moments are what statistics of a picture are gathered from: its pixels counted, and of each channel the
// mean and the squared differences from it, of tiles that together are the picture. Any tiles do: an op
// that stores a picture leaves the moments of whatever it had at hand, and norm need not read the picture.
#pragma once

#include <cstdint>
#include <string>
#include <type_traits>

#include "kernels/core/error.h"
#include "kernels/core/shape.h"

namespace kintsugi {

/// A record a tile: its number of pixels, which may be none, three numbers unused, then the means of all
/// channels, then their squared differences, summed. Beyond a picture's last channel they are zeros.
template <class T>
struct MomentsView {
  static constexpr int64_t kHeader = 4;

  T* data = nullptr;
  int64_t tiles = 0;     // of one picture
  int64_t channels = 0;  // of a record: C in whole granules of the storage type

  [[nodiscard]] static int64_t record_elements(int64_t channels) {
    return checked_add(kHeader, checked_multiply(2, channels));
  }
  [[nodiscard]] constexpr T* record(int64_t n, int64_t tile) const {
    return data + (n * tiles + tile) * (kHeader + 2 * channels);
  }
  template <class U>  // NOLINT: a reader's view of a writer's is always fine
  operator MomentsView<const U>() const requires(std::is_same_v<U, T>) {
    return {data, tiles, channels};
  }
  [[nodiscard]] constexpr T& count(int64_t n, int64_t tile) const { return *record(n, tile); }
  [[nodiscard]] constexpr T* means(int64_t n, int64_t tile) const {
    return record(n, tile) + kHeader;
  }
  [[nodiscard]] constexpr T* squares(int64_t n, int64_t tile) const {
    return means(n, tile) + channels;
  }
};

/// Elements of the records of `pictures`.
[[nodiscard]] inline int64_t moment_elements(int64_t pictures, int64_t tiles, int64_t channels) {
  return checked_product({pictures, tiles, MomentsView<float>::record_elements(channels)});
}

/// Throws Error::internal unless moments are given where `op` asks for them, and only there.
inline void check_given(bool asked, const void* given, const std::string& op) {
  if (asked == (given != nullptr)) return;
  throw Error(ErrorCode::internal, op + (asked ? ": there is no place for its moments"
                                               : ": moments are given that it does not ask for"));
}

}  // namespace kintsugi
