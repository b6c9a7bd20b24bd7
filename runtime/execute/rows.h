// SPDX-License-Identifier: MIT
//
// Values on their way in and out: rows of floats to and from memory in a plan's storage type and
// pitch, and what is wrong with them. The memory is the host's; what stands elsewhere is copied first.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "kernels/core/call.h"
#include "kernels/core/element.h"
#include "kernels/simd/parallel.h"
#include "runtime/execute/executor.h"

namespace kintsugi::execute {

/// Pad channels become zeros, to the end of their granule.
inline void write_rows(const AnyView& view, const WriteRow& write, Parallel& parallel) {
  with_element_type(view.dtype, [&]<class T>(T) {
    const TensorView<T> to = view.as<T>();
    const int64_t channels = to.shape.c();
    const int64_t stored = round_up(channels, granule(view.dtype));
    parallel.parallel_for(to.shape.n() * to.shape.h(), [&](int64_t row) {
      const int64_t n = row / to.shape.h();
      const int64_t y = row % to.shape.h();
      std::vector<float> values(static_cast<size_t>(to.shape.w() * channels));
      write(n, y, values);
      for (int64_t x = 0; x < to.shape.w(); ++x) {
        const float* from = values.data() + x * channels;
        T* pixel = std::transform(from, from + channels, to.pixel(n, y, x), element<T>);
        std::fill_n(pixel, stored - channels, T{});
      }
    });
  });
}

inline void read_rows(const AnyView& view, const ReadRow& read) {
  with_element_type(view.dtype, [&]<class T>(T) {
    const TensorView<const T> from = view.as<const T>();
    const int64_t channels = from.shape.c();
    std::vector<float> row(static_cast<size_t>(from.shape.w() * channels));
    for (int64_t n = 0; n < from.shape.n(); ++n) {
      for (int64_t y = 0; y < from.shape.h(); ++y) {
        for (int64_t x = 0; x < from.shape.w(); ++x) {
          std::transform(from.pixel(n, y, x), from.pixel(n, y, x) + channels,
                         row.data() + x * channels,
                         [](T v) { return static_cast<float>(number(v)); });
        }
        read(n, y, row);
      }
    }
  });
}

/// Whether one of so many stored values is a NaN or an infinity: all bits of its exponent are set, and
/// one more carries into the sign. Without a branch, so that it is done on many at once.
template <class T>
[[nodiscard]] bool any_not_finite(const T* values, int64_t count) {
  if constexpr (std::is_integral_v<T>) {
    return false;
  } else {
    using Bits = std::conditional_t<sizeof(T) == 8, uint64_t,
                                    std::conditional_t<sizeof(T) == 4, uint32_t, uint16_t>>;
    constexpr Bits kSign = Bits{1} << (8 * sizeof(Bits) - 1);
    const auto exponent = std::bit_cast<Bits>(element<T>(INFINITY));
    const auto one = static_cast<Bits>(kSign - exponent);
    Bits any = 0;
    for (int64_t i = 0; i < count; ++i) {
      any = static_cast<Bits>(any | ((std::bit_cast<Bits>(values[i]) & exponent) + one));
    }
    return (any & kSign) != 0;
  }
}

inline ValueCheck check_rows(const AnyView& view, Parallel& parallel) {
  return with_element_type(view.dtype, [&]<class T>(T) {
    const TensorView<const T> values = view.as<const T>();
    const Shape& shape = values.shape;
    const int64_t rows = shape.n() * shape.h();
    const auto first = number(values.pixel(0, 0, 0)[0]);
    // One entry a row, so that the answer does not depend on who looked first.
    std::vector<int64_t> bad(static_cast<size_t>(rows), -1);  // x * C + c
    std::vector<char> same(static_cast<size_t>(rows), 1);
    const bool dense = values.pitch == round_up(shape.c(), granule(view.dtype));
    parallel.parallel_for(rows, [&](int64_t row) {
      const T* pixels = values.pixel(row / shape.h(), row % shape.h(), 0);
      /// The first value, counted as x * C + c, that is so; -1 for none.
      const auto first_that = [&](const auto& is) -> int64_t {
        for (int64_t x = 0; x < shape.w(); ++x) {
          for (int64_t c = 0; c < shape.c(); ++c) {
            if (is(number(pixels[x * values.pitch + c]))) return x * shape.c() + c;
          }
        }
        return -1;
      };
      same[static_cast<size_t>(row)] = first_that([&](auto v) { return !(v == first); }) < 0;
      if (dense && !any_not_finite(pixels, shape.w() * values.pitch)) return;  // pads are zero
      bad[static_cast<size_t>(row)] = first_that([](auto v) { return !std::isfinite(v); });
    });
    ValueCheck check{.not_finite = {}, .constant = std::ranges::find(same, 0) == same.end()};
    const auto found = std::ranges::find_if(bad, [](int64_t at) { return at >= 0; });
    if (found != bad.end()) {
      const int64_t row = found - bad.begin();
      check.not_finite = {row / shape.h(), *found % shape.c(), row % shape.h(), *found / shape.c()};
    }
    return check;
  });
}

}  // namespace kintsugi::execute
