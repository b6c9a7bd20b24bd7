// SPDX-License-Identifier: MIT
//
// What norm gathers from moments of any tiles, whoever left them.
#include "kernels/norm/cuda.h"
#include "tests/device/support.h"

namespace kintsugi::test {
namespace {

/// A norm's result, whole groups of T wide.
struct Stats {
  std::vector<float> values;
  Shape shape;
  int64_t pitch = 0;
  /// The scales or the shifts alone.
  [[nodiscard]] TensorView<const float> row(int64_t row) const {
    return {values.data() + row * pitch, {shape.n(), shape.c(), 1, 1}, 2 * pitch};
  }
};

/// Of the picture, or of `moments` where they are given.
template <class T>
Stats norm_of(int64_t groups, TensorView<const T> picture, MomentsView<const float> moments) {
  const norm::Desc desc{.groups = groups,
                        .moments_of = moments.data == nullptr ? 0 : picture.shape.c()};
  if (desc.moments_of > 0) picture.data = nullptr;
  Stats stats{.values = {},
              .shape = {picture.shape.n(), picture.shape.c(), 2, 1},
              .pitch = round_up(picture.shape.c(), kGroup<T>)};
  const DeviceBuffer out(2 * stats.shape.n() * stats.pitch * 4);
  const DeviceBuffer workspace(norm::scratch(desc, picture.shape, sizeof(T)));
  const auto stream = device::make_stream();
  const TensorView<float> both{out.data<float>(), stats.shape, stats.pitch};
  norm::cuda<T>(desc,
                {.input = picture,
                 .weight = {},
                 .bias = {},
                 .scale = row(both, 0),
                 .shift = row(both, 1),
                 .workspace = workspace.workspace(),
                 .moments = moments},
                *stream);
  device::synchronize(*stream);
  stats.values = out.values<float>();
  return stats;
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
                        kTolerance))
          << "row " << row;
    }
  }
}

}  // namespace
}  // namespace kintsugi::test
