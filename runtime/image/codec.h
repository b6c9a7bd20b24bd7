// SPDX-License-Identifier: MIT
//
// The codec turns the bytes of a picture file into an Image and back.
// It is not an image library: the formats of kintsugi/image.hpp, no colour management, and a damaged file is refused rather than shown in part.
// Callers own pixels and bytes; nothing is kept between calls.
// Called by read_image, write_image and their in-memory siblings, and through them by the program.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "kintsugi/image.hpp"

namespace kintsugi::image {

struct DecodedImage {
  Image image;  ///< upright
  ImageNotes notes;
};

/// `name` begins every sentence about the picture: "'photo.jpg'" or "the picture".
[[nodiscard]] DecodedImage decode(std::span<const std::byte> bytes, const ImageLimits& limits,
                                  const std::string& name);

/// Takes the next bytes of an encoded file; may throw to stop the encoder.
using Sink = std::function<void(std::span<const std::byte>)>;

/// Encodes row by row into `sink`: beside the picture and its profile it needs less than a megabyte,
/// whatever the size (a BMP of grey with alpha, and a format of 8 bits for a picture of 16, need a
/// copy). Throws as require_encodable before the first byte.
void encode(ImageFormat format, const ImageView& image, const ImageMetadata& metadata,
            const Sink& sink);

/// JPEG, BMP and TGA take 16 bits rounded to 8.
[[nodiscard]] bool holds_16_bits(ImageFormat format);

/// Throws for everything that a format cannot hold: a picture that is none, alpha, extents.
void require_encodable(ImageFormat format, const ImageView& image);

/// Throws Error::usage unless the view has 1 to 4 channels of 8 or 16 bits, positive extents and
/// pixels.
void require_picture(const ImageView& image);

}  // namespace kintsugi::image
