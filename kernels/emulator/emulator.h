// SPDX-License-Identifier: MIT
//
// How a test speaks to the emulator: in which order threads and blocks run, and what the last launch
// moved. It is not for kernels, which do not know where they run, nor for the runtime, which knows
// kernels/device/api.h alone. The settings are the process's; set them while nothing runs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/device/grid.h"

namespace kintsugi::emulator {

/// Which of the threads that can run goes on, and which block is next.
enum class Order : uint8_t { forward, reverse, random };

struct Settings {
  Order order = Order::forward;
  uint64_t seed = 1;         ///< of the random order
  unsigned workers = 0;      ///< threads of the operating system; 0: one for each processor
  bool count_banks = false;  ///< of 16-byte accesses to shared memory (ldmatrix is always counted)
};

void set(const Settings& settings);
[[nodiscard]] const Settings& settings();

/// 16-byte accesses to shared memory. A wavefront serves what touches every bank once: eight lanes.
struct Wavefronts {
  int64_t taken = 0;
  int64_t ideal = 0;  ///< had no two lanes met in a bank
  [[nodiscard]] double ratio() const {
    return ideal == 0 ? 1.0 : static_cast<double>(taken) / static_cast<double>(ideal);
  }
};

/// What one launch did.
struct Report {
  std::string kernel;
  device::Grid grid;
  unsigned threads = 0;
  std::size_t shared_bytes = 0;
  int64_t bytes_read = 0;  ///< of device memory, through load, cp_async, TMA and atomics
  int64_t bytes_written = 0;
  int64_t mma = 0;  ///< instructions of the tensor core, one for each warp
  Wavefronts ldmatrix;
  Wavefronts shared16;  ///< counted only with Settings::count_banks
};

/// The launches that have run since the last call, in the order in which they ran.
[[nodiscard]] std::vector<Report> take_reports();

/// Copies between host and device, and waits for a stream.
struct Crossings {
  int64_t uploads = 0;
  int64_t downloads = 0;
  int64_t synchronisations = 0;
};
/// Those since the last call.
[[nodiscard]] Crossings take_crossings();

/// Whether this program was linked with the hooks of the race detector (hooks.cpp).
[[nodiscard]] bool race_detector();

}  // namespace kintsugi::emulator
