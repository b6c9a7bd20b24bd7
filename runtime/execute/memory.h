// SPDX-License-Identifier: MIT
//
// Buffer is how the runtime holds memory: one aligned region of some kind, counted by the Meter it
// was taken from. Activations, packed weights and what travels between a host and its GPU come from
// here and nothing else does, so that what a Meter counts is what a plan promised. A Buffer owns its
// region; the Meter is shared with it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace kintsugi::execute {

enum class Memory : uint8_t {
  host,
  staging,  // of the host, page-locked: a GPU copies from and to it beside its kernels
  device,   // of the GPU that is selected
};

class Meter {
 public:
  void add(int64_t bytes);
  void remove(int64_t bytes) { held_ -= bytes; }
  [[nodiscard]] int64_t held() const { return held_; }
  [[nodiscard]] int64_t peak() const { return peak_; }

 private:
  std::atomic<int64_t> held_ = 0;
  std::atomic<int64_t> peak_ = 0;
};

class Buffer {
 public:
  Buffer() = default;
  /// `bytes`, aligned to 256 and more, zeros on the host and anything elsewhere; throws
  /// Error::out_of_memory saying how much was asked.
  Buffer(int64_t bytes, std::shared_ptr<Meter> meter, Memory memory = Memory::host);
  Buffer(Buffer&& other) noexcept { swap(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    Buffer(std::move(other)).swap(*this);
    return *this;
  }
  ~Buffer();

  [[nodiscard]] std::byte* data() const { return data_; }
  [[nodiscard]] int64_t bytes() const { return bytes_; }

 private:
  void swap(Buffer& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    std::swap(memory_, other.memory_);
    std::swap(meter_, other.meter_);
  }

  std::byte* data_ = nullptr;
  int64_t bytes_ = 0;
  Memory memory_ = Memory::host;
  std::shared_ptr<Meter> meter_;
};

}  // namespace kintsugi::execute
