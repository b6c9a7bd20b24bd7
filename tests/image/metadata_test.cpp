// SPDX-License-Identifier: MIT
//
// ICC profiles, EXIF and PNG's words about colour go from file to file byte for byte; where they are
// damaged, hostile or do not fit, they are left out in one sentence and the picture stays whole.
#include "runtime/image/metadata.h"

#include <algorithm>

#include "runtime/image/deflate.h"
#include "runtime/image/stb.h"
#include "tests/image/support.h"

namespace kintsugi::testing {
namespace {

using std::string_view_literals::operator""sv;

Bytes exif(size_t size = 40) {
  Bytes bytes = bytes_of("II*\0\x08\0\0\0\0\0\0\0\0\0"sv);  // an empty directory, then noise
  while (bytes.size() < size) bytes.push_back(static_cast<std::byte>(bytes.size() * 37 & 0xff));
  return bytes;
}

Bytes png_colour() {
  Bytes bytes = png_chunk("cICP", bytes_of("\x01\x0d\0\x01"sv));
  append(bytes, png_chunk("gAMA", bytes_of("\0\x01\x86\xa0"sv)));
  append(bytes, png_chunk("cHRM", Bytes(32, std::byte{7})));
  append(bytes, png_chunk("sRGB", bytes_of("\0"sv)));
  return bytes;
}

void expect_equal(const ImageMetadata& a, const ImageMetadata& b) {
  EXPECT_TRUE(a.icc_profile == b.icc_profile);
  EXPECT_TRUE(a.exif == b.exif);
  EXPECT_TRUE(a.png_colour == b.png_colour);
}

Bytes compressed(std::span<const std::byte> bytes) {
  Bytes out;
  image::Deflater deflater([&out](std::span<const std::byte> piece) { append(out, piece); });
  deflater.write({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
  deflater.finish();
  return out;
}

Bytes iccp(std::span<const std::byte> profile) {
  Bytes data = bytes_of("a name\0\0"sv);
  append(data, compressed(profile));
  return data;
}

const Image& picture() {
  static const Image image = gradient(24, 20, 3);
  return image;
}

/// Behind the header.
Bytes png_with(std::span<const std::byte> chunks) {
  Bytes file = encode_image(ImageFormat::png, picture());
  file.insert(file.begin() + 8 + 25, chunks.begin(), chunks.end());
  return file;
}

/// Behind the start of the picture.
Bytes jpeg_with(std::span<const std::byte> segments) {
  Bytes file = encode_image(ImageFormat::jpeg, picture());
  file.insert(file.begin() + 2, segments.begin(), segments.end());
  return file;
}

Bytes segment(uint8_t marker, std::string_view head, std::span<const std::byte> payload) {
  const size_t length = 2 + head.size() + payload.size();
  Bytes bytes = {std::byte{0xff}, std::byte{marker}, static_cast<std::byte>(length >> 8),
                 static_cast<std::byte>(length & 0xff)};
  append(bytes, bytes_of(head));
  append(bytes, payload);
  return bytes;
}

Bytes icc_segment(int number, int count, std::span<const std::byte> piece) {
  std::string head("ICC_PROFILE\0"sv);
  head += static_cast<char>(number);
  head += static_cast<char>(count);
  return segment(0xe2, head, piece);
}

/// Decodes to the picture without a profile and with this one sentence about it.
void expect_left_out(const Bytes& file, std::string_view part) {
  ImageNotes notes;
  const Image image = decode_image(file, {}, &notes);
  EXPECT_TRUE(image.metadata.icc_profile.empty());
  EXPECT_EQ(image.width, picture().width);
  if (file[0] == std::byte{0x89}) {
    EXPECT_TRUE(image.pixels == picture().pixels);
  }
  ASSERT_EQ(notes.left_out.size(), 1U) << part;
  EXPECT_NE(notes.left_out[0].find(part), std::string::npos) << notes.left_out[0];
}

TEST(Metadata, ThroughPngAndJpegByteForByte) {
  for (const size_t size :
       {size_t{132}, size_t{3000}, size_t{65519}, size_t{65520}, size_t{250001}}) {
    for (const ImageFormat format : {ImageFormat::png, ImageFormat::jpeg}) {
      const bool png = format == ImageFormat::png;
      ImageMetadata metadata{icc_profile(size, "RGB "), exif(size % 60000 + 14), png_colour()};
      EXPECT_EQ(encoding_losses(format, picture(), metadata).size(), png ? 0U : 1U);  // png_colour
      ImageNotes notes;
      Image back = decode_image(encode_image(format, picture(), metadata), {}, &notes);
      EXPECT_TRUE(notes.left_out.empty());
      if (!png) metadata.png_colour.clear();
      expect_equal(back.metadata, metadata);
      // Pixels are what they are without; and an Image is written with its own metadata.
      EXPECT_TRUE(back.pixels == decode_image(encode_image(format, picture())).pixels);
      expect_equal(decode_image(encode_image(ImageFormat::png, back)).metadata, metadata);
    }
  }
  // Grey, with alpha, of 16 bits; and through a file.
  const Folder folder;
  Image grey = noise(5, 4, 2, 1, 16);
  grey.metadata = {icc_profile(500, "GRAY"), exif(), {}};
  write_image(folder / "grey.png", grey);
  const Image back = read_image(folder / "grey.png");
  EXPECT_TRUE(back.pixels == grey.pixels);
  expect_equal(back.metadata, grey.metadata);
}

TEST(Metadata, ExifThatKeepsItsPrefixInAPng) {
  Bytes data = bytes_of("Exif\0\0"sv);
  append(data, exif());
  EXPECT_TRUE(decode_image(png_with(png_chunk("eXIf", data))).metadata.exif == exif());
}

TEST(Metadata, WhatFollowsAProfileIsNoPartOfIt) {
  Bytes padded = icc_profile(400, "RGB ");
  padded.resize(403);
  EXPECT_TRUE(decode_image(png_with(png_chunk("iCCP", iccp(padded)))).metadata.icc_profile ==
              icc_profile(400, "RGB "));
}

TEST(Metadata, InflateStopsAtItsLimit) {
  const Bytes zeros(1000000);
  const Bytes small = compressed(zeros);
  EXPECT_LT(small.size(), 2000U);
  EXPECT_TRUE(image::stb::inflate(small, 1 << 20) == zeros);
  EXPECT_FALSE(image::stb::inflate(small, 1 << 19));
  EXPECT_FALSE(image::stb::inflate({}, 1 << 20));
}

TEST(Metadata, HostileProfilesInPng) {
  const Bytes profile = icc_profile(3000, "RGB ");
  const auto with = [](const Bytes& data) { return png_with(png_chunk("iCCP", data)); };
  const Bytes good = iccp(profile);
  ASSERT_TRUE(decode_image(with(good)).metadata.icc_profile == profile);

  Bytes bomb = icc_profile(132, "RGB ");
  bomb.resize(40000000);
  expect_left_out(with(iccp(bomb)), "its ICC profile is damaged, or larger than 16 MB");
  for (const size_t size : {size_t{0}, size_t{1}, size_t{6}, size_t{7}, size_t{8}, size_t{9},
                            size_t{12}, good.size() / 2, good.size() - 8}) {
    expect_left_out(with({good.begin(), good.begin() + static_cast<int64_t>(size)}),
                    "its ICC profile is damaged");
  }
  Bytes wrong_crc = with(good);
  wrong_crc[8 + 25 + 8 + 30] ^= std::byte{1};
  expect_left_out(wrong_crc, "its iCCP data is damaged");
  Bytes method = good;
  method[7] = std::byte{1};
  expect_left_out(with(method), "its ICC profile is damaged");
  Bytes endless_name(200, std::byte{'n'});
  expect_left_out(with(endless_name), "its ICC profile is damaged");

  Bytes lies = profile;
  lies[2] = std::byte{0xff};  // larger than it is
  expect_left_out(with(iccp(lies)), "its ICC profile is damaged");
  lies = profile;
  lies[2] = lies[3] = std::byte{0};  // smaller than its header
  expect_left_out(with(iccp(lies)), "its ICC profile is damaged");
  lies = profile;
  lies[36] = std::byte{0};
  expect_left_out(with(iccp(lies)), "its ICC profile is damaged");
  expect_left_out(with(iccp(Bytes(20, std::byte{0}))), "its ICC profile is damaged");
  expect_left_out(with(iccp(icc_profile(400, "CMYK"))), "neither for RGB nor for grey");

  // The first one counts, and none behind the pixels.
  Bytes two = png_chunk("iCCP", good);
  append(two, png_chunk("iCCP", iccp(icc_profile(500, "RGB "))));
  EXPECT_TRUE(decode_image(png_with(two)).metadata.icc_profile == profile);
  Bytes late = encode_image(ImageFormat::png, picture());
  const Bytes chunk = png_chunk("iCCP", good);
  late.insert(late.end() - 12, chunk.begin(), chunk.end());
  EXPECT_TRUE(decode_image(late).metadata.icc_profile.empty());
}

TEST(Metadata, ProfilesInPiecesInJpeg) {
  const Bytes profile = icc_profile(1000, "RGB ");
  const std::span<const std::byte> all(profile);
  const std::array<std::span<const std::byte>, 3> parts = {all.first(400), all.subspan(400, 333),
                                                           all.subspan(733)};
  // Each pair is a number and how many there are said to be; the number says which part.
  const auto with = [&](const std::vector<std::pair<int, int>>& pieces) {
    Bytes segments;
    for (const auto& [number, count] : pieces) {
      append(segments, icc_segment(number, count, parts[static_cast<size_t>((number + 2) % 3)]));
    }
    return jpeg_with(segments);
  };
  for (const Bytes& good : {with({{1, 3}, {2, 3}, {3, 3}}), with({{3, 3}, {1, 3}, {2, 3}})}) {
    ImageNotes notes;
    EXPECT_TRUE(decode_image(good, {}, &notes).metadata.icc_profile == profile);
    EXPECT_TRUE(notes.left_out.empty());
  }
  for (const Bytes& bad : {with({{1, 3}, {2, 3}}), with({{1, 3}, {2, 3}, {2, 3}}),
                           with({{1, 3}, {2, 3}, {3, 3}, {3, 3}}), with({{1, 3}, {2, 3}, {3, 4}}),
                           with({{0, 3}, {1, 3}, {2, 3}}), with({{2, 1}}), with({{1, 0}}),
                           with({{1, 3}, {2, 3}, {4, 3}}), jpeg_with(icc_segment(1, 1, {}))}) {
    expect_left_out(bad, "in pieces that do not fit together");
  }
  expect_left_out(jpeg_with(segment(0xe2, "ICC_PROFILE\0"sv, {})), "in pieces");
  expect_left_out(jpeg_with(icc_segment(1, 1, all.first(999))), "its ICC profile is damaged");
  expect_left_out(jpeg_with(icc_segment(1, 1, icc_profile(200, "CMYK"))), "neither for RGB");
}

TEST(Metadata, DamagedExifAndColour) {
  const auto notes_of = [](const Bytes& file) {
    ImageNotes notes;
    const Image image = decode_image(file, {}, &notes);
    EXPECT_TRUE(image.metadata.exif.empty());
    EXPECT_TRUE(image.metadata.png_colour.empty());
    return notes.left_out;
  };
  const std::vector<std::string> damaged = {"its EXIF data is damaged and is left out"};
  const Bytes nonsense = bytes_of("not a TIFF structure");
  EXPECT_EQ(notes_of(png_with(png_chunk("eXIf", nonsense))), damaged);
  EXPECT_EQ(notes_of(png_with(png_chunk("eXIf", {}))), damaged);
  EXPECT_EQ(notes_of(jpeg_with(segment(0xe1, "Exif\0\0"sv, nonsense))), damaged);
  Bytes gamma = png_chunk("gAMA", bytes_of("\0\0\0\x01"sv));
  gamma[10] ^= std::byte{1};
  EXPECT_EQ(notes_of(png_with(gamma)),
            (std::vector<std::string>{"its gAMA data is damaged and is left out"}));
  EXPECT_TRUE(notes_of(png_with(png_chunk("gAMA", nonsense))).empty());  // none that is known
}

TEST(Metadata, WhatDoesNotFitTheFormatIsSaid) {
  const auto losses = [](ImageFormat format, int64_t channels, const ImageMetadata& metadata) {
    const Image image = noise(3, 2, channels);
    const std::vector<std::string> sentences = encoding_losses(format, image, metadata);
    // And it is as said: whatever was named is not in the file.
    if (!sentences.empty()) {
      expect_equal(decode_image(encode_image(format, image, metadata)).metadata, {});
    }
    return sentences;
  };
  const ImageMetadata rgb{icc_profile(200, "RGB "), {}, {}};
  const ImageMetadata grey{icc_profile(200, "GRAY"), {}, {}};
  const std::vector<std::string> not_grey = {
      "the ICC profile is left out: it is not for grey, as which the picture is stored"};
  const std::vector<std::string> not_rgb = {
      "the ICC profile is left out: it is not for RGB, as which the picture is stored"};
  EXPECT_EQ(losses(ImageFormat::png, 1, rgb), not_grey);
  EXPECT_EQ(losses(ImageFormat::png, 4, grey), not_rgb);
  EXPECT_EQ(losses(ImageFormat::jpeg, 1, grey), not_rgb);  // stored as RGB
  EXPECT_TRUE(losses(ImageFormat::png, 2, grey).empty());
  EXPECT_TRUE(losses(ImageFormat::jpeg, 1, rgb).empty());

  EXPECT_TRUE(losses(ImageFormat::jpeg, 3, {{}, exif(65527), {}}).empty());
  EXPECT_EQ(losses(ImageFormat::jpeg, 3, {{}, exif(65528), {}}),
            (std::vector<std::string>{
                "the EXIF data is left out: it has 65528 bytes, and the format holds 65527"}));
  EXPECT_TRUE(losses(ImageFormat::png, 3, {{}, exif(65528), {}}).empty());

  const Bytes nonsense = bytes_of("nonsense");
  EXPECT_EQ(losses(ImageFormat::png, 3, {nonsense, nonsense, nonsense}).size(), 3U);
  Bytes half = png_colour();
  half.pop_back();
  EXPECT_EQ(losses(ImageFormat::png, 3, {{}, {}, half}).size(), 1U);
  EXPECT_EQ(losses(ImageFormat::png, 3, {{}, {}, png_chunk("IEND", {})}).size(), 1U);
  const std::string no_profile = "the ICC profile is left out: the format holds none";
  const std::string no_exif = "the EXIF data is left out: the format holds none";
  const std::string no_colour =
      "what the PNG says about its colours is left out: the format does not hold it";
  const Bytes entry = bytes_of("II*\0\x08\0\0\0\x01\0\x0f\x01\x04\0\x01\0\0\0\x01\0\0\0\0\0\0\0"sv);
  const Bytes upright =
      bytes_of("II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x01\0\0\0\0\0\0\0"sv);
  for (const ImageFormat format : {ImageFormat::bmp, ImageFormat::tga, ImageFormat::pnm}) {
    EXPECT_EQ(losses(format, 3, {rgb.icc_profile, entry, png_colour()}),
              (std::vector<std::string>{no_colour, no_profile, no_exif}));
    EXPECT_TRUE(losses(format, 3, {{}, upright, {}}).empty());
    EXPECT_TRUE(losses(format, 3, {}).empty());
  }
  const Image image = noise(3, 2, 3);
  EXPECT_EQ(encoding_losses(ImageFormat::jpeg, image, {rgb.icc_profile, entry, png_colour()}),
            (std::vector<std::string>{no_colour}));
}

}  // namespace
}  // namespace kintsugi::testing
