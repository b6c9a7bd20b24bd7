// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <fstream>
#include <random>
#include <string_view>
#include <utility>

#include "kernels/device/api.h"
#include "kernels/simd/probe.h"
#include "runtime/io/guarded.h"
#include "runtime/io/text.h"
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

bool has_emulator() { return device::count() > 0 && device::info(0).emulated; }

std::string cuda_is_missing(int number) {
  if (has_emulator()) return "this build emulates a GPU and has no CUDA";
  const std::string none = device::why_none();
  return none.empty() ? "there is no GPU number " + std::to_string(number) : none;
}

/// Why the kernels cannot run on a GPU; empty where they can.
std::string unfit(const device::DeviceInfo& gpu) {
  if (gpu.compute >= 80) return {};
  return "it is a " + gpu.name + ", sm_" + std::to_string(gpu.compute) +
         "; the kernels need sm_80 or later";
}

}  // namespace

std::string version() { return KINTSUGI_VERSION; }

std::vector<DeviceInfo> devices() {
  return guarded([]() -> std::vector<DeviceInfo> {
    const int threads = ThreadPool::count(0);
    const std::string sets =
        listed(simd::available(), [](simd::Isa isa) { return simd::to_string(isa); });
    std::vector<DeviceInfo> found = {
        {"cpu", processor_name() + ", using " + simd::to_string(simd::chosen()) + " of " + sets,
         true, "", threads},
        {"reference", "plain loops, f32 storage, double accumulation: the definition", true, "",
         threads},
        {"reference-f64", "the same in double throughout", true, "", threads},
    };
    if (has_emulator()) {
      found.push_back({"emulated", "the CUDA kernels, run by this processor", true, "", threads});
    }
    const int gpus = has_emulator() ? 0 : device::count();
    for (int i = 0; i < gpus; ++i) {
      const device::DeviceInfo gpu = device::info(i);
      found.push_back({"cuda:" + std::to_string(i),
                       gpu.name + ", sm_" + std::to_string(gpu.compute) + ", " +
                           readable_bytes(static_cast<int64_t>(gpu.memory_bytes)),
                       unfit(gpu).empty(), unfit(gpu), 0});
    }
    if (gpus == 0) found.push_back({"cuda", "NVIDIA GPU", false, cuda_is_missing(0), 0});
    return found;
  });
}

void require_device(const std::string& device, const std::string& dtype) {
  guarded([&] { static_cast<void>(session::choose_device(device, dtype)); });
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

plan::Options Device::options(int threads, const plan::Passes& passes, bool keep_all) const {
  return {.backend = backend,
          .isa = isa,
          .precision = precision,
          .gpu = info,
          .threads = threads,
          .passes = passes,
          .keep_all = keep_all};
}

namespace {

constexpr std::array kPrecisions = {plan::Precision::f32, plan::Precision::tf32,
                                    plan::Precision::f16, plan::Precision::bf16};

plan::Precision parse_precision(const std::string& dtype) {
  const auto* found = std::ranges::find(
      kPrecisions, dtype, [](plan::Precision p) { return std::string(plan::to_string(p)); });
  if (found == kPrecisions.end()) {
    throw Error(ErrorCode::usage, "there is no dtype '" + dtype + "'",
                "dtypes are: f32, tf32, f16, bf16");
  }
  return *found;
}

Device gpu_device(int number, const std::string& name, plan::Precision precision) {
  device::DeviceInfo info = device::info(number);
  if (const std::string reason = unfit(info); !reason.empty()) {
    throw Error(ErrorCode::device_unavailable,
                "the device '" + name + "' is not available: " + reason);
  }
  const std::string text = name + " (" + info.name + ", sm_" + std::to_string(info.compute) + ", " +
                           std::to_string(info.multiprocessors) + " multiprocessors), " +
                           plan::to_string(precision);
  return {plan::Backend::gpu, {}, precision, number, std::move(info), text};
}

/// The number in "cuda:N", 0 for "cuda" and -1 for anything else.
int gpu_number(std::string_view name) {
  if (name == "cuda") return 0;
  if (!name.starts_with("cuda:")) return -1;
  name.remove_prefix(5);
  int number = -1;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  return error == std::errc() && end == name.data() + name.size() && number >= 0 ? number : -1;
}

std::string names_of_devices() {
  std::string names = "auto";
  for (const DeviceInfo& device : devices()) {
    if (device.available) names += ", " + device.name;
  }
  return names;
}

Device cpu_device(const std::string& reason) {
  const simd::Isa isa = simd::chosen();
  return {.isa = isa, .text = "cpu (" + std::string(simd::to_string(isa)) + ")" + reason};
}

Device find_device(const std::string& name, plan::Precision precision) {
  if (name == "reference")
    return {plan::Backend::reference_f32, {}, {}, 0, {}, "reference (f32 storage)"};
  if (name == "reference-f64")
    return {plan::Backend::reference_f64, {}, {}, 0, {}, "reference (f64)"};
  if (name == "cpu") return cpu_device("");
  const bool emulated = has_emulator();
  if (name == "auto") {
    // An emulated GPU is for looking into kernels, not for speed: it has to be asked for.
    if (emulated) return cpu_device(", the only backend of this build that does not emulate");
    for (int i = 0; i < device::count(); ++i) {
      if (!unfit(device::info(i)).empty()) continue;
      Device found = gpu_device(i, "cuda:" + std::to_string(i), precision);
      found.text += ", the first GPU that fits";
      return found;
    }
    return cpu_device(device::count() > 0 ? ", because no GPU here is sm_80 or later"
                                          : ", because " + device::why_none());
  }
  if (name == "emulated" && emulated) return gpu_device(0, "emulated", precision);
  const int number = emulated ? -1 : gpu_number(name);
  if (number >= 0 && number < device::count()) {
    return gpu_device(number, "cuda:" + std::to_string(number), precision);
  }
  std::string sentence = "there is no device named '" + name + "'";
  const std::string reason = gpu_number(name) >= 0 ? cuda_is_missing(gpu_number(name))
                             : name == "emulated"  ? "this build has no emulated GPU"
                                                   : "";
  if (!reason.empty()) sentence = "the device '" + name + "' is not available: " + reason;
  throw Error(ErrorCode::device_unavailable, sentence, "devices here: " + names_of_devices());
}

}  // namespace

Device choose_device(const std::string& name, const std::string& dtype) {
  const plan::Precision precision = parse_precision(dtype);
  Device device = find_device(name, precision);
  if (device.backend != plan::Backend::gpu && precision != plan::Precision::f32) {
    throw Error(ErrorCode::usage, "dtype " + dtype + " needs a GPU; this is " + device.text,
                "leave it out, or choose a device of: " + names_of_devices());
  }
  return device;
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
