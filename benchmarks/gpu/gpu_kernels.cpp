// SPDX-License-Identifier: MIT
//
// gpu_kernels: every CUDA kernel at the layers of layers.txt, beside cuDNN where the build has it, as
// JSON. Linked with a GPU it measures; linked with the emulator it runs the layers on a few pixels,
// holds the counted bytes against the contracts', and gives no times: they would say nothing.
// scripts/gpu.sh runs it; docs/benchmarking.md says how to read what it writes.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "benchmarks/gpu/measure.h"
#include "kernels/core/error.h"

namespace kintsugi::gpu_bench {
namespace {

constexpr const char* kUsage =
    "usage: gpu_kernels --layers FILE [--output FILE] [--only PART] [--types bf16,f16,...]\n"
    "                   [--samples N] [--limit SECONDS] [--dry-run]\n";

struct Options {
  std::string layers, output, only, types = "bf16,f16,tf32,f32";
  int samples = 21;
  double limit_seconds = 1e9;  // no row begins after that
  bool dry_run = false;        // few pixels, once
};

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (name == "--dry-run") {
      options.dry_run = true;
      continue;
    }
    if (i + 1 == argc) throw Error(ErrorCode::usage, name + " is not known, or lacks its value");
    const std::string value = argv[++i];
    try {
      if (name == "--layers")
        options.layers = value;
      else if (name == "--output")
        options.output = value;
      else if (name == "--only")
        options.only = value;
      else if (name == "--types")
        options.types = value;
      else if (name == "--samples")
        options.samples = std::stoi(value);
      else if (name == "--limit")
        options.limit_seconds = std::stod(value);
      else
        throw Error(ErrorCode::usage, name + " is not known");
    } catch (const std::logic_error&) {
      std::string sentence = name;
      sentence.append(" takes a number, not '").append(value).append("'");
      throw Error(ErrorCode::usage, sentence);
    }
  }
  if (options.layers.empty()) throw Error(ErrorCode::usage, "--layers is missing");
  if (options.samples < 1) throw Error(ErrorCode::usage, "--samples takes at least 1");
  return options;
}

bool names(const std::string& list, const std::string& word) {
  std::istringstream words(list);
  for (std::string one; std::getline(words, one, ',');) {
    if (one == word) return true;
  }
  return false;
}

void write(const Options& options, Json report) {
  if (!report["emulated"].get<bool>()) add_shares(report);
  const std::string text = report.dump(1) + "\n";
  if (options.output.empty()) return;
  const std::string part = options.output + ".part";
  std::ofstream file(part, std::ios::binary);
  file << text;
  file.close();
  std::error_code error;
  if (file) std::filesystem::rename(part, options.output, error);
  if (!file || error) throw Error(ErrorCode::io, options.output + " cannot be written");
}

void print(const Json& row) {
  std::fprintf(stderr, "%-28s %-5s", row["layer"].get<std::string>().c_str(),
               row["type"].get<std::string>().c_str());
  for (const Json& contender : row["contenders"]) {
    const std::string name = contender["name"];
    if (contender.contains("refused")) {
      std::fprintf(stderr, "  %s refused", name.c_str());
    } else if (!contender.contains("warm") || contender["warm"].is_null()) {
      std::fprintf(stderr, "  %s ran", name.c_str());
    } else {
      std::fprintf(stderr, "  %s %.2f us warm, %.2f cold", name.c_str(),
                   contender["warm"]["median_us"].get<double>(),
                   contender["cold"]["median_us"].get<double>());
    }
  }
  if (row.contains("refused")) {
    std::fprintf(stderr, "  refused: %s", row["refused"].get<std::string>().c_str());
  }
  std::fprintf(stderr, "\n");
}

Json json_of(const Library& library) {
  return {{"version", library.version.empty() ? Json(nullptr) : Json(library.version)},
          {"refused", library.refused.empty() ? Json(nullptr) : Json(library.refused)}};
}

int run(const Options& options) {
  const std::vector<Layer> layers = read_layers(options.layers);
  if (device::count() == 0) {
    throw Error(ErrorCode::device_unavailable, "there is no GPU here that this build can use");
  }
  const device::DeviceInfo info = device::info();
  Effort effort{.samples = options.samples};
  if (options.dry_run || info.emulated) effort = {.rotation_bytes = 0, .timed = false};
  Meter meter(effort);
  const auto start = std::chrono::steady_clock::now();
  const auto seconds = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  Json report{{"program", "gpu_kernels"},
              {"emulated", info.emulated},
              {"timed", effort.timed},
              {"device",
               {{"name", info.name},
                {"compute", info.compute},
                {"multiprocessors", info.multiprocessors},
                {"memory_bytes", info.memory_bytes}}},
              {"samples", effort.samples},
              {"rotation_bytes", effort.rotation_bytes},
              {"cudnn", json_of(cudnn())},
              {"cublas", json_of(cublas())},
              {"ceilings", meter.ceilings()},
              {"without_kernel", Json::array()},
              {"left_out", Json::array()},
              {"rows", Json::array()}};
  const auto wanted = [&](const Layer& layer) {
    return layer.name.find(options.only) != std::string::npos;
  };
  for (const Layer& layer : layers) {
    if (wanted(layer) && !has_kernels(layer)) report["without_kernel"].push_back(layer.name);
  }
  // A type after the other: should time run short, it takes f32 away and no layer.
  for (const Type type : kTypes) {
    if (!names(options.types, name_of(type))) continue;
    for (const Layer& given : layers) {
      const Layer layer = options.dry_run ? tiny(given) : given;
      if (!wanted(layer) || !has_kernels(layer) || !is_measured(layer, type, info)) continue;
      if (seconds() > options.limit_seconds) {
        report["left_out"].push_back(layer.name + " " + name_of(type));
        continue;
      }
      report["rows"].push_back(meter.row(layer, type));
      print(report["rows"].back());
      write(options, report);
    }
  }
  report["seconds"] = seconds();
  report["right"] = meter.all_right();
  write(options, report);
  std::printf("%zu rows on %s, %zu left out for lack of time%s\n", report["rows"].size(),
              info.name.c_str(), report["left_out"].size(),
              effort.timed ? "" : "; nothing was timed");
  if (meter.all_right()) return 0;
  std::fprintf(stderr, "gpu_kernels: a result or a count is not what the contract says\n");
  return 4;
}

}  // namespace
}  // namespace kintsugi::gpu_bench

int main(int argc, char** argv) {
  using namespace kintsugi;
  if (argc == 2 && (std::strcmp(argv[1], "--help") == 0 || std::strcmp(argv[1], "-h") == 0)) {
    std::printf("%s", gpu_bench::kUsage);
    return 0;
  }
  try {
    return gpu_bench::run(gpu_bench::parse(argc, argv));
  } catch (const Error& error) {
    std::fprintf(stderr, "gpu_kernels: %s\n", error.what());
    return error.code() == ErrorCode::usage                ? 2
           : error.code() == ErrorCode::device_unavailable ? 5
                                                           : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "gpu_kernels: %s\n", error.what());
    return 1;
  }
}
