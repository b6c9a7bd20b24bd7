// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <random>
#include <string_view>
#include <utility>

#include "kernels/simd/probe.h"
#include "runtime/io/guarded.h"
#include "runtime/session/impl.h"

namespace kintsugi {
namespace {

std::string processor_name() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (!line.starts_with("model name")) continue;
    if (const size_t colon = line.find(": "); colon != std::string::npos) {
      return line.substr(colon + 2);
    }
  }
  return "a processor of unknown name";
}

}  // namespace

std::string version() { return KINTSUGI_VERSION; }

std::vector<DeviceInfo> devices() {
  return guarded([]() -> std::vector<DeviceInfo> {
    const int threads = ThreadPool::count(0);
    std::string sets;
    for (const simd::Isa isa : simd::available()) {
      sets += (sets.empty() ? "" : ", ") + std::string(simd::to_string(isa));
    }
    return {
        {"cpu", processor_name() + ", using " + simd::to_string(simd::chosen()) + " of " + sets,
         true, "", threads},
        {"reference", "plain loops, f32 storage, double accumulation: the definition", true, "",
         threads},
        {"reference-f64", "the same in double throughout", true, "", threads},
        {"cuda", "NVIDIA GPU", false, "this build has no CUDA backend", 0},
    };
  });
}

DevicePeaks measure_peaks(int threads) {
  return guarded([&]() -> DevicePeaks {
    ThreadPool pool(threads);
    std::vector<double> peaks;
    for (int i = 0; i < 5; ++i) peaks.push_back(simd::fma_peak(pool));
    return {.gflops = session::median(peaks), .gigabytes_per_s = simd::copy_bandwidth(pool)};
  });
}

namespace session {

Device choose_device(const std::string& name) {
  if (name == "reference") return {plan::Backend::reference_f32, {}, "reference (f32 storage)"};
  if (name == "reference-f64") return {plan::Backend::reference_f64, {}, "reference (f64)"};
  if (name == "cpu" || name == "auto") {
    const simd::Isa isa = simd::chosen();
    return {plan::Backend::cpu, isa,
            "cpu (" + std::string(simd::to_string(isa)) + ")" +
                (name == "auto" ? ", the only backend of this build" : "")};
  }
  throw Error(ErrorCode::device_unavailable,
              name.starts_with("cuda") ? "this build has no CUDA backend"
                                       : "there is no device named '" + name + "'",
              "devices of this build: auto, cpu, reference, reference-f64");
}

plan::Passes passes_without(const std::vector<std::string>& names) {
  constexpr std::pair<std::string_view, bool plan::Passes::*> kPasses[] = {
      {"fold", &plan::Passes::fold},     {"fuse", &plan::Passes::fuse},
      {"select", &plan::Passes::select}, {"layout", &plan::Passes::layout},
      {"place", &plan::Passes::place},   {"winograd", &plan::Passes::winograd},
  };
  plan::Passes passes;
  for (const std::string& name : names) {
    const auto* pass =
        std::ranges::find(kPasses, name, [](const auto& entry) { return entry.first; });
    if (pass == std::end(kPasses)) {
      throw Error(
          ErrorCode::usage, "there is no pass named '" + name + "'",
          "passes are: fold, fuse, select, layout, place; winograd can be left out as well");
    }
    passes.*pass->second = false;
  }
  return passes;
}

plan::Plan make_plan(const graph::Graph& graph, plan::Options options, int64_t limit) {
  plan::Plan plan = plan::make(graph, options);
  if (limit <= 0 || plan.peak_bytes() <= limit) return plan;
  options.passes.winograd = false;
  plan = plan::make(graph, options);
  if (plan.peak_bytes() <= limit) return plan;
  throw Error(ErrorCode::out_of_memory,
              "the plan needs " + plan::readable_bytes(plan.peak_bytes()) + ", more than the " +
                  plan::readable_bytes(limit) + " allowed",
              "raise max_memory, or scale the picture down with max_side");
}

std::vector<double> random_values(int64_t count, uint64_t seed) {
  std::mt19937_64 engine(seed);
  std::uniform_real_distribution<double> uniform(-1, 1);
  std::vector<double> values(static_cast<size_t>(count));
  std::ranges::generate(values, [&] { return uniform(engine); });
  return values;
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

}  // namespace session
}  // namespace kintsugi
