// SPDX-License-Identifier: MIT
#include <cmath>

#include "kernels/core/dtype.h"
#include "kernels/core/padding.h"
#include "kernels/core/shape.h"
#include "tests/kernels/support.h"

namespace kintsugi {
namespace {

TEST(DType, EveryF16IsWidenedExactly) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const int exponent = static_cast<int>(bits >> 10 & 0x1f);
    const int fraction = static_cast<int>(bits & 0x3ff);
    const double sign = (bits & 0x8000) != 0 ? -1 : 1;
    const float wide = widen_f16(static_cast<uint16_t>(bits));
    EXPECT_EQ(std::signbit(wide), sign < 0);
    if (exponent == 31 && fraction != 0) {
      EXPECT_TRUE(std::isnan(wide));
    } else if (exponent == 31) {
      EXPECT_TRUE(std::isinf(wide));
    } else {
      const double expected =
          exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
      EXPECT_EQ(static_cast<double>(wide), sign * expected) << bits;
    }
  }
}

TEST(DType, EveryBf16IsWidenedExactly) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const int exponent = static_cast<int>(bits >> 7 & 0xff);
    const int fraction = static_cast<int>(bits & 0x7f);
    const double sign = (bits & 0x8000) != 0 ? -1 : 1;
    const float wide = widen_bf16(static_cast<uint16_t>(bits));
    EXPECT_EQ(std::signbit(wide), sign < 0);
    if (exponent == 255 && fraction != 0) {
      EXPECT_TRUE(std::isnan(wide));
    } else if (exponent == 255) {
      EXPECT_TRUE(std::isinf(wide));
    } else {
      const double expected =
          exponent == 0 ? std::ldexp(fraction, -133) : std::ldexp(128 + fraction, exponent - 134);
      EXPECT_EQ(static_cast<double>(wide), sign * expected) << bits;
    }
  }
}

TEST(DType, KnowsItsSize) {
  EXPECT_EQ(size_bytes(DType::f64), 8);
  EXPECT_EQ(size_bytes(DType::bf16), 2);
}

TEST(Shape, CountsAndPrints) {
  const Shape shape{2, 3, 4, 5};
  EXPECT_EQ(shape.elements(), 120);
  EXPECT_EQ(shape.pixels(), 40);
  EXPECT_EQ(shape.to_string(), "[2, 3, 4, 5]");
  EXPECT_EQ((Shape{4, 0, 5}.elements()), 0);
  EXPECT_EQ(Shape{}.elements(), 1);
}

TEST(Shape, RefusesWhatIsNone) {
  EXPECT_EQ(test::error_of([] { (void)Shape{1, -1}; }), "a shape has a negative extent");
  EXPECT_EQ(test::error_of([] { (void)Shape{1, 1, 1, 1, 1, 1, 1}; }),
            "a tensor of rank 7 is beyond the limit of rank 6");
  const int64_t large = int64_t{1} << 32;
  EXPECT_EQ(test::error_of([&] {
              (void)Shape{large, large}.elements();
            }),
            "the shape [4294967296, 4294967296] is too large");
}

TEST(Padding, FindsTheSource) {
  EXPECT_EQ(source_coordinate(2, 4, PaddingMode::zero), 2);
  EXPECT_EQ(source_coordinate(-1, 4, PaddingMode::zero), -1);
  EXPECT_EQ(source_coordinate(4, 4, PaddingMode::zero), -1);
  EXPECT_EQ(source_coordinate(-3, 4, PaddingMode::reflect), 3);
  EXPECT_EQ(source_coordinate(6, 4, PaddingMode::reflect), 0);
}

TEST(Isa, IsAvailableNamedAndHasLanes) {
  const auto isas = simd::available();
  ASSERT_FALSE(isas.empty());
  EXPECT_NE(std::find(isas.begin(), isas.end(), simd::chosen()), isas.end());
#if defined(__x86_64__)  // a machine on which nothing but the emulation ran would hide the kernels
  EXPECT_EQ(isas.front(), simd::Isa::emu128);
  EXPECT_GT(isas.size(), 1u);
#endif
  EXPECT_STREQ(simd::to_string(simd::Isa::avx512), "avx512");
  EXPECT_EQ(simd::lanes(simd::Isa::avx2), 8);
}

}  // namespace
}  // namespace kintsugi
