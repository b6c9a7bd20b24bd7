// SPDX-License-Identifier: MIT
#include "runtime/image/mask.h"

#include <algorithm>
#include <string>

#include "kernels/core/error.h"
#include "runtime/image/codec.h"
#include "runtime/image/pixel.h"

namespace kintsugi::image {

int64_t Mask::count() const { return std::count(holes.begin(), holes.end(), uint8_t{1}); }

double Mask::fraction() const {
  if (holes.empty()) return 0;
  return static_cast<double>(count()) / static_cast<double>(holes.size());
}

Box Mask::bounding_box() const {
  Box box{.y0 = height, .x0 = width, .y1 = 0, .x1 = 0};
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      if (!at(y, x)) continue;
      box.y0 = std::min(box.y0, y);
      box.x0 = std::min(box.x0, x);
      box.y1 = std::max(box.y1, y + 1);
      box.x1 = std::max(box.x1, x + 1);
    }
  }
  return box.y1 == 0 ? Box{} : box;
}

bool any(const Mask& mask, const Box& box) {
  for (int64_t y = box.y0; y < box.y1; ++y) {
    const auto row = mask.holes.begin() + y * mask.width;
    if (std::find(row + box.x0, row + box.x1, uint8_t{1}) != row + box.x1) return true;
  }
  return false;
}

void require_same_extent(const ImageView& picture, const Mask& mask) {
  require_picture(picture);
  if (mask.width == picture.width && mask.height == picture.height) return;
  const auto extent = [](int64_t width, int64_t height) {
    return std::to_string(width) + " x " + std::to_string(height);
  };
  throw Error(ErrorCode::mismatch,
              "the mask is " + extent(mask.width, mask.height) + " pixels and the picture " +
                  extent(picture.width, picture.height),
              "give a mask of the picture's size");
}

Mask make_mask(const ImageView& picture, const MaskOptions& options) {
  require_picture(picture);
  const Extent2d own = {picture.height, picture.width};
  const Extent2d target = options.target == Extent2d{} ? own : options.target;
  const RowReader read_row = [&picture, &options](int64_t y, float* row) {
    for (int64_t x = 0; x < picture.width; ++x) {
      Samples rgb = samples_at(picture, y, x);
      if (options.invert) {
        // As integers: 1 - 204 / 255 in floats falls short of a fifth.
        for (int32_t& value : rgb) value = white_of(picture.bits) - value;
      }
      row[x] = luma(to_unit(rgb, picture.bits));
    }
  };
  Mask mask{target.height, target.width, {}};
  mask.holes.resize(static_cast<size_t>(target.height * target.width));
  const auto cut = [](float value) { return static_cast<uint8_t>(value >= kHoleThreshold); };
  if (target == own) {  // row by row: no float copy of the whole mask
    std::vector<float> row(static_cast<size_t>(own.width));
    for (int64_t y = 0; y < own.height; ++y) {
      read_row(y, row.data());
      std::transform(row.begin(), row.end(), mask.holes.begin() + y * own.width, cut);
    }
    return mask;
  }
  const FloatImage scaled = resize(own, 1, read_row, target);
  std::transform(scaled.values.begin(), scaled.values.end(), mask.holes.begin(), cut);
  return mask;
}

}  // namespace kintsugi::image
