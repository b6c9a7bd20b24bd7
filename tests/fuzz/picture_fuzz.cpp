// SPDX-License-Identifier: MIT
//
// Any bytes as a picture. They decode or throw; what decodes goes the way of pictures: it is a mask,
// is turned, resized, filled, put side by side, and encoded in every format and decoded again, to the
// same pixels where the format is exact. Its last bytes, which no decoder reads, choose the numbers.
#include <array>
#include <cstdint>
#include <span>
#include <string>

#include "kintsugi/classical.hpp"
#include "kintsugi/compare.hpp"
#include "kintsugi/image.hpp"
#include "runtime/image/exif.h"
#include "runtime/image/mask.h"
#include "runtime/image/orientation.h"
#include "runtime/image/pixel.h"
#include "runtime/image/resize.h"
#include "tests/fuzz/fuzz.h"

namespace kintsugi {
namespace {

using fuzz::require;
using image::Mask;

constexpr int64_t kMostPixels = int64_t{1} << 14;
constexpr int64_t kMostFilled = int64_t{1} << 10;
constexpr ImageLimits kLimits{.max_pixels = kMostPixels};

bool holds_its_pixels(const Image& image) {
  return image.width > 0 && image.height > 0 && image.channels >= 1 && image.channels <= 4 &&
         (image.bits == 8 || image.bits == 16) &&
         std::ssize(image.pixels) == image.width * image.height * image.channels * image.bits / 8;
}

bool same(const Image& a, const Image& b) {
  return a.width == b.width && a.height == b.height && a.channels == b.channels &&
         a.bits == b.bits && a.pixels == b.pixels;
}

/// Colour and opacity, of as many bits.
std::array<int32_t, 4> seen_at(const ImageView& image, int64_t bits, int64_t y, int64_t x) {
  const image::Samples rgb = image::samples_at(image, y, x);
  const int32_t opacity = image::has_alpha(image.channels)
                              ? image::sample_at(image, y, x, image.channels - 1)
                              : image::white_of(image.bits);
  std::array<int32_t, 4> seen = {rgb[0], rgb[1], rgb[2], opacity};
  for (int32_t& sample : seen) sample = image.bits > bits ? image::narrowed(sample) : sample;
  return seen;
}

/// The same picture to the eye: a format may store grey as RGB, and 16 bits as 8.
bool looks_the_same(const Image& a, const Image& b) {
  if (a.width != b.width || a.height != b.height) return false;
  for (int64_t y = 0; y < a.height; ++y) {
    for (int64_t x = 0; x < a.width; ++x) {
      if (seen_at(a, b.bits, y, x) != seen_at(b, b.bits, y, x)) return false;
    }
  }
  return true;
}

/// What a format took of the metadata, it gives back; what it did not, it said.
void check_metadata(const Image& image, const Image& back, ImageFormat format,
                    const std::string& name) {
  const ImageMetadata& before = image.metadata;
  const ImageMetadata& after = back.metadata;
  size_t lost = image.bits > back.bits ? 1 : 0;
  lost += before.icc_profile == after.icc_profile ? 0 : 1;
  lost += before.png_colour == after.png_colour ? 0 : 1;
  const bool needless = after.exif.empty() && image::says_orientation_alone(before.exif);
  lost += needless || before.exif == after.exif ? 0 : 1;
  require(lost == encoding_losses(format, image, before).size(), name + " loses metadata unsaid");
  require(format != ImageFormat::png || before.png_colour == after.png_colour,
          "PNG loses its words about colour");
}

void write_and_read(const Image& image, ImageFormat format, const std::string& name) {
  std::vector<std::byte> file;
  try {
    file = encode_image(format, image);
  } catch (const Error& error) {
    const bool no_alpha = format == ImageFormat::jpeg || format == ImageFormat::pnm;
    require(error.code() == ErrorCode::usage && no_alpha && image::has_alpha(image.channels),
            name + " refuses a picture: " + error.what());
    return;
  }
  try {
    ImageNotes notes;
    const Image back = decode_image(file, kLimits, &notes);
    require(notes.left_out.empty(), name + " writes metadata that is then left out");
    check_metadata(image, back, format, name);
    const bool wide = format == ImageFormat::png || format == ImageFormat::pnm;
    require(back.bits == (wide ? image.bits : 8), name + " changes the depth of a picture");
    require(holds_its_pixels(back) && back.width == image.width && back.height == image.height,
            name + " changes the size of a picture");
    if (format != ImageFormat::jpeg) {
      require(looks_the_same(image, back), name + " changes a picture");
    }
  } catch (const Error& error) {
    require(false, name + " writes what cannot be read: " + error.what());
  }
}

void as_mask(const Image& image) {
  const Mask mask = image::make_mask(image);
  const int64_t holes = mask.count();
  const image::Box box = mask.bounding_box();
  require(box.empty() == (holes == 0), "a mask's box does not fit its holes");
  require((box.y1 - box.y0) * (box.x1 - box.x0) >= holes, "a mask has holes outside its box");
  require(count_hole(hole_of(image)) == holes, "two ways to count a hole differ");
}

void as_oriented(const Image& image, int orientation) {
  constexpr std::array<int, 9> kInverse = {1, 1, 2, 3, 4, 5, 8, 7, 6};
  const Image turned = image::turn_upright(image, orientation);
  require(holds_its_pixels(turned), "a turned picture lost pixels");
  const auto back = kInverse[static_cast<size_t>(orientation)];
  require(same(image::turn_upright(turned, back), image), "a picture turned twice is another");
}

void as_filled(const Image& image, int64_t radius) {
  if (image.width * image.height > kMostFilled) return;
  const Image hole = hole_of(image);
  try {
    const Image filled = inpaint_telea(image, image, radius);
    require(differing_outside(image, filled, hole) == 0, "filling changed a known pixel");
  } catch (const Error& error) {
    require(error.code() == ErrorCode::mismatch && count_hole(hole) == image.width * image.height,
            std::string("filling fails: ") + error.what());
  }
}

}  // namespace
}  // namespace kintsugi

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace kintsugi;
  const auto last = [&](size_t i) -> int64_t { return size > i ? data[size - 1 - i] : 0; };
  Image image;
  try {
    image = decode_image(std::as_bytes(std::span(data, size)), kLimits);
  } catch (const Error& error) {
    require(error.code() == ErrorCode::bad_file || error.code() == ErrorCode::unsupported,
            std::string("an error of the wrong kind: ") + error.what());
    require(fuzz::is_one_line(error.what()),
            std::string("a sentence that is not one line: ") + error.what());
    return 0;
  }
  require(holds_its_pixels(image), "a picture does not hold its pixels");
  require(image.width * image.height <= kMostPixels, "a picture is larger than its limit");

  as_mask(image);
  as_oriented(image, static_cast<int>(1 + last(0) % 8));
  const image::Extent2d extent{1 + last(1) % 80, 1 + last(2) % 80};
  require(holds_its_pixels(image::resize_picture(image, extent)), "a resized picture lost pixels");
  as_filled(image, 1 + last(3) % 8);
  const std::array<ImageView, 2> both = {image, image};
  require(side_by_side(both).width > 2 * image.width, "two pictures side by side are too narrow");
  write_and_read(image, ImageFormat::png, "PNG");
  write_and_read(image, ImageFormat::jpeg, "JPEG");
  write_and_read(image, ImageFormat::bmp, "BMP");
  write_and_read(image, ImageFormat::tga, "TGA");
  write_and_read(image, ImageFormat::pnm, "PNM");
  return 0;
}
