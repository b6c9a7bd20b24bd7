// SPDX-License-Identifier: MIT
//
// One stored element as a number and back, for code that meets a type at run time: rows on their way in
// and out of a plan, tests and benchmarks. Kernels know their types.
#pragma once

#include <limits>
#include <type_traits>

#include "kernels/core/dtype.h"
#include "kernels/core/error.h"
#include "kernels/core/half.h"

namespace kintsugi {

/// A stored element as a number: double from double, else float.
template <class T>
[[nodiscard]] constexpr auto number(T value) {
  if constexpr (std::is_floating_point_v<T>) {
    return value;
  } else if constexpr (std::is_integral_v<T>) {
    return static_cast<float>(value);
  } else {
    return widen(value);
  }
}

/// A number as it is stored; of a sample what is representable, truncated, and zero for a NaN.
template <class T>
[[nodiscard]] constexpr T element(double value) {
  if constexpr (std::is_integral_v<T>) {
    constexpr T kLargest = std::numeric_limits<T>::max();
    return value >= kLargest ? kLargest : value > 0 ? static_cast<T>(value) : T{0};
  } else if constexpr (std::is_floating_point_v<T>) {
    return static_cast<T>(value);
  } else {
    return narrow<T>(static_cast<float>(value));
  }
}

/// f(T{}) with the type of an element of a tensor or of samples.
template <class F>
auto with_element_type(DType dtype, const F& f) {
  switch (dtype) {
    case DType::f64: return f(double{});
    case DType::f32: return f(float{});
    case DType::f16: return f(f16{});
    case DType::bf16: return f(bf16{});
    case DType::u16: return f(uint16_t{});
    case DType::u8: return f(uint8_t{});
    default: throw Error(ErrorCode::internal, "no value holds such elements");
  }
}

}  // namespace kintsugi
