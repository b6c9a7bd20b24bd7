// SPDX-License-Identifier: MIT
//
// Sizes come from files and command lines: whatever does not fit 63 bits is refused in a sentence.
#include <functional>
#include <limits>

#include "kernels/conv2d/conv2d.h"
#include "kernels/conv_transpose2d/conv_transpose2d.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/layer_norm/layer_norm.h"
#include "kernels/norm/norm.h"
#include "kernels/pad/pad.h"
#include "kernels/partial_mask/partial_mask.h"
#include "kernels/pool/pool.h"
#include "kernels/random/random.h"
#include "kernels/reduce/reduce.h"
#include "kernels/resample/resample.h"
#include "kernels/to_image/to_image.h"
#include "kernels/to_tensor/to_tensor.h"
#include "tests/kernels/support.h"

namespace kintsugi {
namespace {

constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
constexpr int64_t kHuge = int64_t{1} << 62;
constexpr int64_t kGiga = int64_t{1} << 30;

TEST(Sizes, AreChecked) {
  EXPECT_EQ(checked_multiply(kGiga, 4), int64_t{1} << 32);
  EXPECT_EQ(checked_multiply(-2, 3), -6);
  EXPECT_EQ(checked_add(kMost - 1, 1), kMost);
  EXPECT_EQ(checked_product({2, 3, 4}), 24);
  EXPECT_EQ(checked_product({}), 1);
  EXPECT_EQ(test::error_of([] { (void)checked_multiply(kGiga << 4, kGiga << 4); }),
            "a size of 17179869184 times 17179869184 is too large");
  EXPECT_EQ(test::error_of([] { (void)checked_add(kMost, 1); }),
            "a size of 9223372036854775807 plus 1 is too large");
}

TEST(Sizes, AreDividedAndRoundedUp) {
  EXPECT_EQ(divide_up(0, 4), 0);
  EXPECT_EQ(divide_up(8, 4), 2);
  EXPECT_EQ(divide_up(9, 4), 3);
  EXPECT_EQ(divide_up(kMost, 2), kHuge);
  EXPECT_EQ(divide_up(-1, 4), 0);  // rows of a phase that begins beyond the picture
  EXPECT_EQ(divide_up(-5, 4), -1);
  EXPECT_EQ(round_up(9, 4), 12);
  EXPECT_NE(test::error_of([] { (void)round_up(kMost, 4); }), "");
}

struct Row {
  const char* name;
  std::function<int64_t()> size;
};

const conv2d::Desc kConv{.in_channels = 1, .out_channels = 1, .kernel = 3};
const conv_transpose2d::Desc kUp{.in_channels = 1, .out_channels = 1, .kernel = 3};
const elementwise::Desc kSteps{{step::affine(1, 2), step::add(Extent::tensor)}};

template <class Desc, class Change>
Desc with(Desc desc, const Change& change) {
  change(desc);
  return desc;
}

int64_t height(const conv2d::Desc& d) { return conv2d::output_shape(d, {1, 1, 8, 8}).h(); }
int64_t height(const conv_transpose2d::Desc& d) {
  return conv_transpose2d::output_shape(d, {1, 1, 8, 8}).h();
}
int64_t height(const pad::Desc& d) { return pad::output_shape(d, {1, 1, 8, 8}).h(); }

std::vector<Row> rows() {
  const Shape wide{kGiga, 1, kGiga, 8}, wider{kGiga, 1, kGiga, kGiga};
  const Shape many{kGiga, 3, kGiga, 1};
  const to_tensor::Desc colours{{.from = to_tensor::From::red},
                                {.from = to_tensor::From::green},
                                {.from = to_tensor::From::blue}};
  const auto wide_conv = with(kConv, [](auto& d) { d.kernel = 1, d.out_channels = kGiga; });
  const auto heavy_conv = with(kConv, [](auto& d) { d.in_channels = d.out_channels = kGiga << 2; });
  const auto wide_up = with(kUp, [](auto& d) { d.kernel = 1, d.out_channels = kGiga; });
  const auto heavy_up = with(kUp, [](auto& d) { d.in_channels = d.out_channels = kGiga << 2; });
  return {
      {"elements", [=] { return wider.elements(); }},
      {"pixels", [=] { return wider.pixels(); }},
      {"storage_channels", [] { return storage_channels(kMost); }},
      {"conv2d padding", [] { return height(with(kConv, [](auto& d) { d.padding = kHuge; })); }},
      {"conv2d dilation", [] { return height(with(kConv, [](auto& d) { d.dilation = kHuge; })); }},
      {"conv2d kernel",
       [] { return height(with(kConv, [](auto& d) { d.kernel = kMost, d.dilation = 2; })); }},
      {"conv2d flops", [=] { return conv2d::flops(wide_conv, wide); }},
      {"conv2d bytes", [=] { return conv2d::bytes(wide_conv, wide, 4); }},
      {"conv2d weight", [=] { return heavy_conv.weight_shape().elements(); }},
      {"conv2d packed", [=] { return conv2d::packed_elements(heavy_conv, {}); }},
      {"conv2d packed for winograd",
       [=] {
         return conv2d::packed_elements(heavy_conv, {.algorithm = conv2d::Algorithm::winograd});
       }},
      {"conv_transpose2d stride",
       [] { return height(with(kUp, [](auto& d) { d.stride = kHuge; })); }},
      {"conv_transpose2d padding",
       [] { return height(with(kUp, [](auto& d) { d.padding = kMost; })); }},
      {"conv_transpose2d dilation",
       [] { return height(with(kUp, [](auto& d) { d.dilation = kHuge; })); }},
      {"conv_transpose2d kernel",
       [] { return height(with(kUp, [](auto& d) { d.kernel = kMost; })); }},
      {"conv_transpose2d flops", [=] { return conv_transpose2d::flops(wide_up, wide); }},
      {"conv_transpose2d bytes", [=] { return conv_transpose2d::bytes(wide_up, wide, 4); }},
      {"conv_transpose2d weight", [=] { return heavy_up.weight_shape().elements(); }},
      {"conv_transpose2d packed", [=] { return conv_transpose2d::packed_elements(heavy_up, {}); }},
      {"elementwise shape", [=] { return elementwise::output_shape(kSteps, wider).h(); }},
      {"elementwise flops",
       [] {
         return elementwise::flops(kSteps, {kGiga, 1, kGiga, 4});
       }},
      {"elementwise bytes",
       [] {
         return elementwise::bytes(kSteps, {kGiga, 1, kGiga, 1}, 4);
       }},
      {"pad border", [] { return height(pad::Desc{.top = kHuge, .bottom = kHuge}); }},
      {"pad extent", [] { return height(pad::Desc{.top = kMost}); }},
      {"pad bytes", [=] { return pad::bytes({.top = 1}, wide, 4); }},
      {"to_tensor flops", [=] { return to_tensor::flops(colours, many); }},
      {"to_tensor bytes",
       [=] {
         return to_tensor::bytes(to_tensor::Desc{{}, {}}, many, 4);
       }},
      {"to_image bytes", [=] { return to_image::bytes({}, many, 4); }},
      {"to_image flops", [=] { return to_image::flops({}, wide); }},
      {"layer_norm shape", [=] { return layer_norm::output_shape({}, wider).c(); }},
      {"layer_norm bytes", [=] { return layer_norm::bytes({}, wide, 4); }},
      {"norm shape", [=] { return norm::output_shape({}, wider).c(); }},
      {"norm flops",
       [=] {
         return norm::flops({}, {kGiga, 1, kGiga, 4});
       }},
      {"norm bytes",
       [=] {
         return norm::bytes({}, {kGiga, 1, kGiga, 4}, 4);
       }},
      {"partial_mask padding",
       [] {
         return partial_mask::output_shape({.padding = kHuge}, {1, 1, 8, 8}).h();
       }},
      {"partial_mask dilation",
       [] {
         return partial_mask::output_shape({.kernel = 3, .dilation = kHuge}, {1, 1, 8, 8}).h();
       }},
      {"partial_mask window",
       [] {
         return partial_mask::output_shape({.channels = {kMost, 1}}, {1, 1, 8, 8}).h();
       }},
      {"partial_mask flops",
       [=] { return partial_mask::flops({.kernel = 2, .padding = 1}, wide); }},
      {"partial_mask bytes",
       [] {
         return partial_mask::bytes({}, {kGiga, 1, kGiga, 1}, 4);
       }},
      {"pool padding",
       [] {
         return pool::output_shape({.kernel = kMost, .padding = kHuge - 1}, {1, 1, 8, 8}).h();
       }},
      {"pool flops", [=] { return pool::flops({.kernel = 2}, wide); }},
      {"pool bytes", [=] { return pool::bytes({}, wide, 4); }},
      {"random shape",
       [] {
         return random::output_shape({.channels = kGiga, .size = {kGiga, 8}}, {1, 12, 1, 1}).h();
       }},
      {"random flops",
       [] {
         return random::flops({.channels = 4, .size = {kGiga, kGiga >> 1}}, {1, 12, 1, 1});
       }},
      {"random bytes",
       [] {
         return random::bytes({.channels = 4, .size = {kGiga, kGiga >> 1}}, {1, 12, 1, 1}, 4);
       }},
      {"reduce shape", [=] { return reduce::output_shape({}, wider).c(); }},
      {"reduce bytes", [=] { return reduce::bytes({}, wide, 4); }},
      {"resample size", [=] { return resample::output_shape({.size = kMost}, wide).h(); }},
      {"resample flops",
       [=] {
         return resample::flops({.size = {kGiga, 8}, .mode = resample::Mode::bilinear}, wide);
       }},
      {"resample bytes", [=] { return resample::bytes({.size = 8}, wide, 4); }},
  };
}

TEST(Sizes, OfEveryOpAreRefusedInASentence) {
  for (const Row& row : rows()) {
    try {
      const int64_t size = row.size();
      ADD_FAILURE() << row.name << " gave " << size;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::unsupported) << row.name;
      EXPECT_TRUE(std::string(error.what()).ends_with(" is too large"))
          << row.name << ": " << error.what();
    }
  }
}

TEST(Sizes, AHugeStrideOfOnePixelRunsOrIsRefused) {
  // Nothing may loop over the phases of such a stride, nor overflow by it.
  test::Tensor<float> input({1, 1, 1, 1}), output({1, 1, 1, 1});
  input.for_each([](int64_t, int64_t c, int64_t, int64_t, float& v) { v = c == 0 ? 3.0f : 0.0f; });
  for (const int64_t stride : {kGiga, kHuge}) {
    const conv_transpose2d::Desc desc{.in_channels = 1, .out_channels = 1, .stride = stride};
    const auto config = conv_transpose2d::choose(desc, input.shape(), simd::chosen());
    std::vector<float> packed(static_cast<size_t>(conv_transpose2d::packed_elements(desc, config)));
    conv_transpose2d::pack(desc, config, {0, 1}, std::vector<float>{2.0f}, packed);
    const std::string error = test::error_of([&] {
      conv_transpose2d::cpu(desc, config, {input.view(), packed, {}, output.view()},
                            test::threads());
    });
    if (stride == kGiga) {
      EXPECT_EQ(error, "");
      EXPECT_EQ(output.view().at(0, 0, 0, 0), 6.0f);
    } else {
      EXPECT_EQ(error, "a size of 4611686018427387904 times 4 is too large");
    }
  }
}

}  // namespace
}  // namespace kintsugi
