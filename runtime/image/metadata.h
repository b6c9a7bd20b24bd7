// SPDX-License-Identifier: MIT
//
// Metadata is what a PNG or JPEG says beside its pixels, found, checked, and laid out for the next
// file: ICC profile, EXIF, and PNG's own words about colour.
// It is not colour management and not an EXIF library: bytes are carried, not read, but for what
// tells whether they are sound and fit the pixels. XMP, IPTC and text are not carried.
// What was found belongs to the caller; Storable looks at the caller's.
// Called by the codec.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "kintsugi/image.hpp"
#include "runtime/image/probe.h"

namespace kintsugi::image {

struct FoundMetadata {
  ImageMetadata metadata;             ///< the EXIF data is still the file's own
  std::vector<std::string> left_out;  ///< as ImageNotes has it
};

/// Takes no more memory than the file and the largest profile, whatever the file claims.
[[nodiscard]] FoundMetadata metadata_of(std::span<const std::byte> file, FileKind kind);

/// What a file takes of somebody's metadata, each part empty where there is nothing to store.
struct Storable {
  std::span<const std::byte> icc_profile, exif, png_colour;
  std::vector<std::string> left_out;  ///< and why
};
[[nodiscard]] Storable storable(ImageFormat format, int64_t channels,
                                const ImageMetadata& metadata);

/// EXIF and profile as JPEG segments, to stand before the picture's own.
[[nodiscard]] std::vector<std::byte> jpeg_segments(const Storable& metadata);

}  // namespace kintsugi::image
