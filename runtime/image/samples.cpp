// SPDX-License-Identifier: MIT
#include "runtime/image/samples.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "runtime/image/pixel.h"

namespace kintsugi::image {
namespace {

/// The bytes of row `y` of a value of one image, pixels without gaps.
std::byte* row_of(const AnyView& view, int64_t y) {
  return view.data + y * view.shape.w() * view.pitch * size_bytes(view.dtype);
}

/// Rows of `height` pixels of `bytes` bytes each, `row(y, to)` writes what an image has of one: the rest
/// of the row is its last pixel, the rest of the rows its last row.
template <class Row>
void write_rows(const AnyView& to, int64_t height, int64_t width, int64_t bytes, const Row& row,
                Parallel& parallel) {
  parallel.parallel_for(to.shape.h(), [&](int64_t y) {
    std::byte* out = row_of(to, y);
    row(std::min(y, height - 1), out);
    const std::byte* last = out + (width - 1) * bytes;
    for (int64_t x = width; x < to.shape.w(); ++x) {
      std::memcpy(out + x * bytes, last, static_cast<size_t>(bytes));
    }
  });
}

/// Throws Error::internal unless a value holds an image of this size and kind.
void require_fits(const AnyView& value, int64_t width, int64_t height, int64_t colours,
                  int64_t bits) {
  const Shape& s = value.shape;
  if (s.n() == 1 && s.c() == colours && s.h() >= height && s.w() >= width && value.pitch == s.c() &&
      value.dtype == (bits == 8 ? DType::u8 : DType::u16)) {
    return;
  }
  throw Error(ErrorCode::internal,
              "an image of " + std::to_string(width) + "x" + std::to_string(height) + " with " +
                  std::to_string(colours) + " colours of " + std::to_string(bits) +
                  " bits does not fit a value " + s.to_string() + " of " + to_string(value.dtype));
}

}  // namespace

void write_samples(const AnyView& to, const ImageView& from, Parallel& parallel) {
  require_fits(to, from.width, from.height, colours(from.channels), from.bits);
  const int64_t bytes = to.shape.c() * (from.bits / 8);
  const auto row = [&](int64_t y, std::byte* out) {
    if (bytes == pixel_bytes(from)) {
      std::memcpy(out, pixel_at(from, y, 0), static_cast<size_t>(from.width * bytes));
      return;
    }
    for (int64_t x = 0; x < from.width; ++x) {
      std::memcpy(out + x * bytes, pixel_at(from, y, x), static_cast<size_t>(bytes));
    }
  };
  write_rows(to, from.height, from.width, bytes, row, parallel);
}

void write_samples(const AnyView& to, const Mask& from, Parallel& parallel) {
  require_fits(to, from.width, from.height, 1, 8);
  const auto row = [&](int64_t y, std::byte* out) {
    std::memcpy(out, from.holes.data() + y * from.width, static_cast<size_t>(from.width));
  };
  write_rows(to, from.height, from.width, 1, row, parallel);
}

void read_samples(const AnyView& from, Image& to, const Mask* selected, Parallel& parallel) {
  require_fits(from, to.width, to.height, colours(to.channels), to.bits);
  const int64_t bytes = from.shape.c() * (to.bits / 8);
  const int64_t pixel = pixel_bytes(to);
  parallel.parallel_for(to.height, [&](int64_t y) {
    const std::byte* in = row_of(from, y);
    uint8_t* out = to.pixels.data() + y * to.width * pixel;
    for (int64_t x = 0; x < to.width; ++x) {
      if (selected != nullptr && !selected->at(y, x)) continue;
      std::memcpy(out + x * pixel, in + x * bytes, static_cast<size_t>(bytes));
    }
  });
}

}  // namespace kintsugi::image
