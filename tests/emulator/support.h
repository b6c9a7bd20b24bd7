// SPDX-License-Identifier: MIT
//
// What the emulator's tests share: numbers on the device, one stream, and what a launch said.
#pragma once

#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "kernels/core/error.h"
#include "kernels/core/half.h"
#include "kernels/device/api.h"
#include "kernels/device/fragment.h"
#include "kernels/emulator/emulator.h"

namespace kintsugi::specimen {

/// A device buffer of exactly these elements.
template <typename T>
class OnDevice {
 public:
  explicit OnDevice(const std::vector<T>& values) : OnDevice(values.size()) {
    device::upload(data_, values.data(), bytes());
  }
  explicit OnDevice(std::size_t count)
      : count_(count), data_(static_cast<T*>(device::allocate(count * sizeof(T)))) {}
  ~OnDevice() { device::release(data_); }
  OnDevice(const OnDevice&) = delete;
  OnDevice& operator=(const OnDevice&) = delete;

  [[nodiscard]] T* data() { return data_; }
  [[nodiscard]] std::size_t bytes() const { return count_ * sizeof(T); }
  [[nodiscard]] std::vector<T> values() const {
    std::vector<T> values(count_);
    device::download(values.data(), data_, bytes());
    return values;
  }

 private:
  std::size_t count_;
  T* data_;
};

template <typename T>
T element(float value) {
  return narrow<T>(value);
}
template <>
inline device::tf32 element<device::tf32>(float value) {
  return {std::bit_cast<uint32_t>(value) & ~0x1fffu};
}
inline float number(float value) { return value; }
inline float number(f16 value) { return widen(value); }
inline float number(bf16 value) { return widen(value); }
inline float number(device::tf32 value) { return std::bit_cast<float>(value.bits); }

template <typename T>
std::vector<T> random_values(std::size_t count, unsigned seed) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<float> distribution(-1, 1);
  std::vector<T> values(count);
  for (T& value : values) value = element<T>(distribution(generator));
  return values;
}

/// The sentence of the launch's error; empty if there was none.
template <typename Give>
std::string sentence_of(Give give) {
  try {
    const auto stream = device::make_stream();
    give(*stream);
    device::synchronize(*stream);
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

/// The schedules under which every kernel must give the same bits.
inline std::vector<emulator::Settings> schedules() {
  using emulator::Order;
  return {{.order = Order::forward},
          {.order = Order::reverse},
          {.order = Order::random, .seed = 1},
          {.order = Order::random, .seed = 2},
          {.order = Order::random, .seed = 3}};
}

template <typename T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

}  // namespace kintsugi::specimen
