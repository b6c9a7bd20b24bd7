// SPDX-License-Identifier: MIT
//
// Binary PGM and PPM, read and written: the simplest pictures there are.
// It is not all of Netpbm: no text, bitmap or PAM variants.
// It owns nothing but the picture it returns.
// Called by the codec. (stb_image also reads PNM, but neither scales by the largest value nor swaps
// the bytes of 16-bit samples.)
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include "kintsugi/image.hpp"

namespace kintsugi::image {

struct PnmHeader {
  int64_t width = 0;
  int64_t height = 0;
  int64_t channels = 0;
  int64_t largest = 0;  ///< the value of white; above 255 samples have two bytes
  size_t data_offset = 0;
};

/// Empty when the header makes no sense.
[[nodiscard]] std::optional<PnmHeader> pnm_header(std::span<const std::byte> file);
/// Scaled so that white is white: 8 bits a sample, or 16 where the file's have two bytes. Empty when
/// the file ends too early.
[[nodiscard]] std::optional<Image> pnm_picture(std::span<const std::byte> file,
                                               const PnmHeader& header);

/// PGM for one channel, PPM for three; 8 bits or 16.
void write_pnm(const ImageView& image, const std::function<void(std::span<const std::byte>)>& sink);

}  // namespace kintsugi::image
