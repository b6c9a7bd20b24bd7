// SPDX-License-Identifier: MIT
//
// Which plans a session gives back. Plans of one model share packed weights, so that one plan more often
// costs no more than its own lists; where it reads weights in another order, Winograd's or the direct
// one, it holds a second copy of them. The two are bounded apart: small networks keep many sizes, and a
// large one does not keep its weights several times.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "runtime/plan/plan.h"

namespace kintsugi::session {

struct CacheBounds {
  int64_t lists = int64_t{16} << 20;    // bytes of the plans themselves
  int64_t copies = int64_t{256} << 20;  // of constants that more recent plans hold in another order
};

/// About what a plan takes beside its weights and its arena: its lists, and on a GPU the graph that is
/// captured of its steps.
[[nodiscard]] int64_t list_bytes(const plan::Plan& plan);

/// Indices of the plans to give back, in rising order. `plans` begins with the most recently used, which
/// stays. The first order in which a constant is held is no copy: plans of different parts of a model do
/// not drive each other out.
[[nodiscard]] std::vector<size_t> to_give_back(std::span<const plan::Plan* const> plans,
                                               const CacheBounds& bounds = {});

}  // namespace kintsugi::session
