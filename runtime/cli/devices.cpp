// SPDX-License-Identifier: MIT
//
// kintsugi devices: what can run here, and with --measure how fast this machine is at best.
#include <memory>
#include <optional>

#include <kintsugi/kintsugi.hpp>

#include "format.h"
#include "options.h"

namespace kintsugi::cli {

void print_devices(Console& console, bool measure, int threads) {
  std::optional<DevicePeaks> peaks;
  if (measure) peaks = measure_peaks(threads);
  const std::vector<DeviceInfo> found = devices();
  if (console.json()) {
    Json list = Json::array();
    for (const DeviceInfo& device : found) {
      list.push_back({{"name", device.name},
                      {"description", device.description},
                      {"available", device.available},
                      {"reason", device.reason},
                      {"threads", device.threads}});
    }
    Json json = {{"version", version()}, {"devices", list}};
    if (peaks) {
      json["peaks"] = {{"gflops", peaks->gflops}, {"gigabytes_per_s", peaks->gigabytes_per_s}};
    }
    console.print_json(json);
    return;
  }
  Table table({"device", "state", "what it is"});
  for (const DeviceInfo& device : found) {
    table.row({device.name, device.available ? "available" : "not available",
               device.available ? device.description : device.reason});
  }
  console.print(table.print(""));
  if (peaks) {
    console.print(text("measured: %.1f GFLOP/s of f32 fused multiply-adds, %.1f GB/s copied\n",
                       peaks->gflops, peaks->gigabytes_per_s));
  }
}

Verb add_devices(CLI::App& program, Console& console) {
  struct Arguments {
    bool measure = false;
    int threads = 0;
  };
  const auto a = std::make_shared<Arguments>();
  CLI::App* verb = program.add_subcommand("devices", "what can run here");
  verb->add_flag("--measure", a->measure, "measure the peaks of the processor");
  add_threads(*verb, a->threads);
  add_common(*verb, console);
  return {verb, [a, &console] {
            print_devices(console, a->measure, a->threads);
            return static_cast<int>(kOk);
          }};
}

}  // namespace kintsugi::cli
