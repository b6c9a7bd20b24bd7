// SPDX-License-Identifier: MIT
#include "tests/emulator/gemm.cuh"

namespace kintsugi::specimen {

namespace {

template <typename T, GemmFault kFault>
void launch_gemm(device::Stream& stream, const GemmArgs<T>& args) {
  using Kernel = Gemm<T, kFault>;
  const auto tiles = [](int size, int tile) {
    return static_cast<unsigned>((size + tile - 1) / tile);
  };
  device::launch(
      stream, {tiles(args.n, Kernel::kTileN), tiles(args.m, Kernel::kTileM)},
      Kernel{.a = args.a, .b = args.b, .c = args.c, .m = args.m, .n = args.n, .k = args.k});
}

}  // namespace

template <typename T>
void gemm(device::Stream& stream, const GemmArgs<T>& args) {
  launch_gemm<T, GemmFault::none>(stream, args);
}
template void gemm<f16>(device::Stream&, const GemmArgs<f16>&);
template void gemm<bf16>(device::Stream&, const GemmArgs<bf16>&);
template void gemm<device::tf32>(device::Stream&, const GemmArgs<device::tf32>&);

void broken_gemm(device::Stream& stream, GemmFault fault, const GemmArgs<f16>& args) {
  switch (fault) {
    case GemmFault::none: return launch_gemm<f16, GemmFault::none>(stream, args);
    case GemmFault::no_wait: return launch_gemm<f16, GemmFault::no_wait>(stream, args);
    case GemmFault::wait_off_by_one:
      return launch_gemm<f16, GemmFault::wait_off_by_one>(stream, args);
    case GemmFault::no_barrier_after:
      return launch_gemm<f16, GemmFault::no_barrier_after>(stream, args);
    case GemmFault::no_barrier_before:
      return launch_gemm<f16, GemmFault::no_barrier_before>(stream, args);
    case GemmFault::no_swizzle: return launch_gemm<f16, GemmFault::no_swizzle>(stream, args);
    case GemmFault::stray_load: return launch_gemm<f16, GemmFault::stray_load>(stream, args);
    case GemmFault::dropped_step: return launch_gemm<f16, GemmFault::dropped_step>(stream, args);
  }
}

}  // namespace kintsugi::specimen
