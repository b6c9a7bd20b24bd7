// SPDX-License-Identifier: MIT
//
// make_plan: a plan within a number of bytes. In Winograd's form a convolution has filters that are four
// times as large, and scratch; it may also read through steps that would be computed by themselves
// before the direct form. Layers are ordered by the work that the form saves for its bytes, and bisected;
// every plan is made and looked at, since the arena need not shrink with each layer that leaves the form.
#include <algorithm>
#include <limits>
#include <map>
#include <ranges>

#include "runtime/io/text.h"
#include "runtime/session/impl.h"

namespace kintsugi::session {
namespace {

/// The convolutions of a plan that read the same filters.
struct Use {
  int64_t packed = 0;  // bytes of the filters, in every order that is read
  int64_t alive = 0;   // most bytes of the arena that are alive at one of the steps
  int64_t flops = 0;
  bool winograd = false;
};

const std::string& name_of(const plan::Plan& plan, const plan::Packed& packed) {
  return plan.constants[static_cast<size_t>(packed.constant.index)].name;
}

/// By the name of the filters.
std::map<std::string, Use> uses_of(const plan::Plan& plan) {
  std::vector<int64_t> alive(plan.steps.size());
  for (const plan::Slot& slot : plan.slots) {
    if (slot.state) continue;
    const int last = std::min(slot.last, static_cast<int>(alive.size()) - 1);
    for (int i = std::max(slot.first, 0); i <= last; ++i) {
      alive[static_cast<size_t>(i)] += slot.bytes;
    }
  }
  std::map<std::string, Use> uses;
  for (const plan::Packed& packed : plan.packed) {
    uses[name_of(plan, packed)].packed += packed.bytes;
  }
  for (size_t i = 0; i < plan.steps.size(); ++i) {
    const plan::PlanStep& step = plan.steps[i];
    if (step.weights.empty()) continue;
    Use& use = uses[name_of(plan, plan.packed[static_cast<size_t>(step.weights[0])])];
    use.alive = std::max(use.alive, alive[i]);
    use.flops += step.flops;
    use.winograd = use.winograd || step.work.loses_a_digit();
  }
  return uses;
}

/// Filters that a plan has in Winograd's form.
struct Layer {
  std::string filters;
  int64_t packed = 0;  // bytes more than in the direct form
  int64_t alive = 0;   // as in Use
  int64_t bytes = 0;   // that the form costs, with the layer's share of the arena
  int64_t flops = 0;   // of which the form saves about three quarters, in every layer

  /// Less for those that leave the form first; those that cost nothing are the last.
  [[nodiscard]] double usefulness() const {
    return bytes > 0 ? static_cast<double>(flops) / static_cast<double>(bytes)
                     : std::numeric_limits<double>::infinity();
  }
};

/// What the arena is larger than `least` by is shared among the layers that need it: every part of it in
/// equal shares by those that reach so far.
void share_arena(std::vector<Layer>& layers, int64_t least) {
  std::ranges::stable_sort(layers, {}, &Layer::alive);
  int64_t share = 0;
  for (size_t i = 0; i < layers.size(); ++i) {
    const int64_t more = std::max<int64_t>(layers[i].alive - least, 0);
    share += more / static_cast<int64_t>(layers.size() - i);
    least += more;
    layers[i].bytes += share;
  }
}

/// In the order in which they leave the form. `all` has every layer in it that it pays for, `none` not one.
std::vector<Layer> layers_of(const plan::Plan& all, const plan::Plan& none) {
  std::map<std::string, Use> direct = uses_of(none);
  std::vector<Layer> layers;
  for (const auto& [filters, use] : uses_of(all)) {
    if (!use.winograd) continue;
    const int64_t packed = use.packed - direct[filters].packed;
    // By what its direct form alone would make the arena larger: steps before it store a value then.
    const int64_t saved = std::max<int64_t>(direct[filters].alive - all.arena_bytes, 0);
    layers.push_back({filters, packed, use.alive, packed - saved, use.flops});
  }
  share_arena(layers, none.arena_bytes);
  std::ranges::stable_sort(layers, {}, &Layer::usefulness);
  return layers;
}

class Search {
 public:
  Search(const graph::Graph& graph, const plan::Options& options, int64_t limit,
         const plan::Plan& all)
      : graph_(graph), options_(options), limit_(limit) {
    plan::Options direct = options;
    direct.passes.winograd = false;
    none_ = plan::make(graph, direct);
    layers_ = layers_of(all, none_);
    least_arena_ = std::min(all.arena_bytes, none_.arena_bytes);
  }

  plan::Plan run() {
    const auto costly = static_cast<size_t>(
        std::ranges::count_if(layers_, [](const Layer& layer) { return layer.bytes > 0; }));
    size_t exceeds = 0, fits = costly;  // so many layers direct
    plan::Plan best = without_first(fits);
    if (!within(best)) {
      exceeds = costly;
      fits = layers_.size();
      if (!within(none_)) refuse(std::min(best.peak_bytes(), none_.peak_bytes()));
      best = none_;
    }
    while (fits - exceeds > 1) {
      const size_t middle = exceeds + (fits - exceeds) / 2;
      plan::Plan plan = without_first(middle);
      if (within(plan)) {
        best = std::move(plan);
        fits = middle;
      } else {
        exceeds = middle;
      }
    }
    return with_more(std::move(best), fits);
  }

 private:
  [[nodiscard]] bool within(const plan::Plan& plan) const { return plan.peak_bytes() <= limit_; }

  [[noreturn]] void refuse(int64_t needed) const {
    throw Error(ErrorCode::out_of_memory,
                "the plan needs " + readable_bytes(needed) + ", more than the " +
                    readable_bytes(limit_) + " allowed",
                "raise max_memory, or scale the picture down with max_side");
  }

  [[nodiscard]] plan::Plan with_direct(const std::set<std::string>& filters) {
    options_.direct = filters;
    plan::Plan plan = plan::make(graph_, options_);
    least_arena_ = std::min(least_arena_, plan.arena_bytes);
    return plan;
  }
  [[nodiscard]] std::set<std::string> first(size_t count) const {
    std::set<std::string> filters;
    for (const Layer& layer : layers_ | std::views::take(count)) filters.insert(layer.filters);
    return filters;
  }
  [[nodiscard]] plan::Plan without_first(size_t count) {
    return count == layers_.size() ? none_ : with_direct(first(count));
  }

  /// Layers of the `count` that are direct go back into Winograd's form where there is room for them: what
  /// made the plan fit may have been one with much scratch, or with many filters.
  plan::Plan with_more(plan::Plan best, size_t count) {
    std::set<std::string> direct = first(count);
    // Without the last of them the plan is known to exceed the limit.
    for (const Layer& layer :
         layers_ | std::views::take(count) | std::views::reverse | std::views::drop(1)) {
      const int64_t least = best.packed_bytes + layer.packed + best.state_bytes + least_arena_;
      if (least > limit_) continue;
      direct.erase(layer.filters);
      plan::Plan plan = with_direct(direct);
      if (within(plan)) {
        best = std::move(plan);
      } else {
        direct.insert(layer.filters);
      }
    }
    return best;
  }

  const graph::Graph& graph_;
  plan::Options options_;
  int64_t limit_;
  plan::Plan none_;  // every convolution direct
  std::vector<Layer> layers_;
  int64_t least_arena_ = 0;  // of the plans so far
};

}  // namespace

plan::Plan make_plan(const graph::Graph& graph, plan::Options options, int64_t limit) {
  plan::Plan plan = plan::make(graph, options);
  if (limit <= 0 || plan.peak_bytes() <= limit) return plan;
  return Search(graph, options, limit, plan).run();
}

}  // namespace kintsugi::session
