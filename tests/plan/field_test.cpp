// SPDX-License-Identifier: MIT
//
// Receptive fields: where there is none, which inputs count, and random graphs.
#include "kernels/random/random.h"
#include "kernels/to_image/to_image.h"
#include "kernels/to_tensor/to_tensor.h"
#include "tests/plan/field_support.h"

namespace kintsugi {
namespace {

using graph::Graph;
using graph::Value;
using program::Field;
using program::field;
using test::Build;
using test::down;
using test::made;
using test::same;
using test::text;
using test::Toy;

std::string field_of(const Build& build) {
  const Toy t = made(build, {1, 2, 24, 24});
  return text(field(t.graph, t.x, t.graph.outputs[0].value));
}

TEST(Field, IsUnboundedWhereTheWholeImageIsRead) {
  EXPECT_EQ(field_of([](Toy& t, Value x) { return t.group_norm(same(t, x, "a"), "b", 2); }),
            "unbounded");
  EXPECT_EQ(field_of([](Toy& t, Value x) {
              const Value mean = t.record({x}, "mean", reduce::Desc{}, {}, {});
              return t.apply(x, "gate", step::mul(Extent::sample_channel), {mean});
            }),
            "unbounded");
  // A fully connected layer, and what it gates.
  EXPECT_EQ(field_of([](Toy& t, Value x) {
              return t.conv(x, "linear", {.out_channels = 5, .kernel = 24});
            }),
            "unbounded");
  EXPECT_EQ(field_of([](Toy& t, Value x) {
              const Value gate = t.conv(x, "linear", {.out_channels = 2, .kernel = 24});
              return t.apply(x, "gate", step::mul(Extent::sample_channel), {gate});
            }),
            "unbounded");
}

TEST(Field, IsUnboundedWhereNoFactorFits) {
  const auto sized = [](Pair size, resample::Mode mode, bool align_corners) {
    return field_of([=](Toy& t, Value x) {
      return t.record({x}, "a", resample::Desc{size, mode, align_corners}, {}, {});
    });
  };
  using resample::Mode;
  EXPECT_EQ(sized(36, Mode::nearest, false), "unbounded");
  EXPECT_EQ(sized({12, 48}, Mode::nearest, false), "unbounded");
  EXPECT_EQ(sized(48, Mode::bilinear, true), "unbounded");
  EXPECT_EQ(sized(48, Mode::bilinear, false), "1 1 1 1, stride 1 makes 2");
  // Images of one extent, but not of pixels of one size.
  EXPECT_EQ(field_of([](Toy& t, Value x) {
              return t.add(down(t, x, "a"), t.conv(x, "b", {.out_channels = 2, .kernel = 13}), "c");
            }),
            "unbounded");
}

TEST(Field, OfNearestIsOfTheFactorsThatFloatsKeep) {
  // floor(41 * float(1/41)) is 0.
  const resample::Desc desc{.size = 82};
  EXPECT_EQ(resample::place(desc, 41, 2, 82).first, 0);
  EXPECT_EQ(AnyOp(desc).reach(Shapes{{1, 1, 2, 2}}), std::nullopt);
  EXPECT_NE(AnyOp(resample::Desc{.size = 80}).reach(Shapes{{1, 1, 2, 2}}), std::nullopt);
}

TEST(Field, OfAStateOrOfRandomNumbersIsUnbounded) {
  Toy t({1, 2, 24, 24});
  const Value state = t.graph.read(t.graph.state({.name = "state", .shape = {1, 2, 24, 24}}));
  const Value numbers = t.graph.image("numbers", {1, random::State::kPieces, 1, 1}, DType::u16);
  const Value noise = t.record({numbers}, "noise", random::Desc{.channels = 2, .size = 24}, {}, {});
  const Value plain = same(t, t.x, "a");
  EXPECT_EQ(text(field(t.graph, t.x, plain)), "1 1 1 1, stride 1 makes 1");
  EXPECT_EQ(text(field(t.graph, t.x, t.add(plain, state, "b"))), "unbounded");
  EXPECT_EQ(text(field(t.graph, t.x, t.add(plain, noise, "c"))), "unbounded");
  EXPECT_EQ(text(field(t.graph, t.x, state)), "unbounded");
}

TEST(Field, CountsTheInputsThatAreNamed) {
  Toy t({1, 2, 24, 24});
  const Value mask = t.graph.input("mask", {1, 1, 24, 24});
  const Value style = t.graph.input("style", {1, 2, 1, 1});
  const Value seen = t.conv(mask, "a", {.out_channels = 2, .kernel = 7, .padding = 3});
  const Value sum = t.add(same(t, t.x, "b"), seen, "sum");
  const Value styled = t.apply(sum, "styled", step::mul(Extent::sample_channel), {style});
  EXPECT_EQ(text(field(t.graph, t.x, styled)), "1 1 1 1, stride 1 makes 1");
  EXPECT_EQ(text(field(t.graph, mask, styled)), "3 3 3 3, stride 1 makes 1");
  EXPECT_EQ(text(field(t.graph, {t.x, mask}, styled)), "3 3 3 3, stride 1 makes 1");
  EXPECT_EQ(text(field(t.graph, style, styled)), "unbounded");
  EXPECT_EQ(text(field(t.graph, t.x, seen)), "unbounded");  // does not depend on it
}

/// Of the samples of an image, and of the rows that are not finite.
TEST(Field, OfImagesIsThatOfTheNetworkBetween) {
  Graph graph;
  const Value image = graph.image("image", {1, 3, 24, 24}, DType::u8);
  const auto record = [&](Value x, const AnyOp& op) {
    return graph.record({.does = op, .inputs = {x}, .names = {"a"}});
  };
  const Value x = record(image, to_tensor::Desc{{.from = to_tensor::From::red},
                                                {.from = to_tensor::From::green},
                                                {.from = to_tensor::From::blue}});
  const Value pooled = record(x, pool::Desc{.kernel = 3, .stride = 1, .padding = 1});
  const Value out = record(pooled, to_image::Desc{});
  EXPECT_EQ(text(field(graph, image, out)), "1 1 1 1, stride 1 makes 1");
  EXPECT_EQ(text(field(graph, image, Value{out.node, 1})), "unbounded");
}

/// Every op in every company: what a random graph's field excludes does not change.
TEST(Field, OfRandomGraphsHoldsWhatAChangeReaches) {
  int bounded = 0, changed = 0;
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    const test::RandomGraph drawn(seed);
    const Graph& graph = drawn.graph;
    test::Bound bound(test::plan_here(graph, {.backend = plan::Backend::reference_f64}));
    execute::Executor& executor = *bound.executor;
    const auto outputs = [&] {
      test::fill_states(executor, drawn);
      executor.run({});
      return test::outputs_of(executor);
    };
    test::write_inputs(executor, drawn);
    const test::Outputs before = outputs();
    for (size_t in = 0; in < graph.inputs.size(); ++in) {
      const Value input = graph.inputs[in].value;
      const Shape& shape = graph.shape(input);
      std::vector<std::optional<Field>> fields;
      for (const graph::Port& port : graph.outputs) {
        fields.push_back(field(graph, input, port.value));
        bounded += fields.back() ? 1 : 0;
      }
      if (std::ranges::none_of(fields, [](const auto& f) { return f.has_value(); })) continue;
      for (uint64_t which = 0; which < 4; ++which) {
        const auto y = static_cast<int64_t>(test::scramble(seed, which)) & 1023;
        const auto x = static_cast<int64_t>(test::scramble(seed, which + 4)) & 1023;
        const Shape& of = shape;
        const int64_t at_y = y % of.h(), at_x = x % of.w();
        test::write_inputs(executor, drawn);
        const auto port =
            std::ranges::find(executor.plan().inputs, graph.inputs[in].name, &plan::Port::name);
        const execute::WriteRow plain = test::rows_of(
            drawn, graph.inputs[in].name, std::get<graph::Input>(graph.node(input).does));
        executor.write_input(port->value, [&](int64_t n, int64_t row, std::span<float> values) {
          plain(n, row, values);
          if (row != at_y) return;
          for (int64_t c = 0; c < of.c(); ++c) {
            float& value = values[static_cast<size_t>(at_x * of.c() + c)];
            value = value > 0.5F ? 0.0F : 1.0F;
          }
        });
        const test::Outputs after = outputs();
        for (size_t o = 0; o < fields.size(); ++o) {
          if (!fields[o]) continue;
          const Field& f = *fields[o];
          const Shape& out = graph.shape(graph.outputs[o].value);
          for (size_t i = 0; i < after[o].size(); ++i) {
            if (after[o][i] == before[o][i] ||
                (std::isnan(after[o][i]) && std::isnan(before[o][i]))) {
              continue;
            }
            const auto pixel = static_cast<int64_t>(i) / out.c();
            const int64_t ox = pixel % out.w(), oy = pixel / out.w() % out.h();
            if (oy * f.stride.h / f.output_stride.h >= of.h() ||
                ox * f.stride.w / f.output_stride.w >= of.w()) {
              continue;  // beyond the image
            }
            ++changed;
            const auto inside = [](int64_t at, int64_t i_out, int64_t stride, int64_t made,
                                   int64_t low, int64_t high) {
              return at >= i_out * stride / made - low &&
                     at <= ((i_out + 1) * stride - 1) / made + high;
            };
            ASSERT_TRUE(inside(at_y, oy, f.stride.h, f.output_stride.h, f.top, f.bottom) &&
                        inside(at_x, ox, f.stride.w, f.output_stride.w, f.left, f.right))
                << "seed " << seed << ", input " << graph.inputs[in].name << " at " << at_y << " "
                << at_x << " changes " << graph.outputs[o].name << " at " << oy << " " << ox
                << "; field " << text(f) << "\n"
                << drawn.text();
          }
        }
      }
    }
  }
  EXPECT_GT(bounded, 20);
  EXPECT_GT(changed, 1000);
}

}  // namespace
}  // namespace kintsugi
