// SPDX-License-Identifier: MIT
//
// The definitions that both halves share: 16-bit numbers and the fragments' layouts.
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "kernels/core/half.h"
#include "kernels/device/fragment.h"

namespace kintsugi {
namespace {

TEST(Half, EveryNumberComesBack) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto b = static_cast<uint16_t>(bits);
    if ((bits & 0x7c00u) != 0x7c00u || (bits & 0x3ffu) == 0) {
      ASSERT_EQ(narrow_f16(widen_f16(b)), b);
    } else {
      ASSERT_EQ(narrow_f16(widen_f16(b)), 0x7fff);
    }
    if ((bits & 0x7f80u) != 0x7f80u || (bits & 0x7fu) == 0) {
      ASSERT_EQ(narrow_bf16(widen_bf16(b)), b);
    } else {
      ASSERT_EQ(narrow_bf16(widen_bf16(b)), 0x7fff);
    }
  }
}

// Halfway between neighbours goes to the even one, a little more or less to the nearer one; from
// zero through the subnormals to the largest number.
TEST(Half, RoundsToNearestEven) {
  for (uint32_t bits = 0; bits < 0x7bff; ++bits) {
    const float low = widen_f16(static_cast<uint16_t>(bits));
    const float high = widen_f16(static_cast<uint16_t>(bits + 1));
    const float middle = 0.5f * (low + high);
    ASSERT_EQ(narrow_f16(middle), bits + (bits & 1u)) << bits;
    ASSERT_EQ(narrow_f16(std::nextafter(middle, 0.0f)), bits) << bits;
    ASSERT_EQ(narrow_f16(std::nextafter(middle, 1e9f)), bits + 1) << bits;
    ASSERT_EQ(narrow_f16(-middle), 0x8000u | (bits + (bits & 1u))) << bits;
  }
  EXPECT_EQ(narrow_f16(65519.99f), 0x7bff);
  EXPECT_EQ(narrow_f16(65520.0f), 0x7c00);
  EXPECT_EQ(narrow_f16(-INFINITY), 0xfc00);
  for (uint32_t bits = 0; bits < 0x7f7f; ++bits) {
    const float low = widen_bf16(static_cast<uint16_t>(bits));
    const float middle = std::bit_cast<float>((bits << 16) + 0x8000u);
    ASSERT_EQ(narrow_bf16(low), bits);
    ASSERT_EQ(narrow_bf16(middle), bits + (bits & 1u));
    ASSERT_EQ(narrow_bf16(std::bit_cast<float>((bits << 16) + 0x7fffu)), bits);
    ASSERT_EQ(narrow_bf16(std::bit_cast<float>((bits << 16) + 0x8001u)), bits + 1);
  }
  EXPECT_EQ(narrow_bf16(3.4e38f), 0x7f80);
}

// The manual's own drawings of mma.m16n8k16: a few corners of each, and that nothing is held twice.
TEST(Fragments, HoldEveryElementOnce) {
  using device::Element;
  const auto is = [](Element e, int row, int column) { return e.row == row && e.column == column; };
  EXPECT_TRUE(is(device::a_element<f16>(0, 0), 0, 0));
  EXPECT_TRUE(is(device::a_element<f16>(5, 1), 9, 2));   // a2, a3 of lane 5: row 1 + 8
  EXPECT_TRUE(is(device::a_element<f16>(5, 2), 1, 10));  // a4, a5: k + 8
  EXPECT_TRUE(is(device::a_element<f16>(31, 3), 15, 14));
  EXPECT_TRUE(is(device::b_element<f16>(6, 0), 4, 1));
  EXPECT_TRUE(is(device::b_element<f16>(6, 1), 12, 1));
  EXPECT_TRUE(is(device::a_element<device::tf32>(5, 1), 9, 1));
  EXPECT_TRUE(is(device::a_element<device::tf32>(5, 2), 1, 5));
  EXPECT_TRUE(is(device::b_element<device::tf32>(6, 1), 6, 1));
  EXPECT_TRUE(is(device::c_element(6, 1), 1, 5));
  EXPECT_TRUE(is(device::c_element(6, 2), 9, 4));
  std::set<std::pair<int, int>> a;
  std::set<std::pair<int, int>> b;
  std::set<std::pair<int, int>> c;
  for (int lane = 0; lane < 32; ++lane) {
    for (int i = 0; i < 4; ++i) {
      const Element in_a = device::a_element<bf16>(lane, i);
      const Element in_c = device::c_element(lane, i);
      a.insert({in_a.row, in_a.column});
      c.insert({in_c.row, in_c.column});
    }
    for (int i = 0; i < 2; ++i) {
      const Element in_b = device::b_element<bf16>(lane, i);
      b.insert({in_b.row, in_b.column});
    }
  }
  EXPECT_EQ(a.size(), 128U);
  EXPECT_EQ(b.size(), 64U);
  EXPECT_EQ(c.size(), 128U);
}

template <int kChunks>
void expect_no_conflict() {
  std::set<int> places;
  for (int chunk = 0; chunk < kChunks; ++chunk) {
    for (int row0 = 0; row0 < 32; row0 += 8) {
      std::set<int> groups;
      for (int row = row0; row < row0 + 8; ++row) {
        const int place = device::swizzled_chunk<kChunks>(row, chunk);
        groups.insert(place % 8);
        places.insert(place);
        EXPECT_EQ(place / kChunks, row);
      }
      EXPECT_EQ(groups.size(), 8U) << kChunks;
    }
  }
  EXPECT_EQ(places.size(), 32U * kChunks);
}

TEST(Swizzle, SpreadsEightRowsOverTheBanks) {
  expect_no_conflict<2>();
  expect_no_conflict<4>();
  expect_no_conflict<8>();
  expect_no_conflict<16>();
}

}  // namespace
}  // namespace kintsugi
