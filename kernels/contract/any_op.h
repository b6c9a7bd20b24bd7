// SPDX-License-Identifier: MIT
//
// AnyOp is an op with its description, and Work one with its configuration too, for callers that name
// no op: the graph, the planner, the executors. Both are small values; descriptions are immutable and
// shared, and a change makes a copy. Behind them stands one table of functions an op, made from its
// contract (table.h).
#pragma once

#include <memory>

#include "kernels/contract/op.h"

namespace kintsugi {

using AnyPointer = std::shared_ptr<const void>;

/// A contract without its types: `desc` and `config` point at the op's own.
struct OpTable {
  std::string_view name;
  int (*inputs)(const void* desc);
  Shapes (*weights)(const void* desc, ShapeSpan inputs);
  Shapes (*outputs)(const void* desc, ShapeSpan inputs);
  Cost (*cost)(const void* desc, ShapeSpan inputs, int64_t element_bytes);
  Reach (*reach)(const void* desc, ShapeSpan inputs);
  Stored (*reads)(const void* desc, int input);
  Stored (*makes)(const void* desc, int output);
  Arrangement (*arrangement)(const void* desc);
  bool (*in_place)(const void* desc);
  std::string (*describe)(const void* desc);
  bool (*equal)(const void* a, const void* b);
  std::shared_ptr<void> (*copy)(const void* desc);
  Steps* (*steps)(void* desc);
  Prologue* (*prologue)(void* desc);
  bool (*absorb)(void* desc, const Edit& edit, const Target& target);
  AnyPointer (*unfused)(const void* desc);
  AnyPointer (*choose)(const void* desc, ShapeSpan inputs, const Target& target);
  std::string (*describe_config)(const void* config);
  bool (*loses_a_digit)(const void* config);
  Needs (*needs)(const void* desc, const void* config, ShapeSpan inputs, const Target& target);
  int64_t (*moment_tiles)(const void* desc, const void* config, ShapeSpan inputs);
  std::optional<Packing> (*packing)(const void* desc, const void* config, const Target& target);
  void (*pack)(const void* desc, const void* config, const Rows& rows,
               std::span<const float> weight, const AnyView& packed);
  Traffic (*traffic)(const void* desc, const void* config, ShapeSpan inputs, const Target& target);
  void (*reference)(const void* desc, const Call& call, Parallel& parallel);
  void (*cpu)(const void* desc, const void* config, const Call& call, Parallel& parallel);
  AnyPointer (*read)(ShapeSpan inputs, Fields& fields);
};

/// A description of an op: its namespace declares op_table(const Desc*).
template <class Desc>
concept Described = requires(const Desc* desc) {
  { op_table(desc) } -> std::same_as<const OpTable&>;
};

class AnyOp {
 public:
  AnyOp() = default;
  AnyOp(const OpTable& table, AnyPointer desc) : table_(&table), desc_(std::move(desc)) {}
  template <Described Desc>
  AnyOp(Desc desc)  // NOLINT: a description is an op
      : AnyOp(op_table(static_cast<const Desc*>(nullptr)),
              std::make_shared<const Desc>(std::move(desc))) {}

  /// The description where it is of this op, else null.
  template <Described Desc>
  [[nodiscard]] const Desc* as() const {
    const bool same = table_ == &op_table(static_cast<const Desc*>(nullptr));
    return same ? static_cast<const Desc*>(desc_.get()) : nullptr;
  }
  [[nodiscard]] const OpTable& table() const { return *table_; }
  [[nodiscard]] const void* desc() const { return desc_.get(); }

  [[nodiscard]] int inputs() const { return table_->inputs(desc()); }
  [[nodiscard]] Shapes weights(ShapeSpan in) const { return table_->weights(desc(), in); }
  [[nodiscard]] Shapes outputs(ShapeSpan in) const { return table_->outputs(desc(), in); }
  [[nodiscard]] Cost cost(ShapeSpan in, int64_t element_bytes) const {
    return table_->cost(desc(), in, element_bytes);
  }
  [[nodiscard]] Reach reach(ShapeSpan in) const { return table_->reach(desc(), in); }
  [[nodiscard]] Stored reads(int input) const { return table_->reads(desc(), input); }
  [[nodiscard]] Stored makes(int output) const { return table_->makes(desc(), output); }
  [[nodiscard]] Arrangement arrangement() const { return table_->arrangement(desc()); }
  /// Whether its first output may overwrite its first input, of the same shape and type.
  [[nodiscard]] bool in_place() const { return table_->in_place(desc()); }
  /// Null for an op that has none.
  [[nodiscard]] const Steps* steps() const { return table_->steps(const_cast<void*>(desc())); }
  [[nodiscard]] const Prologue* prologue() const {
    return table_->prologue(const_cast<void*>(desc()));
  }
  [[nodiscard]] AnyOp unfused() const { return {*table_, table_->unfused(desc())}; }

  /// Whether it would absorb an edit.
  [[nodiscard]] bool accepts(const Edit& edit, const Target& target) const {
    return AnyOp(*this).absorb(edit, target);
  }
  /// Changes the description where the op accepts the edit; false, and nothing changed, where not.
  bool absorb(const Edit& edit, const Target& target) {
    std::shared_ptr<void> changed = table_->copy(desc());
    if (!table_->absorb(changed.get(), edit, target)) return false;
    desc_ = std::move(changed);
    return true;
  }
  /// Puts another list in the place of its steps, which it has.
  void replace_steps(const Steps& steps) {
    std::shared_ptr<void> changed = table_->copy(desc());
    *table_->steps(changed.get()) = steps;
    desc_ = std::move(changed);
  }

  friend bool operator==(const AnyOp& a, const AnyOp& b) {
    return a.table_ == b.table_ && (a.desc_ == b.desc_ || a.table_->equal(a.desc(), b.desc()));
  }

 private:
  const OpTable* table_ = nullptr;
  AnyPointer desc_;
};

/// "conv2d 3x3 256->256, stride 1, dilation 4, padding 4 zero"
[[nodiscard]] inline std::string to_string(const AnyOp& op) {
  return op.table().describe(op.desc());
}

/// An op that is ready to be called.
class Work {
 public:
  Work() = default;
  /// By the op's own policy, for one batch item.
  Work(AnyOp op, ShapeSpan item, const Target& target)
      : op_(std::move(op)), config_(op_.table().choose(op_.desc(), item, target)) {}

  [[nodiscard]] const AnyOp& op() const { return op_; }
  [[nodiscard]] const void* config() const { return config_.get(); }
  /// The configuration of an op that the caller knows.
  template <Op O>
  [[nodiscard]] const typename O::Config& config_of() const {
    if (op_.as<typename O::Desc>() == nullptr) {
      throw Error(ErrorCode::internal, "a configuration is asked for as another op's");
    }
    return *static_cast<const typename O::Config*>(config());
  }
  [[nodiscard]] std::string describe_config() const {
    return op_.table().describe_config(config());
  }
  /// Whether its result is a digit less exact than a plain sum.
  [[nodiscard]] bool loses_a_digit() const { return op_.table().loses_a_digit(config()); }
  [[nodiscard]] Needs needs(ShapeSpan inputs, const Target& target) const {
    return op_.table().needs(op_.desc(), config(), inputs, target);
  }
  [[nodiscard]] int64_t moment_tiles(ShapeSpan inputs) const {
    return op_.table().moment_tiles(op_.desc(), config(), inputs);
  }
  [[nodiscard]] std::optional<Packing> packing(const Target& target) const {
    return op_.table().packing(op_.desc(), config(), target);
  }
  /// Packs some rows of weight 0, given as floats, into zeros; threads may pack other rows meanwhile.
  void pack(const Rows& rows, std::span<const float> weight, const AnyView& packed) const {
    op_.table().pack(op_.desc(), config(), rows, weight, packed);
  }
  /// What a call of the CUDA kernel moves.
  [[nodiscard]] Traffic traffic(ShapeSpan inputs, const Target& target) const {
    return op_.table().traffic(op_.desc(), config(), inputs, target);
  }
  void reference(const Call& call, Parallel& parallel) const {
    op_.table().reference(op_.desc(), call, parallel);
  }
  void cpu(const Call& call, Parallel& parallel) const {
    op_.table().cpu(op_.desc(), config(), call, parallel);
  }

 private:
  AnyOp op_;
  AnyPointer config_;
};

}  // namespace kintsugi
