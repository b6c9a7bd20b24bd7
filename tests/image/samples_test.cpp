// SPDX-License-Identifier: MIT
//
// Samples on their way from an image into a plan's value and back: alpha, borders that go on, masks.
#include "runtime/image/samples.h"

#include <gtest/gtest.h>

#include "runtime/image/pixel.h"

namespace kintsugi::image {
namespace {

ThreadPool pool(2);

/// Each sample is another one; alpha as well.
Image numbered(int64_t width, int64_t height, int64_t channels, int64_t bits) {
  Image image{.width = width, .height = height, .channels = channels, .bits = bits};
  image.pixels.resize(static_cast<size_t>(width * height * channels * (bits / 8)));
  for (int64_t i = 0; i < width * height * channels; ++i) {
    put_sample(image, i, static_cast<int32_t>(bits == 8 ? i + 1 : 257 * i + 1));
  }
  return image;
}

struct Value {
  std::vector<std::byte> bytes;
  AnyView view;

  Value(int64_t colours, int64_t height, int64_t width, int64_t bits)
      : bytes(static_cast<size_t>(colours * height * width * (bits / 8)), std::byte{0xff}),
        view{bytes.data(),
             bits == 8 ? DType::u8 : DType::u16,
             {1, colours, height, width},
             colours} {}
  [[nodiscard]] int32_t at(int64_t y, int64_t x, int64_t c) const {
    const int64_t i = (y * view.shape.w() + x) * view.shape.c() + c;
    return sample_at(reinterpret_cast<const uint8_t*>(bytes.data()),
                     view.dtype == DType::u8 ? 8 : 16, i);
  }
};

TEST(Samples, GoInWithoutAlphaAndGoOnBeyondTheBorder) {
  for (const int64_t bits : {8, 16}) {
    for (const int64_t channels : {1, 2, 3, 4}) {
      const Image image = numbered(5, 3, channels, bits);
      // Of 16 bits a view need not be aligned.
      std::vector<uint8_t> shifted(image.pixels.size() + 1);
      std::ranges::copy(image.pixels, shifted.begin() + 1);
      const ImageView view(5, 3, channels, shifted.data() + 1, bits);
      Value value(colours(channels), 4, 8, bits);
      for (const auto& [y0, x0] : {std::pair(0, 0), std::pair(2, 1), std::pair(0, 4)}) {
        write_samples(value.view, view, y0, x0, pool);
        for (int64_t y = 0; y < 4; ++y) {
          for (int64_t x = 0; x < 8; ++x) {
            for (int64_t c = 0; c < colours(channels); ++c) {
              ASSERT_EQ(value.at(y, x, c), sample_at(view, std::min(y0 + y, int64_t{2}),
                                                     std::min(x0 + x, int64_t{4}), c));
            }
          }
        }
      }
    }
  }
}

TEST(Samples, OfAMaskGoOnToo) {
  const Mask mask{2, 3, {0, 1, 0, 1, 0, 1}};
  Value value(1, 4, 4, 8);
  const auto expect = [&](const std::vector<int>& expected) {
    for (size_t i = 0; i < expected.size(); ++i)
      EXPECT_EQ(std::to_integer<int>(value.bytes[i]), expected[i]);
  };
  write_samples(value.view, mask, 0, 0, pool);
  expect({0, 1, 0, 0, 1, 0, 1, 1, 1, 0, 1, 1, 1, 0, 1, 1});
  write_samples(value.view, mask, 1, 1, pool);
  expect({0, 1, 1, 1, 0, 1, 1, 1, 0, 1, 1, 1, 0, 1, 1, 1});
}

TEST(Samples, ComeOutWhereTheMaskSelects) {
  for (const int64_t bits : {8, 16}) {
    for (const int64_t channels : {1, 2, 3, 4}) {
      const int64_t count = colours(channels);
      Value value(count, 4, 8, bits);
      for (size_t i = 0; i < value.bytes.size(); ++i) value.bytes[i] = std::byte(200 - i);
      const Image before = numbered(5, 3, channels, bits);
      const Mask mask{3, 5, {0, 1, 0, 1, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1}};
      for (const bool masked : {false, true}) {
        Image made = before;
        read_samples(value.view, made, {.selected = masked ? &mask : nullptr}, pool);
        for (int64_t y = 0; y < 3; ++y) {
          for (int64_t x = 0; x < 5; ++x) {
            for (int64_t c = 0; c < channels; ++c) {
              const bool taken = (!masked || mask.at(y, x)) && c < count;
              ASSERT_EQ(sample_at(made, y, x, c),
                        taken ? value.at(y, x, c) : sample_at(before, y, x, c));
            }
          }
        }
      }
    }
  }
}

TEST(Samples, OfAPartComeOutWhereItStands) {
  for (const int64_t bits : {8, 16}) {
    Value value(3, 4, 8, bits);
    for (size_t i = 0; i < value.bytes.size(); ++i) value.bytes[i] = std::byte(200 - i);
    const Image before = numbered(11, 9, 4, bits);
    Image made = before;
    read_samples(value.view, made, {.y0 = 3, .x0 = 2, .take = {4, 5, 7, 9}}, pool);
    for (int64_t y = 0; y < 9; ++y) {
      for (int64_t x = 0; x < 11; ++x) {
        for (int64_t c = 0; c < 4; ++c) {
          const bool taken = c < 3 && y >= 4 && y < 7 && x >= 5 && x < 9;
          ASSERT_EQ(sample_at(made, y, x, c),
                    taken ? value.at(y - 3, x - 2, c) : sample_at(before, y, x, c));
        }
      }
    }
  }
}

TEST(Samples, FadeInOverTheFirstRowsAndColumns) {
  Value value(1, 4, 4, 8);
  std::ranges::fill(value.bytes, std::byte(200));
  Image made = black(4, 4, 1, 8);
  const std::vector<uint8_t> before = rows_of(made, 0, 2);
  read_samples(value.view, made, {.take = {0, 0, 4, 4}, .fade_x = 2}, pool);
  fade_in(made, 0, before);
  // Weights 1/4 and 3/4 of either axis, to the nearest sample.
  EXPECT_EQ(made.pixels, (std::vector<uint8_t>{13, 38, 50, 50, 38, 113, 150, 150, 50, 150, 200, 200,
                                               50, 150, 200, 200}));
}

TEST(Samples, ThatDoNotFitAreRefused) {
  const Image image = numbered(5, 3, 3, 8);
  const auto code = [](const auto& f) -> std::optional<ErrorCode> {
    try {
      f();
    } catch (const Error& error) {
      return error.code();
    }
    return {};
  };
  const auto writes = [&](const Value& value, int64_t y0, int64_t x0) {
    return code([&] { write_samples(value.view, image, y0, x0, pool); });
  };
  const auto reads = [&](const Value& value, const Part& part) {
    Image made = image;
    return code([&] { read_samples(value.view, made, part, pool); });
  };
  const Value fitting(3, 3, 5, 8), grey(1, 3, 5, 8), wide(3, 3, 5, 16), small(3, 2, 5, 8);
  EXPECT_FALSE(writes(fitting, 2, 4));
  EXPECT_FALSE(reads(fitting, {.take = {0, 0, 3, 5}}));
  Value two(3, 6, 5, 8);
  two.view.shape = {2, 3, 3, 5};
  for (const Value* value : std::initializer_list<const Value*>{&grey, &wide, &two}) {
    EXPECT_EQ(writes(*value, 0, 0), ErrorCode::internal);
    EXPECT_EQ(reads(*value, {}), ErrorCode::internal);
  }
  EXPECT_EQ(writes(fitting, 3, 0), ErrorCode::internal);  // outside the image
  EXPECT_EQ(writes(fitting, 0, -1), ErrorCode::internal);
  EXPECT_EQ(reads(small, {.take = {0, 0, 3, 5}}), ErrorCode::internal);  // more than the value has
  EXPECT_EQ(reads(fitting, {.y0 = 1, .take = {0, 0, 3, 5}}), ErrorCode::internal);
  EXPECT_EQ(reads(fitting, {.x0 = 1, .take = {0, 1, 3, 6}}), ErrorCode::internal);
}

}  // namespace
}  // namespace kintsugi::image
