// SPDX-License-Identifier: MIT
//
// The definition of reduce: plain loops, sums in double, one rounding to T at the store.
#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/reduce/reduce.h"

namespace kintsugi::reduce {
namespace {

/// What is known of the values seen so far.
struct Seen {
  double sum = 0;
  double largest = -std::numeric_limits<double>::infinity();
  int64_t count = 0;

  void add(double value) {
    sum += value;
    if (value > largest || std::isnan(value)) largest = value;
    ++count;
  }
  [[nodiscard]] double result(Reduction reduction) const {
    switch (reduction) {
      case Reduction::mean: return sum / static_cast<double>(count);
      case Reduction::sum: return sum;
      case Reduction::max: return largest;
    }
    return sum;
  }
};

}  // namespace

template <class T>
void reference(const Desc& desc, const Args<T>& args, Parallel& parallel) {
  const Shape& in = args.input.shape;
  const Shape& out = args.output.shape;
  const auto value = [&](int64_t n, int64_t c, int64_t y, int64_t x) {
    return static_cast<double>(args.input.at(n, c, y, x));
  };
  parallel.parallel_for(out.n() * out.h(), [&](int64_t row) {
    const int64_t n = row / out.h();
    const int64_t y = row % out.h();
    for (int64_t x = 0; x < out.w(); ++x) {
      for (int64_t k = 0; k < out.c(); ++k) {
        Seen seen;
        if (desc.over == Over::pixels) {
          for (int64_t iy = 0; iy < in.h(); ++iy) {
            for (int64_t ix = 0; ix < in.w(); ++ix) seen.add(value(n, k, iy, ix));
          }
        } else {
          for (int64_t c = 0; c < in.c(); ++c) seen.add(value(n, c, y, x));
        }
        args.output.at(n, k, y, x) = static_cast<T>(seen.result(desc.reduction));
      }
      T* pixel = args.output.pixel(n, y, x);
      std::fill(pixel + out.c(), pixel + storage_channels(out.c()), T{0});
    }
  });
}

template void reference(const Desc&, const Args<float>&, Parallel&);
template void reference(const Desc&, const Args<double>&, Parallel&);

}  // namespace kintsugi::reduce
