// SPDX-License-Identifier: MIT
//
// The public door of pictures: files and bytes in, Image out, and back.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <string>
#include <system_error>
#include <utility>

#include "kernels/core/error.h"
#include "kintsugi/image.hpp"
#include "runtime/image/codec.h"
#include "runtime/image/metadata.h"
#include "runtime/image/probe.h"
#include "runtime/io/atomic_file.h"
#include "runtime/io/guarded.h"

namespace kintsugi {
namespace {

constexpr size_t kReadBytes = size_t{1} << 20;
constexpr size_t kLargestFile = size_t{1} << 30;

std::string quoted(const std::filesystem::path& file) { return "'" + file.string() + "'"; }

[[noreturn]] void refuse_to_read(const std::filesystem::path& file, int error) {
  throw Error(ErrorCode::io,
              "cannot read " + quoted(file) + ": " + std::generic_category().message(error));
}

struct Descriptor {
  int value;
  explicit Descriptor(int descriptor) : value(descriptor) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (value >= 0) ::close(value);
  }
};

/// The whole file; or only its beginning when that already says that it is no picture.
std::vector<std::byte> read_bytes(const std::filesystem::path& file) {
  const Descriptor descriptor(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (descriptor.value < 0) refuse_to_read(file, errno);
  struct stat status = {};
  if (::fstat(descriptor.value, &status) != 0) refuse_to_read(file, errno);
  if (S_ISDIR(status.st_mode)) {
    throw Error(ErrorCode::io, "cannot read " + quoted(file) + ": it is a folder, not a picture");
  }
  std::vector<std::byte> bytes;
  size_t size = 0;
  size_t wanted = image::kProbeBytes;
  for (;;) {
    bytes.resize(wanted);
    const ssize_t got = ::read(descriptor.value, bytes.data() + size, wanted - size);
    // A pipe may never say more: whoever has a handler for the signal wants to be asked.
    if (got < 0 && errno == EINTR && S_ISREG(status.st_mode)) continue;
    if (got < 0) refuse_to_read(file, errno);
    size += static_cast<size_t>(got);
    if (got == 0) break;
    if (size < wanted) continue;
    if (size == image::kProbeBytes && image::probe(bytes).kind == image::FileKind::foreign) {
      break;
    }
    if (size > kLargestFile) {
      throw Error(ErrorCode::unsupported, quoted(file) + " is a file of more than 1 GiB");
    }
    // One byte more than a plain file has, so that its end is seen without growing once more.
    const size_t known = S_ISREG(status.st_mode) ? static_cast<size_t>(status.st_size) + 1 : 0;
    wanted = std::min(std::max({known, size + kReadBytes, size + size / 2}), kLargestFile + 1);
  }
  bytes.resize(size);
  return bytes;
}

Image take(image::DecodedImage decoded, ImageNotes* notes) {
  if (notes != nullptr) *notes = decoded.notes;
  return std::move(decoded.image);
}

}  // namespace

Image read_image(const std::filesystem::path& file, const ImageLimits& limits, ImageNotes* notes) {
  return guarded(
      [&] { return take(image::decode(read_bytes(file), limits, quoted(file)), notes); });
}

Image decode_image(std::span<const std::byte> bytes, const ImageLimits& limits, ImageNotes* notes) {
  return guarded([&] { return take(image::decode(bytes, limits, "the picture"), notes); });
}

ImageFormat image_format(const std::filesystem::path& file) {
  std::string extension = file.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  if (extension == ".png") return ImageFormat::png;
  if (extension == ".jpg" || extension == ".jpeg") return ImageFormat::jpeg;
  if (extension == ".bmp") return ImageFormat::bmp;
  if (extension == ".tga") return ImageFormat::tga;
  if (extension == ".ppm" || extension == ".pgm" || extension == ".pnm") return ImageFormat::pnm;
  throw Error(ErrorCode::usage,
              quoted(file) + (extension.empty() ? " has no extension"
                                                : " has an extension that is not written here"),
              "end the name in .png, .jpg, .jpeg, .bmp, .tga, .ppm, .pgm or .pnm");
}

void write_image(const std::filesystem::path& file, const ImageView& image,
                 const ImageMetadata& metadata) {
  const ImageFormat format = image_format(file);
  image::require_encodable(format, image);
  guarded([&] {
    AtomicFile target(file);
    image::encode(format, image, metadata,
                  [&target](std::span<const std::byte> bytes) { target.write(bytes); });
    target.commit();
  });
}

std::vector<std::byte> encode_image(ImageFormat format, const ImageView& image,
                                    const ImageMetadata& metadata) {
  return guarded([&] {
    std::vector<std::byte> bytes;
    image::encode(format, image, metadata, [&bytes](std::span<const std::byte> piece) {
      bytes.insert(bytes.end(), piece.begin(), piece.end());
    });
    return bytes;
  });
}

std::vector<std::string> encoding_losses(ImageFormat format, const ImageView& image,
                                         const ImageMetadata& metadata) {
  return guarded([&] {
    image::require_encodable(format, image);
    std::vector<std::string> losses;
    if (image.bits > 8 && !image::holds_16_bits(format)) {
      losses.emplace_back(
          "the picture's 16 bits a channel are rounded to 8: the format holds no more");
    }
    image::Storable stored = image::storable(format, image.channels, metadata);
    std::move(stored.left_out.begin(), stored.left_out.end(), std::back_inserter(losses));
    return losses;
  });
}

}  // namespace kintsugi
