// SPDX-License-Identifier: MIT
//
// Shape is a small value: up to six extents, outermost first, as PyTorch prints them. Activations
// are always [N, C, H, W]; weights may have any rank. It says nothing about storage (see view.h).
// Extents of zero are legal; negative ones are not.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

#include "kernels/core/error.h"

namespace kintsugi {

// Sizes come from files and command lines: whatever is computed from them is checked.

[[noreturn, gnu::cold]] inline void refuse_size(int64_t a, const char* verb, int64_t b) {
  throw Error(ErrorCode::unsupported,
              "a size of " + std::to_string(a) + verb + std::to_string(b) + " is too large");
}

/// a * b; throws Error::unsupported when it does not fit 63 bits.
[[nodiscard]] constexpr int64_t checked_multiply(int64_t a, int64_t b) {
  int64_t out = 0;
  if (__builtin_mul_overflow(a, b, &out)) refuse_size(a, " times ", b);
  return out;
}

/// a + b, likewise.
[[nodiscard]] constexpr int64_t checked_add(int64_t a, int64_t b) {
  int64_t out = 0;
  if (__builtin_add_overflow(a, b, &out)) refuse_size(a, " plus ", b);
  return out;
}

/// The product of all factors, from the left.
[[nodiscard]] constexpr int64_t checked_product(std::initializer_list<int64_t> factors) {
  int64_t product = 1;
  for (const int64_t factor : factors) product = checked_multiply(product, factor);
  return product;
}

/// value / granule, rounded up; the granule is positive.
[[nodiscard]] constexpr int64_t divide_up(int64_t value, int64_t granule) {
  return value / granule + (value % granule > 0 ? 1 : 0);
}

/// The smallest multiple of `granule` that is not below `value`.
[[nodiscard]] constexpr int64_t round_up(int64_t value, int64_t granule) {
  return checked_multiply(divide_up(value, granule), granule);
}

class Shape {
 public:
  static constexpr int kMaxRank = 6;

  Shape() = default;
  Shape(std::initializer_list<int64_t> extents)
      : Shape(std::span(extents.begin(), extents.size())) {}
  explicit Shape(std::span<const int64_t> extents) {
    if (extents.size() > kMaxRank) {
      throw Error(ErrorCode::unsupported, "a tensor of rank " + std::to_string(extents.size()) +
                                              " is beyond the limit of rank 6");
    }
    for (const int64_t extent : extents) {
      if (extent < 0) throw Error(ErrorCode::mismatch, "a shape has a negative extent");
      extents_[static_cast<size_t>(rank_++)] = extent;
    }
  }

  [[nodiscard]] int rank() const { return rank_; }
  [[nodiscard]] int64_t operator[](int axis) const { return extents_[static_cast<size_t>(axis)]; }
  [[nodiscard]] std::span<const int64_t> extents() const {
    return {extents_.data(), static_cast<size_t>(rank_)};
  }

  // The axes of an activation [N, C, H, W].
  [[nodiscard]] int64_t n() const { return extents_[0]; }
  [[nodiscard]] int64_t c() const { return extents_[1]; }
  [[nodiscard]] int64_t h() const { return extents_[2]; }
  [[nodiscard]] int64_t w() const { return extents_[3]; }
  [[nodiscard]] int64_t pixels() const { return product_of({n(), h(), w()}); }

  /// Product of the extents. Both throw Error::unsupported when it does not fit 63 bits.
  [[nodiscard]] int64_t elements() const { return product_of(extents()); }

  /// "[1, 3, 256, 256]"
  [[nodiscard]] std::string to_string() const {
    std::string text = "[";
    for (int axis = 0; axis < rank_; ++axis) {
      if (axis > 0) text += ", ";
      text += std::to_string((*this)[axis]);
    }
    return text + "]";
  }

  friend bool operator==(const Shape&, const Shape&) = default;

 private:
  [[nodiscard]] int64_t product_of(std::initializer_list<int64_t> some) const {
    return product_of(std::span(some.begin(), some.size()));
  }
  [[nodiscard]] int64_t product_of(std::span<const int64_t> some) const {
    int64_t product = 1;
    for (const int64_t extent : some) {
      if (__builtin_mul_overflow(product, extent, &product)) {
        throw Error(ErrorCode::unsupported, "the shape " + to_string() + " is too large");
      }
    }
    return product;
  }

  std::array<int64_t, kMaxRank> extents_{};
  int rank_ = 0;
};

/// A height and a width; an integer stands for both, as in PyTorch.
struct Pair {
  int64_t h = 0;
  int64_t w = 0;

  constexpr Pair() = default;
  constexpr Pair(int64_t both) : h(both), w(both) {}  // NOLINT: implicit on purpose
  constexpr Pair(int64_t height, int64_t width) : h(height), w(width) {}

  friend bool operator==(const Pair&, const Pair&) = default;
};

/// "3x5", and "3x3": as one writes a kernel.
[[nodiscard]] inline std::string to_string(Pair pair) {
  return std::to_string(pair.h) + "x" + std::to_string(pair.w);
}

/// "2x1", but "2" for both: as one writes a stride.
[[nodiscard]] inline std::string brief(Pair pair) {
  return pair.h == pair.w ? std::to_string(pair.h) : to_string(pair);
}

}  // namespace kintsugi
