// SPDX-License-Identifier: MIT
//
// random on CUDA.
//
// Math        Philox4x32-10 of the element's counter, then uniform or Box-Muller (random.h)
// Shapes      state [N,12,1,1] of 16 bits   y [N,H,W,C] of T with a pitch
// Tiling      grid (groups / 256); a thread owns a group of 16 bytes of a pixel's channels: one counter in
//             f32, two in f16 and bf16
// Shared      none
// Sync        none
// Numerics    integers, then f32, one rounding at the store. Uniform numbers are exact before it. A normal
//             number has the CPU's polynomials, contracted to FMAs, and rsqrt.approx: within 1e-6.
// Roofline    20 products of 32 bits to 64 and 60 other integer operations a counter over 16 bytes
//             written: by count the integers of an H200 take twice as long as its memory. All threads
//             of an item read the same 24 bytes, which stay in L1.
// Limits      pixels start at multiples of 16 bytes; fewer than 2^31 groups
#include "kernels/random/cuda.h"

#include "kernels/device/groups.h"
#include "kernels/device/memory.cuh"
#include "kernels/device/narrow.h"
#include "kernels/device/numeric.cuh"
#include "kernels/random/box_muller.h"
#include "kernels/random/contract.h"

namespace kintsugi::random {
namespace {

template <typename T>
struct RandomNumbers {
  static constexpr unsigned kThreads = 256;
  static constexpr int kMaxRegisters = 56;  // two counters in flight
  static constexpr int kPer = device::Pack<T>::kCount;

  const uint16_t* state;
  T* output;
  int64_t state_pitch;
  int64_t pitch;
  uint32_t groups;
  uint32_t groups_of_pixel;
  uint32_t channels, height, width;
  uint32_t stream;
  uint64_t whole_width;
  bool normal;

  KIN_DEVICE void operator()() const {
    const uint32_t group = blockIdx.x * kThreads + threadIdx.x;
    if (group >= groups) return;
    const uint32_t pixel = group / groups_of_pixel;
    const uint32_t first = group % groups_of_pixel * kPer;
    const uint32_t row = pixel / width;
    const uint32_t item = row / height;
    uint16_t pieces[State::kPieces];
#pragma unroll
    for (int i = 0; i < State::kPieces; ++i) {
      pieces[i] = device::load(state + item * state_pitch + i);
    }
    const State from = State::of(pieces);
    const uint64_t index =
        from.index(row % height, pixel % width, whole_width, (channels + 3) / 4) + first / 4;

    device::Pack<T> pack = {};
#pragma unroll
    for (int i = 0; i < kPer; i += 4) {
      if (first + static_cast<uint32_t>(i) >= channels) break;
      const Words words =
          philox(from.counter(index + static_cast<uint64_t>(i / 4)), from.key(stream));
#pragma unroll
      for (int pair = 0; pair < 4; pair += 2) {
        float low = uniform(words.word[pair]), high = uniform(words.word[pair + 1]);
        if (normal) {
          const float square = minus_two_log(positive_uniform(words.word[pair]));
          // The root; of zero too, of which rsqrt knows nothing.
          const float radius = square * device::rsqrt(square > 1e-30f ? square : 1e-30f);
          const Angle at = angle(words.word[pair + 1]);
          low = radius * at.cosine;
          high = radius * at.sine;
        }
        const uint32_t channel = first + static_cast<uint32_t>(i + pair);
        if (channel < channels) pack.x[i + pair] = device::from_float<T>(low);
        if (channel + 1 < channels) pack.x[i + pair + 1] = device::from_float<T>(high);
      }
    }
    device::store_pack(output + pixel * pitch + first, pack);
  }
};

}  // namespace

template <class T>
void cuda(const Desc& desc, const Args<T>& args, device::Stream& stream) {
  using Kernel = RandomNumbers<T>;
  const Shape& out = args.output.shape;
  if (!(output_shape(desc, args.state.shape) == out)) {
    throw Error(ErrorCode::internal, "random on CUDA: an output does not fit");
  }
  device::check_aligned("random", args.output);
  const device::Groups groups = device::groups_of<T>("random", out);
  device::launch(
      stream, groups.grid(Kernel::kThreads),
      Kernel{.state = args.state.data,
             .output = args.output.data,
             .state_pitch = args.state.pitch,
             .pitch = args.output.pitch,
             .groups = groups.all,
             .groups_of_pixel = groups.of_pixel,
             .channels = static_cast<uint32_t>(device::narrow_int("random", out.c(), "channels")),
             .height = static_cast<uint32_t>(out.h()),
             .width = static_cast<uint32_t>(out.w()),
             .stream = desc.stream,
             .whole_width = static_cast<uint64_t>(whole_width(desc)),
             .normal = desc.distribution == Distribution::normal});
}

template void cuda(const Desc&, const Args<float>&, device::Stream&);
template void cuda(const Desc&, const Args<f16>&, device::Stream&);
template void cuda(const Desc&, const Args<bf16>&, device::Stream&);

void Op::cuda(const Desc& desc, const Config&, const Call& call, device::Stream& stream) {
  with_cuda_type(call.dtype, [&]<class T>(T) { random::cuda(desc, bind<T>(desc, call), stream); });
}

}  // namespace kintsugi::random
