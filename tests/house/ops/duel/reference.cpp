// SPDX-License-Identifier: MIT
#include <algorithm>

#include "tests/house/ops/duel/duel.h"

namespace kintsugi::duel {

template <class T>
void reference(const Desc& desc, const Args<T>& args, Parallel& parallel) {
  const Shape& shape = args.a.shape;
  parallel.parallel_for(shape.n() * shape.h(), [&](int64_t row) {
    const int64_t n = row / shape.h(), y = row % shape.h();
    for (int64_t x = 0; x < shape.w(); ++x) {
      int64_t won = 0;
      T* winner = args.winner.pixel(n, y, x);
      for (int64_t c = 0; c < shape.c(); ++c) {
        const T a = args.a.at(n, c, y, x),
                b = args.b.at(n, c, y, x) - static_cast<T>(desc.handicap);
        won += a > b ? 1 : 0;
        winner[c] = std::max(a, b);
      }
      std::fill(winner + shape.c(), winner + storage_channels(shape.c()), T{0});
      Exact<T>* share = args.share.pixel(n, y, x);
      std::fill_n(share, storage_channels(1), T{0});
      *share = static_cast<T>(won) / static_cast<T>(shape.c());
    }
  });
}

template void reference(const Desc&, const Args<float>&, Parallel&);
template void reference(const Desc&, const Args<double>&, Parallel&);

}  // namespace kintsugi::duel
