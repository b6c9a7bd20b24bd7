// SPDX-License-Identifier: MIT
#include "benchmarks/gpu/counted.h"
#include "kernels/emulator/emulator.h"

namespace kintsugi::gpu_bench {

std::vector<Traffic> take_counted() {
  std::vector<Traffic> moved;
  for (const emulator::Report& report : emulator::take_reports()) {
    moved.push_back({report.bytes_read, report.bytes_written});
  }
  return moved;
}

}  // namespace kintsugi::gpu_bench
