// SPDX-License-Identifier: MIT
//
// numpy's legacy generator, numpy.random.RandomState: MT19937 and the numbers that random_sample, randn,
// shuffle and permutation make of it. Words, uniform numbers and orders are numpy's bit for bit; normal
// numbers are up to the last place of the C library's logarithm. numpy guarantees that this stream never
// changes. It is for inputs that a reference draws with a numpy seed, and runs on the host alone; noise
// within a network is kernels/random.
#pragma once

#include <array>
#include <cstdint>
#include <numeric>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace kintsugi::random {

class NumpyRandom {
 public:
  /// RandomState(seed)
  explicit NumpyRandom(uint32_t seed);
  /// RandomState([..]); throws Error::usage for an empty key.
  explicit NumpyRandom(std::span<const uint32_t> key);

  /// 32 random bits.
  [[nodiscard]] uint32_t word();
  /// random_sample(): uniform in [0, 1), 53 bits of two words.
  [[nodiscard]] double random_sample();
  /// randn(): Marsaglia's polar method, which makes two numbers at once and keeps the second.
  [[nodiscard]] double randn();
  /// Uniform in [0, largest], by rejection under the smallest mask that covers it.
  [[nodiscard]] uint64_t interval(uint64_t largest);

  /// shuffle(x) of a list or an array of one axis.
  template <class T>
  void shuffle(std::span<T> values) {
    for (size_t i = values.size(); i > 1; --i) {
      using std::swap;
      const auto other = static_cast<size_t>(interval(i - 1));
      swap(values[i - 1], values[other]);
    }
  }
  /// permutation(n)
  [[nodiscard]] std::vector<int64_t> permutation(int64_t n) {
    std::vector<int64_t> values(static_cast<size_t>(n));
    std::iota(values.begin(), values.end(), int64_t{0});
    shuffle(std::span(values));
    return values;
  }

 private:
  static constexpr size_t kWords = 624;

  void start(uint32_t seed);
  void refill();

  std::array<uint32_t, kWords> words_{};
  size_t next_ = kWords;
  std::optional<double> kept_;  // by randn
};

}  // namespace kintsugi::random
