// SPDX-License-Identifier: MIT
//
// PackedStore holds a model's weights in the order kernels read them: one copy per tensor,
// configuration and GPU, shared by every plan and session of the model, gone when the last of them is.
// It evaluates what a plan's formulas ask for, in double, and rounds once.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "runtime/execute/memory.h"
#include "runtime/plan/plan.h"

namespace kintsugi::execute {

using PackedWeights = std::vector<std::shared_ptr<const Buffer>>;  // in the order of Plan::packed

/// The values of a stored constant.
using ReadConstant = std::function<std::vector<double>(const graph::Constant&)>;

class PackedStore {
 public:
  explicit PackedStore(ReadConstant read) : read_(std::move(read)) {}

  /// Everything `plan` reads; packs what is not there yet. For a plan of a GPU it stands on number
  /// `gpu`, and is there when this returns.
  [[nodiscard]] PackedWeights pack(const plan::Plan& plan, int gpu = 0);
  /// Counts the copies that are alive on a GPU, or on the host.
  [[nodiscard]] const Meter& meter(std::optional<int> gpu = {}) { return *meter_of(gpu); }

 private:
  ReadConstant read_;
  std::shared_ptr<Meter> meter_of(std::optional<int> gpu);

  std::mutex meters_mutex_;
  std::map<std::optional<int>, std::shared_ptr<Meter>> meters_;
  std::mutex mutex_;
  std::map<std::string, std::weak_ptr<const Buffer>> copies_;
};

}  // namespace kintsugi::execute
