// SPDX-License-Identifier: MIT
//
// Two marches over one field of distances T to the edge of the hole. The first goes outwards from
// the edge, `radius` pixels far, and makes T negative there; the second goes inwards, and a pixel
// takes its colour when it is first reached. Ties are settled by who came first, so the result does
// not depend on the machine, and colours depend on the order: this stays sequential.
#include "runtime/image/telea.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <queue>
#include <string>
#include <vector>

#include "kernels/core/error.h"
#include "runtime/image/codec.h"
#include "runtime/image/pixel.h"

namespace kintsugi::image {
namespace {

constexpr int64_t kMaxRadius = 100;
constexpr float kFar = 1e6F;

enum class State : uint8_t {
  settled,  // its distance is final, or was never asked for
  band,     // reached: it has a distance, and a colour where it was a hole
  open,     // to be reached
};

/// A picture's worth of values with a ring of one pixel around them; indices begin at the ring.
template <class T>
class Ringed {
 public:
  Ringed(int64_t height, int64_t width, T value)
      : width_(width + 2), values_(static_cast<size_t>((height + 2) * (width + 2)), value) {}
  [[nodiscard]] T& at(int64_t y, int64_t x) { return values_[static_cast<size_t>(y * width_ + x)]; }
  [[nodiscard]] const T& at(int64_t y, int64_t x) const {
    return values_[static_cast<size_t>(y * width_ + x)];
  }

 private:
  int64_t width_;
  std::vector<T> values_;
};

/// The pixels that were reached, nearest first; among equals the one that was put in first.
class Front {
 public:
  struct Pixel {
    float distance;
    int64_t order;
    int64_t y, x;
    friend bool operator<(const Pixel& a, const Pixel& b) {  // the queue's top is the greatest
      return a.distance > b.distance || (a.distance == b.distance && a.order > b.order);
    }
  };
  void push(int64_t y, int64_t x, float distance) { queue_.push({distance, order_++, y, x}); }
  [[nodiscard]] bool empty() const { return queue_.empty(); }
  [[nodiscard]] Pixel pop() {
    const Pixel pixel = queue_.top();
    queue_.pop();
    return pixel;
  }

 private:
  std::priority_queue<Pixel> queue_;
  int64_t order_ = 0;
};

struct Step {
  int64_t y, x;
};
constexpr std::array<Step, 4> kNeighbours = {{{-1, 0}, {0, -1}, {1, 0}, {0, 1}}};

/// The field of distances and who is in it, with the ring that no march enters.
class March {
 public:
  March(const Mask& mask, int64_t radius)
      : height_(mask.height),
        width_(mask.width),
        states_(mask.height, mask.width, State::settled),
        distances_(mask.height, mask.width, kFar) {
    const std::vector<Step> band = band_of(mask);
    for (const Step& pixel : band) distances_.at(pixel.y, pixel.x) = 0;
    go_outside(mask, band, radius);
    for (int64_t y = 1; y <= height_; ++y) {
      for (int64_t x = 1; x <= width_; ++x) {
        states_.at(y, x) = mask.at(y - 1, x - 1) ? State::open : State::settled;
      }
    }
    for (const Step& pixel : band) {
      states_.at(pixel.y, pixel.x) = State::band;
      front_.push(pixel.y, pixel.x, 0);
    }
  }

  /// Reaches every hole; `reached` is called with each, its distance known, nearest first.
  template <class Reached>
  void go_inside(const Reached& reached) {
    march(front_, reached);
  }

  [[nodiscard]] bool open(int64_t y, int64_t x) const { return states_.at(y, x) == State::open; }
  [[nodiscard]] float distance(int64_t y, int64_t x) const { return distances_.at(y, x); }
  /// Neither the ring nor beyond it.
  [[nodiscard]] bool inside(int64_t y, int64_t x) const {
    return y >= 1 && y <= height_ && x >= 1 && x <= width_;
  }

 private:
  /// Known pixels beside a hole, row by row.
  [[nodiscard]] static std::vector<Step> band_of(const Mask& mask) {
    const auto hole = [&mask](int64_t y, int64_t x) {
      return y >= 0 && y < mask.height && x >= 0 && x < mask.width && mask.at(y, x);
    };
    std::vector<Step> band;
    for (int64_t y = 0; y < mask.height; ++y) {
      for (int64_t x = 0; x < mask.width; ++x) {
        if (mask.at(y, x)) continue;
        if (std::ranges::any_of(kNeighbours, [&](Step d) { return hole(y + d.y, x + d.x); })) {
          band.push_back({y + 1, x + 1});
        }
      }
    }
    return band;
  }

  /// Negative distances for the known pixels of the square around each hole.
  void go_outside(const Mask& mask, const std::vector<Step>& band, int64_t radius) {
    open_around(mask, radius);
    Front front;
    for (const Step& pixel : band) {
      states_.at(pixel.y, pixel.x) = State::band;
      front.push(pixel.y, pixel.x, 0);
    }
    std::vector<Step> changed = band;
    march(front, [&changed](int64_t y, int64_t x) { changed.push_back({y, x}); });
    for (const Step& pixel : changed) {
      distances_.at(pixel.y, pixel.x) = -distances_.at(pixel.y, pixel.x);
    }
  }

  /// Opens the known pixels at most `radius` rows and columns from a hole: first along the rows,
  /// then along the columns.
  void open_around(const Mask& mask, int64_t radius) {
    std::vector<uint8_t> near(mask.holes.size(), 0);
    for (int64_t y = 0; y < height_; ++y) {
      int64_t until = -1;  // covered up to here by a hole to the left
      const auto at = [&](int64_t x) -> uint8_t& {
        return near[static_cast<size_t>(y * width_ + x)];
      };
      for (int64_t x = 0; x < width_; ++x) {
        if (mask.at(y, x)) until = x + radius;
        if (x <= until) at(x) = 1;
      }
      until = width_;
      for (int64_t x = width_ - 1; x >= 0; --x) {
        if (mask.at(y, x)) until = x - radius;
        if (x >= until) at(x) = 1;
      }
    }
    for (int64_t x = 0; x < width_; ++x) {
      const auto at = [&](int64_t y) { return near[static_cast<size_t>(y * width_ + x)] != 0; };
      const auto open = [&](int64_t y) {
        if (!mask.at(y, x)) states_.at(y + 1, x + 1) = State::open;
      };
      int64_t until = -1;
      for (int64_t y = 0; y < height_; ++y) {
        if (at(y)) until = y + radius;
        if (y <= until) open(y);
      }
      until = height_;
      for (int64_t y = height_ - 1; y >= 0; --y) {
        if (at(y)) until = y - radius;
        if (y >= until) open(y);
      }
    }
  }

  template <class Reached>
  void march(Front& front, const Reached& reached) {
    while (!front.empty()) {
      const Front::Pixel from = front.pop();
      states_.at(from.y, from.x) = State::settled;
      for (const Step& step : kNeighbours) {
        const int64_t y = from.y + step.y;
        const int64_t x = from.x + step.x;
        if (!inside(y, x) || !open(y, x)) continue;
        const float distance = std::min(std::min(solve(y, x, -1, -1), solve(y, x, 1, -1)),
                                        std::min(solve(y, x, -1, 1), solve(y, x, 1, 1)));
        distances_.at(y, x) = distance;
        reached(y, x);
        states_.at(y, x) = State::band;
        front.push(y, x, distance);
      }
    }
  }

  /// |grad T| = 1 by one vertical and one horizontal neighbour.
  [[nodiscard]] float solve(int64_t y, int64_t x, int64_t dy, int64_t dx) const {
    const double a = static_cast<double>(distance(y + dy, x));
    const double b = static_cast<double>(distance(y, x + dx));
    const bool a_known = !open(y + dy, x);
    const bool b_known = !open(y, x + dx);
    double solution = 1 + std::min(a, b);
    if (a_known && b_known) {
      if (std::abs(a - b) < 1) solution = (a + b + std::sqrt(2 - (a - b) * (a - b))) * 0.5;
    } else if (a_known) {
      solution = 1 + a;
    } else if (b_known) {
      solution = 1 + b;
    }
    return static_cast<float>(solution);
  }

  int64_t height_, width_;
  Ringed<State> states_;
  Ringed<float> distances_;
  Front front_;
};

struct Gradient {
  float y, x;
};

/// What one channel gathers around a pixel.
struct Sums {
  float weights = 1e-20F;
  float values = 0;
  float jy = 0, jx = 0;
};

/// The colours around a hole's pixel, by the distances that are known so far. Coordinates count
/// from the ring, those of the picture are one less.
template <int64_t Bits>
class Painter {
  static constexpr auto kWhite = static_cast<float>(white_of(Bits));

 public:
  Painter(Image& picture, const March& march, int64_t radius)
      : picture_(picture), march_(march), radius_(radius), colours_(colours(picture.channels)) {}

  void operator()(int64_t y, int64_t x) const {
    const Gradient slope = slope_at(y, x);
    std::array<Sums, 3> sums;
    for (int64_t k = y - radius_; k <= y + radius_; ++k) {
      for (int64_t l = x - radius_; l <= x + radius_; ++l) {
        const int64_t dy = y - k;
        const int64_t dx = x - l;
        if (dy * dy + dx * dx > radius_ * radius_) continue;
        if (!march_.inside(k, l) || march_.open(k, l)) continue;
        gather(y, x, k, l, weight(slope, y, x, k, l), sums);
      }
    }
    for (int64_t c = 0; c < colours_; ++c) {
      const Sums& s = sums[static_cast<size_t>(c)];
      const float length = std::sqrt(s.jx * s.jx + s.jy * s.jy);
      const float value =
          s.values / s.weights + (s.jx + s.jy) / (length + 1e-20F) + 0.5F;  // an upward bias, kept
      put_sample(picture_, index(y - 1, x - 1, c),
                 static_cast<int32_t>(std::nearbyint(std::clamp(value, 0.0F, kWhite))));
    }
  }

 private:
  [[nodiscard]] int64_t index(int64_t y, int64_t x, int64_t c) const {
    return (y * picture_.width + x) * picture_.channels + c;
  }
  [[nodiscard]] int32_t sample(int64_t y, int64_t x, int64_t c) const {
    return sample_at(picture_.pixels.data(), Bits, index(y, x, c));
  }

  /// Of the distances. The ring counts as known and far: a hole at the picture's edge looks inwards.
  [[nodiscard]] Gradient slope_at(int64_t y, int64_t x) const {
    const auto along = [&](int64_t dy, int64_t dx) {
      const bool next = !march_.open(y + dy, x + dx);
      const bool previous = !march_.open(y - dy, x - dx);
      const float here = march_.distance(y, x);
      if (next && previous) {
        return (march_.distance(y + dy, x + dx) - march_.distance(y - dy, x - dx)) * 0.5F;
      }
      if (next) return march_.distance(y + dy, x + dx) - here;
      if (previous) return here - march_.distance(y - dy, x - dx);
      return 0.0F;
    };
    return {along(1, 0), along(0, 1)};
  }

  [[nodiscard]] float weight(Gradient slope, int64_t y, int64_t x, int64_t k, int64_t l) const {
    const auto dy = static_cast<float>(y - k);
    const auto dx = static_cast<float>(x - l);
    const float square = dx * dx + dy * dy;
    const auto near =
        static_cast<float>(1.0 / (static_cast<double>(square) * std::sqrt(double{square})));
    const float apart = 1.0F + std::abs(march_.distance(k, l) - march_.distance(y, x));
    float direction = dx * slope.x + dy * slope.y;
    if (std::abs(direction) <= 0.01F) direction = 1e-6F;
    return std::abs(near * (1.0F / apart) * direction);
  }

  /// Adds the pixel (k, l), weighted, for a value at (y, x). Its samples are taken one row or column
  /// further in where it lies in the first, so that none is outside; so are they at (k, l) itself.
  void gather(int64_t y, int64_t x, int64_t k, int64_t l, float w,
              std::array<Sums, 3>& sums) const {
    const int64_t last_row = picture_.height - 1;
    const int64_t last_column = picture_.width - 1;
    const int64_t km = std::min(k - 1 + (k == 1 ? 1 : 0), last_row);
    const int64_t kp = std::max(k - 1 - (k == picture_.height ? 1 : 0), int64_t{0});
    const int64_t lm = std::min(l - 1 + (l == 1 ? 1 : 0), last_column);
    const int64_t lp = std::max(l - 1 - (l == picture_.width ? 1 : 0), int64_t{0});
    const int64_t kn = std::min(kp + 1, last_row);  // differ only in a picture of one row
    const int64_t kl = std::max(km - 1, int64_t{0});
    const int64_t ln = std::min(lp + 1, last_column);
    const int64_t ll = std::max(lm - 1, int64_t{0});
    const bool right = !march_.open(k, l + 1);
    const bool left = !march_.open(k, l - 1);
    const bool below = !march_.open(k + 1, l);
    const bool above = !march_.open(k - 1, l);
    const auto dy = static_cast<float>(y - k);
    const auto dx = static_cast<float>(x - l);
    for (int64_t c = 0; c < colours_; ++c) {
      const auto difference = [&](int64_t y1, int64_t x1, int64_t y0, int64_t x0) {
        return static_cast<float>(sample(y1, x1, c) - sample(y0, x0, c));
      };
      Gradient g{0, 0};
      if (right && left) {
        g.x = difference(km, ln, km, ll) * 2.0F;
      } else if (right) {
        g.x = difference(km, ln, km, lm);
      } else if (left) {
        g.x = difference(km, lp, km, ll);
      }
      if (below && above) {
        g.y = difference(kn, lm, kl, lm) * 2.0F;
      } else if (below) {
        g.y = difference(kn, lm, km, lm);
      } else if (above) {
        g.y = difference(kp, lm, kl, lm);
      }
      Sums& s = sums[static_cast<size_t>(c)];
      s.values += w * static_cast<float>(sample(km, lm, c));
      s.jx -= w * (g.x * dx);
      s.jy -= w * (g.y * dy);
      s.weights += w;
    }
  }

  Image& picture_;
  const March& march_;
  int64_t radius_;
  int64_t colours_;
};

}  // namespace

Image fill_telea(const ImageView& picture, const Mask& mask, int64_t radius) {
  require_same_extent(picture, mask);
  if (radius < 1 || radius > kMaxRadius) {
    throw Error(ErrorCode::usage, "the radius " + std::to_string(radius) +
                                      " is not between 1 and " + std::to_string(kMaxRadius));
  }
  Image result = copy_of(picture);
  March march(mask, radius);
  if (result.bits == 8) {
    march.go_inside(Painter<8>(result, march, radius));
  } else {
    march.go_inside(Painter<16>(result, march, radius));
  }
  return result;
}

}  // namespace kintsugi::image
