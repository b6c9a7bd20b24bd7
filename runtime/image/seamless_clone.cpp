// SPDX-License-Identifier: MIT
//
// The field of gradients is the source's where a square of seven is hole, the target's elsewhere.
// Its divergence is inverted exactly, by sine transforms, with the target's pixels as the border.
#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>
#include <vector>

#include "kernels/core/error.h"
#include "runtime/image/codec.h"
#include "runtime/image/pixel.h"
#include "runtime/image/poisson.h"
#include "runtime/image/sine_transform.h"

namespace kintsugi::image {
namespace {

constexpr int64_t kErosion = 3;  // pixels from the hole's edge where the target's gradients stay

/// The mask without the outermost rows and columns.
Mask without_border(const Mask& mask) {
  Mask inner = mask;
  for (int64_t y = 0; y < mask.height; ++y) {
    for (int64_t x = 0; x < mask.width; ++x) {
      const bool border = y == 0 || x == 0 || y == mask.height - 1 || x == mask.width - 1;
      if (border) inner.holes[static_cast<size_t>(y * mask.width + x)] = 0;
    }
  }
  return inner;
}

/// Holes that are surrounded by holes, kErosion pixels far in rows and columns. Beyond the picture
/// nothing is asked: its border is never a hole.
Mask eroded(const Mask& mask) {
  Mask rows = mask;
  Mask both = mask;
  const auto all = [](const Mask& from, int64_t y, int64_t x, int64_t dy, int64_t dx) {
    for (int64_t i = -kErosion; i <= kErosion; ++i) {
      const int64_t v = y + i * dy;
      const int64_t u = x + i * dx;
      const bool there = v >= 0 && v < from.height && u >= 0 && u < from.width;
      if (there && !from.at(v, u)) return uint8_t{0};
    }
    return uint8_t{1};
  };
  for (int64_t y = 0; y < mask.height; ++y) {
    for (int64_t x = 0; x < mask.width; ++x) {
      rows.holes[static_cast<size_t>(y * mask.width + x)] = all(mask, y, x, 0, 1);
    }
  }
  for (int64_t y = 0; y < mask.height; ++y) {
    for (int64_t x = 0; x < mask.width; ++x) {
      both.holes[static_cast<size_t>(y * mask.width + x)] = all(rows, y, x, 1, 0);
    }
  }
  return both;
}

/// Where a patch comes from and where it goes.
struct Placement {
  int64_t height, width;
  Point source, target;  // top left
};

/// One channel of the divergence of the mixed field, over the rectangle less its border.
std::vector<double> divergence(const ImageView& source, const ImageView& target, const Mask& mask,
                               const Mask& inside, const Placement& at, int64_t channel) {
  const auto source_at = [&](int64_t y, int64_t x) {
    const int64_t v = at.source.y + y;
    const int64_t u = at.source.x + x;
    return mask.at(v, u) ? sample_at(source, v, u, channel) : 0;
  };
  const auto target_at = [&](int64_t y, int64_t x) {
    return sample_at(target, at.target.y + y, at.target.x + x, channel);
  };
  // From a pixel to its neighbour below or to the right; whose it is, the first one decides.
  const auto step = [&](int64_t y, int64_t x, int64_t dy, int64_t dx) {
    const bool ours = inside.at(at.source.y + y, at.source.x + x);
    return ours ? source_at(y + dy, x + dx) - source_at(y, x)
                : target_at(y + dy, x + dx) - target_at(y, x);
  };
  std::vector<double> values;
  values.reserve(static_cast<size_t>((at.height - 2) * (at.width - 2)));
  for (int64_t y = 1; y < at.height - 1; ++y) {
    for (int64_t x = 1; x < at.width - 1; ++x) {
      values.push_back(static_cast<double>(step(y, x, 0, 1) - step(y, x - 1, 0, 1) +
                                           step(y, x, 1, 0) - step(y - 1, x, 1, 0)));
    }
  }
  return values;
}

/// Solves the five-point Laplacian = values on rectangles of one size, zeros around them.
class Solver {
 public:
  Solver(int64_t height, int64_t width)
      : height_(static_cast<size_t>(height)),
        width_(static_cast<size_t>(width)),
        along_x_(width_),
        along_y_(height_) {}

  void operator()(std::vector<double>& values) {
    transform(values);
    const auto eigenvalue = [](size_t i, size_t n) {
      return 2 * std::cos(std::numbers::pi * static_cast<double>(i + 1) /
                          static_cast<double>(n + 1)) -
             2;
    };
    const double scale = 4.0 / (static_cast<double>(width_ + 1) * static_cast<double>(height_ + 1));
    for (size_t y = 0; y < height_; ++y) {
      for (size_t x = 0; x < width_; ++x) {
        values[y * width_ + x] *= scale / (eigenvalue(x, width_) + eigenvalue(y, height_));
      }
    }
    transform(values);
  }

 private:
  void transform(std::vector<double>& values) {
    for (size_t y = 0; y < height_; y += 2) {
      double* row = &values[y * width_];
      along_x_(row, y + 1 < height_ ? row + width_ : nullptr, 1);
    }
    for (size_t x = 0; x < width_; x += 2) {
      double* column = &values[x];
      along_y_(column, x + 1 < width_ ? column + 1 : nullptr, width_);
    }
  }

  size_t height_, width_;
  SineTransform along_x_, along_y_;
};

Placement place(const Box& box, const ImageView& target, std::optional<Point> centre) {
  Placement at{.height = box.y1 - box.y0,
               .width = box.x1 - box.x0,
               .source = {.x = box.x0, .y = box.y0},
               .target = {.x = box.x0, .y = box.y0}};
  if (!centre) return at;
  at.target = {.x = centre->x - at.width / 2, .y = centre->y - at.height / 2};
  if (at.target.x < 0 || at.target.y < 0 || at.target.x + at.width > target.width ||
      at.target.y + at.height > target.height) {
    throw Error(ErrorCode::usage,
                "a patch of " + std::to_string(at.width) + " x " + std::to_string(at.height) +
                    " pixels does not fit into the picture around x = " +
                    std::to_string(centre->x) + ", y = " + std::to_string(centre->y));
  }
  return at;
}

}  // namespace

Image seamless_clone(const ImageView& source, const ImageView& target, const Mask& mask,
                     std::optional<Point> centre) {
  require_same_extent(source, mask);
  require_same_extent(target, mask);
  require_same_kind(source, target);
  Image result = copy_of(target);
  const Mask holes = without_border(mask);
  const Box box = holes.bounding_box();
  if (box.empty()) return result;
  const Placement at = place(box, target, centre);
  if (at.height < 3 || at.width < 3) return result;  // all border

  const Mask inside = eroded(holes);
  const int64_t height = at.height - 2;
  const int64_t width = at.width - 2;
  Solver solve(height, width);
  const double white = white_of(target.bits);
  for (int64_t c = 0; c < colours(target.channels); ++c) {
    std::vector<double> values = divergence(source, target, holes, inside, at, c);
    const auto border = [&](int64_t y, int64_t x) {
      return static_cast<double>(sample_at(target, at.target.y + y, at.target.x + x, c));
    };
    const auto value = [&](int64_t y, int64_t x) -> double& {
      return values[static_cast<size_t>((y - 1) * width + x - 1)];
    };
    for (int64_t x = 1; x <= width; ++x) {
      value(1, x) -= border(0, x);
      value(height, x) -= border(height + 1, x);
    }
    for (int64_t y = 1; y <= height; ++y) {
      value(y, 1) -= border(y, 0);
      value(y, width) -= border(y, width + 1);
    }
    solve(values);
    for (int64_t y = 1; y <= height; ++y) {
      for (int64_t x = 1; x <= width; ++x) {
        const int64_t pixel = (at.target.y + y) * target.width + at.target.x + x;
        put_sample(result, pixel * target.channels + c,
                   static_cast<int32_t>(std::clamp(value(y, x), 0.0, white)));
      }
    }
  }
  return result;
}

}  // namespace kintsugi::image
