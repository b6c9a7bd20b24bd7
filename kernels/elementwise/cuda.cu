// SPDX-License-Identifier: MIT
//
// elementwise on CUDA.
//
// Math        y[n,y,x,c] = steps( x[n,y,x,c] ); add of a tensor and silu is silu(a + b). With a gate
//             y[n,y,x,c] = after( f(before(x[n,y,x,c])) * g(before(x[n,y,x,C+c])) )
// Shapes      x, y [N,H,W,C] with a pitch, x [N,H,W,2C] with a gate; operands by their extent
// Tiling      grid (groups / 256); a thread owns one group of 16 bytes of a result's channels, and
//             reads its gates one by one where C is not whole groups
// Shared      none
// Sync        none
// Numerics    f32, by the interpreter that epilogues use as well (kernels/device/steps.cuh); one
//             rounding at the store
// Roofline    a few FLOP over 2*e bytes an element, e of an element, and e for each tensor operand:
//             bound by memory
// Limits      pixels start at multiples of 16 bytes; fewer than 2^31 groups
#include "kernels/elementwise/cuda.h"

#include "kernels/device/groups.h"
#include "kernels/device/steps.cuh"
#include "kernels/elementwise/contract.h"

namespace kintsugi::elementwise {
namespace {

template <typename T, bool kGated>
struct ElementwiseSteps {
  static constexpr unsigned kThreads = 256;
  static constexpr int kMaxRegisters = kGated ? 64 : 40;
  static constexpr int kPer = device::Pack<T>::kCount;

  const T* input;
  T* output;
  int64_t pitch;
  int64_t out_pitch;
  uint32_t groups;  // of 16 bytes, of all pixels of the output
  uint32_t groups_of_pixel;
  uint32_t pixels_of_sample;
  int channels;
  device::BoundSteps steps;

  KIN_DEVICE void operator()() const {
    const uint32_t group = blockIdx.x * kThreads + threadIdx.x;
    if (group >= groups) return;
    const uint32_t pixel = group / groups_of_pixel;
    const int k = static_cast<int>(group % groups_of_pixel) * kPer;
    const T* from = input + pixel * pitch + k;
    const device::Site at{.n = pixel / pixels_of_sample, .pixel = pixel, .k = k};
    float value[kPer];
    const auto read = [&](bool of_gates, float(&to)[kPer]) {
      if (kGated && of_gates && channels % kPer != 0) {
        return device::read_some(from + channels, channels - k, to);
      }
      const device::Pack<T> pack = device::load_pack(from + (of_gates ? channels : 0));
#pragma unroll
      for (int i = 0; i < kPer; ++i) to[i] = device::to_float(pack.x[i]);
    };
    if constexpr (kGated) {
      float gates[kPer] = {};
      device::apply_gated<T>(
          steps, at, channels, read, [&](int i) -> float& { return gates[i]; }, value);
    } else {
      read(false, value);
      device::apply<T>(steps, at, value);
    }
    device::Pack<T> pack;
#pragma unroll
    for (int i = 0; i < kPer; ++i) {
      pack.x[i] = device::from_float<T>(k + i < channels ? value[i] : 0.0f);
    }
    device::store_pack(output + pixel * out_pitch + k, pack);
  }
};

template <class T, bool kGated>
void run(const Desc& desc, const Args<T>& args, device::Stream& stream) {
  using Kernel = ElementwiseSteps<T, kGated>;
  const Shape& shape = args.output.shape;
  device::check_aligned("elementwise", args.input, args.output);
  const auto groups = device::groups_of<T>("elementwise", shape);
  if (static_cast<int>(args.operands.size()) < desc.steps.operand_count()) {
    throw Error(ErrorCode::internal,
                "elementwise on CUDA: its steps read more operands than there are");
  }
  device::launch(stream, groups.grid(Kernel::kThreads),
                 Kernel{.input = args.input.data,
                        .output = args.output.data,
                        .pitch = args.input.pitch,
                        .out_pitch = args.output.pitch,
                        .groups = groups.all,
                        .groups_of_pixel = groups.of_pixel,
                        .pixels_of_sample = static_cast<uint32_t>(shape.h() * shape.w()),
                        .channels = static_cast<int>(shape.c()),
                        .steps = device::bind(desc.steps, args.operands)});
}

}  // namespace

template <class T>
void cuda(const Desc& desc, const Args<T>& args, device::Stream& stream) {
  return desc.steps.gate() < 0 ? run<T, false>(desc, args, stream)
                               : run<T, true>(desc, args, stream);
}

template void cuda(const Desc&, const Args<float>&, device::Stream&);
template void cuda(const Desc&, const Args<f16>&, device::Stream&);
template void cuda(const Desc&, const Args<bf16>&, device::Stream&);

void Op::cuda(const Desc& desc, const Config&, const Call& call, device::Stream& stream) {
  with_cuda_type(call.dtype,
                 [&]<class T>(T) { elementwise::cuda<T>(desc, bind<T>(desc, call), stream); });
}

}  // namespace kintsugi::elementwise
