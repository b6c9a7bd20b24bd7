// SPDX-License-Identifier: MIT
//
// Moments that convolutions on CUDA leave of their output, and the norm gathered from them, against
// their definitions on the values that were stored: on the emulator everywhere, on a GPU where there is
// one.
#include "tests/device/moments_trial.h"

namespace kintsugi::test::moments {
namespace {

// Records and the norm are f32 whatever the storage, and so is what is promised of them.
constexpr double kPromised = 2e-6;

class MomentsCuda : public testing::TestWithParam<Type> {};
INSTANTIATE_TEST_SUITE_P(Types, MomentsCuda, testing::ValuesIn(kTypes),
                         [](const auto& type) { return std::string(name_of(type.param)); });

/// In double, of the pixels of one tile; the squares about their mean.
struct Expected {
  double count = 0;
  std::vector<double> mean, squares;
};

template <class Desc>
Expected definition(const Desc& desc, TensorView<const float> out, int64_t n, int64_t tile) {
  Expected e{0, std::vector<double>(static_cast<size_t>(out.shape.c())), {}};
  e.squares = e.mean;
  const auto each = [&](const auto& f) {
    for (int64_t y = 0; y < out.shape.h(); ++y) {
      for (int64_t x = 0; x < out.shape.w(); ++x) {
        if (tile_of(desc, out.shape, y, x) == tile) f(y, x);
      }
    }
  };
  each([&](int64_t, int64_t) { ++e.count; });
  for (int64_t c = 0; c < out.shape.c(); ++c) {
    double& mean = e.mean[static_cast<size_t>(c)];
    each([&](int64_t y, int64_t x) { mean += static_cast<double>(out.at(n, c, y, x)) / e.count; });
    each([&](int64_t y, int64_t x) {
      const double apart = static_cast<double>(out.at(n, c, y, x)) - mean;
      e.squares[static_cast<size_t>(c)] += apart * apart;
    });
  }
  return e;
}

/// How many of them are of no pixel.
template <class Desc, class T>
int64_t expect_records(const Launched<Desc, T>& launched, const Desc& desc,
                       const Tensor<float>& out) {
  const std::vector<float> all = launched.records();
  MomentsView<const float> view{all.data(), launched.moments().tiles, launched.moments().channels};
  int64_t empty = 0;
  for (int64_t n = 0; n < out.shape().n(); ++n) {
    for (int64_t tile = 0; tile < view.tiles; ++tile) {
      SCOPED_TRACE("picture " + std::to_string(n) + ", tile " + std::to_string(tile));
      const Expected expected = definition(desc, out.view(), n, tile);
      EXPECT_EQ(view.count(n, tile), expected.count);
      empty += expected.count == 0 ? 1 : 0;
      for (int64_t i = 1; i < 4; ++i) EXPECT_TRUE(std::isnan(view.record(n, tile)[i])) << i;
      const auto agree = [&](const float* got, const std::vector<double>& right, double size) {
        for (int64_t c = 0; c < view.channels; ++c) {
          const double want = c < out.shape().c() ? right[static_cast<size_t>(c)] : 0.0;
          EXPECT_NEAR(got[c], want, want == 0 ? 0 : kPromised * (size + std::abs(want))) << c;
        }
      };
      agree(view.means(n, tile), expected.mean, 1);
      agree(view.squares(n, tile), expected.squares, expected.count);
    }
  }
  return empty;
}

TEST_P(MomentsCuda, EachRecordAgreesWithItsDefinition) {
  const Type type = GetParam();
  int64_t empty = 0;
  with_storage(type, [&]<class T>(T) {
    each_trial<T>(type, [&]<class Desc>(Trial<Desc, T>& trial) {
      const Launched<Desc, T> launched(trial, 1);
      launched.run(2);
      launched.expect_tickets_put_back();
      const auto result = launched.result();
      EXPECT_TRUE(close(result.values.view(), trial.reference().view(), tolerance(type)));
      empty += expect_records(launched, trial.desc, result.values);
      // Leaving them changes no bit of the picture.
      trial.desc.moments = false;
      EXPECT_TRUE(same_bytes(trial.cuda(1).bits, result.bits));
    });
  });
  EXPECT_GT(empty, 0);
}

TEST_P(MomentsCuda, TheNormIsGatheredFromThem) {
  const Type type = GetParam();
  with_storage(type, [&]<class T>(T) {
    each_trial<T>(type, [&]<class Desc>(const Trial<Desc, T>& trial) {
      const Launched<Desc, T> launched(trial, 0);
      launched.run();
      const Tensor<double> stored = launched.result().values.template as<double>();
      for (const int64_t groups : groups_of(stored.shape().c())) {
        SCOPED_TRACE("groups " + std::to_string(groups));
        const auto m = launched.moments();
        const Stats got =
            norm_of<T>(groups, {nullptr, stored.shape(), kGroup<T>}, {m.data, m.tiles, m.channels});
        Tensor<double> right(got.shape);
        norm::reference<double>({.groups = groups},
                                {.input = stored.view(),
                                 .weight = {},
                                 .bias = {},
                                 .output = right.view(),
                                 .workspace = {}},
                                threads());
        for (const int64_t row : {0, 1}) {
          const auto expected = std::as_const(right).view();
          EXPECT_TRUE(close(got.row(row),
                            TensorView<const double>{expected.pixel(0, row, 0),
                                                     {got.shape.n(), got.shape.c(), 1, 1},
                                                     2 * expected.pitch},
                            kPromised))
              << "row " << row;
        }
      }
    });
  });
}

TEST_P(MomentsCuda, APictureOfABatchLeavesTheBitsThatItLeavesAlone) {
  const Type type = GetParam();
  const auto compare = [&](auto c) {
    c.desc.epilogue = {step::add(0.5f)};  // whose operands do not depend on the batch
    with_storage(type, [&]<class T>(T) {
      using Desc = std::decay_t<decltype(c.desc)>;
      const Trial<Desc, T> batch(c.desc, c.input, type);
      const Launched<Desc, T> together(batch, 0);
      together.run();
      const std::vector<float> all = together.records();
      Trial<Desc, T> one(c.desc, {1, c.input.c(), c.input.h(), c.input.w()}, type);
      one.weight = batch.weight;
      for (int64_t n = 0; n < c.input.n(); ++n) {
        one.input.for_each([&](int64_t, int64_t k, int64_t y, int64_t x, float& v) {
          v = batch.input.view().at(n, k, y, x);
        });
        const Launched<Desc, T> alone(one, 0);
        alone.run();
        const std::vector<float> records = alone.records();
        const auto first = all.begin() + n * static_cast<std::ptrdiff_t>(records.size());
        EXPECT_TRUE(
            same_bytes(records, {first, first + static_cast<std::ptrdiff_t>(records.size())}))
            << n;
      }
    });
  };
  compare(conv2d_cases()[0]);
  compare(conv_transpose2d_cases()[0]);
}

TEST(MomentsCudaLarge, AMeanOfAThousandDeviationsTakesNoDigitFromTheVariance) {
  conv2d::Case c = conv2d_cases()[0];
  c.desc.epilogue = {step::add(1000.0f)};
  const Trial<conv2d::Desc, float> trial(c.desc, c.input, Type::f32);
  const Launched<conv2d::Desc, float> launched(trial, 0);
  launched.run();
  const auto m = launched.moments();
  const Tensor<double> stored = launched.result().values.as<double>();
  for (const int64_t groups : {1, 3}) {
    Tensor<double> right({2, 3, 2, 1});
    norm::reference<double>(
        {.groups = groups},
        {.input = stored.view(), .weight = {}, .bias = {}, .output = right.view(), .workspace = {}},
        threads());
    const Stats got =
        norm_of<float>(groups, {nullptr, stored.shape(), 4}, {m.data, m.tiles, m.channels});
    const TensorView<const float> all{got.values.data(), got.shape, got.pitch};
    EXPECT_TRUE(close(
        got.row(0), TensorView<const double>{right.data().data(), {2, 3, 1, 1}, 2 * right.pitch()},
        kPromised));
    EXPECT_TRUE(close(all, right.view(), kPromised));
  }
}

TEST(MomentsCudaGather, TilesOfAnySizeDo) {
  // So many that a thread takes several runs of them where a group is wide; the first of no pixel.
  const int64_t tiles = 2100, channels = 20;
  std::vector<float> records(static_cast<size_t>(2 * moment_elements(1, tiles, channels)), 0.0f);
  const MomentsView<float> on_host{records.data(), tiles, channels};
  Random random(3);
  for (int64_t n = 0; n < 2; ++n) {
    for (int64_t tile = 0; tile < tiles; ++tile) {
      on_host.count(n, tile) = tile % 3 == 0 ? 0.0f : static_cast<float>(1 + tile % 7);
      for (int64_t c = 0; c < channels && tile % 3 != 0; ++c) {
        on_host.means(n, tile)[c] = 30000.0f + random.value();
        on_host.squares(n, tile)[c] = on_host.count(n, tile) * std::abs(random.value());
      }
    }
  }
  const DeviceBuffer on_device(records);
  for (const int64_t groups : {1, 5, 20}) {
    SCOPED_TRACE(groups);
    Tensor<double> right({2, channels, 2, 1});
    for (int64_t n = 0; n < 2; ++n) {
      for (int64_t c = 0; c < channels; ++c) {
        const int64_t size = channels / groups, first = c / size * size;
        const auto sum = [&](const auto& term) {
          double total = 0;
          for (int64_t tile = 0; tile < tiles; ++tile) {
            for (int64_t k = first; k < first + size; ++k) total += term(tile, k);
          }
          return total;
        };
        const auto mean = [&](int64_t tile, int64_t k) {
          return static_cast<double>(on_host.means(n, tile)[k]);
        };
        const auto count = [&](int64_t tile) {
          return static_cast<double>(on_host.count(n, tile));
        };
        const double all = sum([&](int64_t tile, int64_t) { return count(tile); });
        const double centre =
            sum([&](int64_t tile, int64_t k) { return count(tile) * mean(tile, k); }) / all;
        const double squares = sum([&](int64_t tile, int64_t k) {
          const double apart = mean(tile, k) - centre;
          return static_cast<double>(on_host.squares(n, tile)[k]) + count(tile) * apart * apart;
        });
        const double scale = 1 / std::sqrt(squares / all + 1e-5);
        right.view().at(n, c, 0, 0) = scale;
        right.view().at(n, c, 1, 0) = -centre * scale;
      }
    }
    const Stats got = norm_of<float>(groups, {nullptr, {2, channels, 99, 99}, channels},
                                     {on_device.data<float>(), tiles, channels});
    const double* const at = right.data().data();
    for (const int64_t row : {0, 1}) {
      EXPECT_TRUE(close(got.row(row),
                        TensorView<const double>{
                            at + row * right.pitch(), {2, channels, 1, 1}, 2 * right.pitch()},
                        kPromised))
          << "row " << row;
    }
  }
}

TEST(MomentsCudaLaunch, WhatDoesNotBelongTogetherIsRefused) {
  const auto stream = device::make_stream();
  const auto leave = [&](const conv2d::Desc& desc, bool gated, const MomentsView<float>& moments) {
    return error_of([&] {
      conv2d::cuda<f16>(desc,
                        {.method = conv2d::CudaMethod::tensor_core, .tile_n = 32, .gated = gated},
                        {.input = {nullptr, {1, 8, 16, 16}, 8},
                         .weight = nullptr,
                         .operands = {},
                         .output = {nullptr, {1, 8, 16, 16}, 8},
                         .moments = moments},
                        *stream);
    });
  };
  std::vector<float> memory(2 * 20 + 4);
  float* at = memory.data();
  while (reinterpret_cast<uintptr_t>(at) % 16 != 0) ++at;
  const conv2d::Desc plain{.in_channels = 8, .out_channels = 8};
  conv2d::Desc wanted = plain;
  wanted.moments = true;
  const char* const both =
      "conv2d on CUDA: moments are left where the description wants them, and only there";
  EXPECT_EQ(leave(plain, false, {at, 2, 8}), both);
  EXPECT_EQ(leave(wanted, false, {}), both);
  const char* const fit = "conv2d on CUDA: moments do not fit the output";
  EXPECT_EQ(leave(wanted, false, {at, 1, 8}), fit);
  EXPECT_EQ(leave(wanted, false, {at, 2, 4}), fit);
  EXPECT_EQ(leave(wanted, false, {at + 1, 2, 8}), fit);
  conv2d::Desc gated{.in_channels = 8,
                     .out_channels = 16,
                     .epilogue = {step::gate({}, Function::sigmoid)},
                     .moments = true};
  EXPECT_FALSE(accepts_moments(gated));
  EXPECT_EQ(leave(gated, true, {at, 2, 8}), "conv2d on CUDA: what was gated leaves no moments");

  const auto gather = [&](const norm::Desc& desc, const MomentsView<const float>& moments) {
    return error_of([&] {
      norm::cuda<f16>(desc,
                      {.input = {nullptr, {1, 3, 2, 2}, 8},
                       .output = {nullptr, {1, 3, 2, 1}, 8},
                       .moments = moments},
                      *stream);
    });
  };
  const char* const only = "norm on CUDA: moments are given with `from_moments`, and only then";
  EXPECT_EQ(gather({.from_moments = true}, {}), only);
  EXPECT_EQ(gather({}, {at, 1, 8}), only);
  EXPECT_EQ(gather({.from_moments = true}, {at, 1, 4}),
            "norm on CUDA: moments do not fit the input");
}

}  // namespace
}  // namespace kintsugi::test::moments
