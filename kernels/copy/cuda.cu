// SPDX-License-Identifier: MIT
//
// copy on CUDA.
//
// Math        y[n,y,x,c] = x[n, y, x, first + c], rounded to the output's type
// Shapes      x [N,H,W,C], y [N,H,W,channels], each with a pitch
// Tiling      grid (groups / 256); a thread owns one group of 16 bytes of the output's channels. It reads
//             one group where types are equal and `first` is a multiple of a group, else elements
// Shared      none
// Sync        none
// Numerics    round to nearest even, by way of f32; bits of equal types are moved
// Roofline    no FLOP over the bytes of an element of either type: bound by memory
// Limits      an output's pixels start at multiples of 16 bytes; fewer than 2^31 groups
#include "kernels/copy/cuda.h"

#include "kernels/copy/contract.h"
#include "kernels/device/groups.h"
#include "kernels/device/memory.cuh"
#include "kernels/device/numeric.cuh"

namespace kintsugi::copy {
namespace {

template <typename From, typename To>
struct CopyChannels {
  static constexpr unsigned kThreads = 256;
  static constexpr int kMaxRegisters = 32;
  static constexpr int kPer = device::Pack<To>::kCount;

  const From* input;  // its first channel that is copied
  To* output;
  int64_t pitch;
  int64_t out_pitch;
  uint32_t groups;  // of 16 bytes, of all output pixels
  uint32_t groups_of_pixel;
  int channels;
  bool whole;  // groups of the input are groups of the output

  KIN_DEVICE void operator()() const {
    const uint32_t group = blockIdx.x * kThreads + threadIdx.x;
    if (group >= groups) return;
    const uint32_t pixel = group / groups_of_pixel;
    const int k = static_cast<int>(group % groups_of_pixel) * kPer;
    const From* from = input + pixel * pitch + k;
    device::Pack<To> pack = {};
    if constexpr (std::is_same_v<From, To>) {
      if (whole && k + kPer <= channels) {
        device::store_pack(output + pixel * out_pitch + k, device::load_pack(from));
        return;
      }
    }
#pragma unroll
    for (int i = 0; i < kPer; ++i) {
      if (k + i >= channels) continue;
      if constexpr (std::is_same_v<From, To>) {
        pack.x[i] = device::load(from + i);
      } else {
        pack.x[i] = device::from_float<To>(device::to_float(device::load(from + i)));
      }
    }
    device::store_pack(output + pixel * out_pitch + k, pack);
  }
};

}  // namespace

template <class From, class To>
void cuda(const Desc& desc, const Args<From, To>& args, device::Stream& stream) {
  using Kernel = CopyChannels<From, To>;
  const Shape& out = args.output.shape;
  if (!(output_shape(desc, args.input.shape) == out)) {
    throw Error(ErrorCode::internal, "copy on CUDA: an output does not fit");
  }
  device::check_aligned("copy", args.output);
  const From* first = args.input.data + desc.first;
  const auto groups = device::groups_of<To>("copy", out);
  device::launch(
      stream, groups.grid(Kernel::kThreads),
      Kernel{.input = first,
             .output = args.output.data,
             .pitch = args.input.pitch,
             .out_pitch = args.output.pitch,
             .groups = groups.all,
             .groups_of_pixel = groups.of_pixel,
             .channels = static_cast<int>(out.c()),
             .whole = device::is_aligned(first) && args.input.pitch % Kernel::kPer == 0});
}

template void cuda(const Desc&, const Args<float, float>&, device::Stream&);
template void cuda(const Desc&, const Args<float, f16>&, device::Stream&);
template void cuda(const Desc&, const Args<float, bf16>&, device::Stream&);
template void cuda(const Desc&, const Args<f16, f16>&, device::Stream&);
template void cuda(const Desc&, const Args<f16, float>&, device::Stream&);
template void cuda(const Desc&, const Args<bf16, bf16>&, device::Stream&);
template void cuda(const Desc&, const Args<bf16, float>&, device::Stream&);

void Op::cuda(const Desc& desc, const Config&, const Call& call, device::Stream& stream) {
  const auto run = [&]<class From, class To>(From, To) {
    copy::cuda<From, To>(desc, bind<From, To>(desc, call), stream);
  };
  const DType from_type = call.inputs[0].dtype, to = call.outputs[0].dtype;
  with_cuda_type(from_type, [&]<class From>(From from) {
    if (to == from_type) return run(from, from);
    if constexpr (std::is_same_v<From, float>) {
      return to == DType::f16 ? run(from, f16{}) : run(from, bf16{});
    } else {
      run(from, float{});
    }
  });
}

}  // namespace kintsugi::copy
