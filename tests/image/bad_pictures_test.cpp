// SPDX-License-Identifier: MIT
//
// Pictures that are not well: each gets one sentence and the right code, none gets a crash.
#include <algorithm>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "tests/image/support.h"

namespace kintsugi::testing {
namespace {

using std::string_view_literals::operator""sv;

struct Bad {
  std::string_view bytes;
  std::string_view sentence;
};

const std::array kForeign = {
    Bad{""sv, "is empty: it has no bytes"},
    Bad{"x"sv, "is not a picture"},
    Bad{"Dear diary,\nno picture today either.\n"sv, "is not a picture"},
    Bad{"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"sv, "is not a picture"},
    Bad{"\0\0\0\x18"
        "ftypheic\0\0\0\0mif1heic"sv,
        "is a HEIC picture, which is not read here"},
    Bad{"\0\0\0\x1c"
        "ftypavif\0\0\0\0avifmif1"sv,
        "is an AVIF picture"},
    Bad{"\0\0\0\x18"
        "ftypmp42\0\0\0\0mp42isom"sv,
        "is a video"},
    Bad{"RIFF\x24\0\0\0WEBPVP8 "sv, "is a WebP picture"},
    Bad{"II*\0\x08\0\0\0"sv, "is a TIFF picture or a camera's raw file"},
    Bad{"MM\0*\0\0\0\x08"sv, "is a TIFF picture or a camera's raw file"},
    Bad{"%PDF-1.7\n%\xe2\xe3\xcf\xd3"sv, "is a PDF document"},
    Bad{"<svg xmlns=\"http://www.w3.org/2000/svg\"/>"sv, "is an SVG drawing"},
    Bad{"<?xml version=\"1.0\"?>\n<!-- drawn -->\n<svg/>"sv, "is an SVG drawing"},
    Bad{"<!DOCTYPE html><html><body>Not found</body></html>"sv, "is a web page"},
    Bad{"\x40\0\0\0\0\0\0\0{\"weight\":{\"dtype\":\"F32\"}}"sv, "is a safetensors file"},
    Bad{"PK\x03\x04\x14\0\0\0\0\0archive/data.pkl"sv, "a PyTorch checkpoint"},
    Bad{"8BPS\0\x01\0\0"sv, "is a Photoshop document"},
    Bad{"P3\n1 1 255\n1 2 3\n"sv, "is a text, bitmap or PAM variant of PNM"},
    Bad{"P5\n"sv, "malformed header"},
    Bad{"P5\n0 4 255\n"sv, "malformed header"},
    Bad{"P5\n4 4 70000\n"sv, "malformed header"},
    Bad{"P6\n99999999999999999999 4 255\n"sv, "malformed header"},
    Bad{"P6\n2 2 255\nabcdefghijk"sv, "is truncated: the file ends before the picture does"},
    Bad{"P5\n1 1 255"sv, "is truncated"},
    Bad{"\x89PNG\r\n\x1a\n"sv, "is truncated"},
    Bad{"\xff\xd8\xff\xe0"sv, "is a JPEG that cannot be decoded"},
    Bad{"\xff\xd8\xff\xd9"sv, "is a JPEG that cannot be decoded"},
    Bad{"GIF89a"sv, "is a GIF that cannot be decoded"},
    Bad{"BM\0\0\0\0\0\0\0\0\0\0\0\0\x28\0\0\0\0\0\0\0"sv, "is a BMP that cannot be decoded"},
};

TEST(BadPictures, EachHasItsSentence) {
  const Folder folder;
  for (const Bad& bad : kForeign) {
    const Bytes bytes = bytes_of(bad.bytes);
    expect_error(ErrorCode::bad_file, bad.sentence, [&] { (void)decode_image(bytes); });
    const auto file = folder.file("bad.png", bytes);
    expect_error(ErrorCode::bad_file, "'" + file.string() + "' is ",
                 [&] { (void)read_image(file); });
    expect_error(ErrorCode::bad_file, bad.sentence, [&] { (void)read_image(file); });
  }
}

TEST(BadPictures, WhatTheSystemRefuses) {
  const Folder folder;
  expect_error(ErrorCode::io, "No such file or directory",
               [&] { (void)read_image(folder / "missing.png"); });
  expect_error(ErrorCode::io, "it is a folder, not a picture",
               [&] { (void)read_image(folder / "."); });
  const auto locked = folder.file("locked.png", bytes_of("x"));
  std::filesystem::permissions(locked, std::filesystem::perms::none);
  if (::geteuid() != 0) {
    expect_error(ErrorCode::io, "Permission denied", [&] { (void)read_image(locked); });
  }
  expect_error(ErrorCode::bad_file, "is not a picture", [] { (void)read_image("/dev/zero"); });
}

TEST(BadPictures, TooManyPixelsBeforeAnyAllocation) {
  for (const auto& [depth, type] : {std::pair<uint8_t, uint8_t>{8, 2}, {16, 6}, {1, 0}}) {
    Bytes bomb = png_start(65535, 65535, depth, type);
    append(bomb, png_chunk("IDAT", bytes_of("x")));
    append(bomb, png_chunk("IEND", {}));
    expect_error(ErrorCode::unsupported, "has too many pixels: 65535 x 65535, and the limit is",
                 [&] { (void)decode_image(bomb); });
  }
  expect_error(ErrorCode::unsupported, "too many pixels",
               [] { (void)decode_image(bytes_of("P6 1000000000 1000000000 255\n")); });
  const Image image = gradient(20, 10, 3);
  for (const ImageFormat format : {ImageFormat::png, ImageFormat::jpeg, ImageFormat::bmp,
                                   ImageFormat::tga, ImageFormat::pnm}) {
    const Bytes file = encode_image(format, image);
    EXPECT_EQ(decode_image(file, {.max_pixels = 200}).width, 20);
    expect_error(ErrorCode::unsupported, "has too many pixels: 20 x 10, and the limit is 199",
                 [&] { (void)decode_image(file, {.max_pixels = 199}); });
  }
}

TEST(BadPictures, AStreamThatUnfoldsBeyondItsHeader) {
  // One pixel by its header, and eight million bytes by its data.
  const Image flat{4000, 2000, 1, std::vector<uint8_t>(8000000, 0)};
  const Bytes large = encode_image(ImageFormat::png, flat);
  Bytes bomb = png_start(1, 1, 8, 0);
  bomb.insert(bomb.end(), large.begin() + 8 + 25, large.end());
  try {
    const Image image = decode_image(bomb);
    EXPECT_EQ(image.pixels.size(), 1U);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::bad_file);
  }
}

TEST(BadPictures, ADamagedPngIsNotAnotherPicture) {
  Bytes file = encode_image(ImageFormat::png, gradient(30, 20, 3));
  file[file.size() - 12 - 20] ^= std::byte{1};  // inside the compressed data
  expect_error(ErrorCode::bad_file, "is damaged: a checksum of its IDAT data does not agree",
               [&] { (void)decode_image(file); });
}

TEST(BadPictures, AChunkThatNobodyKnowsIsNotQuoted) {
  const Bytes good = encode_image(ImageFormat::png, gradient(3, 2, 1));
  Bytes bad(good.begin(), good.begin() + 33);  // as far as its header goes
  append(bad, png_chunk("I\nP5", bytes_of("x")));
  bad.insert(bad.end(), good.begin() + 33, good.end());
  expect_error(ErrorCode::bad_file,
               "the picture is a PNG with data of a kind that is not known here",
               [&] { (void)decode_image(bad); });
  bad[37] = std::byte{'i'};  // one that a decoder may pass over, whatever it holds
  EXPECT_EQ(decode_image(bad).width, 3);
}

/// Where these bytes first stand.
size_t position_of(std::string_view wanted, const Bytes& file) {
  const Bytes bytes = bytes_of(wanted);
  const auto found = std::search(file.begin(), file.end(), bytes.begin(), bytes.end());
  if (found == file.end()) throw std::logic_error("the file does not have what a test changes");
  return static_cast<size_t>(found - file.begin());
}

TEST(BadPictures, HuffmanTablesThatOverflow) {
  const Bytes good = encode_image(ImageFormat::jpeg, gradient(24, 20, 3));
  const size_t counts = position_of("\xff\xc4", good) + 5;
  for (const size_t at : {0, 7, 15}) {
    Bytes bad = good;
    bad[counts + at] = std::byte{255};
    expect_error(ErrorCode::bad_file, "its tables are damaged or missing",
                 [&] { (void)decode_image(bad); });
  }
  // Between two scans, or after them, is no better place.
  Bytes late = good;
  late.resize(late.size() - 2);
  append(late, bytes_of("\xff\xc4\x01\x00\x10"sv));
  late.insert(late.end(), 251, std::byte{0xff});
  append(late, bytes_of("\xff\xd9"));
  expect_error(ErrorCode::bad_file, "its tables are damaged or missing",
               [&] { (void)decode_image(late); });
}

/// The file without its segments of a kind.
Bytes without_segments(Bytes file, char kind) {
  const Bytes marker = {std::byte{0xff}, static_cast<std::byte>(kind)};
  auto found = file.begin();
  while ((found = std::search(found, file.end(), marker.begin(), marker.end())) != file.end()) {
    const auto length = static_cast<int64_t>(found[2]) << 8 | static_cast<int64_t>(found[3]);
    found = file.erase(found, found + 2 + length);
  }
  return file;
}

TEST(BadPictures, TablesThatAreNotThere) {
  const Bytes good = encode_image(ImageFormat::jpeg, gradient(24, 20, 3));
  for (const char kind : {'\xc4', '\xdb'}) {
    expect_error(ErrorCode::bad_file, "its tables are damaged or missing",
                 [&] { (void)decode_image(without_segments(good, kind)); });
  }
  // The header of the scan: its marker, its length, three components, each with its tables.
  const size_t scan = position_of("\xff\xda", good);
  for (const size_t component : {0, 1, 2}) {
    for (const int tables : {0x02, 0x20}) {
      Bytes bad = good;
      bad[scan + 6 + 2 * component] = static_cast<std::byte>(tables);
      expect_error(ErrorCode::bad_file, "its tables are damaged or missing",
                   [&] { (void)decode_image(bad); });
    }
  }
  // Arithmetic coding has no such tables; what is wrong with it is another thing.
  Bytes arithmetic = without_segments(good, '\xc4');
  arithmetic[position_of("\xff\xc0", arithmetic) + 1] = std::byte{0xc9};
  expect_error(ErrorCode::bad_file, "of a kind that is not supported",
               [&] { (void)decode_image(arithmetic); });
}

TEST(BadPictures, TablesOfProgressiveScans) {
  std::ifstream file(KINTSUGI_TEST_CORPUS "/progressive.jpg", std::ios::binary);
  const Bytes good = bytes_of(std::string(std::istreambuf_iterator<char>(file), {}));
  const auto naming = [&](std::string_view header, int tables) {  // for the first component
    Bytes other = good;
    other[position_of(header, good) + 6] = static_cast<std::byte>(tables);
    return other;
  };
  const std::string_view means = "\xff\xda\0\x0c\x03\x01\0\x02\x10\x03\x10\0\0\x01"sv;
  const std::string_view details = "\xff\xda\0\x08\x01\x01\0\x01\x05\x02"sv;
  const std::string_view refined = "\xff\xda\0\x0c\x03\x01\0\x02\0\x03\0\0\0\x10"sv;
  const Image picture = decode_image(good);
  EXPECT_EQ(decode_image(naming(means, 0x03)).pixels, picture.pixels) << "AC of a DC scan";
  EXPECT_EQ(decode_image(naming(details, 0x30)).pixels, picture.pixels) << "DC of an AC scan";
  EXPECT_EQ(decode_image(naming(refined, 0x33)).pixels, picture.pixels) << "bits alone";
  for (const Bytes& bad : {naming(means, 0x30), naming(details, 0x03)}) {
    expect_error(ErrorCode::bad_file, "its tables are damaged or missing",
                 [&] { (void)decode_image(bad); });
  }
}

TEST(BadPictures, AColourBeyondThePaletteIsBlack) {
  Bytes file = png_start(1, 1, 8, 3);
  append(file, png_chunk("PLTE", bytes_of("\x01\x02\x03"sv)));
  // Stored, not compressed: a row without a filter, of colour 255.
  append(file, png_chunk("IDAT", bytes_of("\x78\x01\x01\x02\0\xfd\xff\0\xff\x01\x01\x01\0"sv)));
  append(file, png_chunk("IEND", {}));
  EXPECT_EQ(decode_image(file).pixels, std::vector<uint8_t>(3, 0));
}

std::vector<Bytes> good_files() {
  std::vector<Bytes> files;
  for (const int64_t channels : {1, 3}) {
    const Image image = gradient(24, 20, channels);
    for (const ImageFormat format : {ImageFormat::png, ImageFormat::jpeg, ImageFormat::bmp,
                                     ImageFormat::tga, ImageFormat::pnm}) {
      files.push_back(encode_image(format, image));
    }
  }
  ImageMetadata metadata;
  metadata.icc_profile = icc_profile(300, "RGB ");
  metadata.exif =
      bytes_of(std::string_view("MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0", 22));
  for (const ImageFormat format : {ImageFormat::png, ImageFormat::jpeg, ImageFormat::pnm}) {
    files.push_back(encode_image(format, noise(20, 15, 3, 5, 16), metadata));
  }
  files.push_back(bytes_of(
      "GIF89a\x03\0\x01\0\x80\0\0\xff\x80\x40\0\0\0\x2c\0\0\0\0\x03\0\x01\0\0\x02\x02\x04\x0a\0;"sv));
  return files;
}

TEST(BadPictures, TruncatedAnywhere) {
  for (const Bytes& file : good_files()) {
    (void)decode_image(file);
    const bool gif = file[0] == std::byte{'G'};
    for (size_t size = 0; size < file.size(); ++size) {
      const std::span<const std::byte> cut(file.data(), size);
      try {
        (void)decode_image(cut);
        // A GIF is whole without its last two bytes: an end of blocks and an end of file.
        EXPECT_TRUE(gif && size + 3 >= file.size()) << size << " of " << file.size();
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::bad_file) << error.what();
      }
    }
  }
}

/// Makes every checksum of a PNG agree again, so that damage reaches the decoder.
void repair_checksums(Bytes& file) {
  size_t at = 8;
  while (at + 12 <= file.size()) {
    size_t length = 0;
    for (size_t i = 0; i < 4; ++i) length = length << 8 | static_cast<size_t>(file[at + i]);
    if (length > file.size() - at - 12) return;
    Bytes crc;
    append_u32(crc, image::crc32(std::span(file).subspan(at + 4, length + 4)));
    std::copy(crc.begin(), crc.end(), file.begin() + static_cast<int64_t>(at + 8 + length));
    at += length + 12;
  }
}

TEST(BadPictures, RandomDamageNeverCrashes) {
  std::mt19937 random(20);
  const ImageLimits limits{.max_pixels = 1 << 20};
  int decoded = 0;
  for (const Bytes& good : good_files()) {
    for (int round = 0; round < 600; ++round) {
      Bytes bad = good;
      const int flips = 1 + static_cast<int>(random() % 4);
      for (int flip = 0; flip < flips; ++flip) {
        // Headers are small and decide much: half of the damage goes there.
        const size_t reach = random() % 2 == 0 ? std::min<size_t>(64, bad.size()) : bad.size();
        bad[random() % reach] = static_cast<std::byte>(random() & 0xff);
      }
      if (bad[0] == std::byte{0x89} && round % 8 != 0) repair_checksums(bad);
      try {
        const Image image = decode_image(bad, limits);
        EXPECT_EQ(std::ssize(image.pixels),
                  image.width * image.height * image.channels * image.bits / 8);
        ++decoded;
      } catch (const Error& error) {
        EXPECT_TRUE(error.code() == ErrorCode::bad_file || error.code() == ErrorCode::unsupported)
            << error.what();
      }
    }
  }
  EXPECT_GT(decoded, 100);  // or the damage never reached a decoder
}

}  // namespace
}  // namespace kintsugi::testing
