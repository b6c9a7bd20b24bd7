// SPDX-License-Identifier: MIT
#include "picture.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <system_error>
#include <vector>

#include <kintsugi/kintsugi.hpp>

#include "files.h"
#include "format.h"
#include "interrupt.h"

namespace kintsugi::cli {
namespace {

constexpr size_t kChunk = size_t{1} << 16;

std::vector<std::byte> read_stdin() {
  std::vector<std::byte> bytes;
  std::array<std::byte, kChunk> chunk;
  for (;;) {
    const size_t count = std::fread(chunk.data(), 1, chunk.size(), stdin);
    bytes.insert(bytes.end(), chunk.begin(), chunk.begin() + static_cast<ptrdiff_t>(count));
    if (std::ferror(stdin) != 0) {
      const int error = errno;
      stop_if_interrupted();
      throw Error(ErrorCode::io,
                  "cannot read standard input: " + std::generic_category().message(error));
    }
    if (count == 0) break;
  }
  return bytes;
}

Image read_file(const std::filesystem::path& path, ImageNotes& notes) {
  try {
    return read_image(path, {}, &notes);
  } catch (const Error&) {
    stop_if_interrupted();  // it waited for the other end of a pipe
    throw;
  }
}

}  // namespace

Image read_picture(const std::filesystem::path& path, Console& console) {
  ImageNotes notes;
  Image picture = is_stream(path) ? decode_image(read_stdin(), {}, &notes) : read_file(path, notes);
  const std::string name = is_stream(path) ? "standard input" : "'" + path.string() + "'";
  for (const std::string& sentence : notes.left_out) console.warn(name + ": " + sentence);
  if (notes.orientation != 1) {
    console.debug(name + " was turned upright: its EXIF orientation is " +
                  std::to_string(notes.orientation));
  }
  console.debug(name + ": " + size_of(picture) + ", " + plural(picture.channels, "channel") + ", " +
                std::to_string(picture.bits) + " bits");
  return picture;
}

void check_format(const std::filesystem::path& path, const ImageView& picture,
                  const ImageMetadata& metadata, Console& console) {
  if (is_stream(path)) {
    if (::isatty(STDOUT_FILENO) == 1) {
      throw Error(ErrorCode::usage, "a picture is not written to a terminal",
                  "send standard output to a file or another program");
    }
  }
  const ImageFormat format = is_stream(path) ? ImageFormat::png : image_format(path);
  const std::string name = is_stream(path) ? "standard output" : "'" + path.string() + "'";
  for (const std::string& sentence : encoding_losses(format, picture, metadata)) {
    console.warn(name + ": " + sentence);
  }
}

bool is_exact(const std::filesystem::path& path, const ImageView& picture) {
  if (is_stream(path)) return true;  // PNG
  switch (image_format(path)) {
    case ImageFormat::jpeg: return false;
    case ImageFormat::bmp:
    case ImageFormat::tga: return picture.bits == 8;
    default: return true;
  }
}

bool tell_of_jpeg(const std::filesystem::path& path, Console& console) {
  if (is_stream(path) || image_format(path) != ImageFormat::jpeg) return false;
  console.info("JPEG changes known pixels a little; PNG keeps them bit for bit");
  return true;
}

void write_picture(const std::filesystem::path& path, const ImageView& picture,
                   const ImageMetadata& metadata, Console& console) {
  if (!is_stream(path)) return write_image(path, picture, metadata);
  const std::vector<std::byte> bytes = encode_image(ImageFormat::png, picture, metadata);
  console.print_bytes(bytes);
  console.flush();
}

std::string size_of(const ImageView& picture) {
  return std::to_string(picture.width) + "x" + std::to_string(picture.height);
}

}  // namespace kintsugi::cli
