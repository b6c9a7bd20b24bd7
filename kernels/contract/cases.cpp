// SPDX-License-Identifier: MIT
#include "kernels/contract/cases.h"

#include "kernels/op_cases.h"  // made from ops.list

namespace kintsugi {

std::span<const OpCases> all_cases() {
#define KINTSUGI_OP(name) OpCases{#name, name::cases, name::layers, name::mistakes},
  static constexpr OpCases kCases[] = {KINTSUGI_OP_CASES};
#undef KINTSUGI_OP
  return kCases;
}

}  // namespace kintsugi
