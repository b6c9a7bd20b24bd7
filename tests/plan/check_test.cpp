// SPDX-License-Identifier: MIT
//
// What is wrong with the values of a slot, and where: in every storage type, with gaps between pixels
// and without.
#include "runtime/execute/rows.h"
#include "runtime/session/value_check.h"
#include "tests/plan/support.h"

namespace kintsugi::execute {
namespace {

const Shape kShape{2, 3, 4, 5};

struct Case {
  DType dtype = DType::f32;
  int64_t gap = 0;
};

/// Values by f(n, c, y, x), NaN in the gaps.
template <class F>
session::ValueCheck check_of(const Case& c, const F& f) {
  const int64_t granule = kintsugi::granule(c.dtype);
  AnyView view{nullptr, c.dtype, kShape, granule + c.gap};
  const int64_t bytes = ((kShape.pixels() - 1) * view.pitch + granule) * size_bytes(c.dtype);
  std::vector<std::byte> memory(static_cast<size_t>(bytes), std::byte{0xff});
  view.data = memory.data();
  ThreadPool threads(2);
  const WriteRow write = [&](int64_t n, int64_t y, std::span<float> row) {
    for (size_t i = 0; i < row.size(); ++i) {
      row[i] = f(n, static_cast<int64_t>(i % 3), y, static_cast<int64_t>(i / 3));
    }
  };
  write_rows(view, write, threads);
  return session::check_values(view, threads);
}

std::vector<Case> cases() {
  std::vector<Case> out;
  for (const DType dtype : {DType::f32, DType::f64, DType::f16, DType::bf16}) {
    for (const int64_t gap : {0, 8}) out.push_back({dtype, gap});
  }
  return out;
}

float ordinary(int64_t n, int64_t c, int64_t y, int64_t x) {
  const float values[] = {0.0f, -0.0f, 1e-30f, -65000.0f, 0.1f, 60000.0f};
  return values[(n + c + y * 2 + x) % 6];
}

TEST(Survey, FindsNothingWrongWithNumbers) {
  for (const Case& c : cases()) {
    const session::ValueCheck check = check_of(c, ordinary);
    EXPECT_FALSE(check.not_finite);
    EXPECT_FALSE(check.constant);
  }
}

TEST(Survey, FindsTheFirstValueThatIsNoNumber) {
  for (const Case& c : cases()) {
    for (const float bad : {NAN, INFINITY, -INFINITY}) {
      for (int64_t at = 0; at < kShape.elements(); at += 7) {  // in the order n, y, x, c
        const auto index = [](int64_t n, int64_t k, int64_t y, int64_t x) {
          return ((n * 4 + y) * 5 + x) * 3 + k;
        };
        const session::ValueCheck check =
            check_of(c, [&](int64_t n, int64_t k, int64_t y, int64_t x) {
              const int64_t i = index(n, k, y, x);
              return i == at || i == at + 1 || i == at + 40 ? bad : ordinary(n, k, y, x);
            });
        ASSERT_TRUE(check.not_finite) << at;
        const auto& [n, k, y, x] = *check.not_finite;
        EXPECT_EQ(index(n, k, y, x), at);
      }
    }
  }
}

TEST(Survey, SeesOneValueThatDiffers) {
  for (const Case& c : cases()) {
    EXPECT_TRUE(check_of(c, [](int64_t, int64_t, int64_t, int64_t) { return 0.25f; }).constant);
    for (const int64_t n : {0, 1}) {
      for (const int64_t k : {0, 2}) {
        EXPECT_FALSE(check_of(c, [&](int64_t in, int64_t ik, int64_t y, int64_t x) {
                       return in == n && ik == k && y == 3 && x == 4 ? 0.5f : 0.25f;
                     }).constant);
      }
    }
  }
}

}  // namespace
}  // namespace kintsugi::execute
