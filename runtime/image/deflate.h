// SPDX-License-Identifier: MIT
//
// Deflater compresses a stream of bytes into the zlib format (RFC 1950 and 1951), piece by piece.
// It is not a decompressor and knows no levels: one hash chain, dynamic Huffman blocks.
// It owns about half a megabyte, however long the stream; the output goes to the caller's sink.
// Called by the PNG writer.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace kintsugi::image {

class Deflater {
 public:
  using Sink = std::function<void(std::span<const std::byte>)>;

  explicit Deflater(Sink sink);
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;

  void write(std::span<const uint8_t> bytes);
  /// Ends the stream; nothing may be written after it.
  void finish();

 private:
  struct Token {
    uint16_t length = 0;    // 0: a literal
    uint16_t distance = 0;  // of a match, or the literal's value
  };

  void compress(bool last);
  void insert(size_t position);
  [[nodiscard]] Token longest_match(size_t position, size_t end) const;
  void emit_block(bool last);
  void put_bits(uint32_t value, int count);
  void flush_output();

  Sink sink_;
  std::vector<uint8_t> window_;    // history, then bytes that are not compressed yet
  size_t next_ = 0;                // first byte of the window that is not compressed yet
  std::vector<int32_t> head_;      // newest position of a hash, -1 for none
  std::vector<int32_t> previous_;  // next older position of the same hash
  std::vector<Token> tokens_;      // of the block under way
  std::vector<std::byte> output_;
  uint64_t bits_ = 0;
  int bit_count_ = 0;
  uint32_t adler_a_ = 1, adler_b_ = 0;
};

}  // namespace kintsugi::image
