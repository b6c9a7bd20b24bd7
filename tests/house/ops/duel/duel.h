// SPDX-License-Identifier: MIT
//
// duel: a toy op, in no list of the product, that has what an op can have and few have yet: two inputs,
// and two outputs of two types.
//
//   winner[n,c,y,x] = max(a, b)                       as activations are stored
//   share[n,0,y,x]  = the share of channels in which a wins    exact
#pragma once

#include "kernels/core/call.h"
#include "kernels/simd/parallel.h"

namespace kintsugi {
struct OpTable;
}

namespace kintsugi::duel {

struct Desc {
  float handicap = 0;  // subtracted from b
  friend bool operator==(const Desc&, const Desc&) = default;
};
[[nodiscard]] const OpTable& op_table(const Desc*);

template <class T>
struct Args {
  TensorView<const T> a, b;
  TensorView<T> winner;
  TensorView<Exact<T>> share;
};

template <class T>
void reference(const Desc& desc, const Args<T>& args, Parallel& parallel);

}  // namespace kintsugi::duel
