// SPDX-License-Identifier: MIT
//
// The Call of a plan's step: its values in the memory that is bound, its packed weights. It owns the
// views, not what they show.
#pragma once

#include <vector>

#include "kernels/core/call.h"
#include "runtime/execute/packed_store.h"
#include "runtime/plan/plan.h"

namespace kintsugi::execute {

/// Where a plan's slots are.
struct Bases {
  std::byte* arena = nullptr;
  std::byte* states = nullptr;

  [[nodiscard]] std::byte* begin(const plan::Slot& slot) const {
    return (slot.state ? states : arena) + slot.offset;
  }
  [[nodiscard]] AnyView view(const plan::Plan& plan, const plan::Placed& value) const {
    const plan::Slot& slot = plan.slot(value);
    return {begin(slot) + value.region.channel * size_bytes(slot.dtype), slot.dtype, value.shape,
            slot.pitch};
  }
};

class CallViews {
 public:
  CallViews(const plan::Plan& plan, const plan::PlanStep& step, const Bases& bases,
            const PackedWeights& weights) {
    const auto packed = [&](int index) {
      const plan::Packed& of = plan.packed[static_cast<size_t>(index)];
      return AnyView{weights[static_cast<size_t>(index)]->data(), of.dtype, {of.elements}, 0};
    };
    for (const plan::Placed& value : step.inputs) inputs_.push_back(bases.view(plan, value));
    for (const plan::Placed& value : step.outputs) outputs_.push_back(bases.view(plan, value));
    for (const int index : step.weights) weights_.push_back(packed(index));
    for (const plan::Source& source : step.operands) {
      const auto* value = std::get_if<plan::Placed>(&source);
      operands_.push_back(value != nullptr ? bases.view(plan, *value)
                                           : packed(std::get<int>(source)));
    }
    call_ = {step.dtype, inputs_, weights_, operands_, outputs_};
    if (step.workspace >= 0) {
      const plan::Slot& slot = plan.slots[static_cast<size_t>(step.workspace)];
      call_.workspace = {bases.begin(slot), slot.bytes};
    }
    if (plan.tickets >= 0) {
      const plan::Slot& slot = plan.slots[static_cast<size_t>(plan.tickets)];
      call_.tickets = reinterpret_cast<uint32_t*>(bases.begin(slot));
    }
  }
  CallViews(const CallViews&) = delete;
  CallViews& operator=(const CallViews&) = delete;

  [[nodiscard]] const Call& call() const { return call_; }

 private:
  std::vector<AnyView> inputs_, weights_, operands_, outputs_;
  Call call_;
};

}  // namespace kintsugi::execute
