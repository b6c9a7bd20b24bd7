// SPDX-License-Identifier: MIT
#include "tests/emulator/conformance.h"

#include <array>

#include "kernels/device/async_copy.cuh"
#include "kernels/device/memory.cuh"
#include "kernels/device/mma.cuh"
#include "kernels/device/numeric.cuh"
#include "kernels/device/reduce.cuh"
#include "kernels/device/sync.cuh"

namespace kintsugi::conformance {

namespace {

using device::FragmentA;
using device::FragmentB;
using device::FragmentC;

struct alignas(1024) Arena {
  uint32_t word[kWords];
};

/// One lane's view: 16 words in, 16 words out, and the block's 2 KB.
struct Lane {
  const uint32_t* in;
  uint32_t* out;
  uint32_t* shared;  // all of it
  int lane;

  KIN_DEVICE uint32_t operator[](int i) const {
    return device::load(&in[lane * kWordsPerLane + i]);
  }
  /// A number of less than 2, whatever the bits.
  KIN_DEVICE float small(int i) const {
    return __builtin_bit_cast(float, (*this)[i] & 0xbfffffffu);
  }
  KIN_DEVICE void put(int i, uint32_t word) const {
    device::store(&out[lane * kWordsPerLane + i], word);
  }
  KIN_DEVICE void put(int i, float value) const { put(i, __builtin_bit_cast(uint32_t, value)); }
  /// The input, in shared memory, for all to read.
  KIN_DEVICE void share() const {
    for (int i = 0; i < kWordsPerLane; ++i) shared[lane * kWordsPerLane + i] = (*this)[i];
    device::syncwarp();
  }
  /// Row `row` of 16 bytes of the shared words.
  KIN_DEVICE const void* row(int row) const { return &shared[4 * row]; }
};

/// A kernel of one warp that calls Body::run(lane).
template <typename Body>
struct One {
  static constexpr unsigned kThreads = 32;
  using Shared = Arena;
  const uint32_t* in;
  uint32_t* out;

  KIN_DEVICE void operator()() const {
    Body::run(Lane{in, out, device::shared<One>().word, device::lane()});
  }
};

// clang-format off
struct Shfl { KIN_DEVICE static void run(const Lane& l) { l.put(0, device::shfl(l[0], static_cast<int>(l[1] % 32))); } };
struct ShflXor { KIN_DEVICE static void run(const Lane& l) { for (int i = 0; i < 5; ++i) l.put(i, device::shfl_xor(l[i], 1 << i)); } };
struct ShflUp { KIN_DEVICE static void run(const Lane& l) { for (int i = 0; i < 5; ++i) l.put(i, device::shfl_up(l[i], 1 << i)); } };
struct ShflDown { KIN_DEVICE static void run(const Lane& l) { for (int i = 0; i < 5; ++i) l.put(i, device::shfl_down(l[i], 1 << i)); } };
struct Ballot { KIN_DEVICE static void run(const Lane& l) { l.put(0, device::ballot((l[0] & 1u) != 0)); } };
struct AnyAll { KIN_DEVICE static void run(const Lane& l) {
  for (int i = 0; i < 8; ++i) l.put(i, (device::any(l[i] % 40 == 0) ? 1u : 0u) + (device::all(l[i] % 40 != 0) ? 2u : 0u));
} };
struct ReduceAdd { KIN_DEVICE static void run(const Lane& l) { l.put(0, device::reduce_add(l[0])); } };
struct ReduceMax { KIN_DEVICE static void run(const Lane& l) { l.put(0, device::reduce_max(l[0])); } };
// clang-format on

/// Lane i copies kBytes with 0 to kBytes valid ones, from reversed lanes.
template <int kBytes>
struct CpAsync {
  KIN_DEVICE static void run(const Lane& l) {
    uint32_t* to = &l.shared[l.lane * (kBytes / 4)];
    const uint32_t* from = &l.in[(31 - l.lane) * kWordsPerLane];
    device::cp_async<kBytes>(to, from, l.lane % (kBytes + 1));
    device::cp_async_commit();
    device::cp_async_wait<0>();
    device::syncwarp();
    for (int i = 0; i < kBytes / 4; ++i) l.put(i, to[i]);
  }
};

template <int kMatrices, bool kTransposed>
struct Ldmatrix {
  KIN_DEVICE static void run(const Lane& l) {
    l.share();
    uint32_t reg[kMatrices];
    const void* row = l.row((l.lane * 37 + 5) % 128);
    if constexpr (kMatrices == 1) {
      kTransposed ? device::ldmatrix_x1_trans(reg, row) : device::ldmatrix_x1(reg, row);
    } else if constexpr (kMatrices == 2) {
      kTransposed ? device::ldmatrix_x2_trans(reg, row) : device::ldmatrix_x2(reg, row);
    } else {
      kTransposed ? device::ldmatrix_x4_trans(reg, row) : device::ldmatrix_x4(reg, row);
    }
    for (int i = 0; i < kMatrices; ++i) l.put(i, reg[i]);
  }
};

template <typename T>
struct Mma {
  KIN_DEVICE static void run(const Lane& l) {
    // Clears the upper bit of every exponent: numbers of less than 2.
    constexpr uint32_t kSmall = sizeof(T) == 4 ? 0xbfffffffu : 0xbfffbfffu;
    FragmentA<T> a;
    FragmentB<T> b;
    FragmentC c;
    for (int i = 0; i < 4; ++i) a.reg[i] = l[i] & kSmall;
    for (int i = 0; i < 2; ++i) b.reg[i] = l[4 + i] & kSmall;
    for (int i = 0; i < 4; ++i) c.x[i] = l.small(6 + i);
    device::mma(c, a, b);
    for (int i = 0; i < 4; ++i) l.put(i, c.x[i]);
  }
};

struct Packs {
  KIN_DEVICE static void run(const Lane& l) {
    const auto pack = device::load_pack(&l.in[(31 - l.lane) * kWordsPerLane]);
    device::store_shared(&l.shared[4 * (l.lane ^ 5)], pack);
    device::syncwarp();
    device::store_pack(&l.out[l.lane * kWordsPerLane], device::load_shared(&l.shared[4 * l.lane]));
  }
};

struct Atomics {
  KIN_DEVICE static void run(const Lane& l) {
    device::atomic_add(&l.out[0], l[0]);
    device::atomic_max(&l.out[1], l[1]);
    device::atomic_min(reinterpret_cast<int32_t*>(&l.out[2]), static_cast<int32_t>(l[2]));
    if (device::atomic_compare_exchange(&l.out[3], 0u, 7u) == 0u) device::atomic_add(&l.out[4], 1u);
    device::syncwarp();
    if (l.lane == 3) device::atomic_exchange(&l.out[5], 9u);
    if (l.lane == 3) device::store_release(&l.out[6], device::load_acquire(&l.out[5]) + 1);
  }
};

struct Conversions {
  KIN_DEVICE static void run(const Lane& l) {
    for (int i = 0; i < 4; ++i) {
      const uint32_t any = l[i];
      const float value = __builtin_bit_cast(float, any);
      // Exponents near those of f16, so that its subnormals and infinities occur.
      const float near = __builtin_bit_cast(float, (any & 0x8fffffffu) | 0x30000000u);
      l.put(3 * i, device::from_float<f16>(near).bits |
                       uint32_t{device::from_float<bf16>(value).bits} << 16);
      l.put(3 * i + 1, device::pack2<f16>(near, value));
      l.put(3 * i + 2, device::pack2<bf16>(near, value));
    }
  }
};

struct Widening {
  KIN_DEVICE static void run(const Lane& l) {
    for (int i = 0; i < 8; ++i) {
      const auto bits = static_cast<uint16_t>(l[i]);
      const bool nan = (bits & 0x7c00u) == 0x7c00u;  // whose payload is the machine's affair
      l.put(2 * i, device::to_float(f16{nan ? uint16_t{0x7c00} : bits}));
      l.put(2 * i + 1, device::to_float(bf16{bits}));
    }
  }
};

struct ToTf32 {
  KIN_DEVICE static void run(const Lane& l) {
    for (int i = 0; i < 8; ++i) l.put(i, device::to_tf32(l.small(i)).bits & ~0x1fffu);
  }
};

struct Functions {
  KIN_DEVICE static void run(const Lane& l) {
    for (int i = 0; i < 4; ++i) {
      const float x = l.small(i);
      const float positive = 0.5f + x * x;
      l.put(4 * i, device::exp2(x));
      l.put(4 * i + 1, device::rcp(positive));
      l.put(4 * i + 2, device::rsqrt(positive));
      l.put(4 * i + 3, device::fma(x, positive, l.small(i + 4)));
    }
  }
};

/// Warp 0 writes, the other reads, across a named barrier that warp 0 does not wait at.
struct NamedBarrier {
  static constexpr unsigned kThreads = 64;
  using Shared = Arena;
  const uint32_t* in;
  uint32_t* out;

  KIN_DEVICE void operator()() const {
    auto& word = device::shared<NamedBarrier>().word;
    const int t = static_cast<int>(threadIdx.x);
    if (t < 32) {
      word[t] = device::load(&in[t]);
      device::fence_block();
      device::barrier_arrive(3, 64);
    } else {
      device::barrier_sync(3, 64);
      device::store(&out[t], word[t ^ 63]);
    }
    device::syncthreads();
  }
};
void named_barrier(device::Stream& stream, const uint32_t* in, uint32_t* out) {
  device::launch(stream, {}, NamedBarrier{.in = in, .out = out});
}

template <typename Body>
void run_one(device::Stream& stream, const uint32_t* in, uint32_t* out) {
  device::launch(stream, {}, One<Body>{.in = in, .out = out});
}

}  // namespace

std::span<const Case> cases() {
  static constexpr std::array kCases = {
      Case{"named_barrier", 0, named_barrier},
      Case{"shfl", 0, run_one<Shfl>},
      Case{"shfl_xor", 0, run_one<ShflXor>},
      Case{"shfl_up", 0, run_one<ShflUp>},
      Case{"shfl_down", 0, run_one<ShflDown>},
      Case{"ballot", 0, run_one<Ballot>},
      Case{"any_all", 0, run_one<AnyAll>},
      Case{"reduce_add", 0, run_one<ReduceAdd>},
      Case{"reduce_max", 0, run_one<ReduceMax>},
      Case{"cp_async_4", 0, run_one<CpAsync<4>>},
      Case{"cp_async_8", 0, run_one<CpAsync<8>>},
      Case{"cp_async_16", 0, run_one<CpAsync<16>>},
      Case{"ldmatrix_x1", 0, run_one<Ldmatrix<1, false>>},
      Case{"ldmatrix_x2", 0, run_one<Ldmatrix<2, false>>},
      Case{"ldmatrix_x4", 0, run_one<Ldmatrix<4, false>>},
      Case{"ldmatrix_x1_trans", 0, run_one<Ldmatrix<1, true>>},
      Case{"ldmatrix_x2_trans", 0, run_one<Ldmatrix<2, true>>},
      Case{"ldmatrix_x4_trans", 0, run_one<Ldmatrix<4, true>>},
      Case{"mma_f16", 1e-5f, run_one<Mma<f16>>},
      Case{"mma_bf16", 1e-5f, run_one<Mma<bf16>>},
      Case{"mma_tf32", 1e-5f, run_one<Mma<device::tf32>>},
      Case{"packs", 0, run_one<Packs>},
      Case{"atomics", 0, run_one<Atomics>},
      Case{"conversions", 0, run_one<Conversions>},
      Case{"widening", 0, run_one<Widening>},
      Case{"to_tf32", 0, run_one<ToTf32>},
      Case{"functions", 1e-6f, run_one<Functions>},
  };
  return kCases;
}

}  // namespace kintsugi::conformance
