// SPDX-License-Identifier: MIT
//
// random: the published answers of Philox4x32-10, what is refused, tiles and storage, and what the numbers
// are distributed like. That the CPU agrees with the reference is asked in tests/ops.
#include "kernels/random/box_muller.h"
#include "kernels/random/contract.h"
#include "tests/kernels/support.h"

#if KINTSUGI_HAS_RANDOM123
#include <Random123/philox.h>
#endif

namespace kintsugi {
namespace {

using random::Distribution;
using random::philox;
using random::State;
using random::Words;
using test::error_of;
using test::Tensor;

TEST(Philox, GivesThePublishedAnswers) {
  // kat_vectors of Random123 1.14: counter, key, result of philox4x32 with 10 rounds.
  EXPECT_EQ(philox({}, {}), (Words{{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}}));
  constexpr uint32_t kAll = 0xffffffff;
  EXPECT_EQ(philox({{kAll, kAll, kAll, kAll}}, {kAll, kAll}),
            (Words{{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}}));
  EXPECT_EQ(philox({{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}}, {0xa4093822, 0x299f31d0}),
            (Words{{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}}));
}

#if KINTSUGI_HAS_RANDOM123
TEST(Philox, IsThatOfRandom123) {
  std::mt19937 engine(1);
  const auto word = [&] { return static_cast<uint32_t>(engine()); };
  for (int i = 0; i < 20000; ++i) {
    const Words counter{{i < 5000 ? static_cast<uint32_t>(i) : word(), word(), word(), word()}};
    const random::Key key{word(), word()};
    const r123::Philox4x32 other;
    const auto expected = other(r123::Philox4x32::ctr_type{{counter.word[0], counter.word[1],
                                                            counter.word[2], counter.word[3]}},
                                r123::Philox4x32::key_type{{key.low, key.high}});
    ASSERT_EQ(philox(counter, key), (Words{{expected[0], expected[1], expected[2], expected[3]}}));
  }
}
#endif

TEST(Random, AStateIsItsPieces) {
  const State state{
      .seed = 0x0123456789abcdef, .offset = 0xfedcba9876543210, .y = 0x80000001, .x = 7};
  const State::Pieces pieces = state.pieces();
  EXPECT_EQ(pieces, (State::Pieces{0xcdef, 0x89ab, 0x4567, 0x0123, 0x3210, 0x7654, 0xba98, 0xfedc,
                                   0x0001, 0x8000, 7, 0}));
  EXPECT_EQ(State::of(pieces.data()), state);
}

TEST(Random, AStreamIsTheHashOfItsName) {
  // FNV-1a, as its authors list it.
  EXPECT_EQ(random::stream_of(""), 0x811c9dc5u);
  EXPECT_EQ(random::stream_of("a"), 0xe40c292cu);
  EXPECT_EQ(random::stream_of("foobar"), 0xbf9cf968u);
}

TEST(Random, RefusesWhatIsNoState) {
  const auto refusal = [](const random::Desc& desc, const Shape& state) {
    return error_of([&] { (void)random::output_shape(desc, state); });
  };
  const random::Desc tile{.channels = 3, .size = {5, 7}, .whole = {5, 6}, .stream = 0xab};
  EXPECT_EQ(refusal({.channels = 3, .size = {5, 7}, .whole = {5, 7}}, {2, 12, 1, 1}), "");
  EXPECT_EQ(
      refusal({}, {1, 11, 1, 1}),
      "random normal [1, 1, 1], stream 00000000: the state [1, 11, 1, 1] is not [N, 12, 1, 1]");
  EXPECT_EQ(refusal(tile, {1, 12, 1, 1}),
            "random normal [3, 5, 7] of an image 5x6, stream 000000ab: the image does not hold the "
            "tile");
  EXPECT_EQ(refusal({.distribution = Distribution::uniform, .channels = 0}, {1, 12, 1, 1}),
            "random uniform [0, 1, 1], stream 00000000: a size is not positive");
  EXPECT_NE(refusal({.size = {1, -1}}, {1, 12, 1, 1}), "");
  EXPECT_NE(refusal({}, {1, 12, 1, 2}), "");
  EXPECT_NE(refusal({}, {12, 1, 1}), "");
}

/// What a description makes of one state, by the reference or the CPU's kernel.
Tensor<float> drawn(const random::Desc& desc, const State& state, bool fast, int64_t gap = 0) {
  const State::Pieces pieces = state.pieces();
  const Shape shape{1, State::kPieces, 1, 1};
  Tensor<float> out(random::output_shape(desc, shape), gap);
  const random::Args<float> args{{pieces.data(), shape, State::kPieces}, out.view()};
  fast ? random::cpu(desc, args, test::threads()) : random::reference(desc, args, test::threads());
  EXPECT_TRUE(test::pads_are_zero(out));
  return out;
}

TEST(Random, KnownNumbers) {
  // The counters are those of the published answers.
  const random::Desc uniform{.distribution = Distribution::uniform, .channels = 4};
  constexpr uint64_t kAll = ~uint64_t{0};
  for (const bool fast : {false, true}) {
    const Tensor<float> first = drawn(uniform, {}, fast);
    EXPECT_EQ(first.view().at(0, 0, 0, 0), static_cast<float>(0x6627e8) * 0x1p-24f);
    EXPECT_EQ(first.view().at(0, 1, 0, 0), static_cast<float>(0xe169c5) * 0x1p-24f);
    EXPECT_EQ(first.view().at(0, 2, 0, 0), static_cast<float>(0xbc57ac) * 0x1p-24f);
    EXPECT_EQ(first.view().at(0, 3, 0, 0), static_cast<float>(0x9b00db) * 0x1p-24f);

    random::Desc normal = uniform;
    normal.distribution = Distribution::normal;
    const Tensor<float> numbers = drawn(normal, {}, fast);
    for (int64_t c = 0; c < 4; ++c) {
      const double u[2][2] = {{0x6627e9, 0xe169c5}, {0xbc57ad, 0x9b00db}};
      const double radius = std::sqrt(-2 * std::log(u[c / 2][0] * 0x1p-24));
      const double turn = 6.283185307179586 * u[c / 2][1] * 0x1p-24;
      EXPECT_NEAR(static_cast<double>(numbers.view().at(0, c, 0, 0)),
                  radius * (c % 2 == 0 ? std::cos(turn) : std::sin(turn)), 1e-6);
    }
    // Every word of counter and key: an index of all ones is the last element of an enormous image.
    const random::Desc wide{.distribution = Distribution::uniform,
                            .channels = 4,
                            .whole = {int64_t{1} << 32, int64_t{1} << 32},
                            .stream = 0};
    const Tensor<float> last =
        drawn(wide, {.seed = kAll, .offset = kAll, .y = 0xffffffff, .x = 0xffffffff}, fast);
    EXPECT_EQ(last.view().at(0, 0, 0, 0), static_cast<float>(0x408f27) * 0x1p-24f);
    EXPECT_EQ(last.view().at(0, 3, 0, 0), static_cast<float>(0x6d5451) * 0x1p-24f);
  }
}

TEST(Random, ATileHasTheNumbersOfTheWholeImage) {
  for (const Distribution distribution : {Distribution::uniform, Distribution::normal}) {
    for (const int64_t channels : {1, 6}) {
      random::Desc desc{.distribution = distribution, .channels = channels, .size = {11, 13}};
      desc.stream = random::stream_of("noise3");
      const State state{.seed = 240, .offset = 5};
      const Tensor<float> whole = drawn(desc, state, true);
      desc.whole = desc.size;
      desc.size = {4, 5};
      for (const auto& [y, x] : {std::pair{0u, 0u}, {7u, 8u}, {3u, 1u}}) {
        State there = state;
        there.y = y;
        there.x = x;
        const Tensor<float> tile = drawn(desc, there, true, 4);
        for (int64_t c = 0; c < channels; ++c) {
          for (int64_t i = 0; i < 20; ++i) {
            EXPECT_EQ(tile.view().at(0, c, i / 5, i % 5),
                      whole.view().at(0, c, y + i / 5, x + i % 5));
          }
        }
      }
    }
  }
}

TEST(Random, NoTwoStreamsSeedsOrOffsetsShareNumbers) {
  const random::Desc desc{.distribution = Distribution::uniform, .channels = 8, .size = 8};
  const auto numbers = [](const random::Desc& of, const State& state) {
    return drawn(of, state, true).data();
  };
  random::Desc other = desc;
  other.stream = random::stream_of("drop1");
  const auto first = numbers(desc, {});
  for (const auto& second : {numbers(desc, {.seed = 1}), numbers(desc, {.seed = uint64_t{1} << 32}),
                             numbers(desc, {.offset = 1}),
                             numbers(desc, {.offset = uint64_t{1} << 32}), numbers(other, {})}) {
    size_t same = 0;
    for (size_t i = 0; i < first.size(); ++i) same += first[i] == second[i] ? 1 : 0;
    EXPECT_LE(same, 1u);
  }
}

TEST(Random, IsDistributedAsItSays) {
  constexpr int64_t kSide = 512;
  const double count = 4 * kSide * kSide;  // a mean is known to a thousandth
  for (const bool normal : {false, true}) {
    const random::Desc desc{.distribution = normal ? Distribution::normal : Distribution::uniform,
                            .channels = 4,
                            .size = kSide};
    const Tensor<float> out = drawn(desc, {.seed = 3}, true);
    double moments[5] = {};
    double least = 1e9, largest = -1e9, neighbours = 0, before = 0;
    const double centre = normal ? 0 : 0.5;
    for (const float number : out.data()) {
      const double v = static_cast<double>(number) - centre;
      for (int i = 1; i <= 4; ++i) moments[i] += std::pow(v, i) / count;
      neighbours += v * before / count;
      before = v;
      least = std::min(least, v + centre), largest = std::max(largest, v + centre);
    }
    const double variance = normal ? 1 : 1.0 / 12;
    EXPECT_NEAR(moments[1], 0, 5 * std::sqrt(variance / count));
    EXPECT_NEAR(moments[2], variance, 7 * std::sqrt(2 / count) * variance);
    EXPECT_NEAR(moments[3], 0, 5 * std::sqrt(15 / count));
    EXPECT_NEAR(moments[4], normal ? 3 : 1.0 / 80, 5 * std::sqrt((normal ? 96 : 1) / count));
    EXPECT_NEAR(neighbours, 0, 5 * variance / std::sqrt(count));
    EXPECT_GE(largest, normal ? 4.3 : 0.99999);
    EXPECT_LT(largest, normal ? 5.78 : 1);
    EXPECT_LE(least, normal ? -4.3 : 0.00001);
    EXPECT_GE(least, normal ? -5.78 : 0);
  }
}

TEST(BoxMuller, IsExactToTheLastPlacesEverywhere) {
  const auto expect_near = [](float actual, double expected) {
    EXPECT_LE(std::abs(double{actual} - expected), 3e-7 * std::abs(expected)) << expected;
  };
  for (uint32_t i = 0; i < (1u << 24); i += i < 2000 || i > (1u << 24) - 2000 ? 1 : 997) {
    const uint32_t word = i << 8;
    expect_near(random::minus_two_log(random::positive_uniform(word)),
                -2 * std::log((i + 1.0) * 0x1p-24));
    const random::Angle at = random::angle(word);
    const double turn = 6.283185307179586 * i * 0x1p-24;
    EXPECT_NEAR(double{at.cosine}, std::cos(turn), 1.5e-7);
    EXPECT_NEAR(double{at.sine}, std::sin(turn), 1.5e-7);
  }
  EXPECT_EQ(random::minus_two_log(1), 0.0f);
  EXPECT_EQ(random::angle(0).sine, 0.0f);
  EXPECT_EQ(random::angle(1u << 30).cosine, 0.0f);
}

}  // namespace
}  // namespace kintsugi
