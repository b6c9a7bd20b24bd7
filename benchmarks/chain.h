// SPDX-License-Identifier: MIT
//
// Ops as calls of their kernels on random numbers: values, weights in the kernels' order, operands of
// steps, scratch. It knows ops by their contracts alone and names none; it owns no memory, and does not
// say where that is: a host's or a GPU's. Called by the benchmarks of kernels.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kernels/contract/any_op.h"

namespace kintsugi::bench {

/// Something in memory that a call reads or makes.
struct Value {
  enum class Holds : uint8_t { nothing, zeros, numbers, packed } holds = Holds::nothing;
  Shape shape;  // an image, a vector, or a weight as PyTorch stores it; of scratch none
  DType dtype = DType::f32;
  int64_t pitch = 0;  // elements from one pixel to the next; of all where it is no image
  uint32_t seed = 0;  // of random numbers

  [[nodiscard]] bool is_image() const { return holds != Holds::packed && shape.rank() == 4; }
  [[nodiscard]] int64_t elements() const;
  [[nodiscard]] int64_t bytes() const;
  /// [N, H, W, C] or as PyTorch stores a weight, rounded to the dtype.
  [[nodiscard]] std::vector<float> numbers() const;
};

/// An op, and which of the values it is called with.
struct OpCall {
  Work work;
  Target target;
  Shapes shapes;  // of its inputs
  std::vector<size_t> inputs, weights, operands, outputs;
  size_t workspace = 0, tickets = 0;
};

/// The views of a call.
struct Bound {
  Work work;
  DType dtype = DType::f32;  // that the kernel runs in
  std::vector<AnyView> inputs, weights, operands, outputs;
  Workspace workspace;
  uint32_t* tickets = nullptr;

  [[nodiscard]] Call call() const {
    return {dtype, inputs, weights, operands, outputs, workspace, tickets};
  }
};

/// Ops that read the same inputs; the first operands of a later one are the outputs of the one before.
class Chain {
 public:
  /// `target.dtype` is the plan's: an op that reads nothing but exact values runs in f32.
  Chain(const std::vector<AnyOp>& ops, const Shapes& inputs, const Target& target);

  [[nodiscard]] const std::vector<OpCall>& calls() const { return calls_; }
  [[nodiscard]] const std::vector<Value>& values() const { return values_; }
  /// What the last op makes, the first of all values.
  [[nodiscard]] const Value& output() const { return values_[0]; }

  [[nodiscard]] std::string description() const;
  [[nodiscard]] std::string config() const;
  /// Of all ops together.
  [[nodiscard]] Traffic traffic() const;
  /// FLOPs of all ops; bytes of the last: what must move at least once.
  [[nodiscard]] Cost cost() const;

  /// Writes what a value holds before the first call, on the host; nothing for one that is made. Other
  /// numbers than its own stand in the same order.
  void write(size_t value, std::byte* to) const;
  void write(size_t value, const std::vector<float>& numbers, std::byte* to) const;
  /// `memory` is where each value stands; the views are valid for as long as it is.
  [[nodiscard]] std::vector<Bound> bind(std::span<std::byte* const> memory) const;

  /// Whether the references can make the output: they leave no moments.
  [[nodiscard]] bool is_defined() const;
  /// The output by the references in f64, [pixels, channels]; slow.
  [[nodiscard]] std::vector<float> definition() const;

 private:
  void add(const AnyOp& op, const Shapes& inputs);
  size_t add_value(Value value);
  /// An image or a vector of random numbers, a pixel in whole groups of the target's type.
  size_t add_numbers(const Shape& shape, DType dtype);
  void add_weights(OpCall& call, const Shapes& weights);
  void add_outputs(OpCall& call, const Shapes& outputs);
  /// Operands of steps on an image, but those that an earlier op has made.
  void add_operands(OpCall& call, const Steps& steps, const Shape& image, size_t& made);

  Target target_;
  std::vector<Value> values_{1};
  std::vector<OpCall> calls_;
};

}  // namespace kintsugi::bench
