// SPDX-License-Identifier: MIT
//
// Pictures as the library takes and gives them: 8 bits a channel, interleaved. Image owns its
// pixels, ImageView looks at somebody else's. Files are read and written here and nowhere else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "kernels/core/error.h"
#include "kintsugi/api.hpp"

namespace kintsugi {

/// A picture, 8 bits a channel, channels interleaved, rows without gaps.
struct Image {
  int64_t width = 0;
  int64_t height = 0;
  int64_t channels = 0;              ///< 1 grey, 2 grey + alpha, 3 RGB, 4 RGB + alpha
  std::vector<uint8_t> pixels = {};  ///< height * width * channels
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
  /// Throws Error::mismatch when `image` does not hold the pixels that its extent says.
  ImageView(const Image& image)  // NOLINT: an Image is viewable without a word
      : ImageView(image.width, image.height, image.channels, image.pixels.data()) {
    const auto held = static_cast<int64_t>(image.pixels.size());
    if (width < 0 || height < 0 || channels < 1 || channels > 4 ||
        (width > 0 && height > held / channels / width) || width * height * channels != held) {
      throw Error(ErrorCode::mismatch, "an image says " + std::to_string(width) + "x" +
                                           std::to_string(height) + " pixels of " +
                                           std::to_string(channels) + " channels and holds " +
                                           std::to_string(held) + " bytes");
    }
  }
};

struct ImageLimits {
  int64_t max_pixels = int64_t{1} << 28;  ///< a larger picture is refused before it is decoded
};

/// What a decoder did to the picture that the caller may want to tell the user.
struct ImageNotes {
  bool reduced_from_16_bits = false;  ///< the file had 16 bits a channel; 8, rounded, are left
  int orientation = 1;                ///< the EXIF orientation, 1 to 8, that was applied
};

/// Decodes PNG, JPEG, BMP, TGA, GIF (its first frame) or binary PNM, whatever the file is called;
/// turns it upright by its EXIF orientation; keeps grey and alpha as channels. A damaged or
/// truncated file is an Error, never half a picture.
[[nodiscard]] KINTSUGI_API Image read_image(const std::filesystem::path& file,
                                            const ImageLimits& limits = {},
                                            ImageNotes* notes = nullptr);
/// The same for a file that is already in memory.
[[nodiscard]] KINTSUGI_API Image decode_image(std::span<const std::byte> bytes,
                                              const ImageLimits& limits = {},
                                              ImageNotes* notes = nullptr);

enum class ImageFormat : uint8_t {
  png,   ///< grey or RGB, with or without alpha, exact
  jpeg,  ///< quality 95; grey is stored as RGB; a picture with alpha is refused
  bmp,   ///< RGB or RGB + alpha, exact; grey is stored as RGB
  tga,   ///< grey or RGB, with or without alpha, exact
  pnm,   ///< PGM for grey, PPM for RGB, exact; a picture with alpha is refused
};

/// The format that a file's extension stands for: .png .jpg .jpeg .bmp .tga .ppm .pgm .pnm, in
/// either case. Anything else is Error::usage.
[[nodiscard]] KINTSUGI_API ImageFormat image_format(const std::filesystem::path& file);

/// Writes the picture in the format of the file's extension: to a temporary name beside it, then
/// renamed, so that a failure leaves no half-written file and an old one untouched.
KINTSUGI_API void write_image(const std::filesystem::path& file, const ImageView& image);
[[nodiscard]] KINTSUGI_API std::vector<std::byte> encode_image(ImageFormat format,
                                                               const ImageView& image);

}  // namespace kintsugi
