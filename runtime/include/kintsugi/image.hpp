// SPDX-License-Identifier: MIT
//
// Pictures as the library takes and gives them: 8 or 16 bits a channel, interleaved. Image owns its
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

/// What a picture's file says beside its pixels. Nothing here is interpreted or applied: it is
/// carried from one file to the next, so that the next is shown and found as the first was. But the
/// thumbnail in the EXIF data of a file is blanked when it is read: it would show what was mended.
struct ImageMetadata {
  std::vector<std::byte> icc_profile = {};  ///< whole, not compressed
  /// The TIFF structure; as decoded, its orientation is upright, its extent the picture's own, and
  /// no thumbnail is left. Maker notes stay as they are; some cameras keep a preview there, too.
  std::vector<std::byte> exif = {};
  /// The chunks cICP, gAMA, cHRM and sRGB of a PNG, whole; no other format holds them.
  std::vector<std::byte> png_colour = {};
};

/// A picture, channels interleaved, rows without gaps.
/// `pixels` are BYTES, not samples. Where `bits` is 16, a sample is two of them, in this machine's own
/// order: pixels[i] is then half of one. Copy a uint16_t out and in by std::memcpy; or read files by
/// ImageLimits{.max_bits = 8}, and a byte is a sample always.
struct Image {
  int64_t width = 0;
  int64_t height = 0;
  int64_t channels = 0;              ///< 1 grey, 2 grey + alpha, 3 RGB, 4 RGB + alpha
  std::vector<uint8_t> pixels = {};  ///< height * width * channels samples of bits / 8 bytes
  int64_t bits = 8;                  ///< of a sample: 8 or 16; white is 255 or 65535
  ImageMetadata metadata = {};
};

/// A read-only window on a picture that somebody else owns; same layout as Image. It shows pixels
/// alone: metadata stays with the Image.
struct ImageView {
  int64_t width = 0;
  int64_t height = 0;
  int64_t channels = 0;
  const uint8_t* pixels = nullptr;  ///< bytes, as in Image; of 16 bits they need not be aligned
  int64_t bits = 8;

  ImageView() = default;
  ImageView(int64_t w, int64_t h, int64_t c, const uint8_t* p, int64_t b = 8)
      : width(w), height(h), channels(c), pixels(p), bits(b) {}
  /// Throws Error::mismatch when `image` does not hold the pixels that its extent says.
  ImageView(const Image& image)  // NOLINT: an Image is viewable without a word
      : ImageView(image.width, image.height, image.channels, image.pixels.data(), image.bits) {
    if (bits != 8 && bits != 16) {
      throw Error(ErrorCode::mismatch,
                  "an image has 8 or 16 bits a channel, not " + std::to_string(bits));
    }
    const auto held = static_cast<int64_t>(image.pixels.size());
    const int64_t samples = held / (bits / 8);
    if (width < 0 || height < 0 || channels < 1 || channels > 4 || samples * (bits / 8) != held ||
        (width > 0 && height > samples / channels / width) ||
        width * height * channels != samples) {
      throw Error(ErrorCode::mismatch,
                  "an image says " + std::to_string(width) + "x" + std::to_string(height) +
                      " pixels of " + std::to_string(channels) + " channels" +
                      (bits == 8 ? "" : " and " + std::to_string(bits) + " bits") + " and holds " +
                      std::to_string(held) + " bytes");
    }
  }
};

struct ImageLimits {
  int64_t max_pixels = int64_t{1} << 28;  ///< a larger picture is refused before it is decoded
  int64_t max_bits = 16;                  ///< or 8: then samples of 16 bits are rounded to nearest
};

/// What a decoder did that the caller may want to tell the user.
struct ImageNotes {
  int orientation = 1;  ///< the EXIF orientation, 1 to 8, that was applied
  /// What of the metadata is damaged or does not fit the pixels, and so is not in the picture: one
  /// sentence each, about "its ICC profile", "its EXIF data".
  std::vector<std::string> left_out = {};
};

/// Decodes PNG, JPEG, BMP, TGA, GIF (its first frame) or binary PNM, whatever the file is called;
/// turns it upright by its EXIF orientation; keeps grey and alpha as channels, the 16 bits of a PNG
/// or PNM (unless max_bits is 8), and the metadata of a PNG or JPEG. A damaged or truncated file is
/// an Error, never half a picture; damaged metadata is left out.
[[nodiscard]] KINTSUGI_API Image read_image(const std::filesystem::path& file,
                                            const ImageLimits& limits = {},
                                            ImageNotes* notes = nullptr);
/// The same for a file that is already in memory.
[[nodiscard]] KINTSUGI_API Image decode_image(std::span<const std::byte> bytes,
                                              const ImageLimits& limits = {},
                                              ImageNotes* notes = nullptr);

enum class ImageFormat : uint8_t {
  png,   ///< grey or RGB, with or without alpha, 8 or 16 bits, exact; metadata
  jpeg,  ///< quality 95, 8 bits; grey is stored as RGB; a picture with alpha is refused; metadata
  bmp,   ///< RGB or RGB + alpha, 8 bits, exact; grey is stored as RGB
  tga,   ///< grey or RGB, with or without alpha, 8 bits, exact
  pnm,   ///< PGM for grey, PPM for RGB, 8 or 16 bits, exact; a picture with alpha is refused
};

/// The format that a file's extension stands for: .png .jpg .jpeg .bmp .tga .ppm .pgm .pnm, in
/// either case. Anything else is Error::usage.
[[nodiscard]] KINTSUGI_API ImageFormat image_format(const std::filesystem::path& file);

/// Writes the picture in the format of the file's extension: to a temporary name beside it, then
/// renamed, so that a failure leaves no half-written file and an old one untouched. A format of 8
/// bits takes the 16 of a picture rounded to nearest; metadata goes where the format holds it.
KINTSUGI_API void write_image(const std::filesystem::path& file, const ImageView& image,
                              const ImageMetadata& metadata = {});
[[nodiscard]] KINTSUGI_API std::vector<std::byte> encode_image(ImageFormat format,
                                                               const ImageView& image,
                                                               const ImageMetadata& metadata = {});

/// An Image is written with its own metadata.
inline void write_image(const std::filesystem::path& file, const Image& image) {
  write_image(file, ImageView(image), image.metadata);
}
[[nodiscard]] inline std::vector<std::byte> encode_image(ImageFormat format, const Image& image) {
  return encode_image(format, ImageView(image), image.metadata);
}

/// What the format cannot keep of this picture, one sentence each: bits, and each part of the
/// metadata. That JPEG is not exact goes without saying, and so does EXIF that says that the picture
/// is upright and nothing more.
[[nodiscard]] KINTSUGI_API std::vector<std::string> encoding_losses(
    ImageFormat format, const ImageView& image, const ImageMetadata& metadata = {});

}  // namespace kintsugi
