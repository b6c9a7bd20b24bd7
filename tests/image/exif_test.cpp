// SPDX-License-Identifier: MIT
//
// What EXIF says of the picture that is carried on: no thumbnail of what it was, and its own extent;
// everything else byte for byte, and nothing out of bounds whatever the data claims.
#include "runtime/image/exif.h"

#include <algorithm>

#include "runtime/image/metadata.h"
#include "tests/image/support.h"

namespace kintsugi::testing {
namespace {

/// A block as cameras write it, byte by byte: two directories, that of EXIF, what they point to.
struct Block {
  bool little = true;
  Bytes bytes = bytes_of(little ? std::string_view("II*\0\x08\0\0\0", 8)
                                : std::string_view("MM\0*\0\0\0\x08", 8));

  void put(size_t value, size_t size) {
    for (size_t i = 0; i < size; ++i) {
      bytes.push_back(static_cast<std::byte>(value >> 8 * (little ? i : size - 1 - i) & 0xff));
    }
  }
  void entry(size_t tag, size_t type, size_t count, size_t value) {
    put(tag, 2), put(type, 2), put(count, 4);
    const bool is_short = type == 3 && count == 1;
    put(value, is_short ? 2 : 4);
    if (is_short) put(0, 2);
  }
};

constexpr size_t kMaker = 150;
constexpr size_t kThumbnail = 170;
constexpr size_t kEnd = 200;

struct Said {
  bool thumbnail = true;
  bool strips = false;
  bool little = true;
  int orientation = 6;
  size_t width = 24, height = 20;  // of the picture
  size_t type = 3;                 // of these
};

Bytes camera(const Said& said) {
  Block block{.little = said.little};
  block.put(2, 2);  // at 8
  block.entry(0x0112, 3, 1, static_cast<size_t>(said.orientation));
  block.entry(0x8769, 4, 1, 38);
  block.put(said.thumbnail ? 92 : 0, 4);
  block.put(4, 2);  // at 38
  block.entry(0x927c, 7, 20, kMaker);
  block.entry(0xa002, said.type, 1, said.width);
  block.entry(0xa003, said.type, 1, said.height);
  block.entry(0xa005, 4, 1, 0);
  block.put(0, 4);
  block.put(3, 2);  // at 92
  if (said.strips) {
    block.entry(0x0111, 4, 2, 134);
    block.entry(0x0117, 3, 2, 0);
    for (int i = 0; i < 4; ++i) block.bytes.pop_back();
    block.put(20, 2), block.put(10, 2);
  } else {
    block.entry(0x0201, 4, 1, kThumbnail);
    block.entry(0x0202, 4, 1, kEnd - kThumbnail);
  }
  block.entry(0x0103, 3, 1, 6);
  block.put(0, 4);                                          // no other directory
  block.put(kThumbnail + 10, 4), block.put(kThumbnail, 4);  // at 134: where the strips are
  while (block.bytes.size() < kMaker) block.bytes.push_back(std::byte{0});
  while (block.bytes.size() < kThumbnail) block.bytes.push_back(std::byte{'m'});
  while (block.bytes.size() < kEnd) block.bytes.push_back(std::byte{'t'});
  return block.bytes;
}

Bytes file_with(const Bytes& exif, ImageFormat format) {
  ImageMetadata metadata;
  metadata.exif = exif;
  return encode_image(format, gradient(24, 20, 3), metadata);
}

bool shows(const Bytes& bytes, char byte) {
  return std::ranges::find(bytes, static_cast<std::byte>(byte)) != bytes.end();
}

TEST(Exif, TheThumbnailIsCutAndTheRestStays) {
  for (const bool little : {false, true}) {
    for (const bool strips : {false, true}) {
      for (const ImageFormat format : {ImageFormat::png, ImageFormat::jpeg}) {
        ImageNotes notes;
        const Bytes before = camera({.strips = strips, .little = little, .orientation = 1});
        const Bytes after = decode_image(file_with(before, format), {}, &notes).metadata.exif;
        EXPECT_TRUE(notes.left_out.empty());
        EXPECT_FALSE(shows(after, 't'));
        Bytes expected = before;
        for (size_t i = 34; i < 38; ++i) expected[i] = std::byte{0};  // the link
        for (size_t i = kThumbnail; i < kEnd; ++i) expected[i] = std::byte{0};
        EXPECT_TRUE(after == expected);
      }
    }
  }
}

TEST(Exif, AThumbnailWithoutALengthGoesToTheEnd) {
  Bytes block = camera({});
  block[92 + 2 + 12] = std::byte{3};  // 0x0203: no length
  EXPECT_TRUE(image::renew_exif(block, 20, 24));
  EXPECT_FALSE(shows(block, 't'));
  EXPECT_TRUE(shows(block, 'm'));
}

TEST(Exif, TheExtentIsThatOfTheUprightPicture) {
  for (const bool little : {false, true}) {
    for (const size_t type : {size_t{3}, size_t{4}}) {
      const Said turned{.thumbnail = false, .little = little, .type = type};
      const Image image = decode_image(file_with(camera(turned), ImageFormat::png));
      EXPECT_EQ(image.width, 20);
      Said upright = turned;
      upright.orientation = 1;
      EXPECT_TRUE(decode_image(file_with(camera(upright), ImageFormat::png)).metadata.exif ==
                  camera(upright));  // was right
      std::swap(upright.width, upright.height);
      upright.type = 4;  // as what it says anew
      EXPECT_TRUE(image.metadata.exif == camera(upright));
    }
  }
}

TEST(Exif, DirectoriesThatAreNotWholeAreNotCarried) {
  const Bytes good = camera({});
  for (size_t size = 8; size < good.size(); ++size) {
    const Bytes cut = {good.begin(), good.begin() + static_cast<int64_t>(size)};
    Bytes renewed = cut;
    ASSERT_EQ(image::renew_exif(renewed, 20, 24), size >= 34) << size;
    ImageNotes notes;
    const Image image = decode_image(file_with(cut, ImageFormat::png), {}, &notes);
    EXPECT_EQ(image.metadata.exif.empty(), size < 34);
    EXPECT_EQ(notes.left_out.size(), size < 34 ? 1U : 0U);
  }
}

TEST(Exif, LiesStayInBounds) {
  for (const bool strips : {false, true}) {
    const Bytes good = camera({.strips = strips});
    for (size_t at = 0; at < good.size(); ++at) {
      for (int lie = 0; lie < 256; ++lie) {
        Bytes bad = good;
        bad[at] = static_cast<std::byte>(lie);
        if (!image::renew_exif(bad, 20, 24)) continue;
        EXPECT_EQ(image::orientation_of(bad), 1);
        Bytes again = bad;
        EXPECT_TRUE(image::renew_exif(again, 20, 24) && again == bad);
      }
    }
  }
}

TEST(Exif, ContradictionsAndEndlessChainsAreRefused) {
  // The thumbnail lies upon the first directory, which then is another one.
  Block upon;
  upon.put(1, 2);
  upon.entry(0x0112, 3, 1, 1);
  upon.put(26, 4);
  upon.put(2, 2);  // at 26
  upon.entry(0x0201, 4, 1, 4);
  upon.entry(0x0202, 4, 1, 4);  // the pointer to the first directory
  upon.put(0, 4);
  EXPECT_FALSE(image::renew_exif(upon.bytes, 8, 8));

  Block chain;
  chain.put(0, 2);
  for (size_t i = 0; i < 20; ++i) chain.put(chain.bytes.size() + 4, 4), chain.put(0, 2);
  chain.put(0, 4);
  EXPECT_FALSE(image::renew_exif(chain.bytes, 8, 8));

  Block circle;
  circle.put(0, 2);
  circle.put(8, 4);
  EXPECT_TRUE(image::renew_exif(circle.bytes, 8, 8));
}

TEST(Exif, MillionsOfStripsAreBlankedOnce) {
  Block block;
  block.put(0, 2);
  block.put(14, 4);
  block.put(1, 2);  // at 14
  block.entry(0x0111, 4, 0xffffffff, 100);
  block.put(0, 4);
  block.bytes.resize(size_t{1} << 25, std::byte{1});  // all at 0x01010101, to the end
  EXPECT_TRUE(image::renew_exif(block.bytes, 8, 8));
}

TEST(Exif, AnOrientationAlone) {
  Block block;
  block.put(1, 2);
  block.entry(0x0112, 3, 1, 1);
  EXPECT_TRUE(image::says_orientation_alone(block.bytes));
  EXPECT_FALSE(image::says_orientation_alone(camera({})));
  EXPECT_FALSE(image::says_orientation_alone({}));
  block.bytes.pop_back();
  EXPECT_FALSE(image::says_orientation_alone(block.bytes));
}

}  // namespace
}  // namespace kintsugi::testing
