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

/// Gives a region back to where it is from.
struct Release {
  int64_t bytes = 0;
  Memory memory = Memory::host;
  std::shared_ptr<Meter> meter;
  void operator()(std::byte* region) const noexcept;
};

class Buffer {
 public:
  Buffer() = default;
  /// `bytes`, aligned to 256 and more, zeros on the host and anything elsewhere; throws
  /// Error::out_of_memory saying how much was asked.
  Buffer(int64_t bytes, std::shared_ptr<Meter> meter, Memory memory = Memory::host);

  [[nodiscard]] std::byte* data() const { return region_.get(); }
  [[nodiscard]] int64_t bytes() const { return region_ ? region_.get_deleter().bytes : 0; }

 private:
  std::unique_ptr<std::byte, Release> region_;
};

}  // namespace kintsugi::execute
