// SPDX-License-Identifier: MIT
//
// PackedStore holds a model's weights in the order kernels read them: one copy per tensor,
// configuration and GPU, shared by every plan and session of the model, gone when the last of them is.
// Stored weights go from the file straight to the packed order, some rows on each thread; what a plan's
// formulas ask for is evaluated in double and rounded once. Sessions that need one copy at the same time
// pack it once, and different ones beside each other.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "kernels/simd/parallel.h"
#include "runtime/execute/memory.h"
#include "runtime/plan/plan.h"

namespace kintsugi::execute {

using PackedWeights = std::vector<std::shared_ptr<const Buffer>>;  // in the order of Plan::packed

/// Reads the elements of a stored constant from `first` on, as many as the span holds; several threads at
/// once.
using ReadConstant =
    std::function<void(const graph::Constant&, int64_t first, std::span<double> out)>;

class PackedStore {
 public:
  explicit PackedStore(ReadConstant read) : read_(std::move(read)) {}

  /// Everything `plan` reads; packs what is not there yet, on the threads of `parallel`. For a plan of a
  /// GPU it stands on number `gpu`, and is there when this returns.
  [[nodiscard]] PackedWeights pack(const plan::Plan& plan, Parallel& parallel, int gpu = 0);
  /// Counts the copies that are alive on a GPU, or on the host.
  [[nodiscard]] const Meter& meter(std::optional<int> gpu = {}) { return *meter_of(gpu); }

 private:
  struct Copy {
    std::mutex mutex;  // of whoever packs it
    std::weak_ptr<const Buffer> buffer;
  };
  std::shared_ptr<Meter> meter_of(std::optional<int> gpu);
  std::shared_ptr<Copy> copy_of(const std::string& identity);

  ReadConstant read_;
  std::mutex mutex_;  // of the maps
  std::map<std::optional<int>, std::shared_ptr<Meter>> meters_;
  std::map<std::string, std::shared_ptr<Copy>> copies_;
};

}  // namespace kintsugi::execute
