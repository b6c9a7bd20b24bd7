// SPDX-License-Identifier: MIT
#include "benchmarks/gpu/timing.h"

#include <algorithm>
#include <cmath>

#include "kernels/core/error.h"

namespace kintsugi::gpu_bench {
namespace {

device::Handle<device::Executable> record(const std::vector<Launch>& launches, size_t count,
                                          device::Stream& stream) {
  device::begin_capture(stream);
  try {
    for (size_t i = 0; i < count; ++i) launches[i % launches.size()](stream);
  } catch (const Error&) {  // a library's kernel that cannot be recorded; the stream goes on
    try {
      static_cast<void>(device::end_capture(stream));
    } catch (const Error&) {
      static_cast<void>(device::last_error());
    }
    throw;
  }
  const auto graph = device::end_capture(stream);
  return device::instantiate(*graph);
}

double replay_us(device::Executable& graph, device::Stream& stream, device::Event& begin,
                 device::Event& end) {
  device::record(stream, begin);
  device::replay(stream, graph);
  device::record(stream, end);
  device::synchronize(end);
  return 1e3 * static_cast<double>(device::elapsed_ms(begin, end));
}

}  // namespace

std::vector<std::vector<Buffer>> replicate(std::vector<Buffer> first, const Effort& effort,
                                           device::Stream& stream) {
  int64_t bytes = 1;
  for (const Buffer& buffer : first) bytes += static_cast<int64_t>(buffer.bytes());
  const auto count = std::clamp<size_t>(
      static_cast<size_t>(divide_up(effort.rotation_bytes, bytes)), 2, effort.most_sets);
  std::vector<std::vector<Buffer>> sets;
  sets.push_back(std::move(first));
  while (sets.size() < count) {
    std::vector<Buffer> next;
    for (const Buffer& buffer : sets[0]) next.push_back(buffer.copy(stream));
    sets.push_back(std::move(next));
  }
  device::synchronize(stream);
  return sets;
}

std::optional<Timing> time_of(const std::vector<Launch>& launches, const Effort& effort,
                              device::Stream& stream) {
  // Outside a graph first: what is set up at the first launch cannot be captured.
  for (const Launch& launch : launches) launch(stream);
  device::synchronize(stream);
  const auto begin = device::make_event(), end = device::make_event();
  size_t count = launches.size();
  auto graph = record(launches, count, stream);
  if (!effort.timed) {
    static_cast<void>(replay_us(*graph, stream, *begin, *end));
    return std::nullopt;
  }
  static_cast<void>(replay_us(*graph, stream, *begin, *end));
  const double once = std::max(replay_us(*graph, stream, *begin, *end), 0.5);
  if (once < effort.replay_us) {  // whole rotations
    count *= std::min<size_t>(static_cast<size_t>(std::ceil(effort.replay_us / once)), 1000);
    graph = record(launches, count, stream);
    static_cast<void>(replay_us(*graph, stream, *begin, *end));
  }
  std::vector<double> each;
  for (int i = 0; i < effort.samples; ++i) {
    each.push_back(replay_us(*graph, stream, *begin, *end) / static_cast<double>(count));
  }
  std::sort(each.begin(), each.end());
  const auto at = [&](double part) {
    return each[static_cast<size_t>(std::lround(part * static_cast<double>(each.size() - 1)))];
  };
  return Timing{.median = at(0.5),
                .min = each.front(),
                .p10 = at(0.1),
                .p90 = at(0.9),
                .max = each.back(),
                .samples = effort.samples,
                .launches = static_cast<int>(count)};
}

}  // namespace kintsugi::gpu_bench
