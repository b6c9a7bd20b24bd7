// SPDX-License-Identifier: MIT
//
// Real kernels, from unchanged sources: right numbers, the same bits under every schedule, the bytes
// they say they move, and no bank conflicts where the layout is swizzled.
#include "tests/emulator/specimens.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/emulator/support.h"

namespace kintsugi::specimen {
namespace {

double relative_l2(const std::vector<double>& expected, const std::vector<float>& got) {
  double error = 0;
  double norm = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    error += (expected[i] - got[i]) * (expected[i] - got[i]);
    norm += expected[i] * expected[i];
  }
  return std::sqrt(error / norm);
}

/// c = a * b^T.
template <typename T>
std::vector<double> product(const std::vector<T>& a, const std::vector<T>& b, int m, int n, int k) {
  std::vector<double> c;
  for (int i = 0; i < m; ++i) {
    for (int j = 0; j < n; ++j) {
      double sum = 0;
      for (int t = 0; t < k; ++t) {
        sum += static_cast<double>(number(a[static_cast<std::size_t>(i * k + t)])) *
               number(b[static_cast<std::size_t>(j * k + t)]);
      }
      c.push_back(sum);
    }
  }
  return c;
}

struct Size {
  int m, n, k;
};

template <typename T>
struct GemmTest : testing::Test {
  /// A random problem on the device, of exactly its size.
  struct Problem {
    explicit Problem(Size s)
        : size(s),
          a(random_values<T>(static_cast<std::size_t>(s.m * s.k), 1)),
          b(random_values<T>(static_cast<std::size_t>(s.n * s.k), 2)),
          device_a(a),
          device_b(b),
          device_c(static_cast<std::size_t>(s.m * s.n)) {}
    GemmArgs<T> args() {
      return {device_a.data(), device_b.data(), device_c.data(), size.m, size.n, size.k};
    }
    Size size;
    std::vector<T> a, b;
    OnDevice<T> device_a, device_b;
    OnDevice<float> device_c;
  };
  void TearDown() override { emulator::set({}); }
};
using Types = testing::Types<f16, bf16, device::tf32>;
TYPED_TEST_SUITE(GemmTest, Types);

// Ragged in every direction; with 3 stages: 1, 2, 5 and 10 k tiles.
const std::vector<Size> kSizes = {{1, 1, 16}, {130, 70, 64}, {67, 129, 152}, {150, 140, 320}};

TYPED_TEST(GemmTest, IsRightAndTheSameUnderEverySchedule) {
  for (const Size& size : kSizes) {
    typename TestFixture::Problem problem(size);
    std::vector<float> first;
    for (const emulator::Settings& settings : schedules()) {
      emulator::set(settings);
      ASSERT_EQ(sentence_of([&](device::Stream& s) { gemm(s, problem.args()); }), "");
      const std::vector<float> got = problem.device_c.values();
      if (first.empty()) first = got;
      EXPECT_TRUE(same_bits(first, got));
    }
    EXPECT_LT(relative_l2(product(problem.a, problem.b, size.m, size.n, size.k), first), 2e-6);
  }
}

TYPED_TEST(GemmTest, MovesTheBytesItSays) {
  typename TestFixture::Problem problem({150, 140, 320});
  static_cast<void>(emulator::take_reports());
  ASSERT_EQ(sentence_of([&](device::Stream& s) { gemm(s, problem.args()); }), "");
  const emulator::Report report = emulator::take_reports().at(0);
  const auto element = static_cast<int64_t>(sizeof(TypeParam));
  // Two blocks in either direction: each operand is read twice, without its padding.
  EXPECT_EQ(report.bytes_read, 2 * (150 + 140) * 320 * element);
  EXPECT_EQ(report.bytes_written, 150 * 140 * 4);
  const int64_t steps = (320 * element + 63) / 64 * 2;  // of 32 bytes, two in a k tile
  EXPECT_EQ(report.mma, 4 * 8 * 16 * steps);            // blocks, warps, tiles of a warp
  EXPECT_NE(report.kernel.find("Gemm"), std::string::npos);
}

TYPED_TEST(GemmTest, ReadsSwizzledTilesWithoutBankConflicts) {
  typename TestFixture::Problem problem({128, 128, 320});
  static_cast<void>(emulator::take_reports());
  ASSERT_EQ(sentence_of([&](device::Stream& s) { gemm(s, problem.args()); }), "");
  EXPECT_EQ(emulator::take_reports().at(0).ldmatrix.ratio(), 1.0);
}

using GemmF16 = GemmTest<f16>;

TEST_F(GemmF16, WithoutTheSwizzleTheBanksConflict) {
  Problem problem({128, 128, 320});
  static_cast<void>(emulator::take_reports());
  ASSERT_EQ(sentence_of(
                [&](device::Stream& s) { broken_gemm(s, GemmFault::no_swizzle, problem.args()); }),
            "");
  EXPECT_EQ(emulator::take_reports().at(0).ldmatrix.ratio(), 4.0);  // 8 rows on 2 bank groups
}

TEST_F(GemmF16, ADroppedProductIsSeen) {
  Problem problem({128, 128, 320});
  ASSERT_EQ(sentence_of([&](device::Stream& s) {
              broken_gemm(s, GemmFault::dropped_step, problem.args());
            }),
            "");
  EXPECT_GT(relative_l2(product(problem.a, problem.b, 128, 128, 320), problem.device_c.values()),
            0.1);
}

TEST_F(GemmF16, ByTmaAndWgmmaIsRightAndTheSameUnderEverySchedule) {
  // 1, 3 and 13 k tiles for four stages; ragged.
  for (const Size& size : {Size{1, 1, 16}, Size{70, 129, 152}, Size{64, 67, 824}}) {
    Problem problem(size);
    std::vector<float> first;
    for (const emulator::Settings& settings : schedules()) {
      emulator::set(settings);
      static_cast<void>(emulator::take_reports());
      ASSERT_EQ(sentence_of(
                    [&](device::Stream& s) { hopper_gemm(s, HopperFault::none, problem.args()); }),
                "");
      const std::vector<float> got = problem.device_c.values();
      if (first.empty()) first = got;
      EXPECT_TRUE(same_bits(first, got));
      const int64_t blocks_m = (size.m + 63) / 64;
      const int64_t blocks_n = (size.n + 63) / 64;
      const emulator::Report report = emulator::take_reports().at(0);
      EXPECT_EQ(report.bytes_read, 2 * size.k * (size.m * blocks_n + size.n * blocks_m));
      EXPECT_EQ(report.bytes_written, 4 * size.m * size.n);
    }
    EXPECT_LT(relative_l2(product(problem.a, problem.b, size.m, size.n, size.k), first), 2e-6);
  }
}

TEST(Simt, MultipliesInF32) {
  const int m = 70;
  const int n = 67;
  const int k = 37;
  const auto a = random_values<float>(m * k, 1);
  const auto b = random_values<float>(k * n, 2);
  std::vector<float> transposed(b.size());
  for (std::size_t i = 0; i < b.size(); ++i) transposed[i % n * k + i / n] = b[i];
  OnDevice<float> device_a(a);
  OnDevice<float> device_b(b);
  std::vector<float> first;
  for (const emulator::Settings& settings : schedules()) {
    emulator::set(settings);
    OnDevice<float> c(m * n);
    ASSERT_EQ(sentence_of([&](device::Stream& s) {
                simt_gemm(s, {device_a.data(), device_b.data(), c.data(), m, n, k});
              }),
              "");
    if (first.empty()) first = c.values();
    EXPECT_TRUE(same_bits(first, c.values()));
  }
  emulator::set({});
  EXPECT_LT(relative_l2(product(a, transposed, m, n, k), first), 1e-6);
}

template <typename T>
struct RowSumTest : testing::Test {};
using Stored = testing::Types<float, f16, bf16>;
TYPED_TEST_SUITE(RowSumTest, Stored);

TYPED_TEST(RowSumTest, AddsByShuffles) {
  const std::size_t rows = 7;
  const std::size_t columns = 133;
  const auto x = random_values<TypeParam>(rows * columns, 3);
  OnDevice<TypeParam> device_x(x);
  OnDevice<float> sum(rows);
  static_cast<void>(emulator::take_reports());
  ASSERT_EQ(sentence_of([&](device::Stream& s) {
              row_sum(s, device_x.data(), sum.data(), static_cast<int>(rows),
                      static_cast<int>(columns));
            }),
            "");
  const emulator::Report report = emulator::take_reports().at(0);
  EXPECT_EQ(report.bytes_read, static_cast<int64_t>(x.size() * sizeof(TypeParam)));
  EXPECT_EQ(report.bytes_written, static_cast<int64_t>(rows * sizeof(float)));
  const auto got = sum.values();
  for (std::size_t row = 0; row < rows; ++row) {
    double expected = 0;
    for (std::size_t i = 0; i < columns; ++i) expected += number(x[row * columns + i]);
    EXPECT_NEAR(got[row], expected, 1e-4);
  }
}

// Shared memory by 16 bytes: eight neighbouring lanes at once.
TEST(Banks, SixteenByteAccessesAreCounted) {
  OnDevice<float> in(random_values<float>(256, 4));
  OnDevice<float> out(256);
  emulator::set({.count_banks = true});
  static_cast<void>(emulator::take_reports());
  ASSERT_EQ(sentence_of([&](device::Stream& s) {
              static_cast<void>(faultless(s, 4, in.data(), out.data()));
            }),
            "");
  emulator::set({});
  const emulator::Report report = emulator::take_reports().at(0);
  EXPECT_EQ(report.shared16.ideal, 8);  // 64 lanes
  EXPECT_EQ(report.shared16.taken, 8);
}

TEST(Blocks, MayWaitForOneAnother) {
  for (const unsigned workers : {1U, 2U}) {
    for (emulator::Settings settings : schedules()) {
      settings.workers = workers;
      emulator::set(settings);
      OnDevice<uint32_t> turn(std::vector<uint32_t>{0});
      OnDevice<float> out(std::size_t{32} * 9);
      ASSERT_EQ(sentence_of(
                    [&](device::Stream& s) { queue(s, Fault::none, turn.data(), out.data(), 9); }),
                "");
      EXPECT_EQ(out.values().back(), 9.0f);
    }
  }
  emulator::set({});
}

}  // namespace
}  // namespace kintsugi::specimen
