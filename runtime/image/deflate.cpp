// SPDX-License-Identifier: MIT
#include "runtime/image/deflate.h"

#include <algorithm>
#include <cstring>
#include <queue>
#include <utility>

namespace kintsugi::image {
namespace {

constexpr size_t kHistory = 32768;  // a match reaches back at most this far
constexpr size_t kWindow = 3 * kHistory;
constexpr int kHashBits = 15;
constexpr size_t kMinMatch = 3;
constexpr size_t kMaxMatch = 258;
constexpr size_t kLookahead = kMaxMatch + 8;  // left uncompressed until more bytes are known
constexpr int kChainDepth = 8;
constexpr size_t kGoodMatch = 64;  // long enough not to try the next position as well
constexpr size_t kBlockTokens = 16384;
constexpr size_t kOutputBytes = size_t{1} << 16;
constexpr uint32_t kAdlerModulus = 65521;

constexpr int kEndOfBlock = 256;
constexpr int kLiteralCodes = 286;
constexpr int kDistanceCodes = 30;
constexpr int kLengthCodes = 19;

constexpr std::array<uint16_t, 29> kLengthBase = {3,  4,  5,  6,   7,   8,   9,   10,  11, 13,
                                                  15, 17, 19, 23,  27,  31,  35,  43,  51, 59,
                                                  67, 83, 99, 115, 131, 163, 195, 227, 258};
constexpr std::array<uint8_t, 29> kLengthExtra = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
                                                  2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
constexpr std::array<uint16_t, 30> kDistanceBase = {
    1,   2,   3,   4,   5,   7,    9,    13,   17,   25,   33,   49,   65,    97,    129,
    193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};
constexpr std::array<uint8_t, 30> kDistanceExtra = {0, 0, 0,  0,  1,  1,  2,  2,  3,  3,
                                                    4, 4, 5,  5,  6,  6,  7,  7,  8,  8,
                                                    9, 9, 10, 10, 11, 11, 12, 12, 13, 13};
// The order in which RFC 1951 stores the lengths of the code length code.
constexpr std::array<uint8_t, kLengthCodes> kLengthOrder = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                                            11, 4,  12, 3, 13, 2, 14, 1, 15};

template <size_t Size>
constexpr uint8_t class_of(const std::array<uint16_t, Size>& bases, size_t value) {
  const auto above = std::upper_bound(bases.begin(), bases.end(), value);
  return static_cast<uint8_t>(above - bases.begin() - 1);
}

// Looked up, since each token needs its class twice. From 257 on, distances of one class differ in
// their lower seven bits alone.
constexpr std::array<uint8_t, kMaxMatch + 1> kLengthClass = [] {
  std::array<uint8_t, kMaxMatch + 1> classes{};
  for (size_t length = kMinMatch; length <= kMaxMatch; ++length) {
    classes[length] = class_of(kLengthBase, length);
  }
  return classes;
}();
constexpr std::array<uint8_t, 512> kDistanceClass = [] {
  std::array<uint8_t, 512> classes{};
  for (size_t i = 0; i < 256; ++i) {
    classes[i] = class_of(kDistanceBase, i + 1);
    classes[256 + i] = class_of(kDistanceBase, (i << 7) + 1);
  }
  return classes;
}();

size_t class_of_distance(size_t distance) {
  return kDistanceClass[distance <= 256 ? distance - 1 : 256 + ((distance - 1) >> 7)];
}

/// Bytes that agree from the beginning on, at most `longest`: eight at a time.
size_t common_length(const uint8_t* a, const uint8_t* b, size_t longest) {
  size_t length = 0;
  while (length + 8 <= longest) {
    uint64_t left = 0, right = 0;
    std::memcpy(&left, a + length, 8);
    std::memcpy(&right, b + length, 8);
    if (left != right) break;
    length += 8;
  }
  while (length < longest && a[length] == b[length]) ++length;
  return length;
}

uint32_t hash_of(const uint8_t* bytes) {
  const uint32_t three = static_cast<uint32_t>(bytes[0]) | static_cast<uint32_t>(bytes[1]) << 8 |
                         static_cast<uint32_t>(bytes[2]) << 16;
  return (three * 2654435761U) >> (32 - kHashBits);
}

/// Huffman code lengths of at most `limit` bits. At least two symbols get a code, because some
/// decoders refuse a code of one.
std::vector<uint8_t> code_lengths(std::vector<uint32_t> counts, int limit) {
  const auto used = [&counts] {
    return std::count_if(counts.begin(), counts.end(), [](uint32_t c) { return c > 0; });
  };
  for (size_t symbol = 0; used() < 2; ++symbol) counts[symbol] = std::max(counts[symbol], 1U);

  for (;;) {
    using Entry = std::pair<uint64_t, size_t>;  // count, node; ties by node: deterministic
    std::priority_queue<Entry, std::vector<Entry>, std::greater<>> queue;
    std::vector<size_t> parent(2 * counts.size(), 0);
    for (size_t symbol = 0; symbol < counts.size(); ++symbol) {
      if (counts[symbol] > 0) queue.emplace(counts[symbol], symbol);
    }
    size_t next_node = counts.size();
    while (queue.size() > 1) {
      const Entry first = queue.top();
      queue.pop();
      const Entry second = queue.top();
      queue.pop();
      parent[first.second] = parent[second.second] = next_node;
      queue.emplace(first.first + second.first, next_node++);
    }
    const size_t root = next_node - 1;
    std::vector<int> depth(next_node, 0);
    for (size_t node = root; node-- > counts.size();) depth[node] = depth[parent[node]] + 1;
    std::vector<uint8_t> lengths(counts.size(), 0);
    int longest = 0;
    for (size_t symbol = 0; symbol < counts.size(); ++symbol) {
      if (counts[symbol] == 0) continue;
      const int length = depth[parent[symbol]] + 1;
      longest = std::max(longest, length);
      lengths[symbol] = static_cast<uint8_t>(std::min(length, limit));
    }
    if (longest <= limit) return lengths;
    // Flatter counts make a flatter tree; equal counts always fit.
    for (uint32_t& count : counts) count = (count + 1) / 2;
  }
}

/// Canonical codes, bit-reversed as deflate stores them.
std::vector<uint16_t> codes_of(const std::vector<uint8_t>& lengths) {
  std::array<uint32_t, 16> counts{};
  for (const uint8_t length : lengths) ++counts[length];
  std::array<uint32_t, 16> next{};  // the next free code of each width
  for (size_t bits = 2; bits < next.size(); ++bits) {
    next[bits] = (next[bits - 1] + counts[bits - 1]) << 1;
  }
  std::vector<uint16_t> codes(lengths.size(), 0);
  for (size_t symbol = 0; symbol < lengths.size(); ++symbol) {
    const int length = lengths[symbol];
    if (length == 0) continue;
    uint32_t forward = next[static_cast<size_t>(length)]++;
    uint32_t reversed = 0;
    for (int bit = 0; bit < length; ++bit, forward >>= 1) reversed = reversed << 1 | (forward & 1);
    codes[symbol] = static_cast<uint16_t>(reversed);
  }
  return codes;
}

struct RunLength {
  uint8_t symbol = 0;  // of the code length code
  uint8_t extra = 0;
};

std::vector<RunLength> run_lengths(const std::vector<uint8_t>& lengths) {
  std::vector<RunLength> runs;
  for (size_t i = 0; i < lengths.size();) {
    size_t run = 1;
    while (i + run < lengths.size() && lengths[i + run] == lengths[i]) ++run;
    if (lengths[i] == 0 && run >= 3) {
      run = std::min<size_t>(run, 138);
      if (run <= 10) {
        runs.push_back({17, static_cast<uint8_t>(run - 3)});
      } else {
        runs.push_back({18, static_cast<uint8_t>(run - 11)});
      }
    } else if (lengths[i] != 0 && run >= 4) {
      run = std::min<size_t>(run, 7);
      runs.push_back({lengths[i], 0});
      runs.push_back({16, static_cast<uint8_t>(run - 4)});
    } else {
      run = 1;
      runs.push_back({lengths[i], 0});
    }
    i += run;
  }
  return runs;
}

}  // namespace

Deflater::Deflater(Sink sink)
    : sink_(std::move(sink)), head_(size_t{1} << kHashBits, -1), previous_(kHistory, -1) {
  window_.reserve(kWindow);
  tokens_.reserve(kBlockTokens);
  output_.reserve(kOutputBytes + 16);
  put_bits(0x78, 8);  // deflate, 32 KiB window
  put_bits(0x9c, 8);
}

void Deflater::write(std::span<const uint8_t> bytes) {
  while (!bytes.empty()) {
    const size_t taken = std::min(bytes.size(), kWindow - window_.size());
    const std::span<const uint8_t> piece = bytes.first(taken);
    window_.insert(window_.end(), piece.begin(), piece.end());
    for (size_t i = 0; i < taken;) {
      const size_t stop = std::min(taken, i + 5552);  // as many as 32 bits can sum up
      for (; i < stop; ++i) adler_b_ += adler_a_ += piece[i];
      adler_a_ %= kAdlerModulus;
      adler_b_ %= kAdlerModulus;
    }
    bytes = bytes.subspan(taken);
    if (window_.size() == kWindow) compress(false);
  }
}

void Deflater::finish() {
  compress(true);
  emit_block(true);
  if (bit_count_ % 8 != 0) put_bits(0, 8 - bit_count_ % 8);
  const uint32_t adler = adler_b_ << 16 | adler_a_;
  for (int shift = 24; shift >= 0; shift -= 8) put_bits(adler >> shift & 0xff, 8);
  flush_output();
}

void Deflater::compress(bool last) {
  const size_t end = window_.size();
  const size_t limit = last ? end : end - kLookahead;
  Token match;
  bool match_known = false;
  while (next_ < limit) {
    if (!match_known) match = longest_match(next_, end);
    match_known = false;
    insert(next_);
    if (match.length > 0 && match.length < kGoodMatch && next_ + 1 < limit) {
      const Token later = longest_match(next_ + 1, end);
      if (later.length > match.length) {
        tokens_.push_back({0, window_[next_++]});
        match = later;
        match_known = true;
        if (tokens_.size() == kBlockTokens) emit_block(false);
        continue;
      }
    }
    if (match.length == 0) {
      tokens_.push_back({0, window_[next_++]});
    } else {
      tokens_.push_back(match);
      for (size_t i = 1; i < match.length; ++i) insert(next_ + i);
      next_ += match.length;
    }
    if (tokens_.size() == kBlockTokens) emit_block(false);
  }
  if (last) return;
  // Keep one history; positions shift by a whole history, so slots of previous_ stay theirs.
  window_.erase(window_.begin(), window_.begin() + kHistory);
  next_ -= kHistory;
  const auto shift = [](int32_t& position) {
    position = std::max(position - static_cast<int32_t>(kHistory), -1);
  };
  std::for_each(head_.begin(), head_.end(), shift);
  std::for_each(previous_.begin(), previous_.end(), shift);
}

void Deflater::insert(size_t position) {
  if (position + kMinMatch > window_.size()) return;
  int32_t& head = head_[hash_of(window_.data() + position)];
  previous_[position % kHistory] = head;
  head = static_cast<int32_t>(position);
}

Deflater::Token Deflater::longest_match(size_t position, size_t end) const {
  const size_t longest = std::min(kMaxMatch, end - position);
  if (longest < kMinMatch) return {};
  const uint8_t* here = window_.data() + position;
  size_t best = kMinMatch - 1;
  size_t best_distance = 0;
  int32_t candidate = head_[hash_of(here)];
  for (int depth = 0; depth < kChainDepth && candidate >= 0; ++depth) {
    const size_t distance = position - static_cast<size_t>(candidate);
    if (distance >= kHistory) break;
    const uint8_t* there = window_.data() + candidate;
    if (there[best] == here[best] && there[0] == here[0]) {
      const size_t length = common_length(there, here, longest);
      if (length > best) {
        best = length;
        best_distance = distance;
        if (length == longest) break;
      }
    }
    const int32_t older = previous_[static_cast<size_t>(candidate) % kHistory];
    if (older >= candidate) break;  // the slot was reused by a newer position
    candidate = older;
  }
  if (best_distance == 0) return {};
  return {static_cast<uint16_t>(best), static_cast<uint16_t>(best_distance)};
}

void Deflater::emit_block(bool last) {
  std::vector<uint32_t> literal_counts(kLiteralCodes, 0);
  std::vector<uint32_t> distance_counts(kDistanceCodes, 0);
  literal_counts[kEndOfBlock] = 1;
  for (const Token& token : tokens_) {
    if (token.length == 0) {
      ++literal_counts[token.distance];
    } else {
      ++literal_counts[257 + size_t{kLengthClass[token.length]}];
      ++distance_counts[class_of_distance(token.distance)];
    }
  }
  const std::vector<uint8_t> literals = code_lengths(std::move(literal_counts), 15);
  const std::vector<uint8_t> distances = code_lengths(std::move(distance_counts), 15);
  const std::vector<uint16_t> literal_codes = codes_of(literals);
  const std::vector<uint16_t> distance_codes = codes_of(distances);

  std::vector<uint8_t> both = literals;
  both.insert(both.end(), distances.begin(), distances.end());
  const std::vector<RunLength> runs = run_lengths(both);
  std::vector<uint32_t> run_counts(kLengthCodes, 0);
  for (const RunLength& run : runs) ++run_counts[run.symbol];
  const std::vector<uint8_t> run_code_lengths = code_lengths(std::move(run_counts), 7);
  const std::vector<uint16_t> run_codes = codes_of(run_code_lengths);

  put_bits(last ? 1 : 0, 1);
  put_bits(2, 2);  // dynamic Huffman
  put_bits(kLiteralCodes - 257, 5);
  put_bits(kDistanceCodes - 1, 5);
  put_bits(kLengthCodes - 4, 4);
  for (const uint8_t symbol : kLengthOrder) put_bits(run_code_lengths[symbol], 3);
  for (const RunLength& run : runs) {
    put_bits(run_codes[run.symbol], run_code_lengths[run.symbol]);
    if (run.symbol >= 16) put_bits(run.extra, run.symbol == 16 ? 2 : run.symbol == 17 ? 3 : 7);
  }
  for (const Token& token : tokens_) {
    if (token.length == 0) {
      put_bits(literal_codes[token.distance], literals[token.distance]);
      continue;
    }
    const size_t length = kLengthClass[token.length];
    put_bits(literal_codes[257 + length], literals[257 + length]);
    put_bits(static_cast<uint32_t>(token.length - kLengthBase[length]), kLengthExtra[length]);
    const size_t distance = class_of_distance(token.distance);
    put_bits(distance_codes[distance], distances[distance]);
    put_bits(static_cast<uint32_t>(token.distance - kDistanceBase[distance]),
             kDistanceExtra[distance]);
  }
  put_bits(literal_codes[kEndOfBlock], literals[kEndOfBlock]);
  tokens_.clear();
}

void Deflater::put_bits(uint32_t value, int count) {
  bits_ |= static_cast<uint64_t>(value) << bit_count_;
  bit_count_ += count;
  while (bit_count_ >= 8) {
    output_.push_back(static_cast<std::byte>(bits_ & 0xff));
    bits_ >>= 8;
    bit_count_ -= 8;
  }
  if (output_.size() >= kOutputBytes) flush_output();
}

void Deflater::flush_output() {
  if (!output_.empty()) sink_(output_);
  output_.clear();
}

}  // namespace kintsugi::image
