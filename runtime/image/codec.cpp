// SPDX-License-Identifier: MIT
#include "runtime/image/codec.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

#include "kernels/core/error.h"
#include "runtime/image/exif.h"
#include "runtime/image/jpeg.h"
#include "runtime/image/metadata.h"
#include "runtime/image/orientation.h"
#include "runtime/image/pixel.h"
#include "runtime/image/png.h"
#include "runtime/image/pnm.h"
#include "runtime/image/probe.h"
#include "runtime/image/stb.h"

namespace kintsugi::image {
namespace {

using Bytes = std::span<const std::byte>;

constexpr int kJpegQuality = 95;
constexpr int64_t kLargestStbBytes = std::numeric_limits<int32_t>::max() / 2;
constexpr int64_t kLargestExtent16 = 65535;  // of formats that store extents in 16 bits
constexpr size_t kSinkBytes = size_t{1} << 16;
constexpr size_t kJfifEnd = 20;
constexpr const char* kReadable = "PNG, JPEG, BMP, TGA, GIF and binary PNM pictures are read";

[[noreturn]] void refuse(const std::string& sentence, const std::string& hint = {}) {
  throw Error(ErrorCode::bad_file, sentence, hint);
}

[[noreturn]] void refuse_truncated(const std::string& name) {
  refuse(name + " is truncated: the file ends before the picture does",
         "copy or download it again");
}

void require_limits(int64_t width, int64_t height, const ImageLimits& limits,
                    const std::string& name) {
  // Compared by division: a header may claim more than 63 bits hold.
  if (width <= limits.max_pixels / height) return;
  throw Error(ErrorCode::unsupported,
              name + " has too many pixels: " + std::to_string(width) + " x " +
                  std::to_string(height) + ", and the limit is " +
                  std::to_string(limits.max_pixels),
              "crop or shrink it, or raise the limit if the file is to be trusted");
}

/// stb checks no checksums; a PNG with a flipped bit would come out as another picture. Nor can it be
/// left to speak of chunks that nobody knows: it quotes their bytes, from one buffer for all threads.
void require_intact_png(Bytes file, const std::string& name) {
  std::string damaged;
  bool known = true;
  const bool complete = for_each_chunk(file, [&](const PngChunk& chunk) {
    // Lower case means that the picture can do without; tRNS is one that it cannot.
    const bool critical = (chunk.type[0] & 0x20) == 0;
    const bool needed = critical || chunk.is("tRNS");
    if (needed && !chunk.intact) damaged = std::string(chunk.type.begin(), chunk.type.end());
    known = known && (!critical || chunk.is("IHDR") || chunk.is("PLTE") || chunk.is("IDAT") ||
                      chunk.is("IEND") || chunk.is("CgBI"));
    return damaged.empty();
  });
  if (!damaged.empty()) {
    const bool printable =
        std::all_of(damaged.begin(), damaged.end(), [](char c) { return c > ' ' && c < '\x7f'; });
    refuse(name + " is damaged: a checksum" + (printable ? " of its " + damaged + " data" : "") +
               " does not agree",
           "copy or download it again");
  }
  if (!known) refuse(name + " is a PNG with data of a kind that is not known here");
  if (!complete) refuse_truncated(name);
}

DecodedImage decode_pnm(Bytes bytes, const ImageLimits& limits, const std::string& name) {
  const std::optional<PnmHeader> header = pnm_header(bytes);
  if (!header) refuse(name + " is a PNM picture with a malformed header");
  require_limits(header->width, header->height, limits, name);
  std::optional<Image> image = pnm_picture(bytes, *header);
  if (!image) refuse_truncated(name);
  return {std::move(*image), {}};
}

/// The largest piece that decoding may ask for: twice the samples at 16 bits, or the file itself.
size_t largest_allocation(const stb::Header& header, Bytes bytes) {
  const size_t pixels = static_cast<size_t>(header.width) * static_cast<size_t>(header.height);
  return 16 * pixels + 64 * static_cast<size_t>(header.width + header.height) + 2 * bytes.size() +
         (size_t{1} << 20);
}

DecodedImage decode_by_stb(Bytes bytes, const Probed& probed, const ImageLimits& limits,
                           const std::string& name) {
  if (bytes.size() > static_cast<size_t>(kLargestStbBytes)) {
    throw Error(ErrorCode::unsupported, name + " is a file of more than 1 GiB");
  }
  const std::string broken = name + " is " + probed.name + " that cannot be decoded";
  if (probed.kind == FileKind::png) {  // stb calls a large header a broken one
    const std::optional<PngExtent> extent = png_extent(bytes);
    if (extent) require_limits(extent->width, extent->height, limits, name);
    require_intact_png(bytes, name);
  }
  if (probed.kind == FileKind::jpeg && !tables_fit(bytes)) {
    refuse(broken + ": its tables are damaged or missing");
  }
  const std::optional<stb::Header> header = stb::header(bytes);
  if (!header || header->width < 1 || header->height < 1) {
    refuse(broken + ": its header is damaged or of a kind that is not supported");
  }
  require_limits(header->width, header->height, limits, name);

  stb::Pixels pixels = stb::decode(bytes, header->sixteen_bits, largest_allocation(*header, bytes));
  if (pixels.ran_out) refuse_truncated(name);
  if (pixels.values.empty()) {
    const char* reason = stb::failure();
    refuse(broken + ": " + (reason != nullptr ? reason : "damaged data"),
           "open it in another program and save it as PNG");
  }
  FoundMetadata found = metadata_of(bytes, probed.kind);
  std::vector<std::byte>& exif = found.metadata.exif;
  const int orientation = orientation_of(exif);
  Image image = turn_upright({.width = pixels.width,
                              .height = pixels.height,
                              .channels = pixels.channels,
                              .pixels = std::move(pixels.values),
                              .bits = header->sixteen_bits ? 16 : 8},
                             orientation);
  if (!exif.empty() && !renew_exif(exif, image.width, image.height)) {
    exif.clear();
    found.left_out.emplace_back("its EXIF data is damaged and is left out");
  }
  image.metadata = std::move(found.metadata);
  return {std::move(image),
          ImageNotes{.orientation = orientation, .left_out = std::move(found.left_out)}};
}

[[noreturn]] void refuse_alpha(const char* format) {
  throw Error(ErrorCode::usage, std::string("a ") + format + " file cannot hold transparency",
              "write a PNG, or remove the alpha channel first");
}

/// stb writes a few bytes at a time; files like them in large pieces.
class Gather {
 public:
  explicit Gather(const Sink& sink) : sink_(sink) { bytes_.reserve(kSinkBytes); }
  void write(Bytes bytes) {
    if (bytes_.size() + bytes.size() > kSinkBytes) flush();
    if (bytes.size() >= kSinkBytes) {
      sink_(bytes);
    } else {
      bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    }
  }
  void flush() {
    if (!bytes_.empty()) sink_(bytes_);
    bytes_.clear();
  }

 private:
  const Sink& sink_;
  std::vector<std::byte> bytes_;
};

/// Rounded to 8 bits.
Image narrowed_copy(const ImageView& image) {
  Image narrow = black(image.width, image.height, image.channels, 8);
  for (int64_t i = 0; i < samples_of(image); ++i) {
    narrow.pixels[static_cast<size_t>(i)] = narrowed(sample_at(image.pixels, image.bits, i));
  }
  return narrow;
}

/// Passes a JPEG on with segments put behind its start and its JFIF segment, which stb writes first
/// and which must stay first.
class InsertIntoJpeg {
 public:
  InsertIntoJpeg(std::vector<std::byte> segments, const Sink& sink)
      : segments_(std::move(segments)), sink_(sink) {}
  void write(Bytes bytes) {
    const size_t before = std::min(before_, bytes.size());
    if (before > 0) {
      sink_(bytes.first(before));
      before_ -= before;
      if (before_ == 0) sink_(segments_);
    }
    sink_(bytes.subspan(before));
  }

 private:
  size_t before_ = kJfifEnd;
  std::vector<std::byte> segments_;
  const Sink& sink_;
};

/// BMP has no grey with alpha.
Image widened_to_rgba(const ImageView& grey) {
  Image rgba{grey.width, grey.height, 4, {}};
  rgba.pixels.reserve(static_cast<size_t>(grey.width * grey.height * 4));
  for (int64_t i = 0; i < grey.width * grey.height; ++i) {
    const uint8_t value = grey.pixels[2 * i];
    rgba.pixels.insert(rgba.pixels.end(), {value, value, value, grey.pixels[2 * i + 1]});
  }
  return rgba;
}

}  // namespace

void require_picture(const ImageView& image) {
  if (image.width < 1 || image.height < 1 || image.pixels == nullptr) {
    throw Error(ErrorCode::usage, "the picture is empty");
  }
  if (image.channels < 1 || image.channels > 4) {
    throw Error(ErrorCode::usage,
                "a picture has 1 to 4 channels, not " + std::to_string(image.channels));
  }
  if (image.bits != 8 && image.bits != 16) {
    throw Error(ErrorCode::usage,
                "a picture has 8 or 16 bits a channel, not " + std::to_string(image.bits));
  }
}

DecodedImage decode(Bytes bytes, const ImageLimits& limits, const std::string& name) {
  if (limits.max_bits != 8 && limits.max_bits != 16) {
    throw Error(ErrorCode::usage,
                "a picture is read at 8 or 16 bits, not " + std::to_string(limits.max_bits));
  }
  if (bytes.empty()) refuse(name + " is empty: it has no bytes");
  const Probed probed = probe(bytes);
  DecodedImage decoded;
  switch (probed.kind) {
    case FileKind::foreign:
      if (probed.name == nullptr) refuse(name + " is not a picture", kReadable);
      refuse(name + " is " + probed.name + ", which is not read here",
             probed.hint != nullptr ? probed.hint : kReadable);
    case FileKind::pnm: decoded = decode_pnm(bytes, limits, name); break;
    default: decoded = decode_by_stb(bytes, probed, limits, name);
  }
  if (decoded.image.bits > limits.max_bits) {
    Image narrow = narrowed_copy(decoded.image);
    narrow.metadata = std::move(decoded.image.metadata);
    decoded.image = std::move(narrow);
  }
  return decoded;
}

void require_encodable(ImageFormat format, const ImageView& image) {
  require_picture(image);
  const bool alpha = has_alpha(image.channels);
  if (alpha && format == ImageFormat::jpeg) refuse_alpha("JPEG");
  if (alpha && format == ImageFormat::pnm) refuse_alpha("PNM");
  const bool short_extents = format == ImageFormat::jpeg || format == ImageFormat::tga;
  const int64_t longest = std::max(image.width, image.height);
  if (short_extents && longest > kLargestExtent16) {
    throw Error(ErrorCode::unsupported,
                std::string("a ") + (format == ImageFormat::jpeg ? "JPEG" : "TGA") +
                    " picture is at most 65535 pixels wide and high, not " +
                    std::to_string(longest),
                "write a PNG");
  }
  const bool by_stb = short_extents || format == ImageFormat::bmp;
  if (longest > std::numeric_limits<int32_t>::max() ||
      (by_stb && image.width > kLargestStbBytes / 4 / image.height)) {
    throw Error(ErrorCode::unsupported, "the picture is too large for this format",
                "write a PNG or a PPM");
  }
}

bool holds_16_bits(ImageFormat format) {
  return format == ImageFormat::png || format == ImageFormat::pnm;
}

void encode(ImageFormat format, const ImageView& image, const ImageMetadata& metadata,
            const Sink& sink) {
  require_encodable(format, image);
  if (image.bits > 8 && !holds_16_bits(format)) {
    return encode(format, narrowed_copy(image), metadata, sink);
  }
  const Storable stored = storable(format, image.channels, metadata);
  Gather gather(sink);
  const Sink gathered = [&gather](Bytes bytes) { gather.write(bytes); };
  const int width = static_cast<int>(image.width);
  const int height = static_cast<int>(image.height);
  const int channels = static_cast<int>(image.channels);
  switch (format) {
    case ImageFormat::png: write_png(image, stored, gathered); break;
    case ImageFormat::pnm: write_pnm(image, gathered); break;
    case ImageFormat::jpeg: {
      InsertIntoJpeg insert(jpeg_segments(stored), gathered);
      stb::write_jpeg(width, height, channels, image.pixels, kJpegQuality,
                      [&insert](Bytes bytes) { insert.write(bytes); });
      break;
    }
    case ImageFormat::tga: stb::write_tga(width, height, channels, image.pixels, gathered); break;
    case ImageFormat::bmp:
      if (image.channels == 2) {
        stb::write_bmp(width, height, 4, widened_to_rgba(image).pixels.data(), gathered);
      } else {
        stb::write_bmp(width, height, channels, image.pixels, gathered);
      }
      break;
  }
  gather.flush();
}

}  // namespace kintsugi::image
