// SPDX-License-Identifier: MIT
#include "runtime/image/metadata.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

#include "runtime/image/exif.h"
#include "runtime/image/jpeg.h"
#include "runtime/image/pixel.h"
#include "runtime/image/png.h"
#include "runtime/image/stb.h"

namespace kintsugi::image {
namespace {

using std::string_view_literals::operator""sv;
using Bytes = std::span<const std::byte>;

constexpr std::string_view kExifSegment = "Exif\0\0"sv;
constexpr std::string_view kProfileSegment = "ICC_PROFILE\0"sv;
constexpr uint8_t kApp1 = 0xe1;
constexpr uint8_t kApp2 = 0xe2;
constexpr uint8_t kStartOfScan = 0xda;
constexpr size_t kLargestPayload = 65533;  // of a JPEG segment
constexpr size_t kProfileHead = 14;        // its name, a number and how many there are
constexpr size_t kLargestPiece = kLargestPayload - kProfileHead;
constexpr size_t kLargestProfile = 255 * kLargestPiece;  // what the numbers of JPEG can count
constexpr size_t kLargestUnfolded = size_t{1} << 24;
static_assert(kLargestProfile <= kLargestUnfolded);
constexpr size_t kSmallestProfile = 132;  // a header and an empty table
constexpr size_t kLargestChunk = std::numeric_limits<int32_t>::max();

bool starts_with(Bytes bytes, std::string_view text) {
  return bytes.size() >= text.size() &&
         std::equal(text.begin(), text.end(), bytes.begin(),
                    [](char a, std::byte b) { return static_cast<std::byte>(a) == b; });
}

/// EXIF is a TIFF structure in either byte order.
bool is_tiff(Bytes bytes) {
  return bytes.size() >= 8 && (starts_with(bytes, "II*\0"sv) || starts_with(bytes, "MM\0*"sv));
}

/// How many bytes an ICC profile says that it has, not more than it has; empty when it is none.
std::optional<size_t> profile_size(Bytes profile) {
  if (profile.size() < kSmallestProfile || !starts_with(profile.subspan(36), "acsp")) return {};
  size_t size = 0;
  for (size_t i = 0; i < 4; ++i) size = size << 8 | static_cast<size_t>(profile[i]);
  if (size < kSmallestProfile || size > profile.size()) return {};
  return size;
}

enum class Space : uint8_t { grey, rgb, other };

/// Of the pixels that a sound profile is for.
Space space_of(Bytes profile) {
  if (starts_with(profile.subspan(16), "GRAY")) return Space::grey;
  return starts_with(profile.subspan(16), "RGB ") ? Space::rgb : Space::other;
}

/// Keeps the profile if it is one that our pixels, grey or RGB, can have.
void take_profile(std::vector<std::byte> profile, FoundMetadata& found) {
  const std::optional<size_t> size = profile_size(profile);
  if (!size || *size > kLargestProfile) {
    found.left_out.emplace_back("its ICC profile is damaged and is left out");
  } else if (space_of(profile) == Space::other) {
    found.left_out.emplace_back("its ICC profile is neither for RGB nor for grey and is left out");
  } else {
    profile.resize(*size);  // what follows is no part of it
    found.metadata.icc_profile = std::move(profile);
  }
}

void take_exif(Bytes exif, FoundMetadata& found) {
  if (is_tiff(exif)) {
    found.metadata.exif.assign(exif.begin(), exif.end());
  } else {
    found.left_out.emplace_back("its EXIF data is damaged and is left out");
  }
}

/// PNG's own words about colour: chunks of one size each.
bool is_png_colour(const PngChunk& chunk) {
  const size_t size = chunk.data.size();
  return (chunk.is("cICP") && size == 4) || (chunk.is("gAMA") && size == 4) ||
         (chunk.is("cHRM") && size == 32) || (chunk.is("sRGB") && size == 1);
}

/// A name, a zero, the method zero, and zlib data.
void take_compressed_profile(Bytes data, FoundMetadata& found) {
  constexpr size_t kLongestName = 79;
  const auto end = std::find(data.begin(), data.end(), std::byte{0});
  const auto name = static_cast<size_t>(end - data.begin());
  std::optional<std::vector<std::byte>> profile;
  if (name <= kLongestName && name + 2 <= data.size() && data[name + 1] == std::byte{0}) {
    profile = stb::inflate(data.subspan(name + 2), kLargestUnfolded);
  }
  if (profile) {
    take_profile(std::move(*profile), found);
  } else {
    found.left_out.emplace_back(
        "its ICC profile is damaged, or larger than 16 MB, and is left out");
  }
}

FoundMetadata metadata_of_png(Bytes file) {
  FoundMetadata found;
  std::vector<std::array<char, 4>> seen;  // the first of a kind is taken
  bool pixels_seen = false;
  for_each_chunk(file, [&](const PngChunk& chunk) {
    pixels_seen = pixels_seen || chunk.is("IDAT");
    const bool exif = chunk.is("eXIf");
    const bool profile = chunk.is("iCCP");
    if (!exif && (pixels_seen || (!profile && !is_png_colour(chunk)))) return true;
    if (std::find(seen.begin(), seen.end(), chunk.type) != seen.end()) return true;
    seen.push_back(chunk.type);
    if (!chunk.intact) {
      found.left_out.push_back("its " + std::string(chunk.type.begin(), chunk.type.end()) +
                               " data is damaged and is left out");
    } else if (exif) {
      // Some programs leave in what stands before EXIF in a JPEG.
      const bool prefixed = starts_with(chunk.data, kExifSegment);
      take_exif(chunk.data.subspan(prefixed ? kExifSegment.size() : 0), found);
    } else if (profile) {
      take_compressed_profile(chunk.data, found);
    } else {
      const Bytes whole(chunk.data.data() - 8, chunk.data.size() + 12);
      found.metadata.png_colour.insert(found.metadata.png_colour.end(), whole.begin(), whole.end());
    }
    return true;
  });
  return found;
}

/// The pieces of a profile, in whatever order they stand in the file.
class ProfilePieces {
 public:
  void add(Bytes payload) {
    const bool numbered = payload.size() > kProfileHead;
    const auto number = numbered ? static_cast<size_t>(payload[kProfileHead - 2]) : 0;
    const auto count = numbered ? static_cast<size_t>(payload[kProfileHead - 1]) : 0;
    if (found_ == 0) pieces_.resize(count);
    ++found_;
    if (number < 1 || number > count || count != pieces_.size() || !pieces_[number - 1].empty()) {
      sound_ = false;
      return;
    }
    pieces_[number - 1] = payload.subspan(kProfileHead);
  }

  void take(FoundMetadata& found) const {
    if (found_ == 0) return;
    if (!sound_ || found_ != pieces_.size()) {
      found.left_out.emplace_back(
          "its ICC profile is in pieces that do not fit together and is left out");
      return;
    }
    std::vector<std::byte> profile;
    for (const Bytes piece : pieces_) profile.insert(profile.end(), piece.begin(), piece.end());
    take_profile(std::move(profile), found);
  }

 private:
  std::vector<Bytes> pieces_;
  size_t found_ = 0;
  bool sound_ = true;
};

FoundMetadata metadata_of_jpeg(Bytes file) {
  FoundMetadata found;
  ProfilePieces profile;
  bool exif_seen = false;
  for_each_segment(file, [&](const JpegSegment& segment) {
    if (segment.marker == kStartOfScan) return false;
    if (segment.marker == kApp2 && starts_with(segment.payload, kProfileSegment)) {
      profile.add(segment.payload);
    }
    if (segment.marker == kApp1 && !exif_seen && starts_with(segment.payload, kExifSegment)) {
      exif_seen = true;
      take_exif(segment.payload.subspan(kExifSegment.size()), found);
    }
    return true;
  });
  profile.take(found);
  return found;
}

bool are_png_colour(Bytes chunks) {
  size_t sound = 0;
  walk_chunks(chunks, [&sound](const PngChunk& chunk) {
    if (!chunk.intact || !is_png_colour(chunk)) return false;
    sound += chunk.data.size() + 12;
    return true;
  });
  return sound == chunks.size();
}

void append_segment(std::vector<std::byte>& bytes, uint8_t marker, Bytes head, Bytes payload) {
  const size_t length = head.size() + payload.size() + 2;
  for (const size_t byte : {size_t{0xff}, size_t{marker}, length >> 8, length & 0xff}) {
    bytes.push_back(static_cast<std::byte>(byte));
  }
  bytes.insert(bytes.end(), head.begin(), head.end());
  bytes.insert(bytes.end(), payload.begin(), payload.end());
}

}  // namespace

FoundMetadata metadata_of(Bytes file, FileKind kind) {
  switch (kind) {
    case FileKind::png: return metadata_of_png(file);
    case FileKind::jpeg: return metadata_of_jpeg(file);
    default: return {};
  }
}

Storable storable(ImageFormat format, int64_t channels, const ImageMetadata& metadata) {
  Storable stored;
  const auto leave_out = [&stored](const std::string& sentence) {
    stored.left_out.push_back(sentence);
  };
  const bool png = format == ImageFormat::png;
  const bool jpeg = format == ImageFormat::jpeg;
  if (!png && !metadata.png_colour.empty()) {
    leave_out("what the PNG says about its colours is left out: the format does not hold it");
  }
  if (!png && !jpeg) {
    if (!metadata.icc_profile.empty()) {
      leave_out("the ICC profile is left out: the format holds none");
    }
    // The pixels are upright already; of all formats.
    if (!metadata.exif.empty() && !says_orientation_alone(metadata.exif)) {
      leave_out("the EXIF data is left out: the format holds none");
    }
    return stored;
  }

  const Bytes profile = metadata.icc_profile;
  const Space space = is_grey(channels) && !jpeg ? Space::grey : Space::rgb;
  if (profile.size() > kLargestProfile || (!profile.empty() && !profile_size(profile))) {
    leave_out("the ICC profile is damaged, or larger than 16 MB, and is left out");
  } else if (!profile.empty() && space_of(profile) != space) {
    leave_out(std::string("the ICC profile is left out: it is not for ") +
              (space == Space::grey ? "grey" : "RGB") + ", as which the picture is stored");
  } else {
    stored.icc_profile = profile;
  }

  const Bytes exif = metadata.exif;
  const size_t largest_exif = jpeg ? kLargestPayload - kExifSegment.size() : kLargestChunk;
  if (!exif.empty() && !is_tiff(exif)) {
    leave_out("the EXIF data is damaged and is left out");
  } else if (exif.size() > largest_exif) {
    leave_out("the EXIF data is left out: it has " + std::to_string(exif.size()) +
              " bytes, and the format holds " + std::to_string(largest_exif));
  } else {
    stored.exif = exif;
  }

  if (jpeg) return stored;
  if (are_png_colour(metadata.png_colour)) {
    stored.png_colour = metadata.png_colour;
  } else {
    leave_out("what a PNG says about its colours is damaged and is left out");
  }
  return stored;
}

std::vector<std::byte> jpeg_segments(const Storable& metadata) {
  std::vector<std::byte> bytes;
  if (!metadata.exif.empty()) {
    append_segment(bytes, kApp1, std::as_bytes(std::span(kExifSegment)), metadata.exif);
  }
  const size_t count = (metadata.icc_profile.size() + kLargestPiece - 1) / kLargestPiece;
  for (size_t i = 0; i < count; ++i) {
    std::string head(kProfileSegment);
    head += static_cast<char>(i + 1);
    head += static_cast<char>(count);
    const Bytes rest = metadata.icc_profile.subspan(i * kLargestPiece);
    append_segment(bytes, kApp2, std::as_bytes(std::span(head)),
                   rest.first(std::min(rest.size(), kLargestPiece)));
  }
  return bytes;
}

}  // namespace kintsugi::image
