// SPDX-License-Identifier: MIT
#include "runtime/image/png.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "runtime/image/deflate.h"
#include "runtime/image/pixel.h"

namespace kintsugi::image {
namespace {

constexpr std::array<uint8_t, 8> kSignature = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};

constexpr std::array<uint32_t, 256> kCrcTable = [] {
  std::array<uint32_t, 256> table{};
  for (uint32_t n = 0; n < 256; ++n) {
    uint32_t c = n;
    for (int bit = 0; bit < 8; ++bit) c = (c & 1) != 0 ? 0xedb88320U ^ (c >> 1) : c >> 1;
    table[n] = c;
  }
  return table;
}();

void append_u32(std::vector<std::byte>& bytes, uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) {
    bytes.push_back(static_cast<std::byte>(value >> shift & 0xff));
  }
}

uint32_t read_u32(std::span<const std::byte> bytes) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<uint32_t>(bytes[i]);
  return value;
}

using Sink = std::function<void(std::span<const std::byte>)>;

void write_chunk(const Sink& sink, const char* type, std::span<const std::byte> data) {
  std::vector<std::byte> chunk;
  chunk.reserve(data.size() + 12);
  append_u32(chunk, static_cast<uint32_t>(data.size()));
  for (int i = 0; i < 4; ++i) chunk.push_back(static_cast<std::byte>(type[i]));
  chunk.insert(chunk.end(), data.begin(), data.end());
  append_u32(chunk, crc32(std::span(chunk).subspan(4)));
  sink(chunk);
}

uint8_t paeth(int left, int up, int corner) {
  const int estimate = left + up - corner;
  const int by_left = std::abs(estimate - left);
  const int by_up = std::abs(estimate - up);
  const int by_corner = std::abs(estimate - corner);
  if (by_left <= by_up && by_left <= by_corner) return static_cast<uint8_t>(left);
  return static_cast<uint8_t>(by_up <= by_corner ? up : corner);
}

/// Writes the row after its filter number, each byte less what the filter predicts from its
/// neighbours; `above` is the row before, or zeros.
template <int Filter>
void filter_row(const uint8_t* row, const uint8_t* above, size_t pixel_bytes,
                std::vector<uint8_t>& filtered) {
  const size_t row_bytes = filtered.size() - 1;
  uint8_t* out = filtered.data();
  *out++ = Filter;
  const auto subtract = [&](size_t i, int left, int corner) {
    const int up = above[i];
    int predicted = 0;
    if constexpr (Filter == 1) predicted = left;
    if constexpr (Filter == 2) predicted = up;
    if constexpr (Filter == 3) predicted = (left + up) / 2;
    if constexpr (Filter == 4) predicted = paeth(left, up, corner);
    out[i] = static_cast<uint8_t>(row[i] - predicted);
  };
  for (size_t i = 0; i < pixel_bytes; ++i) subtract(i, 0, 0);
  for (size_t i = pixel_bytes; i < row_bytes; ++i) {
    subtract(i, row[i - pixel_bytes], above[i - pixel_bytes]);
  }
}

using Filter = void (*)(const uint8_t*, const uint8_t*, size_t, std::vector<uint8_t>&);
constexpr std::array<Filter, 5> kFilters = {filter_row<0>, filter_row<1>, filter_row<2>,
                                            filter_row<3>, filter_row<4>};

/// A name, a zero, the method zero, and zlib data.
void write_profile(const Sink& sink, std::span<const std::byte> profile) {
  constexpr std::string_view kHead("ICC profile\0\0", 13);
  const auto head = std::as_bytes(std::span(kHead));
  std::vector<std::byte> data(head.begin(), head.end());
  Deflater deflater([&data](std::span<const std::byte> piece) {
    data.insert(data.end(), piece.begin(), piece.end());
  });
  deflater.write({reinterpret_cast<const uint8_t*>(profile.data()), profile.size()});
  deflater.finish();
  write_chunk(sink, "iCCP", data);
}

/// The usual guess at what compresses well: the sum of the bytes as signed magnitudes.
int64_t cost_of(const std::vector<uint8_t>& filtered) {
  int64_t sum = 0;
  for (size_t i = 1; i < filtered.size(); ++i) sum += std::abs(static_cast<int8_t>(filtered[i]));
  return sum;
}

}  // namespace

uint32_t crc32(std::span<const std::byte> bytes) {
  uint32_t crc = 0xffffffffU;
  for (const std::byte byte : bytes) {
    crc = kCrcTable[(crc ^ static_cast<uint32_t>(byte)) & 0xff] ^ (crc >> 8);
  }
  return ~crc;
}

bool for_each_chunk(std::span<const std::byte> file,
                    const std::function<bool(const PngChunk&)>& visit) {
  return walk_chunks(file.subspan(std::min(file.size(), kSignature.size())), visit);
}

bool walk_chunks(std::span<const std::byte> rest,
                 const std::function<bool(const PngChunk&)>& visit) {
  while (rest.size() >= 12) {
    const size_t length = read_u32(rest);
    if (length > rest.size() - 12) return false;
    PngChunk chunk;
    for (size_t i = 0; i < 4; ++i) chunk.type[i] = static_cast<char>(rest[4 + i]);
    chunk.data = rest.subspan(8, length);
    chunk.intact = crc32(rest.subspan(4, length + 4)) == read_u32(rest.subspan(8 + length));
    if (!visit(chunk)) return false;
    if (chunk.is("IEND")) return true;
    rest = rest.subspan(length + 12);
  }
  return false;
}

std::optional<PngExtent> png_extent(std::span<const std::byte> file) {
  PngExtent extent;
  for_each_chunk(file, [&extent](const PngChunk& chunk) {
    if (!chunk.is("IHDR") || chunk.data.size() < 8) return true;  // CgBI may come before it
    extent = {read_u32(chunk.data), read_u32(chunk.data.subspan(4))};
    return false;
  });
  if (extent.width < 1 || extent.height < 1) return std::nullopt;
  return extent;
}

void write_png(const ImageView& image, const Storable& metadata, const Sink& sink) {
  constexpr std::array<uint8_t, 5> kColourTypes = {0, 0, 4, 2, 6};  // by channels
  sink(std::as_bytes(std::span(kSignature)));

  std::vector<std::byte> header;
  append_u32(header, static_cast<uint32_t>(image.width));
  append_u32(header, static_cast<uint32_t>(image.height));
  header.push_back(static_cast<std::byte>(image.bits));
  header.push_back(static_cast<std::byte>(kColourTypes[static_cast<size_t>(image.channels)]));
  header.insert(header.end(), 3, std::byte{0});  // deflate, adaptive filters, not interlaced
  write_chunk(sink, "IHDR", header);
  if (!metadata.png_colour.empty()) sink(metadata.png_colour);
  if (!metadata.icc_profile.empty()) write_profile(sink, metadata.icc_profile);
  if (!metadata.exif.empty()) write_chunk(sink, "eXIf", metadata.exif);

  Deflater deflater([&sink](std::span<const std::byte> data) { write_chunk(sink, "IDAT", data); });
  const auto pixel_bytes = static_cast<size_t>(image.channels * image.bits / 8);
  const size_t row_bytes = static_cast<size_t>(image.width) * pixel_bytes;
  const std::vector<uint8_t> zeros(row_bytes, 0);
  // In the file's byte order; rows of 8 bits are looked at where they are.
  std::array<std::vector<uint8_t>, 2> swapped;
  if (image.bits == 16) swapped.fill(zeros);
  std::vector<uint8_t> best(row_bytes + 1);
  std::vector<uint8_t> trial(row_bytes + 1);
  const uint8_t* above = zeros.data();
  for (int64_t y = 0; y < image.height; ++y) {
    const uint8_t* row = image.pixels + static_cast<size_t>(y) * row_bytes;
    if (image.bits == 16) {
      std::vector<uint8_t>& own = swapped[static_cast<size_t>(y % 2)];
      to_big_endian(row, own);
      row = own.data();
    }
    int64_t best_cost = -1;
    for (const Filter filter : kFilters) {
      filter(row, above, pixel_bytes, trial);
      const int64_t cost = cost_of(trial);
      if (best_cost >= 0 && cost >= best_cost) continue;
      best_cost = cost;
      best.swap(trial);
    }
    deflater.write(best);
    above = row;
  }
  deflater.finish();
  write_chunk(sink, "IEND", {});
}

}  // namespace kintsugi::image
