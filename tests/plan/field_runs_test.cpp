// SPDX-License-Identifier: MIT
//
// Receptive fields against what runs show: a NaN in an input pixel reaches those output pixels that the
// field says, and a cut gives the bits of the whole image.
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
using test::Runs;
using test::same;
using test::text;
using test::Toy;
using test::up;

/// How far a NaN in each pixel of the input was seen, as Field says it.
Field seen(const Graph& graph, const Field& said) {
  Runs runs(graph);
  const Shape& in = graph.shape(graph.inputs[0].value);
  const Shape& out = runs.shape();
  Field far{.stride = said.stride, .output_stride = said.output_stride};
  const auto stands = [](int64_t i, int64_t stride, int64_t made) { return i * stride / made; };
  const auto ends = [](int64_t i, int64_t stride, int64_t made) {
    return ((i + 1) * stride - 1) / made;
  };
  for (int64_t y = 0; y < in.h(); ++y) {
    for (int64_t x = 0; x < in.w(); ++x) {
      const std::vector<float> values = runs.of({.nan_y = y, .nan_x = x});
      for (int64_t i = 0; i < std::ssize(values); ++i) {
        if (!std::isnan(values[static_cast<size_t>(i)])) continue;
        const int64_t oy = i / out.w() % out.h(), ox = i % out.w();
        if (stands(oy, said.stride.h, said.output_stride.h) >= in.h() ||
            stands(ox, said.stride.w, said.output_stride.w) >= in.w()) {
          continue;  // beyond the image
        }
        far.top = std::max(far.top, stands(oy, said.stride.h, said.output_stride.h) - y);
        far.bottom = std::max(far.bottom, y - ends(oy, said.stride.h, said.output_stride.h));
        far.left = std::max(far.left, stands(ox, said.stride.w, said.output_stride.w) - x);
        far.right = std::max(far.right, x - ends(ox, said.stride.w, said.output_stride.w));
      }
    }
  }
  return far;
}

struct Case {
  std::string name;
  Build build;
  Field field;
};

Value resized(Toy& t, Value x, Pair factor, resample::Mode mode, bool shrinks = false) {
  const Shape& in = t.graph.shape(x);
  const Pair size = shrinks ? Pair(in.h() / factor.h, in.w() / factor.w)
                            : Pair(in.h() * factor.h, in.w() * factor.w);
  return t.record({x}, "resized", resample::Desc{.size = size, .mode = mode}, {}, {});
}
Value joined(Toy& t, const std::vector<Value>& parts) {
  return t.record(parts, "joined", concat::Desc{}, {}, {});
}

const std::vector<Case>& cases() {
  using resample::Mode;
  static const std::vector<Case> all = {
      {"conv",
       [](Toy& t, Value x) {
         return t.conv(x, "a", {.out_channels = 2, .kernel = {3, 5}, .padding = {1, 2}});
       },
       {1, 1, 2, 2}},
      {"dilated",
       [](Toy& t, Value x) {
         return t.conv(x, "a",
                       {.out_channels = 2, .kernel = 3, .dilation = {2, 3}, .padding = {2, 3}});
       },
       {2, 2, 3, 3}},
      {"unpadded",
       [](Toy& t, Value x) {
         return t.conv(x, "a", {.out_channels = 2, .kernel = {3, 2}, .dilation = 2});
       },
       {0, 4, 0, 2}},
      {"strided",
       [](Toy& t, Value x) {
         return t.conv(x, "a", {.out_channels = 2, .kernel = 4, .stride = 2, .padding = 1});
       },
       {1, 1, 1, 1, 2, 1}},
      {"strided by two and three",
       [](Toy& t, Value x) {
         return t.conv(x, "a", {.out_channels = 2, .kernel = 5, .stride = {2, 3}, .padding = 2});
       },
       {2, 1, 2, 0, {2, 3}, 1}},
      {"transposed", [](Toy& t, Value x) { return up(t, x, "a"); }, {1, 1, 1, 1, 1, 2}},
      {"transposed, dilated",
       [](Toy& t, Value x) {
         return t.deconv(x, "a",
                         {.out_channels = 2,
                          .kernel = 3,
                          .stride = 2,
                          .dilation = 3,
                          .padding = 2,
                          .output_padding = 1});
       },
       {2, 1, 2, 1, 1, 2}},
      {"transposed, smaller than its stride",
       [](Toy& t, Value x) {
         return t.deconv(
             x, "a", {.out_channels = 2, .kernel = {2, 1}, .stride = 3, .output_padding = {1, 2}});
       },
       {0, 0, 0, 0, 1, 3}},
      {"down and up",
       [](Toy& t, Value x) { return up(t, down(t, x, "a"), "b"); },
       {3, 2, 3, 2, 2, 2}},
      {"down, down, up, up",
       [](Toy& t, Value x) { return up(t, up(t, down(t, down(t, x, "a"), "b"), "c"), "d"); },
       {9, 6, 9, 6, 4, 4}},
      {"max pool",
       [](Toy& t, Value x) {
         return t.record({x}, "a", pool::Desc{.kernel = 3, .stride = 2, .padding = 1}, {}, {});
       },
       {1, 0, 1, 0, 2, 1}},
      {"average pool",
       [](Toy& t, Value x) {
         return t.record({x}, "a",
                         pool::Desc{.mode = pool::Mode::average, .kernel = 2, .stride = 2}, {}, {});
       },
       {0, 0, 0, 0, 2, 1}},
      {"nearest by 3 and 2, conv",
       [](Toy& t, Value x) {
         return same(t, resized(t, x, {3, 2}, Mode::nearest), "a");
       },
       {1, 1, 1, 1, 1, {3, 2}}},
      {"nearest down",
       [](Toy& t, Value x) { return resized(t, x, 2, Mode::nearest, true); },
       {0, 0, 0, 0, 2, 1}},
      {"bilinear by 2 and 3",
       [](Toy& t, Value x) {
         return resized(t, x, {2, 3}, Mode::bilinear);
       },
       {1, 1, 1, 1, 1, {2, 3}}},
      {"bilinear down by 2 and 4",
       [](Toy& t, Value x) {
         return resized(t, x, {2, 4}, Mode::bilinear, true);
       },
       {0, 0, 0, 0, {2, 4}, 1}},
      {"uneven pad",
       [](Toy& t, Value x) {
         const Value padded = t.record({x}, "a", pad::Desc{1, 2, 3, 0}, {}, {});
         return t.conv(padded, "b", {.out_channels = 2, .kernel = 3});
       },
       {1, 1, 3, 0}},
      {"reflected",
       [](Toy& t, Value x) {
         x = t.conv(t.pad(x, "a", 2, PaddingMode::reflect), "b", {.out_channels = 2, .kernel = 5});
         return t.conv(t.pad(x, "c", 1, PaddingMode::reflect), "d",
                       {.out_channels = 2, .kernel = 3});
       },
       {3, 3, 3, 3}},
      {"reflected on one side",
       [](Toy& t, Value x) {
         return t.record({x}, "a", pad::Desc{3, 0, 0, 2, PaddingMode::reflect}, {}, {});
       },
       {3, 3, 0, 0}},
      {"reflected by a strided convolution",
       [](Toy& t, Value x) {
         return t.conv(x, "a",
                       {.out_channels = 2,
                        .kernel = 3,
                        .stride = 2,
                        .padding = 1,
                        .padding_mode = PaddingMode::reflect});
       },
       {1, 0, 1, 0, 2, 1}},
      {"residual",
       [](Toy& t, Value x) { return t.add(x, same(t, same(t, x, "a"), "b"), "sum"); },
       {2, 2, 2, 2}},
      {"branches",
       [](Toy& t, Value x) {
         return joined(
             t, {x, t.conv(x, "a", {.out_channels = 1, .kernel = {5, 1}, .padding = {2, 0}}),
                 t.conv(x, "b",
                        {.out_channels = 3, .kernel = {1, 3}, .dilation = 4, .padding = {0, 4}})});
       },
       {2, 2, 4, 4}},
      {"skip beside two scales",
       [](Toy& t, Value x) {
         const Value half = same(t, down(t, x, "a"), "b");
         return same(t, joined(t, {x, resized(t, half, 2, resample::Mode::nearest)}), "c");
       },
       {5, 4, 5, 4, 2, 2}},
      {"partial mask",
       [](Toy& t, Value x) {
         const Value plane =
             t.record({x}, "a", copy::Desc{.channels = 1, .type = copy::Type::exact}, {}, {});
         return t.record({plane}, "b",
                         partial_mask::Desc{.kernel = 3,
                                            .stride = 2,
                                            .dilation = 2,
                                            .padding = 2,
                                            .form = partial_mask::Form::naoto},
                         {}, {});
       },
       {2, 1, 2, 1, 2, 1}},
      {"layer norm of pixels",
       [](Toy& t, Value x) { return t.record({same(t, x, "a")}, "b", layer_norm::Desc{}, {}, {}); },
       {1, 1, 1, 1}},
      {"mean of channels",
       [](Toy& t, Value x) {
         const Value weight =
             t.record({same(t, x, "a")}, "b", reduce::Desc{.over = reduce::Over::channels}, {}, {});
         return t.apply(x, "c", step::mul(Extent::pixel), {weight});
       },
       {1, 1, 1, 1}},
  };
  return all;
}

class Fields : public testing::TestWithParam<size_t> {};
INSTANTIATE_TEST_SUITE_P(Graphs, Fields, testing::Range<size_t>(0, cases().size()),
                         [](const auto& index) {
                           std::string name = cases()[index.param].name;
                           std::erase_if(name, [](char c) { return !std::isalnum(c); });
                           return name;
                         });

TEST_P(Fields, AreWhatANanShows) {
  const Case& c = cases()[GetParam()];
  const Toy t = made(c.build, {1, 2, 24, 24});
  const std::optional<Field> said = field(t.graph, t.x, t.graph.outputs[0].value);
  ASSERT_TRUE(said.has_value());
  EXPECT_EQ(text(*said), text(c.field));
  EXPECT_EQ(text(seen(t.graph, *said)), text(*said));
}

/// Along both axes a part of the image with the field around it, or up to the image's border.
TEST_P(Fields, GiveACutTheBitsOfTheWhole) {
  const Case& c = cases()[GetParam()];
  constexpr int64_t kWhole = 72;
  const Toy whole = made(c.build, {1, 2, kWhole, kWhole});
  Runs runs(whole.graph);
  const std::vector<float> right = runs.of({});
  const Field f = c.field;
  struct Span {
    int64_t begin, end;
  };
  const auto cut = [&](Span take, int64_t before, int64_t after) {
    const Span read{std::max<int64_t>(take.begin - before, 0) / 12 * 12,
                    std::min(round_up(take.end + after, 12), kWhole)};
    return read;
  };
  for (const auto& [ty, tx] : {std::pair{Span{0, 12}, Span{24, 36}},
                               {Span{36, 48}, Span{60, kWhole}},
                               {Span{60, kWhole}, Span{0, 24}},
                               {Span{24, 48}, Span{36, 48}}}) {
    const Span y = cut(ty, f.top, f.bottom), x = cut(tx, f.left, f.right);
    const Toy part = made(c.build, {1, 2, y.end - y.begin, x.end - x.begin});
    Runs part_runs(part.graph);
    const std::vector<float> got = part_runs.of({.y0 = y.begin, .x0 = x.begin});
    const auto scaled = [](int64_t pixel, int64_t stride, int64_t made) {
      return pixel / stride * made;
    };
    const Shape& of = runs.shape();
    const Shape& in = part_runs.shape();
    int64_t compared = 0;
    for (int64_t k = 0; k < of.c(); ++k) {
      for (int64_t oy = scaled(ty.begin, f.stride.h, f.output_stride.h);
           oy < std::min(scaled(ty.end, f.stride.h, f.output_stride.h), of.h()); ++oy) {
        for (int64_t ox = scaled(tx.begin, f.stride.w, f.output_stride.w);
             ox < std::min(scaled(tx.end, f.stride.w, f.output_stride.w), of.w()); ++ox) {
          const int64_t py = oy - scaled(y.begin, f.stride.h, f.output_stride.h);
          const int64_t px = ox - scaled(x.begin, f.stride.w, f.output_stride.w);
          ASSERT_LT(py, in.h());
          ASSERT_LT(px, in.w());
          ASSERT_EQ(got[static_cast<size_t>((k * in.h() + py) * in.w() + px)],
                    right[static_cast<size_t>((k * of.h() + oy) * of.w() + ox)])
              << oy << " " << ox;
          ++compared;
        }
      }
    }
    EXPECT_GT(compared, 0);
  }
}

TEST(Field, ACutBesideTheStrideHasOtherBits) {
  const Build build = [](Toy& t, Value x) { return up(t, down(t, x, "a"), "b"); };
  const Toy whole = made(build, {1, 2, 24, 24}), part = made(build, {1, 2, 16, 24});
  const std::vector<float> right = Runs(whole.graph).of({});
  const auto agrees = [&](int64_t y0) {
    const std::vector<float> got = Runs(part.graph).of({.y0 = y0});
    for (int64_t i = 0; i < 24; ++i) {  // row 12, well inside
      if (got[static_cast<size_t>((12 - y0) * 24 + i)] != right[static_cast<size_t>(12 * 24 + i)]) {
        return false;
      }
    }
    return true;
  };
  EXPECT_TRUE(agrees(4));
  EXPECT_TRUE(agrees(6));
  EXPECT_FALSE(agrees(5));
}

}  // namespace
}  // namespace kintsugi
