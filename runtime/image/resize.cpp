// SPDX-License-Identifier: MIT
#include "runtime/image/resize.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "kernels/core/error.h"
#include "runtime/image/codec.h"
#include "runtime/image/pixel.h"

namespace kintsugi::image {
namespace {

/// What one output sample is made of: `first` weighs sample `begin`, `last` weighs `end`, those
/// between them weigh 1; the sum is divided by `total`.
struct Taps {
  int64_t begin = 0;
  int64_t end = 0;  // begin itself when one sample is all
  float first = 1;
  float last = 0;
  float total = 1;
};

Taps taps_of(int64_t i, int64_t source, int64_t target) {
  if (target == source) return {.begin = i, .end = i};
  if (target > source) {  // linear, corners aligned
    if (i == target - 1) return {.begin = source - 1, .end = source - 1};
    // Exact in integers, where the product of i and a rounded scale would drift.
    const int64_t numerator = i * (source - 1);
    const int64_t begin = numerator / (target - 1);
    const auto between = static_cast<float>(static_cast<double>(numerator % (target - 1)) /
                                            static_cast<double>(target - 1));
    if (between == 0) return {.begin = begin, .end = begin};
    return {.begin = begin, .end = begin + 1, .first = 1 - between, .last = between};
  }
  // The average of what [i, i + 1) covers of the source.
  const auto position = [source, target](int64_t edge) {
    const int64_t numerator = edge * source;
    return std::pair(numerator / target,
                     static_cast<double>(numerator % target) / static_cast<double>(target));
  };
  const auto [begin, skipped] = position(i);
  const auto [end, covered] = position(i + 1);
  Taps taps{.begin = begin, .end = end};
  taps.first = static_cast<float>(1 - skipped);
  taps.last = static_cast<float>(covered);
  if (covered == 0) {  // ends on a sample's edge: that sample weighs 1 like those before it
    taps.end = end - 1;
    taps.last = taps.end == taps.begin ? 0.0F : 1.0F;
  }
  taps.total = taps.first + static_cast<float>(taps.end - taps.begin - 1) + taps.last;
  if (taps.end == taps.begin) taps.total = taps.first;
  return taps;
}

void require_extents(Extent2d source, Extent2d target) {
  if (source.height < 1 || source.width < 1 || target.height < 1 || target.width < 1) {
    throw Error(ErrorCode::usage, "a picture cannot be scaled from or to an extent of zero");
  }
}

/// One row along x: target.width * channels floats from source.width * channels.
void resize_row(const std::vector<float>& source, const std::vector<Taps>& taps, size_t channels,
                std::vector<float>& target) {
  for (size_t x = 0; x < taps.size(); ++x) {
    const Taps& tap = taps[x];
    const auto begin = static_cast<size_t>(tap.begin);
    const auto end = static_cast<size_t>(tap.end);
    for (size_t c = 0; c < channels; ++c) {
      float sum = tap.first * source[begin * channels + c];
      for (size_t i = begin + 1; i < end; ++i) sum += source[i * channels + c];
      if (end > begin) sum += tap.last * source[end * channels + c];
      target[x * channels + c] = sum / tap.total;
    }
  }
}

}  // namespace

TensorView<const float> view_of(const FloatImage& image) {
  return {image.values.data(), {1, image.channels, image.height, image.width}, image.channels};
}

Extent2d limited_extent(Extent2d extent, int64_t max_side) {
  const int64_t longest = std::max(extent.height, extent.width);
  if (max_side <= 0 || longest <= max_side) return extent;
  const auto scaled = [longest, max_side](int64_t side) {
    return std::max<int64_t>((side * max_side * 2 + longest) / (2 * longest), 1);
  };
  return {scaled(extent.height), scaled(extent.width)};
}

FloatImage resize(Extent2d source, int64_t channels, const RowReader& read_row, Extent2d target) {
  require_extents(source, target);
  const auto row_floats = static_cast<size_t>(target.width * channels);
  std::vector<Taps> columns;
  columns.reserve(static_cast<size_t>(target.width));
  for (int64_t x = 0; x < target.width; ++x) {
    columns.push_back(taps_of(x, source.width, target.width));
  }

  // Output rows ask for source rows in ascending order, the last one possibly twice.
  std::vector<float> source_row(static_cast<size_t>(source.width * channels));
  std::array<std::vector<float>, 2> kept = {std::vector<float>(row_floats),
                                            std::vector<float>(row_floats)};
  std::array<int64_t, 2> kept_y = {-1, -1};
  const auto row_at = [&](int64_t y) -> const std::vector<float>& {
    const auto slot = static_cast<size_t>(y % 2);
    if (kept_y[slot] != y) {
      read_row(y, source_row.data());
      resize_row(source_row, columns, static_cast<size_t>(channels), kept[slot]);
      kept_y[slot] = y;
    }
    return kept[slot];
  };

  FloatImage result{target.width, target.height, channels,
                    std::vector<float>(row_floats * static_cast<size_t>(target.height))};
  for (int64_t y = 0; y < target.height; ++y) {
    const Taps tap = taps_of(y, source.height, target.height);
    float* out = result.values.data() + static_cast<size_t>(y) * row_floats;
    for (int64_t from = tap.begin; from <= tap.end; ++from) {
      const std::vector<float>& row = row_at(from);
      const float weight = from == tap.begin ? tap.first : from == tap.end ? tap.last : 1.0F;
      for (size_t i = 0; i < row_floats; ++i) out[i] += weight * row[i];
    }
    for (size_t i = 0; i < row_floats; ++i) out[i] /= tap.total;
  }
  return result;
}

FloatImage resize(const ImageView& source, Extent2d target) {
  require_picture(source);
  const int64_t row_samples = source.width * source.channels;
  const auto white = static_cast<float>(white_of(source.bits));
  const RowReader read_row = [&source, row_samples, white](int64_t y, float* row) {
    const uint8_t* samples = pixel_at(source, y, 0);
    for (int64_t i = 0; i < row_samples; ++i) {
      row[i] = static_cast<float>(sample_at(samples, source.bits, i)) / white;
    }
  };
  return resize({source.height, source.width}, source.channels, read_row, target);
}

FloatImage resize(const FloatImage& source, Extent2d target) {
  const int64_t row_floats = source.width * source.channels;
  const RowReader read_row = [&source, row_floats](int64_t y, float* row) {
    std::copy_n(source.values.data() + y * row_floats, row_floats, row);
  };
  return resize({source.height, source.width}, source.channels, read_row, target);
}

Image resize_picture(const ImageView& source, Extent2d target) {
  require_picture(source);
  require_extents({source.height, source.width}, target);
  if (target == Extent2d{source.height, source.width}) return copy_of(source);
  const FloatImage scaled = resize(source, target);
  Image result = black(target.width, target.height, source.channels, source.bits);
  for (size_t i = 0; i < scaled.values.size(); ++i) {
    put_sample(result, static_cast<int64_t>(i), to_sample(scaled.values[i], source.bits));
  }
  return result;
}

}  // namespace kintsugi::image
