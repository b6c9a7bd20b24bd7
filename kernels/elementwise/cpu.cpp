// SPDX-License-Identifier: MIT
//
// elementwise on the CPU: the loops are in kernels/simd/transform.cpp, where convolutions find them too.
#include "kernels/elementwise/elementwise.h"
#include "kernels/simd/transform.h"

namespace kintsugi::elementwise {

void cpu(const Desc& desc, simd::Isa isa, const Args<float>& args, Parallel& parallel) {
  simd::transform(isa, desc.steps, args.operands, args.input, args.output, parallel);
}

}  // namespace kintsugi::elementwise
