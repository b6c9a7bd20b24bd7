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

/// The value's rows and columns of pixels of `bytes` bytes: `copy(y, x, count, to)` copies pixels of an image
/// row, of which the last is repeated, as the last row is.
template <class Copy>
void write_rows(const AnyView& to, int64_t height, int64_t width, int64_t y0, int64_t x0,
                int64_t bytes, const Copy& copy, Parallel& parallel) {
  const int64_t count = std::min(to.shape.w(), width - x0);
  parallel.parallel_for(to.shape.h(), [&](int64_t y) {
    std::byte* out = row_of(to, y);
    copy(std::min(y0 + y, height - 1), x0, count, out);
    const std::byte* last = out + (count - 1) * bytes;
    for (int64_t x = count; x < to.shape.w(); ++x) {
      std::memcpy(out + x * bytes, last, static_cast<size_t>(bytes));
    }
  });
}

/// The weight of what is new at pixel `at` of a fade.
float weight(int64_t at, int64_t fade) {
  return at >= fade ? 1.0f : (static_cast<float>(at) + 0.5f) / static_cast<float>(fade);
}

/// Samples between `old` and `made`, to the nearest.
template <class S>
void mix(const void* old, const void* made, float share, int64_t count, void* out) {
  for (int64_t i = 0; i < count; ++i) {
    const auto at = i * static_cast<int64_t>(sizeof(S));
    S before{}, after{};
    std::memcpy(&before, static_cast<const std::byte*>(old) + at, sizeof(S));
    std::memcpy(&after, static_cast<const std::byte*>(made) + at, sizeof(S));
    const auto from = static_cast<float>(before);
    const auto mixed = static_cast<S>(from + share * (static_cast<float>(after) - from) + 0.5f);
    std::memcpy(static_cast<std::byte*>(out) + at, &mixed, sizeof(S));
  }
}
void mix(int64_t bits, const void* old, const void* made, float share, int64_t count, void* out) {
  bits == 8 ? mix<uint8_t>(old, made, share, count, out)
            : mix<uint16_t>(old, made, share, count, out);
}

/// Throws Error::internal unless a value holds samples of this kind.
void require_fits(const AnyView& value, int64_t colours, int64_t bits, bool inside) {
  const Shape& s = value.shape;
  if (inside && s.n() == 1 && s.c() == colours && value.pitch == s.c() &&
      value.dtype == (bits == 8 ? DType::u8 : DType::u16)) {
    return;
  }
  throw Error(ErrorCode::internal, "a part of an image with " + std::to_string(colours) +
                                       " colours of " + std::to_string(bits) +
                                       " bits does not fit a value " + s.to_string() + " of " +
                                       to_string(value.dtype));
}

bool is_inside(int64_t y, int64_t x, int64_t height, int64_t width) {
  return y >= 0 && x >= 0 && y < height && x < width;
}

}  // namespace

void write_samples(const AnyView& to, const ImageView& from, int64_t y0, int64_t x0,
                   Parallel& parallel) {
  require_fits(to, colours(from.channels), from.bits, is_inside(y0, x0, from.height, from.width));
  const int64_t bytes = to.shape.c() * (from.bits / 8);
  const auto copy = [&](int64_t y, int64_t x, int64_t count, std::byte* out) {
    if (bytes == pixel_bytes(from)) {
      std::memcpy(out, pixel_at(from, y, x), static_cast<size_t>(count * bytes));
      return;
    }
    for (int64_t i = 0; i < count; ++i) {
      std::memcpy(out + i * bytes, pixel_at(from, y, x + i), static_cast<size_t>(bytes));
    }
  };
  write_rows(to, from.height, from.width, y0, x0, bytes, copy, parallel);
}

void write_samples(const AnyView& to, const Mask& from, int64_t y0, int64_t x0,
                   Parallel& parallel) {
  require_fits(to, 1, 8, is_inside(y0, x0, from.height, from.width));
  const auto copy = [&](int64_t y, int64_t x, int64_t count, std::byte* out) {
    std::memcpy(out, from.holes.data() + y * from.width + x, static_cast<size_t>(count));
  };
  write_rows(to, from.height, from.width, y0, x0, 1, copy, parallel);
}

void read_samples(const AnyView& from, Image& to, const Part& part, Parallel& parallel) {
  Box take = part.take;
  if (take.empty()) {
    take = {part.y0, part.x0, std::min(to.height, part.y0 + from.shape.h()),
            std::min(to.width, part.x0 + from.shape.w())};
  }
  require_fits(from, colours(to.channels), to.bits,
               take.y0 >= std::max<int64_t>(part.y0, 0) &&
                   take.x0 >= std::max<int64_t>(part.x0, 0) &&
                   take.y1 <= std::min(to.height, part.y0 + from.shape.h()) &&
                   take.x1 <= std::min(to.width, part.x0 + from.shape.w()));
  const int64_t bytes = from.shape.c() * (to.bits / 8);
  const int64_t pixel = pixel_bytes(to);
  parallel.parallel_for(take.y1 - take.y0, [&](int64_t row) {
    const int64_t y = take.y0 + row;
    const std::byte* in = row_of(from, y - part.y0) + (take.x0 - part.x0) * bytes;
    uint8_t* out = to.pixels.data() + (y * to.width + take.x0) * pixel;
    for (int64_t x = take.x0; x < take.x1; ++x, in += bytes, out += pixel) {
      if (part.selected != nullptr && !part.selected->at(y, x)) continue;
      const float share = weight(x - take.x0, part.fade_x);
      if (share >= 1) {
        std::memcpy(out, in, static_cast<size_t>(bytes));
      } else {
        mix(to.bits, out, in, share, from.shape.c(), out);
      }
    }
  });
}

std::vector<uint8_t> rows_of(const Image& image, int64_t y0, int64_t count) {
  const int64_t bytes = image.width * pixel_bytes(image);
  const auto first = image.pixels.begin() + y0 * bytes;
  return {first, first + std::min(count, image.height - y0) * bytes};
}

void fade_in(Image& image, int64_t y0, std::span<const uint8_t> before) {
  const int64_t bytes = image.width * pixel_bytes(image);
  const int64_t rows = static_cast<int64_t>(before.size()) / bytes;
  for (int64_t row = 0; row < rows; ++row) {
    uint8_t* at = image.pixels.data() + (y0 + row) * bytes;
    mix(image.bits, before.data() + row * bytes, at, weight(row, rows),
        image.width * image.channels, at);
  }
}

}  // namespace kintsugi::image
