// SPDX-License-Identifier: MIT
//
// What the picture tests share: small pictures, files made byte by byte, expected errors.
// It is not a second codec: what it writes, it writes by hand, so that a test can be wrong on
// purpose. Each test owns its bytes. Called by the tests of this folder only.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/core/error.h"
#include "kintsugi/image.hpp"
#include "runtime/image/pixel.h"
#include "runtime/image/png.h"

namespace kintsugi::testing {

using Bytes = std::vector<std::byte>;

inline Bytes bytes_of(std::string_view text) {
  const auto view = std::as_bytes(std::span(text));
  return {view.begin(), view.end()};
}

inline void append(Bytes& bytes, std::span<const std::byte> more) {
  for (const std::byte byte : more)
    bytes.push_back(byte);  // insert() trips g++ 12's -Warray-bounds
}

inline void append_u32(Bytes& bytes, uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) {
    bytes.push_back(static_cast<std::byte>(value >> shift & 0xff));
  }
}

inline Bytes png_chunk(std::string_view type, std::span<const std::byte> data) {
  Bytes chunk;
  append_u32(chunk, static_cast<uint32_t>(data.size()));
  append(chunk, bytes_of(type));
  append(chunk, data);
  append_u32(chunk, image::crc32(std::span(chunk).subspan(4)));
  return chunk;
}

inline Bytes png_start(uint32_t width, uint32_t height, uint8_t depth, uint8_t colour_type) {
  Bytes file = bytes_of("\x89PNG\r\n\x1a\n");
  Bytes header;
  append_u32(header, width);
  append_u32(header, height);
  for (const int byte : {int{depth}, int{colour_type}, 0, 0, 0}) {
    header.push_back(static_cast<std::byte>(byte));
  }
  append(file, png_chunk("IHDR", header));
  return file;
}

/// What passes for an ICC profile: its size, the colours it is for, its signature, and noise.
inline Bytes icc_profile(size_t size, std::string_view space) {
  std::mt19937 random(7);
  Bytes profile;
  append_u32(profile, static_cast<uint32_t>(size));
  while (profile.size() < size) profile.push_back(static_cast<std::byte>(random() & 0x3f));
  for (size_t i = 0; i < 4; ++i) {
    profile[16 + i] = static_cast<std::byte>(space[i]);
    profile[36 + i] = static_cast<std::byte>("acsp"[i]);
  }
  return profile;
}

/// Noise with a seed: pixels that no filter or compressor finds easy.
inline Image noise(int64_t width, int64_t height, int64_t channels, uint32_t seed = 1,
                   int64_t bits = 8) {
  std::mt19937 random(seed);
  Image image{.width = width, .height = height, .channels = channels, .bits = bits};
  image.pixels.resize(static_cast<size_t>(width * height * channels * bits / 8));
  for (uint8_t& pixel : image.pixels) pixel = static_cast<uint8_t>(random());
  return image;
}

/// Samples as numbers, whatever their depth.
inline std::vector<int32_t> samples_of(const Image& image) {
  std::vector<int32_t> samples(image.pixels.size() / static_cast<size_t>(image.bits / 8));
  for (size_t i = 0; i < samples.size(); ++i) {
    samples[i] = image::sample_at(image.pixels.data(), image.bits, static_cast<int64_t>(i));
  }
  return samples;
}

/// A picture of 16 bits from numbers.
inline Image of_16_bits(int64_t width, int64_t height, int64_t channels,
                        const std::vector<int32_t>& samples) {
  Image image = image::black(width, height, channels, 16);
  for (size_t i = 0; i < samples.size(); ++i) {
    image::put_sample(image, static_cast<int64_t>(i), samples[i]);
  }
  return image;
}

/// The same picture at 16 bits: each sample 257 times.
inline Image widened(const Image& narrow) {
  Image wide = image::black(narrow.width, narrow.height, narrow.channels, 16);
  for (size_t i = 0; i < narrow.pixels.size(); ++i) {
    image::put_sample(wide, static_cast<int64_t>(i), 257 * narrow.pixels[i]);
  }
  return wide;
}

/// A gradient with an edge, as photographs have: what compresses, and what JPEG keeps well.
inline Image gradient(int64_t width, int64_t height, int64_t channels) {
  Image image{width, height, channels, {}};
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      for (int64_t c = 0; c < channels; ++c) {
        const int64_t value = 40 + 60 * x / width + 50 * y / height + 20 * c + (x > y ? 30 : 0);
        image.pixels.push_back(static_cast<uint8_t>(value));
      }
    }
  }
  return image;
}

inline void expect_equal(const Image& a, const Image& b) {
  EXPECT_EQ(a.width, b.width);
  EXPECT_EQ(a.height, b.height);
  EXPECT_EQ(a.channels, b.channels);
  EXPECT_EQ(a.bits, b.bits);
  EXPECT_TRUE(a.pixels == b.pixels);
}

/// Runs `action`, which must throw an Error of this code whose sentence contains `part`.
inline void expect_error(ErrorCode code, std::string_view part,
                         const std::function<void()>& action) {
  try {
    action();
    ADD_FAILURE() << "no error, expected: " << part;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    EXPECT_NE(std::string_view(error.what()).find(part), std::string_view::npos)
        << error.what() << "\nexpected: " << part;
  }
}

class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "kintsugi-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
    path_ = name;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  [[nodiscard]] std::filesystem::path operator/(std::string_view name) const {
    return path_ / name;
  }
  [[nodiscard]] std::filesystem::path file(std::string_view name,
                                           std::span<const std::byte> bytes) const {
    std::ofstream(path_ / name, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), std::ssize(bytes));
    return path_ / name;
  }
  [[nodiscard]] int64_t count() const {
    return std::distance(std::filesystem::directory_iterator(path_), {});
  }

 private:
  std::filesystem::path path_;
};

}  // namespace kintsugi::testing
