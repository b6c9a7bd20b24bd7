// SPDX-License-Identifier: MIT
#include "tests/ops/suite.h"

#include <cstring>

#include "kernels/core/element.h"
#include "kernels/core/sample.h"
#include "kernels/norm/norm.h"

namespace kintsugi::test {
namespace {

void put(DType dtype, double value, std::byte* to) {
  with_element_type(dtype, [&]<class T>(T) {
    const T stored = element<T>(value);
    std::memcpy(to, &stored, sizeof stored);
  });
}

double get(DType dtype, const std::byte* from) {
  return with_element_type(dtype, [&]<class T>(T value) {
    std::memcpy(&value, from, sizeof value);
    return static_cast<double>(number(value));
  });
}

/// The largest sample.
double white(DType dtype) { return image::white_of(8 * size_bytes(dtype)); }

DType exact(const Target& target) { return exact_type(target.dtype); }

DType input_type(const AnyOp& op, int input, const Target& target) {
  if (const auto samples = sample_type(op.reads(input))) return *samples;
  switch (op.reads(input)) {
    case Stored::exact: return exact(target);
    case Stored::any:  // a conversion to the storage type reads what is exact
      return op.makes(0) == Stored::storage ? exact(target) : target.dtype;
    default: return target.dtype;
  }
}

/// What the kernel runs in, as the planner decides it: exact where it reads nothing else.
DType kernel_type(const AnyOp& op, size_t inputs, const Target& target) {
  for (size_t i = 0; i < inputs; ++i) {
    if (input_type(op, static_cast<int>(i), target) != exact(target)) return target.dtype;
  }
  return exact(target);
}

/// A tensor in memory of exact size, on a machine.
class Slot {
 public:
  /// Every bit set, which is a NaN in any type. Channels are stored up to a multiple of `granule`; with
  /// gaps a group of 16 bytes stands before the first pixel's, and two between one pixel's and the next.
  Slot(Machine& machine, const Shape& shape, DType dtype, int64_t granule, bool gaps)
      : machine_(machine),
        shape_(shape),
        dtype_(dtype),
        lead_(gaps ? 16 / size() : 0),
        stored_(round_up(shape.c(), granule)),
        pitch_(stored_ + 3 * lead_),
        bytes_(static_cast<size_t>((lead_ + (shape.pixels() - 1) * pitch_ + stored_) * size()),
               std::byte{0xff}),
        data_(machine.allocate(static_cast<int64_t>(bytes_.size()))) {
    machine.upload(data_, bytes_);
  }

  void write(const Values& values) {
    each([&](int64_t pixel, int64_t c, std::byte* at) {
      if (left_open(c)) return;
      put(dtype_,
          c < shape_.c() ? values.numbers[static_cast<size_t>(pixel * shape_.c() + c)] : 0.0, at);
    });
    machine_.upload(data_, bytes_);
  }
  /// What it holds; a pad or a gap that is not as it must be fails the test.
  [[nodiscard]] Values read() {
    machine_.download(bytes_, data_);
    Values values{shape_, std::vector<double>(static_cast<size_t>(shape_.elements()))};
    std::vector<bool> inside(bytes_.size());
    bool pads_are_zero = true;
    each([&](int64_t pixel, int64_t c, std::byte* at) {
      std::fill_n(inside.begin() + (at - bytes_.data()), size(), true);
      const double value = get(dtype_, at);
      if (c < shape_.c()) {
        values.numbers[static_cast<size_t>(pixel * shape_.c() + c)] = value;
      } else {
        const bool zero = value == 0 && !std::signbit(value);
        pads_are_zero = pads_are_zero && (zero || left_open(c));
      }
    });
    EXPECT_TRUE(pads_are_zero) << "a pad channel is not zero";
    for (size_t i = 0; i < bytes_.size(); ++i) {
      if (inside[i] || bytes_[i] == std::byte{0xff}) continue;
      ADD_FAILURE() << "a gap was written at byte " << i;
      break;
    }
    return values;
  }
  [[nodiscard]] const std::vector<std::byte>& bytes() const { return bytes_; }
  [[nodiscard]] AnyView view() const { return {data_ + lead_ * size(), dtype_, shape_, pitch_}; }

 private:
  [[nodiscard]] int64_t size() const { return size_bytes(dtype_); }
  /// What stands in f32 beside halves has pads up to a multiple of 8, of which nobody counts on more
  /// than four's.
  [[nodiscard]] bool left_open(int64_t c) const {
    return dtype_ == DType::f32 && c >= storage_channels(shape_.c());
  }
  template <class F>
  void each(const F& f) {
    for (int64_t pixel = 0; pixel < shape_.pixels(); ++pixel) {
      for (int64_t c = 0; c < stored_; ++c) {
        f(pixel, c, &bytes_[static_cast<size_t>((lead_ + pixel * pitch_ + c) * size())]);
      }
    }
  }

  Machine& machine_;
  Shape shape_;
  DType dtype_;
  int64_t lead_, stored_, pitch_;
  std::vector<std::byte> bytes_;
  std::byte* data_;
};

struct OperandShape {
  Shape shape;
  Extent extent;
};

/// Of all operands of the steps around an op, in step order.
std::vector<OperandShape> operands_of(const AnyOp& op, ShapeSpan inputs) {
  std::vector<OperandShape> out;
  const auto add_all = [&](const Steps& steps, const Shape& s) {
    for (int i = 0; i < steps.size(); ++i) {
      const int64_t c = i < steps.gate() ? 2 * s.c() : s.c();
      for (int k = 0; k < steps[i].operand_count(); ++k) {
        switch (steps[i].extent) {
          case Extent::scalar: break;
          case Extent::channel: out.push_back({{1, c, 1, 1}, Extent::channel}); break;
          case Extent::sample_channel:
            out.push_back({{s.n(), c, 1, 1}, Extent::sample_channel});
            break;
          case Extent::pixel: out.push_back({{s.n(), 1, s.h(), s.w()}, Extent::pixel}); break;
          case Extent::tensor: out.push_back({{s.n(), c, s.h(), s.w()}, Extent::tensor}); break;
        }
      }
    }
  };
  if (op.prologue() != nullptr) add_all(op.prologue()->steps, inputs[0]);
  if (op.steps() != nullptr) add_all(*op.steps(), op.outputs(inputs)[0]);
  return out;
}

double filled(Fill fill, Random& random, DType dtype) {
  const auto uniform = static_cast<double>(random.value());
  // Every sample, and a third of them zero: pixels that are no hole.
  if (is_samples(dtype)) return std::max(0.0, (uniform + 0.33) / 1.33 * (white(dtype) + 1));
  switch (fill) {
    case Fill::uniform: return uniform;
    case Fill::below_zero: return uniform - 1.5;
    case Fill::spread: return 0.25 + 1.7320508 * uniform;
    case Fill::far: return (dtype == DType::bf16 ? 60.0 : 1000.0) + 1.7320508 * uniform;
    case Fill::binary: return uniform > 0.3 ? 1 : 0;
    case Fill::fractional: return uniform > 0.3 ? uniform : 0;
    case Fill::zeros: return 0;
    case Fill::ones: return 1;
  }
  return 0;
}

Values random_values(const Shape& shape, Fill fill, Random& random, DType dtype) {
  Values values{shape, {}};
  values.numbers.reserve(static_cast<size_t>(shape.elements()));
  for (int64_t i = 0; i < shape.elements(); ++i) {
    values.numbers.push_back(rounded(dtype, filled(fill, random, dtype)));
  }
  return values;
}

/// A weight as it is handed over: packed, or in whole granules.
AnyView bind_weight(const Work& work, const Values& weight, size_t index, const Target& target,
                    Machine& machine) {
  const auto packing = index == 0 ? work.packing(target) : std::nullopt;
  const DType dtype = is_vector(weight.shape) ? exact(target) : target.dtype;
  const int64_t elements =
      packing ? packing->elements : round_up(weight.shape.elements(), granule(target.dtype));
  std::vector<std::byte> bytes(static_cast<size_t>(elements * size_bytes(dtype)));
  if (packing) {
    const std::vector<float> single(weight.numbers.begin(), weight.numbers.end());
    // In two parts, the second first.
    const int64_t rows = weight.shape[0], half = rows / 2, row = weight.shape.elements() / rows;
    const AnyView packed{bytes.data(), dtype, {elements}, 0};
    const std::span<const float> all(single);
    work.pack({half, rows - half}, all.subspan(static_cast<size_t>(half * row)), packed);
    work.pack({0, half}, all.first(static_cast<size_t>(half * row)), packed);
  } else {
    for (size_t i = 0; i < weight.numbers.size(); ++i) {
      put(dtype, weight.numbers[i], &bytes[i * static_cast<size_t>(size_bytes(dtype))]);
    }
  }
  std::byte* data = machine.allocate(static_cast<int64_t>(bytes.size()));
  machine.upload(data, bytes);
  return {data, dtype, {elements}, 0};
}

}  // namespace

double rounded(DType dtype, double value) {
  std::byte bytes[8];
  put(dtype, value, bytes);
  return get(dtype, bytes);
}

DType output_type(const AnyOp& op, int output, const Target& target) {
  const Stored makes = op.makes(output);
  return sample_type(makes).value_or(makes == Stored::exact ? exact(target) : target.dtype);
}

std::byte* Host::allocate(int64_t bytes) {
  memory_.push_back(std::make_unique<std::byte[]>(static_cast<size_t>(bytes)));
  return memory_.back().get();
}
void Host::upload(std::byte* to, const std::vector<std::byte>& from) {
  std::copy(from.begin(), from.end(), to);
}
void Host::download(std::vector<std::byte>& to, const std::byte* from) {
  std::copy_n(from, to.size(), to.begin());
}
void Host::call(const Work& work, const Call& call) {
  if (kernels_ == KernelSet::reference) return work.reference(call, parallel_);
  work.cpu(call, parallel_);
}

Drawn Drawn::items(int64_t first, int64_t count) const {
  const int64_t batch = inputs[0].shape.n();
  const auto cut = [&](std::vector<Values> all) {
    for (Values& values : all) {
      const Shape& s = values.shape;
      if (s.n() != batch) continue;  // shared by all items
      const auto item = static_cast<std::ptrdiff_t>(s.elements() / batch);
      values.numbers = {values.numbers.begin() + first * item,
                        values.numbers.begin() + (first + count) * item};
      values.shape = {count, s.c(), s.h(), s.w()};
    }
    return all;
  };
  return {cut(inputs), weights, cut(operands)};
}

Shapes shapes_of(const Drawn& drawn) {
  Shapes shapes;
  for (const Values& input : drawn.inputs) shapes.push_back(input.shape);
  return shapes;
}

Work work_of(const AnyOp& op, const Drawn& drawn, const Target& target) {
  Shapes item = shapes_of(drawn);
  for (Shape& s : item) s = {1, s.c(), s.h(), s.w()};
  return {op, item, target};
}

bool runs_in_storage_type(const OpCase& c) {
  for (int i = 0; i < static_cast<int>(c.inputs.size()); ++i) {
    if (c.op.reads(i) != Stored::exact) return true;
  }
  return false;
}

Drawn draw(const OpCase& c, const Target& target) {
  Random random(1);
  Drawn drawn;
  for (size_t i = 0; i < c.inputs.size(); ++i) {
    drawn.inputs.push_back(
        random_values(c.inputs[i], c.fill, random, input_type(c.op, static_cast<int>(i), target)));
  }
  for (const Shape& shape : c.op.weights(c.inputs)) {
    drawn.weights.push_back(random_values(shape, Fill::uniform, random,
                                          is_vector(shape) ? exact(target) : target.dtype));
  }
  for (const OperandShape& operand : operands_of(c.op, c.inputs)) {
    drawn.operands.push_back(
        random_values(operand.shape, Fill::uniform, random,
                      operand.extent == Extent::tensor ? target.dtype : exact(target)));
  }
  return drawn;
}

Result run(const AnyOp& op, const Drawn& drawn, const Target& target, Machine& machine,
           const How& how) {
  const Work work = work_of(op, drawn, target);
  const Shapes shapes = shapes_of(drawn);
  std::vector<AnyView> inputs, weights, operands, outputs;
  std::vector<Slot> slots;
  for (size_t i = 0; i < drawn.inputs.size(); ++i) {
    const int input = static_cast<int>(i);
    // Moments stand without gaps, in records that are multiples of four.
    const bool exact = op.reads(input) == Stored::exact;
    const DType dtype = input_type(op, input, target);
    Slot slot(machine, shapes[i], dtype,
              exact ? kChannelGranule : granule(is_samples(dtype) ? dtype : target.dtype),
              how.gaps);
    slot.write(drawn.inputs[i]);
    inputs.push_back(slot.view());
    if (i == 0 && how.in_place) slots.push_back(std::move(slot));
  }
  for (size_t i = 0; i < op.weights(shapes).size(); ++i) {
    weights.push_back(bind_weight(work, drawn.weights[i], i, target, machine));
  }
  const std::vector<OperandShape> wanted = operands_of(op, shapes);
  for (size_t i = 0; i < wanted.size(); ++i) {
    const bool tensor = wanted[i].extent == Extent::tensor;
    Slot slot(machine, wanted[i].shape, tensor ? target.dtype : exact(target),
              wanted[i].extent == Extent::pixel ? 1 : granule(target.dtype), how.gaps);
    slot.write(drawn.operands[i]);
    operands.push_back(slot.view());
  }
  const Shapes made = op.outputs(shapes);
  for (size_t i = 0; i < made.size(); ++i) {
    const int output = static_cast<int>(i);
    if (i < slots.size()) {
      outputs.push_back(slots[i].view());
      continue;
    }
    if (op.makes(output) != Stored::moments) {
      const DType dtype = output_type(op, output, target);
      slots.emplace_back(machine, made[i], dtype, granule(is_samples(dtype) ? dtype : target.dtype),
                         how.gaps);
    } else {  // a reference leaves none, but is told of their place
      const int64_t tiles = target.kernels == KernelSet::reference
                                ? 1
                                : work.moment_tiles(shapes_of(drawn.items(0, 1)));
      slots.emplace_back(
          machine, moments_shape(made[i].n(), tiles, round_up(made[i].c(), granule(target.dtype))),
          DType::f32, 1, false);
    }
    outputs.push_back(slots.back().view());
  }
  const Needs needs = work.needs(shapes, target);
  std::byte* scratch = machine.allocate(needs.workspace);
  machine.upload(scratch,
                 std::vector<std::byte>(static_cast<size_t>(needs.workspace), std::byte{0xff}));
  std::vector<std::byte> tickets(static_cast<size_t>(needs.tickets));
  std::byte* counters = machine.allocate(needs.tickets);
  machine.upload(counters, tickets);
  const Call call{.dtype = kernel_type(op, inputs.size(), target),
                  .inputs = inputs,
                  .weights = weights,
                  .operands = operands,
                  .outputs = outputs,
                  .workspace = {scratch, needs.workspace},
                  .tickets = reinterpret_cast<uint32_t*>(counters)};
  for (int i = 0; i < how.times; ++i) machine.call(work, call);

  machine.download(tickets, counters);
  EXPECT_EQ(tickets, std::vector<std::byte>(tickets.size())) << "tickets were not put back";
  Result result;
  for (size_t i = 0; i < slots.size(); ++i) {
    const bool moments = op.makes(static_cast<int>(i)) == Stored::moments;
    if (moments && target.kernels == KernelSet::reference) continue;
    (moments ? result.moments : result.outputs).push_back(slots[i].read());
    result.memory.push_back(slots[i].bytes());
  }
  return result;
}

std::vector<Values> by_reference(const AnyOp& op, const Drawn& drawn, DType dtype) {
  Host host(KernelSet::reference);
  return run(op, drawn, {.dtype = dtype}, host).outputs;
}

}  // namespace kintsugi::test
