// SPDX-License-Identifier: MIT
#include "kernels/simd/probe.h"

#include "kernels/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/simd/probe.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace kintsugi::simd {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// `rounds` times twelve independent multiply-adds: enough to fill two units of latency four to
/// six, few enough for sixteen registers. Returns FLOP; `out` keeps the sums alive.
double multiply_add(int64_t rounds, float* out) {
  constexpr int kChains = 12;
  const hn::ScalableTag<float> d;
  using V = hn::Vec<decltype(d)>;
  const V factor = hn::Set(d, 0.999f), addend = hn::Set(d, 0.001f);
  V sum[kChains];
#pragma GCC unroll 16
  for (int i = 0; i < kChains; ++i) sum[i] = hn::Set(d, static_cast<float>(i));
  for (int64_t r = 0; r < rounds; ++r) {
#pragma GCC unroll 16
    for (int i = 0; i < kChains; ++i) sum[i] = hn::MulAdd(sum[i], factor, addend);
  }
  V total = sum[0];
#pragma GCC unroll 16
  for (int i = 1; i < kChains; ++i) total = hn::Add(total, sum[i]);
  *out += hn::GetLane(total);
  return 2.0 * kChains * static_cast<double>(hn::Lanes(d)) * static_cast<double>(rounds);
}

}  // namespace HWY_NAMESPACE
}  // namespace kintsugi::simd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <algorithm>
#include <atomic>
#include <chrono>
#include <vector>

namespace kintsugi::simd {
namespace {

using Probe = double(int64_t, float*);
using Clock = std::chrono::steady_clock;

Probe* probe(Isa isa) { KINTSUGI_SELECT(isa, multiply_add); }

double since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace

double fma_peak(Parallel& parallel, Isa isa, double seconds) {
  Probe* const multiply_add = probe(isa);
  const int64_t tasks = 32 * parallel.threads();
  std::vector<double> flops(static_cast<size_t>(tasks));
  std::atomic<float> sink{0};
  double total = 0;
  const Clock::time_point start = Clock::now();
  do {
    parallel.parallel_for(tasks, [&](int64_t task) {
      float out = 0;
      flops[static_cast<size_t>(task)] = multiply_add(10000, &out);
      sink.store(out, std::memory_order_relaxed);
    });
    for (const double part : flops) total += part;
  } while (since(start) < seconds);
  return total / since(start) * 1e-9;
}

double copy_bandwidth(Parallel& parallel, int64_t size_bytes, double seconds) {
  constexpr int64_t kPiece = int64_t{1} << 18;  // elements: 1 MiB
  const int64_t pieces = std::max<int64_t>(1, size_bytes / 4 / kPiece);
  const std::vector<float> source(static_cast<size_t>(pieces * kPiece), 1.0f);
  std::vector<float> target(source.size());
  const auto copy = [&] {
    parallel.parallel_for(pieces, [&](int64_t piece) {
      std::copy_n(source.data() + piece * kPiece, kPiece, target.data() + piece * kPiece);
    });
  };
  copy();  // the first touch of a page is not a copy
  double moved_bytes = 0;
  const Clock::time_point start = Clock::now();
  do {
    copy();
    moved_bytes += 8.0 * static_cast<double>(source.size());
  } while (since(start) < seconds);
  return moved_bytes / since(start) * 1e-9;
}

}  // namespace kintsugi::simd
#endif
