// SPDX-License-Identifier: MIT
//
// concat on CUDA.
//
// Math        y[n,y,x,c] = x_i[n, y, x, c - (channels of x_0 .. x_i-1)]
// Shapes      x_i [N,H,W,C_i], y [N,H,W,sum of C_i], each with a pitch
// Tiling      grid (groups / 256); a thread owns one group of 16 bytes of the output's channels, which
//             may come from several inputs: it reads them element by element. A launch holds eight inputs
//             and writes the groups that they fill; more inputs take more launches
// Shared      none
// Sync        none
// Numerics    none: bits are moved
// Roofline    no FLOP over 2*e bytes an element, e of an element: bound by memory
// Limits      an output's pixels start at multiples of 16 bytes; fewer than 2^31 groups
#include "kernels/concat/cuda.h"

#include "kernels/concat/contract.h"
#include "kernels/device/groups.h"
#include "kernels/device/memory.cuh"
#include "kernels/device/narrow.h"

namespace kintsugi::concat {
namespace {

template <typename T>
struct JoinChannels {
  static constexpr unsigned kThreads = 256;
  static constexpr int kMaxRegisters = 48;
  static constexpr int kPer = device::Pack<T>::kCount;

  /// Inputs of a launch, which stand in its arguments and are walked by every thread. As many as a group
  /// has channels, so that every launch fills one at least.
  static constexpr int kParts = 8;
  static_assert(kParts >= kPer);

  struct Part {
    const T* data;
    int64_t pitch;
    int end;  // its last channel in the output, and one
  };

  Part part[kParts];
  int parts;
  int begin;  // of the first part in the output
  T* output;
  int64_t out_pitch;
  uint32_t groups;  // of 16 bytes, of all output pixels, that this launch writes
  uint32_t groups_of_pixel;
  uint32_t first_group;  // of a pixel

  KIN_DEVICE void operator()() const {
    const uint32_t group = blockIdx.x * kThreads + threadIdx.x;
    if (group >= groups) return;
    const uint32_t pixel = group / groups_of_pixel;
    const int k = static_cast<int>(first_group + group % groups_of_pixel) * kPer;
    device::Pack<T> pack = {};
    int first = begin;
    for (int p = 0; p < parts; ++p) {
      const Part& from = part[p];
#pragma unroll
      for (int i = 0; i < kPer; ++i) {
        if (k + i < first || k + i >= from.end) continue;
        pack.x[i] = device::load(from.data + pixel * from.pitch + (k + i - first));
      }
      first = from.end;
    }
    device::store_pack(output + pixel * out_pitch + k, pack);
  }
};

}  // namespace

template <class T>
void cuda(const Desc& desc, const Args<T>& args, device::Stream& stream) {
  using Kernel = JoinChannels<T>;
  std::vector<Shape> shapes;
  for (const TensorView<const T>& input : args.inputs) shapes.push_back(input.shape);
  const Shape& out = args.output.shape;
  if (!(output_shape(desc, shapes) == out)) {
    throw Error(ErrorCode::internal, "concat on CUDA: an output does not fit");
  }
  device::check_aligned("concat", args.output);
  const int64_t pixel_groups = device::groups_of<T>("concat", out).of_pixel;
  const auto& inputs = args.inputs;
  size_t first = 0;  // the first input that is not written yet, or not to its end
  int64_t begin = 0;
  for (int64_t group = 0; group < pixel_groups;) {
    Kernel kernel{.part = {},
                  .parts = 0,
                  .begin = static_cast<int>(begin),
                  .output = args.output.data,
                  .out_pitch = args.output.pitch,
                  .groups = 0,
                  .groups_of_pixel = 0,
                  .first_group = static_cast<uint32_t>(group)};
    size_t next = first;
    int64_t end = begin;
    for (; next < inputs.size() && kernel.parts < Kernel::kParts; ++next) {
      end += inputs[next].shape.c();
      kernel.part[kernel.parts++] = {inputs[next].data, inputs[next].pitch,
                                     device::narrow_int("concat", end, "channels")};
    }
    const int64_t filled = next == inputs.size() ? pixel_groups : end / Kernel::kPer;
    kernel.groups_of_pixel = static_cast<uint32_t>(filled - group);
    kernel.groups = static_cast<uint32_t>(out.pixels() * (filled - group));
    const device::Groups groups{kernel.groups, kernel.groups_of_pixel};
    device::launch(stream, groups.grid(Kernel::kThreads), kernel);
    group = filled;
    while (first < next && begin + inputs[first].shape.c() <= group * Kernel::kPer) {
      begin += inputs[first++].shape.c();
    }
  }
}

template void cuda(const Desc&, const Args<float>&, device::Stream&);
template void cuda(const Desc&, const Args<f16>&, device::Stream&);
template void cuda(const Desc&, const Args<bf16>&, device::Stream&);

void Op::cuda(const Desc& desc, const Config&, const Call& call, device::Stream& stream) {
  with_cuda_type(call.dtype,
                 [&]<class T>(T) { concat::cuda<T>(desc, bind<T>(desc, call), stream); });
}

}  // namespace kintsugi::concat
