// SPDX-License-Identifier: MIT
//
// A layer in one type, measured: our kernels, the baselines, the bytes that the emulator counted, and
// whether all of them computed the same. And the two ceilings of the device. Results are JSON, as
// docs/benchmarking.md describes them; shares of the ceilings come last, when both are known.
#pragma once

#include <nlohmann/json.hpp>

#include "benchmarks/gpu/baseline.h"
#include "benchmarks/gpu/problem.h"

namespace kintsugi::gpu_bench {

using Json = nlohmann::ordered_json;

class Meter {
 public:
  explicit Meter(const Effort& effort) : effort_(effort), stream_(device::make_stream()) {}

  /// One row of the report. A kernel that refuses the layer is a sentence in it.
  [[nodiscard]] Json row(const Layer& layer, Type type);
  /// {"copy": ..., "product": {type: ...}}: bytes and multiply-adds a second, null where unmeasured.
  [[nodiscard]] Json ceilings();
  /// Whether every baseline agreed and every count was the contract's.
  [[nodiscard]] bool all_right() const { return all_right_; }

 private:
  Json contender(const std::string& name, const std::string& how, const Runnable& runnable,
                 const std::function<void(const std::vector<Buffer>&, Json&)>& after);
  Json count(const Problem& problem, const std::vector<Buffer>& buffers);

  Effort effort_;
  device::Handle<device::Stream> stream_;
  bool all_right_ = true;
};

/// Fills in of_product and of_copy of every timing, by the ceilings; where no library measured the
/// product's, the fastest row of that type is the ceiling.
void add_shares(Json& report);

}  // namespace kintsugi::gpu_bench
