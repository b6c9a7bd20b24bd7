// SPDX-License-Identifier: MIT
//
// numpy's legacy generator against numbers of numpy 1.24, recorded with
//
//   python3 tests/tools/record_numpy_random.py
#include "runtime/random/numpy_random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "kernels/core/error.h"

namespace kintsugi::random {
namespace {

template <class F>
auto drawn(size_t count, const F& f) {
  std::vector<decltype(f())> out;
  for (size_t i = 0; i < count; ++i) out.push_back(f());
  return out;
}
std::vector<double> samples(NumpyRandom& from, size_t count) {
  return drawn(count, [&] { return from.random_sample(); });
}
std::vector<double> normals(NumpyRandom& from, size_t count) {
  return drawn(count, [&] { return from.randn(); });
}
/// The bits may differ in the last place where log of the C library does.
void expect_close(const std::vector<double>& actual, const std::vector<double>& expected) {
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i) EXPECT_DOUBLE_EQ(actual[i], expected[i]) << i;
}

struct Recorded {
  uint32_t seed;
  std::vector<uint32_t> words;
  std::vector<double> samples, normals;
  std::vector<int64_t> permutation;
};

std::vector<Recorded> recorded() {
  return {
      {0u,
       {2357136044u, 2546248239u, 3071714933u, 3626093760u},
       {0.5488135039273248, 0.7151893663724195, 0.6027633760716439, 0.5448831829968969},
       {1.764052345967664, 0.4001572083672233, 0.9787379841057392, 2.240893199201458,
        1.8675579901499675},
       {2, 8, 4, 9, 1, 6, 7, 3, 0, 5}},
      {1u,
       {1791095845u, 4282876139u, 3093770124u, 4005303368u},
       {0.417022004702574, 0.7203244934421581, 0.00011437481734488664, 0.30233257263183977},
       {1.6243453636632417, -0.6117564136500754, -0.5281717522634557, -1.0729686221561705,
        0.8654076293246785},
       {2, 9, 6, 4, 0, 3, 1, 7, 8, 5}},
      {42u,
       {1608637542u, 3421126067u, 4083286876u, 787846414u},
       {0.3745401188473625, 0.9507143064099162, 0.7319939418114051, 0.5986584841970366},
       {0.4967141530112327, -0.13826430117118466, 0.6476885381006925, 1.5230298564080254,
        -0.23415337472333597},
       {8, 1, 5, 0, 7, 2, 9, 4, 3, 6}},
      {4294967295u,
       {419326371u, 479346978u, 3918654476u, 2416749639u},
       {0.0976320289940138, 0.9123828453026218, 0.78903530185164, 0.7800035981134678},
       {0.6484086742306527, 0.6693235306338161, -1.0805437227474493, 0.2845010447986309,
        0.11388773652167104},
       {6, 9, 5, 1, 8, 0, 7, 4, 2, 3}},
  };
}

TEST(NumpyRandom, IsThatOfASeed) {
  for (const Recorded& r : recorded()) {
    SCOPED_TRACE(r.seed);
    NumpyRandom words(r.seed), uniform(r.seed), normal(r.seed), order(r.seed);
    EXPECT_EQ(drawn(r.words.size(), [&] { return words.word(); }), r.words);
    EXPECT_EQ(samples(uniform, r.samples.size()), r.samples);
    expect_close(normals(normal, r.normals.size()), r.normals);
    EXPECT_EQ(order.permutation(10), r.permutation);
  }
}

TEST(NumpyRandom, IsThatOfAnArray) {
  const std::vector<uint32_t> authors{0x123, 0x234, 0x345, 0x456}, short_key{1, 2, 3};
  NumpyRandom words(authors);
  EXPECT_EQ(drawn(4, [&] { return words.word(); }),
            (std::vector<uint32_t>{1067595299u, 955945823u, 477289528u, 4107218783u}));
  NumpyRandom from(short_key);
  EXPECT_EQ(samples(from, 3),
            (std::vector<double>{0.6098612722867289, 0.8866970434146851, 0.47633673750662764}));
  expect_close(normals(from, 3), {0.18233569446590048, 0.7913738930191068, 0.10670669007642904});
  EXPECT_EQ(from.permutation(7), (std::vector<int64_t>{4, 2, 1, 6, 0, 3, 5}));
  std::vector<uint32_t> long_key(700);
  std::iota(long_key.begin(), long_key.end(), 0u);
  NumpyRandom of_many(long_key);
  EXPECT_EQ(samples(of_many, 2), (std::vector<double>{0.867898393018711, 0.9148838731573538}));
}

TEST(NumpyRandom, RefusesAKeyOfNoNumber) {
  EXPECT_THROW(NumpyRandom(std::span<const uint32_t>()), Error);
}

TEST(NumpyRandom, StaysThatForLong) {
  constexpr size_t kCount = 100000;
  NumpyRandom uniform(7), normal(240), order(7);
  const std::vector<double> u = samples(uniform, kCount);
  EXPECT_EQ(std::accumulate(u.begin(), u.end(), 0.0), 49993.60009652808);
  EXPECT_EQ(u.back(), 0.35809344787464226);
  const std::vector<double> z = normals(normal, kCount);
  EXPECT_NEAR(std::accumulate(z.begin(), z.end(), 0.0), -381.9056115710231, 1e-9);
  expect_close({z.back(), *std::ranges::min_element(z), *std::ranges::max_element(z)},
               {0.2991269144970291, -4.393320667915711, 4.463945534290613});
  const std::vector<int64_t> p = order.permutation(kCount);
  EXPECT_EQ((std::vector<int64_t>(p.begin(), p.begin() + 4)),
            (std::vector<int64_t>{33909, 92307, 89107, 9538}));
  EXPECT_EQ(p.back(), 61615);
  int64_t sum = 0;
  for (size_t i = 0; i < kCount; ++i) sum += static_cast<int64_t>(i) * p[i] % 1000003;
  EXPECT_EQ(sum, 50011800984);
}

TEST(NumpyRandom, KeepsTheSecondNormalNumberWhateverIsDrawnBetween) {
  NumpyRandom from(5);
  expect_close({from.randn()}, {0.44122748688504143});
  EXPECT_EQ(from.random_sample(), 0.20671915533942642);
  expect_close({from.randn()}, {-0.33087015189408764});
  EXPECT_EQ(from.permutation(5), (std::vector<int64_t>{3, 2, 4, 1, 0}));
  expect_close({from.randn()}, {1.3675855241672734});
}

TEST(NumpyRandom, ShufflesAnyValuesAsItPermutes) {
  NumpyRandom one(42), other(42);
  std::vector<std::string> words{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"};
  const std::vector<std::string> before = words;
  one.shuffle(std::span(words));
  const std::vector<int64_t> order = other.permutation(10);
  for (size_t i = 0; i < words.size(); ++i) {
    EXPECT_EQ(words[i], before[static_cast<size_t>(order[i])]);
  }
  EXPECT_EQ(one.word(), other.word());
}

TEST(NumpyRandom, DrawsNothingForOneOrNone) {
  NumpyRandom one(3), other(3);
  EXPECT_TRUE(one.permutation(0).empty());
  EXPECT_EQ(one.permutation(1), std::vector<int64_t>{0});
  EXPECT_EQ(one.interval(0), 0u);
  EXPECT_EQ(one.word(), other.word());
}

TEST(NumpyRandom, IntervalsBeyond32BitsTakeTwoWords) {
  NumpyRandom one(3), other(3);
  const uint64_t high = other.word();
  EXPECT_EQ(one.interval(~uint64_t{0}), high << 32 | other.word());
}

}  // namespace
}  // namespace kintsugi::random
