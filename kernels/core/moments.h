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
/// channels, then their squared differences, summed. Beyond a picture's last channel, and of a tile
/// without a pixel, they are zeros.
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

/// Bytes of `records` that are written, and mostly read: of a header the count alone.
[[nodiscard]] inline int64_t moment_bytes(int64_t records, int64_t channels) {
  return checked_multiply(records, checked_add(4, checked_multiply(8, channels)));
}

/// Throws Error::internal unless moments of so many tiles and channels are given where the description
/// wants them, and only there.
template <class Desc, class T>
void check_moments(const Desc& desc, bool wants, const MomentsView<T>& given, int64_t tiles,
                   int64_t channels) {
  const bool fits = given.tiles == tiles && given.channels == channels;
  if (wants ? given.data != nullptr && fits : given.data == nullptr) return;
  throw Error(ErrorCode::internal,
              to_string(desc) + (!wants                  ? ": moments are given, and not wanted"
                                 : given.data == nullptr ? ": moments are wanted, and not given"
                                                         : ": moments of other tiles or channels"));
}

}  // namespace kintsugi
