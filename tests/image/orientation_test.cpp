// SPDX-License-Identifier: MIT
//
// Every EXIF orientation, in JPEG and PNG, both byte orders; and EXIF blocks that lie.
#include "runtime/image/orientation.h"

#include "runtime/image/exif.h"
#include "runtime/image/metadata.h"
#include "tests/image/support.h"

namespace kintsugi::testing {
namespace {

// The file holds rows "ABC" and "DEF"; this is how they are meant to be seen.
constexpr std::array<std::string_view, 9> kSeen = {
    "", "ABC/DEF", "CBA/FED", "FED/CBA", "DEF/ABC", "AD/BE/CF", "DA/EB/FC", "FC/EB/DA", "CF/BE/AD"};

Bytes tiff(int orientation, bool little, uint16_t type = 3) {
  Bytes bytes = bytes_of(little ? std::string_view("II*\0\x08\0\0\0", 8)
                                : std::string_view("MM\0*\0\0\0\x08", 8));
  const auto put = [&](uint32_t value, int size) {
    for (int i = 0; i < size; ++i) {
      const int shift = 8 * (little ? i : size - 1 - i);
      bytes.push_back(static_cast<std::byte>(value >> shift & 0xff));
    }
  };
  put(2, 2);  // entries: a width, then the orientation
  put(0x0100, 2), put(4, 2), put(1, 4), put(77, 4);
  put(0x0112, 2), put(type, 2), put(1, 4);
  put(static_cast<uint32_t>(orientation), 2), put(0, 2);
  put(0, 4);
  return bytes;
}

/// As decoding finds it.
int orientation_of_file(const Bytes& file) {
  return image::orientation_of(image::metadata_of(file, image::probe(file).kind).metadata.exif);
}

Bytes jpeg_with(const Image& image, const Bytes& exif) {
  Bytes file = encode_image(ImageFormat::jpeg, image);
  Bytes segment = {std::byte{0xff}, std::byte{0xe1}};
  const size_t length = exif.size() + 8;
  segment.push_back(static_cast<std::byte>(length >> 8));
  segment.push_back(static_cast<std::byte>(length & 0xff));
  append(segment, bytes_of(std::string_view("Exif\0\0", 6)));
  append(segment, exif);
  file.insert(file.begin() + 2, segment.begin(), segment.end());
  return file;
}

Bytes png_with(const Image& image, const Bytes& exif) {
  Bytes file = encode_image(ImageFormat::png, image);
  const Bytes chunk = png_chunk("eXIf", exif);
  file.insert(file.begin() + 8 + 25, chunk.begin(), chunk.end());
  return file;
}

/// Letters as 16-pixel patches of grey, far enough apart to survive JPEG.
constexpr int64_t kPatch = 16;
Image letters() {
  Image image{3 * kPatch, 2 * kPatch, 3, {}};
  for (int64_t y = 0; y < image.height; ++y) {
    for (int64_t x = 0; x < image.width; ++x) {
      const int64_t letter = y / kPatch * 3 + x / kPatch;
      image.pixels.insert(image.pixels.end(), 3, static_cast<uint8_t>(20 + 40 * letter));
    }
  }
  return image;
}

std::string read_letters(const Image& image) {
  std::string text;
  for (int64_t y = kPatch / 2; y < image.height; y += kPatch) {
    if (!text.empty()) text += '/';
    for (int64_t x = kPatch / 2; x < image.width; x += kPatch) {
      const uint8_t value = image.pixels[static_cast<size_t>((y * image.width + x) * 3)];
      text += static_cast<char>('A' + (value - 20 + 20) / 40);
    }
  }
  return text;
}

TEST(Orientation, AllEightInJpegAndPng) {
  for (int orientation = 1; orientation <= 8; ++orientation) {
    for (const bool little : {false, true}) {
      const Bytes exif = tiff(orientation, little);
      for (const Bytes& file : {jpeg_with(letters(), exif), png_with(letters(), exif)}) {
        ImageNotes notes;
        const Image image = decode_image(file, {}, &notes);
        EXPECT_EQ(read_letters(image), kSeen[static_cast<size_t>(orientation)]);
        EXPECT_EQ(notes.orientation, orientation);
        EXPECT_TRUE(notes.left_out.empty());
        EXPECT_TRUE(image.metadata.exif == tiff(1, little));  // as it is now
      }
    }
  }
}

TEST(Orientation, ExactForEveryChannelCountAndDepth) {
  for (int64_t kind = 0; kind < 8; ++kind) {
    const int64_t channels = 1 + kind % 4;
    const Image image = noise(5, 3, channels, 1, kind < 4 ? 8 : 16);
    const Image turned = image::turn_upright(image, 6);
    ASSERT_EQ(turned.width, 3);
    ASSERT_EQ(turned.height, 5);
    for (int64_t y = 0; y < 3; ++y) {
      for (int64_t x = 0; x < 5; ++x) {
        for (int64_t c = 0; c < channels; ++c) {
          EXPECT_EQ(image::sample_at(turned, x, 2 - y, c), image::sample_at(image, y, x, c));
        }
      }
    }
    // Each orientation is undone by its inverse: 6 by 8, the others by themselves.
    for (int orientation = 1; orientation <= 8; ++orientation) {
      const int inverse = orientation == 6 ? 8 : orientation == 8 ? 6 : orientation;
      expect_equal(image::turn_upright(image::turn_upright(image, orientation), inverse), image);
    }
  }
}

TEST(Orientation, NonsenseMeansUpright) {
  EXPECT_EQ(image::orientation_of({}), 1);
  const Image image = letters();
  const auto of = [&image](const Bytes& exif) {
    const int jpeg = orientation_of_file(jpeg_with(image, exif));
    EXPECT_EQ(orientation_of_file(png_with(image, exif)), jpeg);
    EXPECT_EQ(read_letters(decode_image(jpeg_with(image, exif))), kSeen[static_cast<size_t>(jpeg)]);
    return jpeg;
  };
  EXPECT_EQ(of(tiff(0, true)), 1);
  EXPECT_EQ(of(tiff(9, false)), 1);
  EXPECT_EQ(of(tiff(6, true, 7)), 1);  // of a type that is no number
  EXPECT_EQ(of(tiff(6, true, 4)), 6);  // 32 bits wide: some cameras do
  EXPECT_EQ(of(bytes_of("II")), 1);
  const Bytes good = tiff(6, false);
  for (size_t size = 0; size < good.size(); ++size) {  // cut anywhere
    const int found = of({good.begin(), good.begin() + static_cast<int64_t>(size)});
    EXPECT_EQ(found, size >= 8 + 2 + 24 ? 6 : 1) << size;
  }
  for (size_t at = 0; at < good.size(); ++at) {  // lie anywhere
    for (const int lie : {0x00, 0x01, 0x7f, 0x80, 0xff}) {
      Bytes bad = good;
      bad[at] = static_cast<std::byte>(lie);
      const int found = image::orientation_of(bad);
      EXPECT_TRUE(found >= 1 && found <= 8);
      if (image::renew_exif(bad, 1, 1)) {
        EXPECT_EQ(image::orientation_of(bad), 1);
      }
    }
  }
}

}  // namespace
}  // namespace kintsugi::testing
