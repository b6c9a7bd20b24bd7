// SPDX-License-Identifier: MIT
#include "benchmarks/chain.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "benchmarks/numbers.h"
#include "kernels/core/element.h"
#include "kernels/core/sample.h"

namespace kintsugi::bench {
namespace {

template <class ViewOf>
Bound bound(const OpCall& call, DType dtype, const ViewOf& view_of) {
  Bound views{.work = call.work, .dtype = dtype};
  for (const size_t i : call.inputs) views.inputs.push_back(view_of(i));
  for (const size_t i : call.weights) views.weights.push_back(view_of(i));
  for (const size_t i : call.operands) views.operands.push_back(view_of(i));
  for (const size_t i : call.outputs) views.outputs.push_back(view_of(i));
  return views;
}

template <class TextOf>
std::string joined(const std::vector<OpCall>& calls, const TextOf& text_of) {
  std::string all;
  for (const OpCall& call : calls) {
    if (!all.empty()) all += "; ";
    all += text_of(call);
  }
  return all;
}

}  // namespace

int64_t Value::elements() const {
  return is_image() ? checked_multiply(shape.pixels(), pitch) : pitch;
}

int64_t Value::bytes() const { return checked_multiply(elements(), size_bytes(dtype)); }

std::vector<float> Value::numbers() const {
  std::vector<float> values = random_values(shape.elements(), seed);
  const auto white = static_cast<float>(image::white_of(8 * size_bytes(dtype)));
  with_element_type(dtype, [&]<class T>(T) {
    for (float& value : values) {
      if (is_samples(dtype)) value = (value + 1) / 2 * white;
      value = static_cast<float>(number(element<T>(value)));
    }
  });
  return values;
}

Chain::Chain(const std::vector<AnyOp>& ops, const Shapes& inputs, const Target& target)
    : target_(target) {
  for (const AnyOp& op : ops) add(op, inputs);
  calls_.back().outputs[0] = 0;
}

size_t Chain::add_value(Value value) {
  value.seed = static_cast<uint32_t>(values_.size());
  values_.push_back(value);
  return values_.size() - 1;
}

size_t Chain::add_numbers(const Shape& shape, DType dtype) {
  const int64_t row = shape.rank() == 4 ? shape.c() : shape.elements();
  return add_value({.holds = Value::Holds::numbers,
                    .shape = shape,
                    .dtype = dtype,
                    .pitch = is_samples(dtype) ? row : round_up(row, granule(target_.dtype))});
}

void Chain::add(const AnyOp& op, const Shapes& inputs) {
  const auto is_exact = [&](size_t i) { return op.reads(static_cast<int>(i)) == Stored::exact; };
  const auto type_of = [&](size_t i) {
    const auto samples = sample_type(op.reads(static_cast<int>(i)));
    return samples.value_or(is_exact(i) ? DType::f32 : target_.dtype);
  };
  OpCall call{.target = target_, .shapes = inputs};
  bool exact = true;
  Shapes item;
  for (size_t i = 0; i < inputs.size(); ++i) {
    exact = exact && is_exact(i);
    item.push_back({1, inputs[i].c(), inputs[i].h(), inputs[i].w()});
    call.inputs.push_back(calls_.empty() ? add_numbers(inputs[i], type_of(i))
                                         : calls_.front().inputs[i]);
  }
  if (exact) call.target.dtype = DType::f32;
  call.work = Work(op, item, call.target);

  add_weights(call, op.weights(inputs));
  const Shapes outputs = op.outputs(inputs);
  size_t made = 0;
  if (const Prologue* prologue = op.prologue()) {
    add_operands(call, prologue->steps, inputs[0], made);
  }
  if (const Steps* steps = op.steps()) add_operands(call, *steps, outputs[0], made);
  add_outputs(call, outputs);
  const Needs needs = call.work.needs(inputs, call.target);
  const auto scratch = [&](Value::Holds holds, int64_t bytes) {
    return add_value({.holds = holds, .dtype = DType::u8, .pitch = bytes});
  };
  call.workspace = scratch(Value::Holds::nothing, needs.workspace);
  call.tickets = scratch(Value::Holds::zeros, needs.tickets);
  calls_.push_back(std::move(call));
}

void Chain::add_weights(OpCall& call, const Shapes& weights) {
  const auto packing = call.work.packing(call.target);
  for (size_t i = 0; i < weights.size(); ++i) {
    if (i == 0 && packing) {
      call.weights.push_back(add_value({.holds = Value::Holds::packed,
                                        .shape = weights[0],
                                        .dtype = call.target.dtype,
                                        .pitch = packing->elements}));
      continue;
    }
    const DType dtype = is_vector(weights[i]) ? DType::f32 : call.target.dtype;
    call.weights.push_back(add_numbers({weights[i].elements()}, dtype));
  }
}

void Chain::add_operands(OpCall& call, const Steps& steps, const Shape& image, size_t& made) {
  for (int s = 0; s < steps.size(); ++s) {
    const int64_t channels = s < steps.gate() ? checked_multiply(2, image.c()) : image.c();
    const auto operand = [&] {
      switch (steps[s].extent) {
        case Extent::scalar:
        case Extent::channel: break;
        case Extent::sample_channel: return add_numbers({image.n(), channels, 1, 1}, DType::f32);
        case Extent::pixel: return add_numbers({image.n(), 1, image.h(), image.w()}, DType::f32);
        case Extent::tensor:
          return add_numbers({image.n(), channels, image.h(), image.w()}, call.target.dtype);
      }
      return add_numbers({channels}, DType::f32);
    };
    for (int i = 0; i < steps[s].operand_count(); ++i) {
      const bool there = !calls_.empty() && made < calls_.back().outputs.size();
      call.operands.push_back(there ? calls_.back().outputs[made++] : operand());
    }
  }
}

void Chain::add_outputs(OpCall& call, const Shapes& outputs) {
  for (size_t i = 0; i < outputs.size(); ++i) {
    Value value{.shape = outputs[i],
                .dtype = call.target.dtype,
                .pitch = round_up(outputs[i].c(), granule(target_.dtype))};
    switch (call.work.op().makes(static_cast<int>(i))) {
      case Stored::as_kernel:
      case Stored::any: break;
      case Stored::storage: value.dtype = target_.dtype; break;
      case Stored::exact: value.dtype = DType::f32; break;
      case Stored::samples8:
      case Stored::samples16:
        value.dtype = *sample_type(call.work.op().makes(static_cast<int>(i)));
        value.pitch = value.shape.c();
        break;
      case Stored::moments:
        value.dtype = DType::f32;
        value.shape = moments_shape(outputs[0].n(), call.work.moment_tiles(call.shapes),
                                    round_up(outputs[0].c(), granule(target_.dtype)));
        value.pitch = value.shape.c();
        break;
    }
    call.outputs.push_back(add_value(value));
    if (i == 0) values_[0] = value;
  }
}

std::string Chain::description() const {
  return joined(calls_, [](const OpCall& call) { return to_string(call.work.op()); });
}

std::string Chain::config() const {
  return joined(calls_, [](const OpCall& call) { return call.work.describe_config(); });
}

Traffic Chain::traffic() const {
  Traffic sum;
  for (const OpCall& call : calls_) {
    const Traffic one = call.work.traffic(call.shapes, call.target);
    sum = {checked_add(sum.read, one.read), checked_add(sum.written, one.written)};
  }
  return sum;
}

Cost Chain::cost() const {
  Cost sum;
  for (const OpCall& call : calls_) {
    const Cost one = call.work.op().cost(call.shapes, call.target.element_bytes());
    sum = {checked_add(sum.flops, one.flops), one.bytes};
  }
  return sum;
}

void Chain::write(size_t index, std::byte* to) const {
  const Value& value = values_[index];
  if (value.holds == Value::Holds::zeros) {
    std::memset(to, 0, static_cast<size_t>(value.bytes()));
  } else if (value.holds != Value::Holds::nothing) {
    write(index, value.numbers(), to);
  }
}

void Chain::write(size_t index, const std::vector<float>& numbers, std::byte* to) const {
  const Value& value = values_[index];
  const auto bytes = static_cast<size_t>(value.bytes());
  if (value.holds == Value::Holds::packed) {
    std::memset(to, 0, bytes);
    const auto reader = std::ranges::find_if(
        calls_, [&](const OpCall& call) { return std::ranges::count(call.weights, index) > 0; });
    return reader->work.pack({0, value.shape[0]}, numbers,
                             {to, value.dtype, {value.pitch}, value.pitch});
  }
  with_element_type(value.dtype, [&]<class T>(T) {
    const int64_t row = value.is_image() ? value.shape.c() : value.shape.elements();
    const std::vector<T> all = stored<T>(numbers, row, value.pitch);
    std::memcpy(to, all.data(), bytes);
  });
}

std::vector<Bound> Chain::bind(std::span<std::byte* const> memory) const {
  const auto view_of = [&](size_t i) -> AnyView {
    const Value& value = values_[i];
    return {memory[i], value.dtype, value.is_image() ? value.shape : Shape{value.pitch},
            value.pitch};
  };
  std::vector<Bound> all;
  for (const OpCall& call : calls_) {
    Bound views = bound(call, call.target.dtype, view_of);
    views.workspace = {memory[call.workspace], values_[call.workspace].bytes()};
    views.tickets = reinterpret_cast<uint32_t*>(memory[call.tickets]);
    all.push_back(std::move(views));
  }
  return all;
}

bool Chain::is_defined() const {
  return std::ranges::none_of(calls_, [](const OpCall& call) {
    const auto count = static_cast<int>(call.outputs.size());
    for (int i = 0; i < count; ++i) {
      if (call.work.op().makes(i) == Stored::moments) return true;
    }
    return false;
  });
}

std::vector<float> Chain::definition() const {
  // All in f64 but samples, weights as PyTorch has them.
  std::vector<std::vector<std::byte>> memory(values_.size());
  const auto view_of = [&](size_t i) -> AnyView {
    const Value& value = values_[i];
    const DType dtype = is_samples(value.dtype) ? value.dtype : DType::f64;
    const Shape shape = value.is_image() ? value.shape : Shape{1, value.shape.elements(), 1, 1};
    const int64_t pitch = is_samples(dtype) ? value.pitch : storage_channels(shape.c());
    memory[i].resize(static_cast<size_t>(shape.pixels() * pitch * size_bytes(dtype)));
    if (value.holds == Value::Holds::numbers || value.holds == Value::Holds::packed) {
      with_element_type(dtype, [&]<class T>(T) {
        const std::vector<T> all = stored<T>(value.numbers(), shape.c(), pitch);
        std::memcpy(memory[i].data(), all.data(), memory[i].size());
      });
    }
    return {memory[i].data(), dtype, value.is_image() ? shape : Shape{shape.c()}, pitch};
  };
  ThreadPool pool(1);
  for (const OpCall& call : calls_) {
    call.work.reference(bound(call, DType::f64, view_of).call(), pool);
  }
  const AnyView made = view_of(0);
  std::vector<float> values;
  with_element_type(made.dtype, [&]<class T>(T) {
    for (int64_t pixel = 0; pixel < made.shape.pixels(); ++pixel) {
      const T* from = made.as<T>().data + pixel * made.pitch;
      for (int64_t c = 0; c < made.shape.c(); ++c) {
        values.push_back(static_cast<float>(number(from[c])));
      }
    }
  });
  return values;
}

}  // namespace kintsugi::bench
