// SPDX-License-Identifier: MIT
//
// Time of a launch on the device, by events around the replay of a graph of many of them: what a
// launch costs the host stays out of it, and kernels of a microsecond are longer than an event's
// resolution. Warm: one set of buffers again and again. Cold: in rotation through more memory than
// any L2 holds. The emulator runs the same launches and has no time.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "benchmarks/gpu/buffer.h"
#include "kernels/device/api.h"

namespace kintsugi::gpu_bench {

using Launch = std::function<void(device::Stream&)>;

/// Of one launch, in microseconds.
struct Timing {
  double median = 0, min = 0, p10 = 0, p90 = 0, max = 0;
  int samples = 0;   // replays
  int launches = 0;  // in the graph
};

struct Effort {
  int samples = 21;
  double replay_us = 300;              // a replay lasts at least that
  int64_t rotation_bytes = 384 << 20;  // H200: 60 MB of L2; B200: 126
  size_t most_sets = 512;
  bool timed = true;  // false: once through everything, for the sake of running
};

/// Enough sets for a rotation, the first of which is `first`.
[[nodiscard]] std::vector<std::vector<Buffer>> replicate(std::vector<Buffer> first,
                                                         const Effort& effort,
                                                         device::Stream& stream);

/// One after the other, as often as it takes; nothing where nothing is timed.
[[nodiscard]] std::optional<Timing> time_of(const std::vector<Launch>& launches,
                                            const Effort& effort, device::Stream& stream);

}  // namespace kintsugi::gpu_bench
