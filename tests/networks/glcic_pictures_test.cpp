// SPDX-License-Identifier: MIT
//
// GLCIC on pictures: as the official code mends them, and what stays as it was.
#include "tests/networks/support.h"

namespace kintsugi {
namespace {

using namespace test;

TEST(Glcic, MendsAsTheOfficialCodeDoes) {
  const weights::SafetensorsFile official(kData / "glcic_ch8_pre_post.safetensors");
  const auto bytes = [&](const char* name, int64_t channels) {
    const weights::StoredTensor& tensor = *official.find(name);
    Image image{tensor.shape[1], tensor.shape[0], channels, {}};
    for (const std::byte value : tensor.bytes) image.pixels.push_back(static_cast<uint8_t>(value));
    return image;
  };
  const Image picture = bytes("picture", 3);
  Image mask = bytes("mask", 1);
  for (uint8_t& value : mask.pixels) value = value != 0 ? 255 : 0;
  const Image expected = bytes("composite_bytes", 3);
  const Image mended = model().session().inpaint(picture, mask);
  int64_t off_by_one = 0;
  for (size_t i = 0; i < expected.pixels.size(); ++i) {
    const int difference = std::abs(int{mended.pixels[i]} - int{expected.pixels[i]});
    ASSERT_LE(difference, 1) << "byte " << i;  // truncation turns a rounding error into one
    off_by_one += difference;
  }
  EXPECT_LT(off_by_one, 5);
}

TEST(Glcic, KnownPixelsAreBitExactAtAnySizeAndKind) {
  Session session = model().session();
  for (const auto& [width, height] :
       std::vector<std::pair<int64_t, int64_t>>{{1, 1}, {5, 3}, {33, 18}, {64, 64}}) {
    for (const int64_t channels : {1, 2, 3, 4}) {
      for (const int64_t max_side : {0, 16}) {
        const Image picture = random_picture(width, height, channels);
        const Image mask =
            box_mask(width, height, width / 4, height / 4, width / 2 + 1, height / 2 + 1);
        const Image mended = session.inpaint(picture, mask, {.max_side = max_side});
        ASSERT_EQ(mended.pixels.size(), picture.pixels.size());
        for (size_t i = 0; i < mended.pixels.size(); ++i) {
          const size_t pixel = i / static_cast<size_t>(channels);
          const bool alpha = channels % 2 == 0 &&
                             i % static_cast<size_t>(channels) == static_cast<size_t>(channels) - 1;
          if (mask.pixels[pixel] == 0 || alpha) {
            ASSERT_EQ(mended.pixels[i], picture.pixels[i]) << width << "x" << height;
          }
        }
      }
    }
  }
}

TEST(Glcic, TheHoleItselfDoesNotMatter) {
  Session session = model().session();
  Image picture = random_picture(40, 40, 3);
  const Image mask = box_mask(40, 40, 10, 10, 20, 20);
  const Image first = session.inpaint(picture, mask);
  for (int64_t y = 10; y < 20; ++y) {
    for (int64_t x = 10; x < 20; ++x) picture.pixels[static_cast<size_t>((y * 40 + x) * 3)] ^= 255;
  }
  EXPECT_EQ(session.inpaint(picture, mask).pixels, first.pixels);
}

TEST(Glcic, EmptyAndNearlyFullMasksWarn) {
  std::vector<std::string> warnings;
  Session session =
      model().session({.warn = [&](const std::string& sentence) { warnings.push_back(sentence); }});
  const Image picture = random_picture(16, 16, 3);
  EXPECT_EQ(session.inpaint(picture, box_mask(16, 16, 0, 0, 0, 0)).pixels, picture.pixels);
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_NE(warnings[0].find("selects nothing"), std::string::npos);
  (void)session.inpaint(picture, box_mask(16, 16, 0, 0, 16, 16));
  ASSERT_EQ(warnings.size(), 2u);
  EXPECT_NE(warnings[1].find("100 %"), std::string::npos);
  (void)session.inpaint(picture, box_mask(16, 16, 0, 0, 16, 16), {.invert_mask = true});
  EXPECT_EQ(warnings.size(), 3u);
}

}  // namespace
}  // namespace kintsugi
