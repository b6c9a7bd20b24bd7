// SPDX-License-Identifier: MIT
//
// A wrong kernel must not pass. Both convolutions hand the tap engine a table; here the tests hand
// it tables that are wrong in one place each, as a faulty kernel would, and the comparison with the
// reference at the promised tolerance has to reject every one. The right table has to pass.
#include "kernels/simd/tap_convolution.h"

#include <functional>

#include "kernels/conv2d/conv2d.h"
#include "kernels/conv_transpose2d/conv_transpose2d.h"
#include "tests/kernels/support.h"

namespace kintsugi {
namespace {

using test::close;
using test::Random;
using test::Tensor;

/// What an op hands to the engine, all of it open to change before the run.
struct Table {
  struct Part {
    std::vector<simd::Tap> taps;
    Pair offset = 0;
  };
  std::vector<Part> parts;
  std::vector<float> weight;
  Epilogue epilogue = {step::add(Extent::channel)};
  std::vector<Operand> operands;
  simd::TapConvolution c;  // its spans and pointers are set by run()
};

struct Fault {
  const char* name;
  std::function<void(Table&)> plant;
};

Tensor<float> run(Table table, simd::Isa isa, const Tensor<float>& input, const Shape& shape) {
  Tensor<float> output(shape);
  std::vector<simd::Phase> phases;
  for (const auto& part : table.parts) {
    phases.push_back({.taps = part.taps, .offset = part.offset});
  }
  if (table.c.input.data == nullptr) table.c.input = input.view();
  table.c.output = output.view();
  table.c.phases = phases;
  table.c.weight = table.weight.data();
  table.c.steps = &table.epilogue;
  table.c.operands = table.operands;
  simd::run(isa, table.c, test::threads());
  return output;
}

constexpr int64_t kInputs = 64, kOutputs = 32;

/// Elements of a packed weight row and of a tap's matrix.
int64_t block_of(const Table& t) { return t.c.vectors * simd::lanes(simd::chosen()); }
int64_t matrix_of(const Table& t) { return kInputs * block_of(t); }
float& weight_at(Table& t, int64_t tap, int64_t channel, int64_t k) {
  return t.weight[static_cast<size_t>(tap * matrix_of(t) + channel * block_of(t) + k)];
}

/// The faults that any table can have.
std::vector<Fault> common_faults(const Tensor<float>& input) {
  return {
      {"first tap dropped", [](Table& t) { t.parts[0].taps.erase(t.parts[0].taps.begin()); }},
      {"last tap dropped", [](Table& t) { t.parts.back().taps.pop_back(); }},
      {"tap read twice", [](Table& t) { t.parts[0].taps.push_back(t.parts[0].taps[0]); }},
      {"tap one column off", [](Table& t) { t.parts[0].taps[1].dx += 1; }},
      {"tap one row off", [](Table& t) { t.parts[0].taps[1].dy -= 1; }},
      {"weights of two taps exchanged",
       [](Table& t) { std::swap(t.parts[0].taps[0].weight, t.parts[0].taps[1].weight); }},
      {"last channel group dropped",
       [&input](Table& t) {
         t.c.input = input.view();
         t.c.input.shape = {1, kInputs - kChannelGranule, input.shape().h(), input.shape().w()};
       }},
      {"one tap's last channel dropped", [](Table& t) { weight_at(t, 4, kInputs - 1, 2) = 0; }},
      {"one weight a hundredth off", [](Table& t) { weight_at(t, 4, 9, 2) *= 1.01f; }},
      {"input channels exchanged in one tap",
       [](Table& t) { std::swap(weight_at(t, 3, 7, 1), weight_at(t, 3, 8, 1)); }},
      {"output channels exchanged in one row",
       [](Table& t) { std::swap(weight_at(t, 3, 7, 1), weight_at(t, 3, 7, 2)); }},
      {"border reflected", [](Table& t) { t.c.reflect = true; }},
      {"bias of the next channel",
       [](Table& t) { t.operands[0].data = static_cast<const float*>(t.operands[0].data) + 1; }},
      {"bias dropped", [](Table& t) { t.epilogue = {}, t.operands.clear(); }},
  };
}

/// The right table passes; each fault fails.
void expect_rejected(const Table& right, const std::vector<Fault>& faults,
                     const Tensor<float>& input, const Tensor<float>& expected) {
  const simd::Isa isa = simd::chosen();
  const auto close_by = [&](const Table& table) {
    return close(run(table, isa, input, expected.shape()).view(), expected.view());
  };
  ASSERT_TRUE(close_by(right));
  for (const Fault& fault : faults) {
    Table wrong = right;
    fault.plant(wrong);
    EXPECT_FALSE(close_by(wrong)) << fault.name;
  }
}

/// A bias with room for one channel more, so that a shifted read stays inside.
struct Bias {
  std::vector<float> values;
  Operand operand;
  explicit Bias(Random& random)
      : values(random.values(kOutputs + kChannelGranule)), operand{values.data(), kOutputs} {}
};

TEST(PlantedError, EveryWrongConv2dFails) {
  Random random(11);
  const Tensor<float> input = Tensor<float>::random({1, kInputs, 40, 40}, random);
  const conv2d::Desc desc{.in_channels = kInputs,
                          .out_channels = kOutputs,
                          .kernel = 3,
                          .padding = 1,
                          .epilogue = {step::add(Extent::channel)}};
  const std::vector<float> weight = random.values(desc.weight_shape().elements());
  const Bias bias(random);
  Tensor<float> expected(conv2d::output_shape(desc, input.shape()));
  conv2d::reference<float>(
      desc, {input.view(), weight, Operands(&bias.operand, 1), expected.view()}, test::threads());

  const auto config = conv2d::choose(desc, input.shape(), simd::chosen(), false);
  Table right;
  right.operands = {bias.operand};
  right.weight.resize(static_cast<size_t>(conv2d::packed_elements(desc, config)));
  conv2d::pack(desc, config, {0, desc.out_channels}, weight, right.weight);
  right.c.vectors = config.vectors;
  right.c.tile_pixels = config.tile_pixels;
  right.c.task_rows = config.task_rows;
  right.c.block_elements = 9 * matrix_of(right);
  right.parts.resize(1);
  for (int64_t tap = 0; tap < 9; ++tap) {
    right.parts[0].taps.push_back({tap / 3 - 1, tap % 3 - 1, tap * matrix_of(right)});
  }

  std::vector<Fault> faults = common_faults(input);
  faults.push_back({"taps transposed", [](Table& t) {
                      for (simd::Tap& tap : t.parts[0].taps) std::swap(tap.dy, tap.dx);
                    }});
  faults.push_back({"block of another's weights", [](Table& t) { t.c.block_elements = 0; }});
  if (block_of(right) == kOutputs) faults.pop_back();  // there is one block only
  expect_rejected(right, faults, input, expected);
}

TEST(PlantedError, EveryWrongConvTranspose2dFails) {
  Random random(12);
  const Tensor<float> input = Tensor<float>::random({1, kInputs, 20, 20}, random);
  const conv_transpose2d::Desc desc{.in_channels = kInputs,
                                    .out_channels = kOutputs,
                                    .kernel = 4,
                                    .stride = 2,
                                    .padding = 1,
                                    .epilogue = {step::add(Extent::channel)}};
  const std::vector<float> weight = random.values(desc.weight_shape().elements());
  const Bias bias(random);
  Tensor<float> expected(conv_transpose2d::output_shape(desc, input.shape()));
  conv_transpose2d::reference<float>(
      desc, {input.view(), weight, Operands(&bias.operand, 1), expected.view()}, test::threads());

  const auto config = conv_transpose2d::choose(desc, input.shape(), simd::chosen());
  Table right;
  right.operands = {bias.operand};
  right.weight.resize(static_cast<size_t>(conv_transpose2d::packed_elements(desc, config)));
  conv_transpose2d::pack(desc, config, {0, desc.in_channels}, weight, right.weight);
  right.c.vectors = config.vectors;
  right.c.tile_pixels = config.tile_pixels;
  right.c.task_rows = config.task_rows;
  right.c.block_elements = 16 * matrix_of(right);
  right.c.output_stride = 2;
  for (const Pair offset : {Pair{0, 0}, Pair{0, 1}, Pair{1, 0}, Pair{1, 1}}) {
    Table::Part part{.taps = {}, .offset = offset};
    for (int64_t tap = 0; tap < 16; ++tap) {
      const int64_t y = offset.h + 1 - tap / 4, x = offset.w + 1 - tap % 4;
      if (y % 2 == 0 && x % 2 == 0) {
        part.taps.push_back({y / 2, x / 2, tap * matrix_of(right)});
      }
    }
    right.parts.push_back(part);
  }

  std::vector<Fault> faults = common_faults(input);
  faults.push_back(
      {"two phases exchanged", [](Table& t) { std::swap(t.parts[1].offset, t.parts[2].offset); }});
  faults.push_back({"a phase left out", [](Table& t) { t.parts.pop_back(); }});
  expect_rejected(right, faults, input, expected);
}

// What the comparison itself must not do.

TEST(Close, ANaNNeverPasses) {
  Random random(13);
  Tensor<float> a = Tensor<float>::random({1, 3, 2, 2}, random), b = a;
  EXPECT_TRUE(close(a.view(), b.view()));
  b.view().at(0, 1, 0, 1) = std::numeric_limits<float>::quiet_NaN();
  EXPECT_FALSE(close(a.view(), b.view()));
  EXPECT_FALSE(close(b.view(), a.view()));
  EXPECT_FALSE(close(b.view(), b.view()));  // nobody wrote it
  const Tensor<float> unwritten({1, 3, 2, 2});
  EXPECT_FALSE(close(unwritten.view(), unwritten.view()));
}

}  // namespace
}  // namespace kintsugi
