// SPDX-License-Identifier: MIT
//
// Pictures as the library takes and gives them: 8 bits a channel, interleaved. Image owns its
// pixels, ImageView looks at somebody else's. Files are read and written here and nowhere else.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "kintsugi/api.hpp"

namespace kintsugi {

/// A picture, 8 bits a channel, channels interleaved, rows without gaps.
struct Image {
  int64_t width = 0;
  int64_t height = 0;
  int64_t channels = 0;         ///< 1 grey, 2 grey + alpha, 3 RGB, 4 RGB + alpha
  std::vector<uint8_t> pixels;  ///< height * width * channels
};

/// A read-only window on a picture that somebody else owns; same layout as Image.
struct ImageView {
  int64_t width = 0;
  int64_t height = 0;
  int64_t channels = 0;
  const uint8_t* pixels = nullptr;

  ImageView() = default;
  ImageView(int64_t w, int64_t h, int64_t c, const uint8_t* p)
      : width(w), height(h), channels(c), pixels(p) {}
  ImageView(const Image& image)  // NOLINT: an Image is always viewable
      : ImageView(image.width, image.height, image.channels, image.pixels.data()) {}
};

struct ImageLimits {
  int64_t max_pixels = int64_t{1} << 28;  ///< a larger picture is refused before it is decoded
};

/// Decodes PNG, JPEG, BMP, TGA, GIF or PNM; turns it upright by its EXIF orientation; keeps alpha.
[[nodiscard]] KINTSUGI_API Image read_image(const std::filesystem::path& file,
                                            const ImageLimits& limits = {});
/// Writes PNG, JPEG, BMP, TGA or PPM by the file's extension: to a temporary name beside it, then
/// renamed, so that a failure leaves no half-written file and an old one untouched.
KINTSUGI_API void write_image(const std::filesystem::path& file, const ImageView& image);

}  // namespace kintsugi
