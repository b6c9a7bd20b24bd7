// SPDX-License-Identifier: MIT
#include "runtime/session/value_check.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <type_traits>
#include <vector>

#include "kernels/core/element.h"

namespace kintsugi::session {
namespace {

/// Whether one of so many stored values is a NaN or an infinity: all bits of its exponent are set, and
/// one more carries into the sign. Without a branch, so that it is done on many at once.
template <class T>
bool any_not_finite(const T* values, int64_t count) {
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

}  // namespace

ValueCheck check_values(const AnyView& view, Parallel& parallel) {
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

}  // namespace kintsugi::session
