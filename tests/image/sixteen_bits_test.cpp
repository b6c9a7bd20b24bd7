// SPDX-License-Identifier: MIT
//
// Pictures of 16 bits a channel: bit for bit through the files that hold them, rounded into those
// that do not, and mended by the arithmetic that serves 8 bits.
#include <cmath>
#include <limits>

#include "runtime/image/blend.h"
#include "runtime/image/compose.h"
#include "runtime/image/metrics.h"
#include "runtime/image/poisson.h"
#include "runtime/image/side_by_side.h"
#include "runtime/image/telea.h"
#include "tests/image/classical_data.h"

namespace kintsugi::testing {
namespace {

using image::Mask;

TEST(SixteenBits, EverySampleComesBackFromFloat) {
  int64_t lost = 0;
  for (int32_t value = 0; value < 65536; ++value) {
    const float part = image::to_unit({value, value, value}, 16)[0];
    lost += image::to_sample(part, 16) != value ? 1 : 0;
    lost += image::to_sample(image::luma({part, part, part}), 16) != value ? 1 : 0;
  }
  EXPECT_EQ(lost, 0);
  EXPECT_EQ(image::to_sample(0.9999F, 16), 65528);  // 65528.4: truncated
  EXPECT_EQ(image::to_sample(1.5F, 16), 65535);
  EXPECT_EQ(image::to_sample(-0.5F, 16), 0);
}

TEST(SixteenBits, PngAndPnmGiveThemBack) {
  for (int64_t channels = 1; channels <= 4; ++channels) {
    for (const auto& [width, height] :
         std::vector<std::pair<int64_t, int64_t>>{{1, 1}, {1, 7}, {5, 1}, {64, 48}, {300, 200}}) {
      const Image picture = noise(width, height, channels, 3, 16);
      expect_equal(decode_image(encode_image(ImageFormat::png, picture)), picture);
      if (image::has_alpha(channels)) continue;
      expect_equal(decode_image(encode_image(ImageFormat::pnm, picture)), picture);
    }
  }
}

TEST(SixteenBits, PngHasTheHighByteFirst) {
  Bytes file = png_start(4, 1, 16, 0);
  // Stored deflate block: filter number 0, then four samples.
  const std::array<uint8_t, 9> row = {0, 0x00, 0x80, 0x01, 0x02, 0x7f, 0xff, 0xff, 0xfe};
  Bytes data = bytes_of(std::string_view("\x78\x01\x01\x09\x00\xf6\xff", 7));
  append(data, std::as_bytes(std::span(row)));
  uint32_t a = 1;
  uint32_t b = 0;
  for (const uint8_t byte : row) b += a += byte;
  append_u32(data, b << 16 | a);
  append(file, png_chunk("IDAT", data));
  append(file, png_chunk("IEND", {}));
  const Image image = decode_image(file);
  EXPECT_EQ(samples_of(image), (std::vector<int32_t>{0x80, 0x102, 0x7fff, 0xfffe}));
}

TEST(SixteenBits, FormatsOfEightRoundAndSayIt) {
  const std::vector<int32_t> wide = {0, 128, 129, 32767, 65406, 65407, 65535, 1000, 257 * 90};
  // 128 / 257 rounds to 0, 129 / 257 to 1, 32767 / 257 = 127.498 to 127, 65406 / 257 to 254.
  const std::vector<uint8_t> narrow = {0, 0, 1, 127, 254, 255, 255, 4, 90};
  const Image picture = of_16_bits(3, 1, 3, wide);
  const Image rounded{3, 1, 3, narrow};
  for (const ImageFormat format : {ImageFormat::bmp, ImageFormat::tga, ImageFormat::jpeg}) {
    EXPECT_TRUE(encode_image(format, picture) == encode_image(format, rounded));
    const std::vector<std::string> losses = encoding_losses(format, picture);
    ASSERT_EQ(losses.size(), 1U);
    EXPECT_EQ(losses[0],
              "the picture's 16 bits a channel are rounded to 8: the format holds no more");
    EXPECT_TRUE(encoding_losses(format, rounded).empty());
  }
  EXPECT_TRUE(encoding_losses(ImageFormat::png, picture).empty());
  EXPECT_TRUE(encoding_losses(ImageFormat::pnm, picture).empty());
  // Grey with alpha takes another way into a BMP.
  const Image bmp =
      decode_image(encode_image(ImageFormat::bmp, of_16_bits(1, 1, 2, {1000, 65407})));
  EXPECT_EQ(bmp.pixels, (std::vector<uint8_t>{4, 4, 4, 255}));
}

TEST(SixteenBits, AreReadAsEightWhereAsked) {
  const std::vector<int32_t> wide = {0, 128, 129, 32767, 65406, 65407, 65535, 1000, 257 * 90};
  Image picture = of_16_bits(3, 1, 3, wide);
  picture.metadata.icc_profile = icc_profile(300, "RGB ");
  for (const ImageFormat format : {ImageFormat::png, ImageFormat::pnm}) {
    const Bytes file = encode_image(format, picture);
    const Image narrow = decode_image(file, {.max_bits = 8});
    expect_equal(narrow, Image{3, 1, 3, {0, 0, 1, 127, 254, 255, 255, 4, 90}});
    EXPECT_EQ(narrow.metadata.icc_profile.size(), format == ImageFormat::png ? 300U : 0U);
    expect_equal(decode_image(file, {.max_bits = 16}), picture);
    expect_error(ErrorCode::usage, "read at 8 or 16 bits, not 12",
                 [&] { (void)decode_image(file, {.max_bits = 12}); });
  }
  const Image eight = noise(4, 3, 3);
  expect_equal(decode_image(encode_image(ImageFormat::png, eight), {.max_bits = 8}), eight);
}

TEST(SixteenBits, RefusesOtherDepthsAndLyingPictures) {
  const uint8_t pixel = 0;
  expect_error(ErrorCode::usage, "8 or 16 bits a channel, not 12", [&] {
    (void)encode_image(ImageFormat::png, ImageView{1, 1, 1, &pixel, 12});
  });
  Image picture = noise(4, 3, 3, 1, 16);
  picture.bits = 12;
  expect_error(ErrorCode::mismatch, "8 or 16 bits a channel, not 12",
               [&] { (void)ImageView(picture); });
  picture.bits = 16;
  picture.pixels.pop_back();
  expect_error(ErrorCode::mismatch, "4x3 pixels of 3 channels and 16 bits and holds 71 bytes",
               [&] { (void)ImageView(picture); });
  picture.pixels.resize(36);  // as many samples as 8 bits would need
  expect_error(ErrorCode::mismatch, "holds 36 bytes", [&] { (void)ImageView(picture); });
}

TEST(SixteenBits, CompositeKeepsKnownSamplesAndFillsFinely) {
  for (int64_t channels = 1; channels <= 4; ++channels) {
    const Image picture = noise(13, 9, channels, 1, 16);
    const Image made = noise(13, 9, channels, 2, 16);
    const Mask mask = random_mask(13, 9, 5, 2);
    const Image mended = composite(picture, mask, ImageView(made));
    EXPECT_EQ(image::differing_outside(picture, mended, mask), 0);
    for (int64_t y = 0; y < 9; ++y) {
      for (int64_t x = 0; x < 13; ++x) {
        for (int64_t c = 0; c < channels; ++c) {
          const bool filled = mask.at(y, x) && c < image::colours(channels);
          EXPECT_EQ(image::sample_at(mended, y, x, c),
                    image::sample_at(filled ? made : picture, y, x, c));
        }
      }
    }
  }
  // From 8 bits: white is white, and so is everything between.
  const Image narrow = noise(6, 5, 3);
  const Mask all = box_mask(6, 5, {0, 0, 5, 6});
  expect_equal(composite(noise(6, 5, 3, 2, 16), all, ImageView(narrow)), widened(narrow));
}

TEST(SixteenBits, MetricsKnowTheDepth) {
  const Image a = noise(9, 7, 3, 1);
  const Image b = noise(9, 7, 3, 2);
  const Mask mask = random_mask(9, 7, 3, 1);
  const double narrow = image::psnr_inside(a, b, mask);
  EXPECT_NEAR(image::psnr_inside(widened(a), widened(b), mask), narrow, 1e-9);
  EXPECT_NEAR(image::psnr_inside(widened(a), b, mask), narrow, 1e-9);
  EXPECT_NEAR(image::psnr_inside(a, widened(b), mask), narrow, 1e-9);
  EXPECT_TRUE(std::isinf(image::psnr_inside(widened(a), a, mask)));
  const Mask pixel{1, 1, {1}};
  EXPECT_NEAR(image::psnr_inside(of_16_bits(1, 1, 1, {700}), of_16_bits(1, 1, 1, {701}), pixel),
              20 * std::log10(65535.0), 1e-9);

  const Mask known{1, 2, {0, 0}};
  const Image first = of_16_bits(2, 1, 1, {256, 512});
  EXPECT_EQ(image::differing_outside(first, of_16_bits(2, 1, 1, {256, 513}), known), 1);
  EXPECT_EQ(image::differing_outside(first, of_16_bits(2, 1, 1, {512, 512}), known), 1);
  EXPECT_EQ(image::differing_outside(first, first, known), 0);
  expect_error(ErrorCode::mismatch, "pictures of 8 and 16 bits a channel",
               [&] { (void)image::differing_outside(a, widened(a), mask); });
}

TEST(SixteenBits, ResizeScalesByItsOwnWhite) {
  const Image narrow = noise(12, 9, 3);
  const Image wide = noise(12, 9, 3, 1, 16);
  for (const image::Extent2d extent : {image::Extent2d{9, 12}, {5, 20}, {30, 7}}) {
    const std::vector<float> expected = image::resize(narrow, extent).values;
    const std::vector<float> found = image::resize(widened(narrow), extent).values;
    for (size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], expected[i], 1e-6F);
  }
  expect_equal(image::resize_picture(wide, {9, 12}), wide);
  const Image halved = image::resize_picture(of_16_bits(2, 1, 1, {1000, 1003}), {1, 1});
  EXPECT_EQ(samples_of(halved), (std::vector<int32_t>{1001}));
}

TEST(SixteenBits, SideBySideWidensTheOthers) {
  const Image grey{1, 1, 1, {9}};
  const Image wide = of_16_bits(1, 1, 2, {5, 300});
  const std::vector<ImageView> pictures = {grey, wide};
  const Image both = image::side_by_side(pictures, 1);
  EXPECT_EQ(samples_of(both), (std::vector<int32_t>{9 * 257, 65535, 65535, 65535, 5, 300}));
}

/// The same numbers in wider samples: dark at 16 bits.
Image rehoused(const Image& narrow) {
  std::vector<int32_t> samples(narrow.pixels.begin(), narrow.pixels.end());
  return of_16_bits(narrow.width, narrow.height, narrow.channels, samples);
}

TEST(SixteenBits, FillingIsTheSameArithmetic) {
  // As long as nothing reaches white, the same numbers give the same numbers.
  const Image picture = gradient(40, 31, 3);
  const Image made = gradient(40, 31, 3);
  for (uint32_t seed = 0; seed < 6; ++seed) {
    const Mask mask = seed == 0 ? box_mask(40, 31, {.y0 = 4, .x0 = 7, .y1 = 20, .x1 = 38})
                                : random_mask(40, 31, seed, seed);
    for (const int64_t radius : {1, 3, 5}) {
      expect_equal(image::fill_telea(rehoused(picture), mask, radius),
                   rehoused(image::fill_telea(picture, mask, radius)));
    }
    expect_equal(image::seamless_clone(rehoused(made), rehoused(picture), mask),
                 rehoused(image::seamless_clone(made, picture, mask)));
    expect_equal(image::fill_poisson(rehoused(picture), mask, rehoused(made)),
                 rehoused(image::fill_poisson(picture, mask, made)));
  }
}

TEST(SixteenBits, CloneKeepsTheFractionsThatEightBitsCut) {
  const Image source = noise(30, 20, 3, 1);
  const Image target = gradient(30, 20, 3);
  const Mask mask = box_mask(30, 20, {.y0 = 2, .x0 = 3, .y1 = 17, .x1 = 27});
  const std::vector<int32_t> narrow = samples_of(image::seamless_clone(source, target, mask));
  const std::vector<int32_t> wide =
      samples_of(image::seamless_clone(widened(source), widened(target), mask));
  int64_t between = 0;
  for (size_t i = 0; i < wide.size(); ++i) {
    EXPECT_GE(wide[i], 257 * narrow[i]);
    EXPECT_LE(wide[i], 257 * narrow[i] + 257);
    between += wide[i] % 257 != 0 ? 1 : 0;
  }
  EXPECT_GT(between, 100);
}

TEST(SixteenBits, TeleaFillsASlopeThatEightBitsDoNotSee) {
  Image picture = image::black(40, 30, 1, 16);
  for (int64_t i = 0; i < 40 * 30; ++i) {
    image::put_sample(picture, i,
                      static_cast<int32_t>(30000 + 4 * (i % 40)));  // 156 from end to end
  }
  const Mask mask = box_mask(40, 30, {.y0 = 10, .x0 = 15, .y1 = 20, .x1 = 25});
  const Image filled = image::fill_telea(picture, mask, 5);
  EXPECT_EQ(image::differing_outside(picture, filled, mask), 0);
  for (int64_t y = 10; y < 20; ++y) {
    for (int64_t x = 15; x < 25; ++x) {
      EXPECT_NEAR(image::sample_at(filled, y, x, 0), static_cast<double>(30000 + 4 * x), 24);
    }
  }
  // White stays below the end of its range.
  const Image white = of_16_bits(9, 9, 1, std::vector<int32_t>(81, 65535));
  expect_equal(image::fill_telea(white, box_mask(9, 9, {3, 3, 6, 6}), 3), white);
}

}  // namespace
}  // namespace kintsugi::testing
