// SPDX-License-Identifier: MIT
//
// MT19937 is that of Matsumoto and Nishimura, with their two ways to seed it.
#include "runtime/random/numpy_random.h"

#include <algorithm>
#include <cmath>

#include "kernels/core/error.h"

namespace kintsugi::random {

NumpyRandom::NumpyRandom(uint32_t seed) { start(seed); }

NumpyRandom::NumpyRandom(std::span<const uint32_t> key) {
  if (key.empty()) throw Error(ErrorCode::usage, "a generator is seeded with at least one number");
  start(19650218);
  size_t i = 1;
  const auto mixed = [&](uint32_t factor) {
    const uint32_t before = words_[i - 1];
    return words_[i] ^ ((before ^ (before >> 30)) * factor);
  };
  const auto advance = [&] {
    if (++i < kWords) return;
    words_[0] = words_[kWords - 1];
    i = 1;
  };
  for (size_t k = 0; k < std::max(kWords, key.size()); ++k) {
    const size_t j = k % key.size();
    words_[i] = mixed(1664525) + key[j] + static_cast<uint32_t>(j);
    advance();
  }
  for (size_t k = 1; k < kWords; ++k) {
    words_[i] = mixed(1566083941) - static_cast<uint32_t>(i);
    advance();
  }
  words_[0] = 0x80000000u;
}

void NumpyRandom::start(uint32_t seed) {
  words_[0] = seed;
  for (size_t i = 1; i < kWords; ++i) {
    const uint32_t before = words_[i - 1];
    words_[i] = 1812433253u * (before ^ (before >> 30)) + static_cast<uint32_t>(i);
  }
}

void NumpyRandom::refill() {
  constexpr size_t kMiddle = 397;
  for (size_t i = 0; i < kWords; ++i) {
    const uint32_t both = (words_[i] & 0x80000000u) | (words_[(i + 1) % kWords] & 0x7fffffffu);
    words_[i] = words_[(i + kMiddle) % kWords] ^ (both >> 1) ^ ((both & 1) != 0 ? 0x9908b0dfu : 0u);
  }
  next_ = 0;
}

uint32_t NumpyRandom::word() {
  if (next_ == kWords) refill();
  uint32_t y = words_[next_++];
  y ^= y >> 11;
  y ^= (y << 7) & 0x9d2c5680u;
  y ^= (y << 15) & 0xefc60000u;
  return y ^ (y >> 18);
}

double NumpyRandom::random_sample() {
  const uint32_t high = word() >> 5;  // 27 bits
  const uint32_t low = word() >> 6;   // 26 bits
  return (high * 0x1p26 + low) * 0x1p-53;
}

double NumpyRandom::randn() {
  if (kept_) return *std::exchange(kept_, std::nullopt);
  double x = 0, y = 0, square = 0;
  do {
    x = 2 * random_sample() - 1;
    y = 2 * random_sample() - 1;
    square = x * x + y * y;
  } while (square >= 1 || square == 0);
  const double factor = std::sqrt(-2 * std::log(square) / square);
  kept_ = factor * x;
  return factor * y;
}

uint64_t NumpyRandom::interval(uint64_t largest) {
  if (largest == 0) return 0;  // draws nothing
  uint64_t mask = largest;
  for (int shift = 1; shift < 64; shift *= 2) mask |= mask >> shift;
  uint64_t value = 0;
  do {
    value = word();
    if (largest > 0xffffffffu) value = value << 32 | word();
    value &= mask;
  } while (value > largest);
  return value;
}

}  // namespace kintsugi::random
