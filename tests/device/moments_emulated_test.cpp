// SPDX-License-Identifier: MIT
//
// What only the emulator can say of moments left by convolutions on CUDA and gathered by norm: the same
// bits in every order in which threads may run, bytes moved to the byte, and fewer than where the norm
// reads the picture.
#include "kernels/device/pixel_tiles.h"
#include "kernels/emulator/emulator.h"
#include "tests/device/moments_trial.h"
#include "tests/emulator/support.h"

namespace kintsugi::test::moments {
namespace {

class MomentsEmulated : public testing::TestWithParam<Type> {
 protected:
  void TearDown() override { emulator::set({}); }
};
INSTANTIATE_TEST_SUITE_P(Types, MomentsEmulated, testing::ValuesIn(kTypes),
                         [](const auto& type) { return std::string(name_of(type.param)); });

device::Traffic operator+(const device::Traffic& a, const device::Traffic& b) {
  return {a.read + b.read, a.written + b.written};
}

/// By all launches since it was asked last, of which there were so many.
device::Traffic moved(size_t launches) {
  const auto reports = emulator::take_reports();
  EXPECT_EQ(reports.size(), launches);
  device::Traffic sum;
  for (const auto& report : reports) {
    sum = sum + device::Traffic{report.bytes_read, report.bytes_written};
  }
  return sum;
}

/// Without the steps that read operands, which are not counted.
template <class Desc, class T>
Trial<Desc, T> countable(const Trial<Desc, T>& trial, Type type) {
  Desc desc = trial.desc;
  desc.epilogue = {step::activate(Function::relu)};
  if (!desc.prologue.steps.empty()) desc.prologue.steps = {step::activate(Function::relu)};
  Trial<Desc, T> out(desc, trial.input.shape(), type);
  out.config = trial.config;
  return out;
}

TEST_P(MomentsEmulated, BothLaunchesMoveWhatTheySay) {
  const Type type = GetParam();
  with_storage(type, [&]<class T>(T) {
    each_trial<T>(type, [&]<class Desc>(const Trial<Desc, T>& drawn) {
      const Trial<Desc, T> trial = countable(drawn, type);
      static_cast<void>(emulator::take_reports());
      const Launched<Desc, T> launched(trial, 1);
      launched.run();
      const device::Traffic left = moved(1);
      EXPECT_EQ(left, traffic(trial.desc, trial.config, trial.input.shape(), sizeof(T)))
          << left.read << " read, " << left.written << " written";
      const Shape out = output_shape(trial.desc, trial.input.shape());
      const auto m = launched.moments();
      for (const int64_t groups : groups_of(out.c())) {
        SCOPED_TRACE("groups " + std::to_string(groups));
        static_cast<void>(
            norm_of<T>(groups, {nullptr, out, kGroup<T>}, {m.data, m.tiles, m.channels}));
        const device::Traffic gathered = moved(1);
        EXPECT_EQ(gathered,
                  norm::traffic({.groups = groups, .from_moments = true}, out, sizeof(T), m.tiles))
            << gathered.read << " read, " << gathered.written << " written";
      }
    });
  });
}

TEST_P(MomentsEmulated, TheBitsAreTheSameInEveryOrder) {
  const Type type = GetParam();
  with_storage(type, [&]<class T>(T) {
    const auto compare = [&]<class Desc>(const Trial<Desc, T>& trial) {
      std::vector<float> records, stats;
      for (const emulator::Settings& settings : specimen::schedules()) {
        emulator::set(settings);
        const Launched<Desc, T> launched(trial, 0);
        launched.run();
        const auto m = launched.moments();
        const Shape out = output_shape(trial.desc, trial.input.shape());
        const Stats got = norm_of<T>(1, {nullptr, out, kGroup<T>}, {m.data, m.tiles, m.channels});
        if (records.empty()) records = launched.records(), stats = got.values;
        EXPECT_TRUE(same_bytes(launched.records(), records));
        EXPECT_TRUE(same_bytes(got.values, stats));
      }
    };
    // A narrow tile and a wide one whole, and what is split among blocks, some without a pixel.
    const conv2d::Case three = conv2d_cases()[0], wide = conv2d_cases()[4];
    compare(Trial<conv2d::Desc, T>(three.desc, three.input, type));
    compare(Trial<conv2d::Desc, T>(wide.desc, wide.input, type));
    const conv_transpose2d::Case deep = deep_conv_transpose2d(type);
    Trial<conv_transpose2d::Desc, T> split(deep.desc, deep.input, type);
    split.config.splits = 3;
    compare(split);
  });
}

TEST_P(MomentsEmulated, TheNormMovesLessWhereTheyAreLeft) {
  const Type type = GetParam();
  with_storage(type, [&]<class T>(T) {
    conv2d::Desc desc{.in_channels = 16, .out_channels = 32, .kernel = 3, .padding = 1};
    const Shape input{1, 16, 32, 32}, out{1, 32, 32, 32};
    const auto run = [&](bool leaves) {
      desc.moments = leaves;
      const Trial<conv2d::Desc, T> trial(desc, input, type);
      const Launched<conv2d::Desc, T> launched(trial, 0);
      static_cast<void>(emulator::take_reports());
      launched.run();
      const DeviceTensor<T> picture(launched.result().values, 0);
      const auto m = launched.moments();
      static_cast<void>(norm_of<T>(32, picture.view(), {m.data, m.tiles, m.channels}));
      return moved(leaves ? 2 : 3);
    };
    const device::Traffic plain = run(false), fused = run(true);
    EXPECT_LT(fused.read, plain.read);
    // 8 records of 32 channels instead of the norm's own tiles, and of each channel of each 12 bytes
    // gathered and 8 for a pivot; the picture, and for every row of threads a tile's first pixel, it has
    // not read.
    const auto size = static_cast<int64_t>(sizeof(T));
    const device::PixelTiles tiles = device::pixel_tiles(32 * 32, 32 * size / 16);
    EXPECT_EQ(plain.read - fused.read, (32 * 32 + int64_t{tiles.tiles} * tiles.rows) * 32 * size +
                                           (int64_t{tiles.tiles} - 8) * 32 * 20);
    EXPECT_EQ(plain.written - fused.written, (int64_t{tiles.tiles} - 8) * (4 + 32 * 8));
  });
}

}  // namespace
}  // namespace kintsugi::test::moments
