// SPDX-License-Identifier: MIT
//
// Values on their way in and out: rows of floats to and from memory in a plan's storage type and
// pitch, and what is wrong with them. The memory is the host's; who runs elsewhere copies first.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "kernels/core/half.h"
#include "kernels/core/moments.h"
#include "kernels/core/view.h"
#include "kernels/simd/parallel.h"
#include "runtime/execute/executor.h"

namespace kintsugi::execute {

/// A stored value as a number: double from double, else float.
template <class T>
[[nodiscard]] auto number(T value) {
  if constexpr (std::is_floating_point_v<T>) {
    return value;
  } else {
    return widen(value);
  }
}

template <class T>
[[nodiscard]] T store_as(double value) {
  if constexpr (std::is_same_v<T, double>) {
    return value;
  } else {
    return narrow<T>(static_cast<float>(value));
  }
}

/// Calls f(T{}) with the type that stores a `dtype`.
template <class F>
auto with_storage(DType dtype, F&& f) {
  switch (dtype) {
    case DType::f64: return f(double{});
    case DType::f16: return f(f16{});
    case DType::bf16: return f(bf16{});
    default: return f(float{});
  }
}

template <class T>
[[nodiscard]] TensorView<T> view_of(const plan::Slot& slot, std::byte* begin) {
  return {reinterpret_cast<T*>(begin), slot.shape, slot.pitch};
}

/// Moments that a step leaves or gathers; without data where it has none. `begin(slot)`.
template <class Begin>
[[nodiscard]] MomentsView<float> moments_of(const plan::Plan& plan, const plan::PlanStep& step,
                                            const Begin& begin) {
  if (step.moments < 0) return {};
  const Shape& shape = plan.slots[static_cast<size_t>(step.moments)].shape;
  return {reinterpret_cast<float*>(begin(step.moments)), shape.c(),
          (shape.w() - MomentsView<float>::kHeader) / 2};
}

/// The planes that a partial_mask reads; of a value of its own kind the mask in it. `view(slot)`.
template <class View>
[[nodiscard]] auto masks_of(const plan::PlanStep& step, const View& view) {
  using T = std::remove_pointer_t<decltype(view(0).data)>;
  std::array<TensorView<const T>, 2> masks;
  for (size_t i = 0; i < step.inputs.size(); ++i) {
    const TensorView<const T> value = view(step.inputs[i]);
    masks[i] = value.shape.c() == 2 ? partial_mask::mask_of(value) : value;
  }
  return masks;
}

/// Pad channels become zeros, to the end of their granule.
inline void write_rows(const plan::Slot& slot, std::byte* begin, const WriteRow& write,
                       Parallel& parallel) {
  with_storage(slot.dtype, [&]<class T>(T) {
    const TensorView<T> to = view_of<T>(slot, begin);
    const int64_t channels = to.shape.c();
    const int64_t stored = round_up(channels, plan::granule(slot.dtype));
    parallel.parallel_for(to.shape.n() * to.shape.h(), [&](int64_t row) {
      const int64_t n = row / to.shape.h();
      const int64_t y = row % to.shape.h();
      std::vector<float> values(static_cast<size_t>(to.shape.w() * channels));
      write(n, y, values);
      for (int64_t x = 0; x < to.shape.w(); ++x) {
        const float* from = values.data() + x * channels;
        T* pixel = std::transform(from, from + channels, to.pixel(n, y, x), store_as<T>);
        std::fill_n(pixel, stored - channels, T{});
      }
    });
  });
}

inline void read_rows(const plan::Slot& slot, std::byte* begin, const ReadRow& read) {
  with_storage(slot.dtype, [&]<class T>(T) {
    const TensorView<const T> from = view_of<T>(slot, begin);
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

[[nodiscard]] inline uint64_t bits_of(double value) { return std::bit_cast<uint64_t>(value); }
[[nodiscard]] inline uint32_t bits_of(float value) { return std::bit_cast<uint32_t>(value); }
[[nodiscard]] inline uint16_t bits_of(f16 value) { return value.bits; }
[[nodiscard]] inline uint16_t bits_of(bf16 value) { return value.bits; }

/// Whether one of so many stored values is a NaN or an infinity: all bits of its exponent are set, and
/// one more carries into the sign. Without a branch, so that it is done on many at once.
template <class T>
[[nodiscard]] bool any_not_finite(const T* values, int64_t count) {
  using Bits = decltype(bits_of(T{}));
  constexpr Bits kSign = Bits{1} << (8 * sizeof(Bits) - 1);
  const Bits exponent = bits_of(store_as<T>(INFINITY));
  const auto one = static_cast<Bits>(kSign - exponent);
  Bits any = 0;
  for (int64_t i = 0; i < count; ++i) {
    any = static_cast<Bits>(any | ((bits_of(values[i]) & exponent) + one));
  }
  return (any & kSign) != 0;
}

inline Survey survey_rows(const plan::Slot& slot, std::byte* begin, Parallel& parallel) {
  return with_storage(slot.dtype, [&]<class T>(T) {
    const TensorView<const T> values = view_of<T>(slot, begin);
    const Shape& shape = values.shape;
    const int64_t rows = shape.n() * shape.h();
    const auto first = number(values.pixel(0, 0, 0)[0]);
    // One entry a row, so that the answer does not depend on who looked first.
    std::vector<int64_t> bad(static_cast<size_t>(rows), -1);  // x * C + c
    std::vector<char> same(static_cast<size_t>(rows), 1);
    const bool dense = values.pitch == round_up(shape.c(), plan::granule(slot.dtype));
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
    Survey survey{.not_finite = {}, .constant = std::ranges::find(same, 0) == same.end()};
    const auto found = std::ranges::find_if(bad, [](int64_t at) { return at >= 0; });
    if (found != bad.end()) {
      const int64_t row = found - bad.begin();
      survey.not_finite = {row / shape.h(), *found % shape.c(), row % shape.h(),
                           *found / shape.c()};
    }
    return survey;
  });
}

}  // namespace kintsugi::execute
