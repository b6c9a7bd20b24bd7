// SPDX-License-Identifier: MIT
//
// Values on their way in and out: rows of floats to and from memory in a plan's storage type and
// pitch. The memory is the host's; what stands elsewhere is copied first.
#pragma once

#include <algorithm>
#include <cstdint>
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

}  // namespace kintsugi::execute
