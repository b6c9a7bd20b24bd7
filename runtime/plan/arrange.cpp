// SPDX-License-Identifier: MIT
//
// arrange: values that stand in one slot. A concatenation costs nothing where its inputs are computed at
// their channels of it, a slice where it can be a view, a state where it is written in place. Rules:
//
//   - Channels begin at whole groups of 16 bytes, which is what kernels load and store.
//   - A value stands in one slot. A concatenation that begins as another one does shares its slot, so
//     that a dense block is one slot and some prefixes of it.
//   - What cannot be computed in its place is copied there: inputs, states, what stands elsewhere
//     already. Where no input can, the concatenation stays a call.
//   - A write of a state goes behind the last read of it: in place where the value is computed behind
//     it, else a copy at the end. A read that is needed at the end, of an entry that is written, is
//     copied first.
#include <algorithm>
#include <utility>

#include "kernels/copy/copy.h"
#include "runtime/plan/plan.h"

namespace kintsugi::plan {
namespace {

using graph::Graph;
using graph::Node;
using graph::Value;

class Arranger {
 public:
  Arranger(Graph& graph, const Options& options)
      : graph_(graph),
        places_(options.passes.layout && !options.keep_all),
        storage_(storage_type(options)),
        granule_(granule(storage_)) {}

  Arranged run() {
    declare_states();
    const std::vector<Value> kept = kept_reads();
    std::vector<bool> ends(graph_.nodes.size(), false);
    for (const graph::Port& port : graph_.outputs)
      ends[static_cast<size_t>(port.value.node)] = true;
    std::vector<std::pair<Value, Value>> copies;  // of reads that a write changes
    graph::rebuild(graph_, [&](Node node, size_t i) {
      const bool may_join = places_ && is(node, Arrangement::Kind::joined);
      const Region joined = may_join ? join(node, ends[i]) : Region{};
      const Value value = add(std::move(node), ends[i]);
      if (joined.slot >= 0) {
        region(value) = joined;
        out_.called.back() = false;
      } else if (places_ && !ends[i] && is(graph_.node(value), Arrangement::Kind::sliced)) {
        slice(value);
      }
      for (const Value read : kept) {
        if (read.node != static_cast<int32_t>(i)) continue;
        copies.emplace_back(value, add(copy_of(value), false));
      }
      return value;
    });
    graph::rewrite_ends(graph_, [&](Value v) {
      const auto copy = std::ranges::find(copies, v, &std::pair<Value, Value>::first);
      return copy != copies.end() ? copy->second : v;
    });
    for (const graph::Write& write : graph_.writes) this->write(write);
    return std::move(out_);
  }

 private:
  /// What is known of an entry of Arranged::shared beside it.
  struct Filled {
    int64_t channels = 0;  // that values stand in, from the first on
    bool closed = false;   // nothing may be added
  };

  static bool is(const Node& node, Arrangement::Kind kind) {
    return node.op() != nullptr && node.op()->arrangement().kind == kind;
  }
  Region& region(Value v) {
    return out_.regions[static_cast<size_t>(v.node)][static_cast<size_t>(v.output)];
  }
  [[nodiscard]] DType type(Value v) const {
    return graph_.node(v).types[static_cast<size_t>(v.output)];
  }
  Value add(Node node, bool is_end) {
    const auto* input = std::get_if<graph::Input>(&node.does);
    std::vector<Region> regions(node.shapes.size());
    if (input != nullptr && input->state.index >= 0) {
      regions[0] = {entry(input->state, input->entry), 0};
    }
    out_.regions.push_back(std::move(regions));
    out_.called.push_back(input == nullptr);
    ends_.push_back(is_end);
    return graph_.append(std::move(node));
  }
  int share(const Shape& shape, DType dtype, Filled filled, bool state = false) {
    out_.shared.push_back({shape, dtype, state});
    filled_.push_back(filled);
    return static_cast<int>(out_.shared.size()) - 1;
  }

  void declare_states() {
    for (const graph::State& state : graph_.states) {
      first_entry_.push_back(static_cast<int>(out_.shared.size()));
      const DType dtype = state.exact && size_bytes(storage_) < 4 ? DType::f32 : storage_;
      for (int64_t i = 0; i < state.entries; ++i) {
        share(state.shape, dtype, {state.shape.c(), true}, true);
      }
    }
  }
  [[nodiscard]] int entry(graph::StateId state, int64_t number) const {
    return first_entry_[static_cast<size_t>(state.index)] + static_cast<int>(number);
  }

  [[nodiscard]] Node copy_of(Value value) const {
    const Node& from = graph_.node(value);
    return {.does = copy::Desc{},
            .inputs = {value},
            .names = {from.name() + " copied"},
            .shapes = {graph_.shape(value)},
            .where = from.where,
            .dtype = type(value),
            .types = {type(value)}};
  }

  /// Whether a value can be computed elsewhere than in a slot of its own.
  bool movable(Value v) {
    const Node& node = graph_.node(v);
    return node.op() != nullptr && region(v).slot < 0 && !ends_[static_cast<size_t>(v.node)] &&
           !graph_.is_moments(v);
  }

  /// The region of a concatenation whose inputs all stand in it; slot -1 where it stays a call.
  Region join(Node& node, bool is_end) {
    const Shape& shape = node.shapes[0];
    std::vector<int64_t> begins;
    int64_t channels = 0;
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (channels % granule_ != 0) return {};
      if (std::ranges::count(node.inputs, node.inputs[i]) > 1) return {};
      begins.push_back(channels);
      channels += graph_.shape(node.inputs[i]).c();
    }
    if (const int slot = extend(node, begins, channels, is_end); slot >= 0) return {slot, 0};
    if (std::ranges::none_of(node.inputs, [&](Value v) { return movable(v); })) return {};
    const int slot = share(shape, node.types[0], {channels, is_end});
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      Value& value = node.inputs[i];
      if (!movable(value)) value = add(copy_of(value), false);
      region(value) = {slot, begins[i]};
    }
    return {slot, 0};
  }

  /// The slot that the first input begins, where the others stand in it or can be added; else -1.
  int extend(const Node& node, const std::vector<int64_t>& begins, int64_t channels, bool is_end) {
    const Region first = region(node.inputs[0]);
    if (first.slot < 0 || first.channel != 0) return -1;
    const auto slot = static_cast<size_t>(first.slot);
    const bool grows = channels > filled_[slot].channels;
    if (filled_[slot].closed || (is_end && !grows)) return -1;
    for (size_t i = 1; i < node.inputs.size(); ++i) {
      const Region now = region(node.inputs[i]);
      const bool there = now == Region{first.slot, begins[i]};
      if (!there && (begins[i] < filled_[slot].channels || !movable(node.inputs[i]))) return -1;
    }
    for (size_t i = 1; i < node.inputs.size(); ++i) {
      region(node.inputs[i]) = {first.slot, begins[i]};
    }
    if (grows) {
      Shape& shape = out_.shared[slot].shape;
      shape = {shape.n(), channels, shape.h(), shape.w()};
      filled_[slot].channels = channels;
    }
    filled_[slot].closed = is_end;
    return first.slot;
  }

  /// A view of its input, where it begins and ends with whole groups.
  void slice(Value value) {
    const Node& node = graph_.node(value);
    const Value from = node.inputs[0];
    const int64_t begin = node.op()->arrangement().first_channel;
    const int64_t count = node.shapes[0].c();
    const bool to_end = begin + count == graph_.shape(from).c();
    if (begin % granule_ != 0 || (count % granule_ != 0 && !to_end)) return;
    if (type(value) != type(from)) return;
    Region& base = region(from);
    if (base.slot < 0) {
      const Shape& shape = graph_.shape(from);
      base = {share(shape, type(from), {shape.c(), true}), 0};
    }
    region(value) = {base.slot, base.channel + begin};
    out_.called[static_cast<size_t>(value.node)] = false;
  }

  // ---- States.

  /// Reads of states, and slices of them, that the end of a replay needs and a write changes.
  [[nodiscard]] std::vector<Value> kept_reads() {
    std::vector<Value> kept;
    graph::rewrite_ends(graph_, [&](Value end) {
      Value value = end;
      while (is(graph_.node(value), Arrangement::Kind::sliced))
        value = graph_.node(value).inputs[0];
      const auto* read = std::get_if<graph::Input>(&graph_.node(value).does);
      if (read == nullptr || read->state.index < 0) return end;
      const bool written = std::ranges::any_of(graph_.writes, [&](const graph::Write& w) {
        return w.state == read->state && w.entry == read->entry && !(w.value == value);
      });
      if (written && std::ranges::find(kept, end) == kept.end()) kept.push_back(end);
      return end;
    });
    return kept;
  }

  void write(const graph::Write& write) {
    const int slot = entry(write.state, write.entry);
    if (region(write.value) == Region{slot, 0}) return;  // it holds that already
    bool read_later = false;
    for (size_t i = static_cast<size_t>(write.value.node); i < graph_.nodes.size(); ++i) {
      for (const Value value : graph::reads(graph_.nodes[i])) {
        read_later = read_later || region(value).slot == slot;
      }
    }
    if (movable(write.value) && !read_later) {
      region(write.value) = {slot, 0};
      return;
    }
    region(add(copy_of(write.value), false)) = {slot, 0};
  }

  Graph& graph_;
  bool places_;
  DType storage_;
  int64_t granule_;
  Arranged out_;
  std::vector<Filled> filled_;    // of out_.shared
  std::vector<bool> ends_;        // by node: an output of the graph
  std::vector<int> first_entry_;  // by state: of its first entry in out_.shared
};

}  // namespace

Arranged arrange(Graph& graph, const Options& options) { return Arranger(graph, options).run(); }

}  // namespace kintsugi::plan
