// SPDX-License-Identifier: MIT
#include "runtime/image/pnm.h"

#include <algorithm>
#include <string>
#include <vector>

#include "runtime/image/pixel.h"

namespace kintsugi::image {
namespace {

constexpr int64_t kLargestNumber = 1 << 30;

/// Reads a number after white space and comments; -1 when there is none.
int64_t read_number(std::span<const std::byte> file, size_t& at) {
  const auto peek = [&] { return at < file.size() ? static_cast<int>(file[at]) : -1; };
  const auto is_space = [](int c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
  while (is_space(peek()) || peek() == '#') {
    if (peek() == '#') {
      while (peek() >= 0 && peek() != '\n') ++at;
    } else {
      ++at;
    }
  }
  int64_t number = -1;
  for (int c = peek(); c >= '0' && c <= '9'; ++at, c = peek()) {
    number = std::max<int64_t>(number, 0) * 10 + (c - '0');
    if (number > kLargestNumber) return -1;
  }
  return number;
}

}  // namespace

std::optional<PnmHeader> pnm_header(std::span<const std::byte> file) {
  if (file.size() < 3 || file[0] != std::byte{'P'}) return std::nullopt;
  if (file[1] != std::byte{'5'} && file[1] != std::byte{'6'}) return std::nullopt;
  PnmHeader header;
  header.channels = file[1] == std::byte{'5'} ? 1 : 3;
  size_t at = 2;
  header.width = read_number(file, at);
  header.height = read_number(file, at);
  header.largest = read_number(file, at);
  header.data_offset = at + 1;  // one white space ends the header
  if (header.width < 1 || header.height < 1) return std::nullopt;
  if (header.largest < 1 || header.largest > 65535) return std::nullopt;
  return header;
}

std::optional<Image> pnm_picture(std::span<const std::byte> file, const PnmHeader& header) {
  const auto samples = static_cast<size_t>(header.width * header.height * header.channels);
  const size_t sample_bytes = header.largest > 255 ? 2 : 1;
  if (header.data_offset > file.size()) return std::nullopt;
  const std::span<const std::byte> data = file.subspan(header.data_offset);
  if (data.size() / sample_bytes < samples) return std::nullopt;
  Image image = black(header.width, header.height, header.channels, sample_bytes == 2 ? 16 : 8);
  const int64_t white = white_of(image.bits);
  for (size_t i = 0; i < samples; ++i) {
    auto value = static_cast<int64_t>(data[i * sample_bytes]);
    if (sample_bytes == 2) value = value << 8 | static_cast<int64_t>(data[i * 2 + 1]);
    value = std::min(value, header.largest);
    put_sample(image, static_cast<int64_t>(i),
               static_cast<int32_t>((value * white * 2 + header.largest) / (2 * header.largest)));
  }
  return image;
}

void write_pnm(const ImageView& image,
               const std::function<void(std::span<const std::byte>)>& sink) {
  const std::string header = (image.channels == 1 ? "P5\n" : "P6\n") + std::to_string(image.width) +
                             " " + std::to_string(image.height) + "\n" +
                             std::to_string(white_of(image.bits)) + "\n";
  sink(std::as_bytes(std::span(header)));
  const auto row_bytes = static_cast<size_t>(image.width * pixel_bytes(image));
  if (image.bits == 8) {
    sink(std::as_bytes(std::span(image.pixels, row_bytes * static_cast<size_t>(image.height))));
    return;
  }
  std::vector<uint8_t> row(row_bytes);
  for (int64_t y = 0; y < image.height; ++y) {
    to_big_endian(pixel_at(image, y, 0), row);
    sink(std::as_bytes(std::span(row)));
  }
}

}  // namespace kintsugi::image
