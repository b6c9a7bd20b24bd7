// SPDX-License-Identifier: MIT
//
// An op in the host's memory, by the CPU's kernels: each value at a cache line, as a plan places them.
#pragma once

#include <cstddef>
#include <vector>

#include "benchmarks/chain.h"
#include "kernels/simd/isa.h"

namespace kintsugi::bench {

class HostChain {
 public:
  HostChain(const AnyOp& op, const Shapes& inputs, int threads)
      : chain_({op}, inputs,
               {.kernels = KernelSet::cpu, .isa = simd::chosen(), .threads = threads}) {
    std::vector<int64_t> offsets;
    int64_t end = kCacheLine;
    for (const Value& value : chain_.values()) {
      offsets.push_back(end);
      end += round_up(value.bytes(), kCacheLine);
    }
    memory_.resize(static_cast<size_t>(end));
    std::byte* line = memory_.data() - reinterpret_cast<uintptr_t>(memory_.data()) % kCacheLine;
    for (const int64_t offset : offsets) {
      places_.push_back(line + offset);
      chain_.write(places_.size() - 1, places_.back());
    }
    calls_ = chain_.bind(places_);
  }

  [[nodiscard]] const Chain& chain() const { return chain_; }
  [[nodiscard]] const OpCall& call() const { return chain_.calls()[0]; }
  [[nodiscard]] std::byte* place(size_t value) const { return places_[value]; }
  /// Other numbers for a value: [N, H, W, C], or as PyTorch stores a weight.
  void write(size_t value, const std::vector<float>& numbers) {
    chain_.write(value, numbers, places_[value]);
  }
  void run(Parallel& parallel) const {
    for (const Bound& call : calls_) call.work.cpu(call.call(), parallel);
  }

 private:
  static constexpr int64_t kCacheLine = 64;
  Chain chain_;
  std::vector<std::byte> memory_;
  std::vector<std::byte*> places_;
  std::vector<Bound> calls_;
};

}  // namespace kintsugi::bench
