// SPDX-License-Identifier: MIT
#include "runtime/image/stb.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>

namespace {

// A hostile file may claim little and unfold to gigabytes; stb asks here for every byte it takes. It
// gets zeros, and its variables start as such (CMakeLists.txt): stb_image up to 2.27 trusts tables and
// palettes that the file may never have filled.
thread_local size_t largest_allocation = std::numeric_limits<size_t>::max();

void* limited_malloc(size_t size) {
  return size > largest_allocation ? nullptr : std::calloc(1, size);
}
void* limited_realloc(void* old, size_t size) {
  return size > largest_allocation ? nullptr : std::realloc(old, size);
}

}  // namespace

#define STBI_MALLOC(size) limited_malloc(size)
#define STBI_REALLOC(old, size) limited_realloc(old, size)
#define STBI_FREE(memory) std::free(memory)
// A hostile file breaks what stb asserts of its Huffman codes; the index that follows stays in range.
#define STBI_ASSERT(condition) static_cast<void>(0)
#define STB_IMAGE_STATIC
#define STBI_ONLY_PNG
#define STBI_ONLY_JPEG
#define STBI_ONLY_BMP
#define STBI_ONLY_GIF
#define STBI_ONLY_TGA
#define STBI_NO_STDIO
#define STBI_NO_HDR
#define STBI_NO_LINEAR
#define STBI_MAX_DIMENSIONS (1 << 30)
#define STB_IMAGE_IMPLEMENTATION
#include <stb/stb_image.h>

#define STB_IMAGE_WRITE_STATIC
#define STBI_WRITE_NO_STDIO
#define STB_IMAGE_WRITE_IMPLEMENTATION
#include <stb/stb_image_write.h>

namespace kintsugi::image::stb {
namespace {

/// Feeds stb from memory and notices when it asks for more than there is, which stb itself answers
/// with zeros: a truncated picture would come out with a grey lower half.
struct Reader {
  std::span<const std::byte> file;
  size_t position = 0;
  const char* buffer = nullptr;  // stb's own, refilled as far as the file goes
  bool ran_out = false;

  static int read(void* user, char* data, int size) {
    auto& self = *static_cast<Reader*>(user);
    if (self.buffer == nullptr) self.buffer = data;  // the first call fills it
    const size_t wanted = static_cast<size_t>(size);
    const size_t given = std::min(wanted, self.file.size() - self.position);
    if (given > 0) std::memcpy(data, self.file.data() + self.position, given);
    self.position += given;
    const bool refill = data == self.buffer;
    if (given == 0 || (given < wanted && !refill)) self.ran_out = true;
    // What stb does not get it may still read; it must not be somebody's memory.
    if (given < wanted) std::memset(data + given, 0, wanted - given);
    return static_cast<int>(given);
  }
  static void skip(void* user, int count) {
    auto& self = *static_cast<Reader*>(user);
    const auto end = static_cast<int64_t>(self.file.size());
    const int64_t target = static_cast<int64_t>(self.position) + count;
    self.position = static_cast<size_t>(target < 0 ? 0 : target > end ? end : target);
  }
  static int eof(void* user) {
    const auto& self = *static_cast<Reader*>(user);
    return self.position >= self.file.size() ? 1 : 0;
  }
};

struct Free {
  void operator()(void* memory) const { std::free(memory); }
};

void forward(void* sink, void* data, int size) {
  (*static_cast<const Sink*>(sink))(
      {static_cast<const std::byte*>(data), static_cast<size_t>(size)});
}

void* context_of(const Sink& sink) { return const_cast<Sink*>(&sink); }

}  // namespace

std::optional<Header> header(std::span<const std::byte> file) {
  const auto* bytes = reinterpret_cast<const stbi_uc*>(file.data());
  const int size = static_cast<int>(file.size());
  int width = 0;
  int height = 0;
  int channels = 0;
  if (stbi_info_from_memory(bytes, size, &width, &height, &channels) == 0) return std::nullopt;
  return Header{width, height, channels, stbi_is_16_bit_from_memory(bytes, size) != 0};
}

Pixels decode(std::span<const std::byte> file, bool sixteen_bits, size_t largest) {
  largest_allocation = largest;
  Reader reader{.file = file};
  const stbi_io_callbacks callbacks = {Reader::read, Reader::skip, Reader::eof};
  int width = 0;
  int height = 0;
  int channels = 0;
  std::unique_ptr<void, Free> decoded;
  if (sixteen_bits) {
    decoded.reset(stbi_load_16_from_callbacks(&callbacks, &reader, &width, &height, &channels, 0));
  } else {
    decoded.reset(stbi_load_from_callbacks(&callbacks, &reader, &width, &height, &channels, 0));
  }
  Pixels pixels;
  if (decoded) {
    const size_t count = static_cast<size_t>(width) * static_cast<size_t>(height) *
                         static_cast<size_t>(channels) * (sixteen_bits ? 2 : 1);
    const auto* bytes = static_cast<const uint8_t*>(decoded.get());
    pixels.values.assign(bytes, bytes + count);
  }
  pixels.width = width;
  pixels.height = height;
  pixels.channels = channels;
  pixels.ran_out = reader.ran_out;
  return pixels;
}

std::optional<std::vector<std::byte>> inflate(std::span<const std::byte> data, size_t largest) {
  largest_allocation = largest;
  const int first = static_cast<int>(std::min<size_t>(largest, 1 << 14));  // doubled as needed
  int size = 0;
  const std::unique_ptr<char, Free> unfolded(stbi_zlib_decode_malloc_guesssize(
      reinterpret_cast<const char*>(data.data()), static_cast<int>(data.size()), first, &size));
  if (!unfolded) return std::nullopt;
  const auto* bytes = reinterpret_cast<const std::byte*>(unfolded.get());
  return std::vector<std::byte>(bytes, bytes + size);
}

const char* failure() { return stbi_failure_reason(); }

void write_jpeg(int width, int height, int channels, const uint8_t* pixels, int quality,
                const Sink& sink) {
  stbi_write_jpg_to_func(forward, context_of(sink), width, height, channels, pixels, quality);
}

void write_bmp(int width, int height, int channels, const uint8_t* pixels, const Sink& sink) {
  stbi_write_bmp_to_func(forward, context_of(sink), width, height, channels, pixels);
}

void write_tga(int width, int height, int channels, const uint8_t* pixels, const Sink& sink) {
  stbi_write_tga_to_func(forward, context_of(sink), width, height, channels, pixels);
}

}  // namespace kintsugi::image::stb
