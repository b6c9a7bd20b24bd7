// SPDX-License-Identifier: MIT
//
// The definition of random, number by number: its four words are drawn anew for each.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "kernels/random/box_muller.h"
#include "kernels/random/random.h"

namespace kintsugi::random {
namespace {

double normal(const Words& words, int64_t lane) {
  const auto first = static_cast<size_t>(lane / 2 * 2);
  const double radius = std::sqrt(-2 * std::log(double{positive_uniform(words.word[first])}));
  const double turn = 2 * std::numbers::pi * double{uniform(words.word[first + 1])};
  return radius * (lane % 2 == 0 ? std::cos(turn) : std::sin(turn));
}

}  // namespace

template <class T>
void reference(const Desc& desc, const Args<T>& args, Parallel& parallel) {
  const Shape& out = args.output.shape;
  const int64_t of_pixel = divide_up(out.c(), int64_t{4});
  parallel.parallel_for(out.n() * out.h(), [&](int64_t row) {
    const int64_t n = row / out.h(), y = row % out.h();
    const State state = State::of(args.state.pixel(n, 0, 0));
    for (int64_t x = 0; x < out.w(); ++x) {
      const uint64_t pixel_index =
          state.index(static_cast<uint64_t>(y), static_cast<uint64_t>(x),
                      static_cast<uint64_t>(whole_width(desc)), static_cast<uint64_t>(of_pixel));
      T* pixel = args.output.pixel(n, y, x);
      for (int64_t c = 0; c < out.c(); ++c) {
        const uint64_t index = pixel_index + static_cast<uint64_t>(c / 4);
        const Words words = philox(state.counter(index), state.key(desc.stream));
        pixel[c] = desc.distribution == Distribution::normal
                       ? static_cast<T>(normal(words, c % 4))
                       : static_cast<T>(uniform(words.word[c % 4]));
      }
      std::fill(pixel + out.c(), pixel + storage_channels(out.c()), T{0});
    }
  });
}

template void reference(const Desc&, const Args<float>&, Parallel&);
template void reference(const Desc&, const Args<double>&, Parallel&);

}  // namespace kintsugi::random
