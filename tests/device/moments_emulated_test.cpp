// SPDX-License-Identifier: MIT
//
// A norm moves fewer bytes where what it reads has left its moments.
#include "kernels/conv2d/conv2d.h"
#include "kernels/device/pixel_tiles.h"
#include "kernels/emulator/emulator.h"
#include "kernels/norm/norm.h"
#include "tests/ops/cuda.h"

namespace kintsugi::test {
namespace {

TEST(MomentsEmulated, TheNormMovesLessWhereTheyAreLeft) {
  for (const Type type : kTypes) {
    const Target target = cuda(type);
    conv2d::Desc desc{.in_channels = 16, .out_channels = 32, .kernel = 3, .padding = 1};
    const auto moved = [&](bool leaves) {
      desc.moments = leaves;
      const OpCase c = small_case(desc, {{1, 16, 32, 32}});
      Gpu gpu;
      static_cast<void>(emulator::take_reports());
      const Result image = run(c.op, draw(c, target), target, gpu);
      const norm::Desc norm{.groups = 32, .moments_of = leaves ? 32 : 0};
      static_cast<void>(
          run(norm, {{leaves ? image.moments[0] : image.outputs[0]}, {}, {}}, target, gpu));
      device::Traffic sum;
      for (const emulator::Report& report : emulator::take_reports()) {
        sum.read += report.bytes_read;
        sum.written += report.bytes_written;
      }
      return sum;
    };
    const device::Traffic plain = moved(false), fused = moved(true);
    // 8 records of 32 channels instead of the norm's own tiles, and of each channel of each 12 bytes
    // gathered and 8 for a pivot; the image, and for every row of threads a tile's first pixel, it has
    // not read.
    const int64_t size = target.element_bytes();
    const device::PixelTiles tiles = device::pixel_tiles(32 * 32, 32 * size / 16);
    EXPECT_EQ(plain.read - fused.read, (32 * 32 + int64_t{tiles.tiles} * tiles.rows) * 32 * size +
                                           (int64_t{tiles.tiles} - 8) * 32 * 20);
    EXPECT_EQ(plain.written - fused.written, (int64_t{tiles.tiles} - 8) * (4 + 32 * 8));
  }
}

}  // namespace
}  // namespace kintsugi::test
