// SPDX-License-Identifier: MIT
//
// Pictures that are well: what is written comes back, in every format, with every channel.
#include <cmath>

#include "runtime/image/codec.h"
#include "tests/image/support.h"

namespace kintsugi::testing {
namespace {

struct Case {
  ImageFormat format;
  int64_t channels;
  int64_t channels_back;  // 0: refused
  const char* extension;
};

class RoundTrip : public ::testing::TestWithParam<Case> {};

TEST_P(RoundTrip, GivesThePictureBack) {
  const Case& given = GetParam();
  const std::array<std::pair<int64_t, int64_t>, 5> extents = {
      {{1, 1}, {1, 7}, {5, 1}, {13, 9}, {64, 48}}};
  for (const auto& [width, height] : extents) {
    const Image image = noise(width, height, given.channels);
    if (given.channels_back == 0) {
      expect_error(ErrorCode::usage, "cannot hold transparency",
                   [&] { (void)encode_image(given.format, image); });
      continue;
    }
    const Image back = decode_image(encode_image(given.format, image));
    EXPECT_EQ(back.width, width);
    EXPECT_EQ(back.height, height);
    ASSERT_EQ(back.channels, given.channels_back);
    if (given.format == ImageFormat::jpeg) continue;  // noise is not kept
    for (int64_t pixel = 0; pixel < width * height; ++pixel) {
      const uint8_t* in = image.pixels.data() + pixel * given.channels;
      const uint8_t* out = back.pixels.data() + pixel * back.channels;
      for (int64_t c = 0; c < back.channels; ++c) {
        int64_t from = c;
        if (given.channels <= 2 && back.channels >= 3) from = c == 3 ? 1 : 0;  // grey widened
        ASSERT_EQ(out[c], in[from]) << "pixel " << pixel << ", channel " << c;
      }
    }
  }
}

TEST_P(RoundTrip, ThroughAFile) {
  const Case& given = GetParam();
  if (given.channels_back == 0) return;
  const Folder folder;
  const Image image = gradient(20, 12, given.channels);
  const auto file = folder / (std::string("picture") + given.extension);
  write_image(file, image);
  EXPECT_EQ(folder.count(), 1);
  const Image back = read_image(file);
  EXPECT_EQ(back.channels, given.channels_back);
  if (given.format == ImageFormat::jpeg) {
    for (size_t i = 0; i < back.pixels.size(); ++i) {
      const size_t from = given.channels == 1 ? i / 3 : i;
      ASSERT_NEAR(back.pixels[i], image.pixels[from], 24);  // quality 95, but an edge is an edge
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Formats, RoundTrip,
    ::testing::Values(Case{ImageFormat::png, 1, 1, ".png"}, Case{ImageFormat::png, 2, 2, ".PNG"},
                      Case{ImageFormat::png, 3, 3, ".png"}, Case{ImageFormat::png, 4, 4, ".png"},
                      Case{ImageFormat::jpeg, 1, 3, ".jpg"}, Case{ImageFormat::jpeg, 2, 0, ".jpg"},
                      Case{ImageFormat::jpeg, 3, 3, ".jpeg"}, Case{ImageFormat::jpeg, 4, 0, ".jpg"},
                      Case{ImageFormat::bmp, 1, 3, ".bmp"}, Case{ImageFormat::bmp, 2, 4, ".bmp"},
                      Case{ImageFormat::bmp, 3, 3, ".bmp"}, Case{ImageFormat::bmp, 4, 4, ".bmp"},
                      Case{ImageFormat::tga, 1, 1, ".tga"}, Case{ImageFormat::tga, 2, 2, ".tga"},
                      Case{ImageFormat::tga, 3, 3, ".tga"}, Case{ImageFormat::tga, 4, 4, ".tga"},
                      Case{ImageFormat::pnm, 1, 1, ".pgm"}, Case{ImageFormat::pnm, 2, 0, ".pgm"},
                      Case{ImageFormat::pnm, 3, 3, ".ppm"}, Case{ImageFormat::pnm, 4, 0, ".pnm"}));

TEST(Png, CompressesWhatIsEasyAndKeepsWhatIsNot) {
  // Several windows, blocks and output buffers of the compressor, and matches of every kind.
  const Image hard = noise(500, 400, 3);
  const Bytes hard_file = encode_image(ImageFormat::png, hard);
  EXPECT_LT(hard_file.size(), hard.pixels.size() * 101 / 100);
  expect_equal(decode_image(hard_file), hard);

  Image flat{1000, 700, 3, std::vector<uint8_t>(1000 * 700 * 3, 77)};
  const Bytes flat_file = encode_image(ImageFormat::png, flat);
  EXPECT_LT(flat_file.size(), 6000U);
  expect_equal(decode_image(flat_file), flat);

  Image repeated = noise(1000, 300, 1);
  std::mt19937 random(3);
  for (int i = 0; i < 2000; ++i) {  // copies at random distances and lengths
    const size_t length = random() % 400;
    const size_t from = random() % (repeated.pixels.size() - length);
    const size_t to = random() % (repeated.pixels.size() - length);
    std::copy_n(repeated.pixels.begin() + static_cast<int64_t>(from), length,
                repeated.pixels.begin() + static_cast<int64_t>(to));
  }
  expect_equal(decode_image(encode_image(ImageFormat::png, repeated)), repeated);

  // Counts like Fibonacci's numbers make the longest codes; these exceed 15 bits unlimited.
  Image skewed{1, 1, 1, {}};
  for (size_t symbol = 0, a = 1, b = 1; symbol < 20; ++symbol) {
    for (size_t i = 0; i < a; ++i) skewed.pixels.push_back(static_cast<uint8_t>(symbol * 11));
    a = std::exchange(b, a + b);
  }
  std::shuffle(skewed.pixels.begin(), skewed.pixels.end(), random);
  skewed.width = std::ssize(skewed.pixels);
  expect_equal(decode_image(encode_image(ImageFormat::png, skewed)), skewed);
}

TEST(Pnm, ScalesByItsLargestValueAndSwapsBytes) {
  const Image four_bits =
      decode_image(bytes_of(std::string_view("P5\n# a comment\n3 1 15\n\0\x07\x0f", 26)));
  EXPECT_EQ(four_bits.pixels, (std::vector<uint8_t>{0, 119, 255}));
  EXPECT_EQ(four_bits.bits, 8);
  const Image wide =
      decode_image(bytes_of(std::string_view("P6 1 1 65535\n\xff\xff\x01\x02\x00\x7f", 19)));
  EXPECT_EQ(samples_of(wide), (std::vector<int32_t>{65535, 258, 127}));
  const Image ten_bits =
      decode_image(bytes_of(std::string_view("P5 3 1 1023\n\x03\xff\x02\x00\x00\x01", 18)));
  EXPECT_EQ(samples_of(ten_bits), (std::vector<int32_t>{65535, 32800, 64}));  // 32799.5, 64.06
}

TEST(Gif, FirstFrameWithAlpha) {
  const Bytes gif = bytes_of(std::string_view(
      "GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\x80\x40\x00\x00\x00\x2c\x00\x00\x00\x00\x01\x00\x01"
      "\x00\x00\x02\x02\x44\x01\x00\x3b",
      35));
  const Image image = decode_image(gif);
  EXPECT_EQ(image.channels, 4);
  EXPECT_EQ(image.pixels, (std::vector<uint8_t>{255, 128, 64, 255}));
}

TEST(Encode, GivesLargePiecesToTheSink) {
  const Image image = noise(640, 480, 3);
  for (const ImageFormat format : {ImageFormat::png, ImageFormat::jpeg, ImageFormat::bmp,
                                   ImageFormat::tga, ImageFormat::pnm}) {
    int64_t pieces = 0;
    int64_t total = 0;
    image::encode(format, image, {}, [&](std::span<const std::byte> bytes) {
      ++pieces;
      total += std::ssize(bytes);
    });
    EXPECT_LE(pieces, total / 8192 + 4);
  }
}

TEST(Encode, RefusesWhatIsNoPicture) {
  const auto png = [](const ImageView& view) { (void)encode_image(ImageFormat::png, view); };
  const uint8_t pixel = 0;
  expect_error(ErrorCode::usage, "the picture is empty", [&] { png({}); });
  expect_error(ErrorCode::usage, "the picture is empty", [&] { png({0, 4, 3, &pixel}); });
  expect_error(ErrorCode::usage, "1 to 4 channels, not 5", [&] { png({1, 1, 5, &pixel}); });
  // Refused by their extents, before a pixel is looked at.
  expect_error(ErrorCode::unsupported, "at most 65535 pixels wide and high, not 70000", [&] {
    (void)encode_image(ImageFormat::jpeg, ImageView{70000, 1, 1, &pixel});
  });
  expect_error(ErrorCode::unsupported, "too large for this format", [&] {
    (void)encode_image(ImageFormat::bmp, ImageView{60000, 60000, 3, &pixel});
  });
}

TEST(Files, ExtensionChoosesTheFormat) {
  EXPECT_EQ(image_format("a/b.JPeG"), ImageFormat::jpeg);
  EXPECT_EQ(image_format("b.pgm"), ImageFormat::pnm);
  expect_error(ErrorCode::usage, "'b.webp' has an extension that is not written here",
               [] { (void)image_format("b.webp"); });
  expect_error(ErrorCode::usage, "'b' has no extension", [] { (void)image_format("b"); });
  try {
    write_image("b.tiff", gradient(2, 2, 3));
  } catch (const Error& error) {
    EXPECT_NE(error.hint().find(".png, .jpg, .jpeg, .bmp, .tga, .ppm"), std::string::npos);
  }
}

TEST(Files, AFailedWriteLeavesTheOldFile) {
  const Folder folder;
  const auto file = folder.file("old.jpg", bytes_of("precious"));
  expect_error(ErrorCode::usage, "cannot hold transparency",
               [&] { write_image(file, gradient(2, 2, 4)); });
  EXPECT_EQ(std::filesystem::file_size(file), 8U);
  EXPECT_EQ(folder.count(), 1);
  expect_error(ErrorCode::io, "cannot write",
               [&] { write_image(folder / "no/such/folder.png", gradient(2, 2, 3)); });
}

TEST(Files, TheNameDoesNotMatter) {
  const Folder folder;
  const Image image = noise(3, 2, 3);
  expect_equal(read_image(folder.file("a.jpg", encode_image(ImageFormat::png, image))), image);
  expect_equal(read_image(folder.file("b", encode_image(ImageFormat::tga, image))), image);
}

}  // namespace
}  // namespace kintsugi::testing
