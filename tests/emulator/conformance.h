// SPDX-License-Identifier: MIT
//
// One kernel for each function of the device vocabulary, fed with random bits. A GPU records what
// they give (tests/cuda/record_conformance.cpp) into tests/data/conformance; the emulator is held
// against it for ever. Until somebody has recorded, there is nothing to compare and the tests are
// skipped, which is counted.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "kernels/device/api.h"

namespace kintsugi::conformance {

constexpr int kWordsPerLane = 16;
constexpr int kWords = 32 * kWordsPerLane;

struct Case {
  const char* name;
  /// 0: bit for bit. Otherwise words are floats, and this is the error allowed, relative to the
  /// largest of them.
  float tolerance;
  /// From kWords words to kWords words; words it does not write stay.
  void (*run)(device::Stream& stream, const uint32_t* in, uint32_t* out);
};
[[nodiscard]] std::span<const Case> cases();
/// Those that need an sm_90a.
[[nodiscard]] std::span<const Case> hopper_cases();

/// The input of every case; the same everywhere.
[[nodiscard]] inline std::vector<uint32_t> input() {
  std::vector<uint32_t> words(kWords);
  uint64_t state = 0x9e3779b97f4a7c15ULL;
  for (uint32_t& word : words) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    word = static_cast<uint32_t>(state >> 32);
  }
  return words;
}

/// What the case makes of input(), over zeros.
[[nodiscard]] inline std::vector<uint32_t> output(const Case& c) {
  const std::vector<uint32_t> from = input();
  std::vector<uint32_t> words(kWords, 0);
  const std::size_t bytes = kWords * sizeof(uint32_t);
  auto* in = static_cast<uint32_t*>(device::allocate(bytes));
  auto* out = static_cast<uint32_t*>(device::allocate(bytes));
  const auto stream = device::make_stream();
  device::upload(*stream, in, from.data(), bytes);
  device::upload(*stream, out, words.data(), bytes);
  c.run(*stream, in, out);
  device::download(*stream, words.data(), out, bytes);
  device::synchronize(*stream);
  device::release(in);
  device::release(out);
  return words;
}

}  // namespace kintsugi::conformance
