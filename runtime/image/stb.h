// SPDX-License-Identifier: MIT
//
// The one door to stb_image and stb_image_write: no other file includes them.
// It is not a codec: it neither sniffs, limits nor explains; codec.h does.
// Decoded pixels belong to the caller; the copy of stb inside has internal linkage, so that it
// cannot clash with one that the embedding program brings.
// Called by the codec.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace kintsugi::image::stb {

struct Header {
  int64_t width = 0;
  int64_t height = 0;
  int64_t channels = 0;
  bool sixteen_bits = false;
};

/// Width and height as the file claims them; nothing is allocated for pixels.
[[nodiscard]] std::optional<Header> header(std::span<const std::byte> file);

struct Pixels {
  int64_t width = 0;
  int64_t height = 0;
  int64_t channels = 0;
  std::vector<uint8_t> values;  ///< two bytes a sample at 16 bits; empty: could not be decoded
  bool ran_out = false;         ///< the decoder asked for bytes beyond the end of the file
};

/// Decodes; no single allocation exceeds `largest_allocation` bytes, whatever the file claims.
[[nodiscard]] Pixels decode(std::span<const std::byte> file, bool sixteen_bits,
                            size_t largest_allocation);

/// zlib data unfolded; empty when it is damaged or unfolds to more than `largest` bytes, of which no
/// more than that are ever allocated.
[[nodiscard]] std::optional<std::vector<std::byte>> inflate(std::span<const std::byte> data,
                                                            size_t largest);

/// Why this thread's last decode failed, in two or three words of stb's.
[[nodiscard]] const char* failure();

using Sink = std::function<void(std::span<const std::byte>)>;

// Interleaved pixels without gaps; extents and channels were checked by the caller.
void write_jpeg(int width, int height, int channels, const uint8_t* pixels, int quality,
                const Sink& sink);
void write_bmp(int width, int height, int channels, const uint8_t* pixels, const Sink& sink);
void write_tga(int width, int height, int channels, const uint8_t* pixels, const Sink& sink);

}  // namespace kintsugi::image::stb
