// SPDX-License-Identifier: MIT
#include "runtime/session/plan_cache.h"

#include <string_view>
#include <unordered_set>

namespace kintsugi::session {
namespace {

// An instantiated graph holds a node and its arguments for each kernel; assumed, not measured.
constexpr int64_t kGraphBytesOfStep = 16 << 10;
// Description and configuration of a step, behind pointers that plans do not share.
constexpr int64_t kWorkBytes = 512;

template <class T>
int64_t bytes_of(const std::vector<T>& list) {
  return static_cast<int64_t>(list.size() * sizeof(T));
}

int64_t bytes_of(const std::string& text) { return static_cast<int64_t>(text.size()); }

std::string_view constant_of(const plan::Plan& plan, const plan::Packed& packed) {
  return plan.constants[static_cast<size_t>(packed.constant.index)].name;
}

/// What the plans that stay hold.
struct Held {
  std::unordered_set<std::string_view> orders;     // identities
  std::unordered_set<std::string_view> constants;  // names

  /// Bytes of constants that are held already, in another order.
  [[nodiscard]] int64_t copies(const plan::Plan& plan) const {
    int64_t bytes = 0;
    for (const plan::Packed& packed : plan.packed) {
      const bool is_copy =
          !orders.contains(packed.identity) && constants.contains(constant_of(plan, packed));
      if (is_copy) bytes += packed.bytes;
    }
    return bytes;
  }
  void add(const plan::Plan& plan) {
    for (const plan::Packed& packed : plan.packed) {
      orders.insert(packed.identity);
      constants.insert(constant_of(plan, packed));
    }
  }
};

}  // namespace

int64_t list_bytes(const plan::Plan& plan) {
  const int64_t of_step = kWorkBytes + (plan.backend == plan::Backend::gpu ? kGraphBytesOfStep : 0);
  int64_t bytes = bytes_of(plan.steps) + bytes_of(plan.slots) + bytes_of(plan.packed) +
                  bytes_of(plan.constants) + bytes_of(plan.states);
  for (const plan::PlanStep& step : plan.steps) {
    bytes += of_step + bytes_of(step.inputs) + bytes_of(step.outputs) + bytes_of(step.operands) +
             bytes_of(step.weights) + bytes_of(step.names);
    for (const std::string& name : step.names) bytes += bytes_of(name);
  }
  for (const plan::Packed& packed : plan.packed) bytes += kWorkBytes + bytes_of(packed.identity);
  for (const graph::Constant& constant : plan.constants) {
    bytes += bytes_of(constant.name) + bytes_of(constant.sources);
  }
  return bytes;
}

std::vector<size_t> to_give_back(std::span<const plan::Plan* const> plans,
                                 const CacheBounds& bounds) {
  std::vector<size_t> back;
  Held held;
  int64_t lists = 0, copies = 0;
  for (size_t i = 0; i < plans.size(); ++i) {
    const plan::Plan& plan = *plans[i];
    const int64_t more_lists = list_bytes(plan), more_copies = held.copies(plan);
    if (i > 0 && (lists + more_lists > bounds.lists || copies + more_copies > bounds.copies)) {
      back.push_back(i);
      continue;
    }
    lists += more_lists;
    copies += more_copies;
    held.add(plan);
  }
  return back;
}

}  // namespace kintsugi::session
