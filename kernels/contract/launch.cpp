// SPDX-License-Identifier: MIT
#include "kernels/contract/launch.h"

#include <algorithm>

#include "kernels/contract/ops.h"
#include "kernels/ops.h"  // made from ops.list

namespace kintsugi {
namespace {

using Launch = void (*)(const Work&, const Call&, device::Stream&);

template <class O, bool kHasCuda>
void launch_op(const Work& work, const Call& call, device::Stream& stream) {
  if constexpr (kHasCuda) {
    O::cuda(*work.op().as<typename O::Desc>(), work.config_of<O>(), call, stream);
  } else {
    throw Error(ErrorCode::unsupported, std::string(O::kName) + " has no CUDA kernel");
  }
}

#define KINTSUGI_OP(name, cuda) launch_op<name::Op, cuda>,
constexpr Launch kLaunches[] = {KINTSUGI_OPS};
#undef KINTSUGI_OP

}  // namespace

void launch(const Work& work, const Call& call, device::Stream& stream) {
  const auto at = std::ranges::find(all_ops(), &work.op().table());
  kLaunches[at - all_ops().begin()](work, call, stream);
}

}  // namespace kintsugi
