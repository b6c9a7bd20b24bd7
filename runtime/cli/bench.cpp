// SPDX-License-Identifier: MIT
//
// kintsugi bench: where the time goes, step by step, beside what this machine can do at best in the
// same minute; or one op alone, at any shape.
#include <algorithm>
#include <filesystem>
#include <memory>
#include <numeric>

#include <kintsugi/kintsugi.hpp>

#include "files.h"
#include "format.h"
#include "interrupt.h"
#include "options.h"
#include "printable.h"

namespace kintsugi::cli {
namespace {

constexpr int kMostRuns = 100000;

struct Arguments {
  std::filesystem::path model, trace;
  std::string op, shape;
  InputSize size;
  int runs = 11;
  DeviceChoice device;
  std::vector<std::string> settings, without;
};

/// Rates of some work, and how much of the machine's they are.
struct Rates {
  double gflops = 0, gigabytes_per_s = 0;
  double of_peak = 0;      // of the fused multiply-adds the machine can do
  double of_roofline = 0;  // of what the nearer of the two limits allows
};

Rates rates_of(int64_t flops, int64_t bytes, double seconds, const DevicePeaks& peaks) {
  if (seconds <= 0) return {};
  Rates rates;
  rates.gflops = static_cast<double>(flops) / seconds * 1e-9;
  rates.gigabytes_per_s = static_cast<double>(bytes) / seconds * 1e-9;
  if (peaks.gflops > 0) rates.of_peak = rates.gflops / peaks.gflops;
  rates.of_roofline = rates.of_peak;
  if (peaks.gigabytes_per_s > 0) {
    rates.of_roofline = std::max(rates.of_peak, rates.gigabytes_per_s / peaks.gigabytes_per_s);
  }
  return rates;
}

/// What was not measured, a GPU's peaks, is null.
Json json_of(const Rates& rates, const DevicePeaks& peaks) {
  Json json = {{"gflops", rates.gflops},
               {"gigabytes_per_s", rates.gigabytes_per_s},
               {"of_peak", nullptr},
               {"of_roofline", nullptr}};
  if (peaks.gflops > 0)
    json.update({{"of_peak", rates.of_peak}, {"of_roofline", rates.of_roofline}});
  return json;
}

Json json_of(const DevicePeaks& peaks) {
  if (peaks.gflops <= 0) return nullptr;
  return {{"gflops", peaks.gflops}, {"gigabytes_per_s", peaks.gigabytes_per_s}};
}

std::string print_peaks(const DevicePeaks& peaks) {
  if (peaks.gflops <= 0) return "";  // a GPU's are not measured here
  return text("this machine, in the same run: %.1f GFLOP/s, %.1f GB/s\n", peaks.gflops,
              peaks.gigabytes_per_s);
}

/// The value below which `fraction` of the sorted ones lie.
double percentile(const std::vector<double>& sorted, double fraction) {
  if (sorted.empty()) return 0;
  const double place = fraction * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(place);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return std::lerp(sorted[below], sorted[above], place - static_cast<double>(below));
}

void print_profile(const Profile& profile, const std::string& heading, Console& console) {
  Table table(
      {">step", "module", "op", "config", ">ms", ">%", ">GFLOP/s", ">GB/s", ">% peak", ">% roof"});
  int64_t flops = 0, bytes = 0;
  const auto add = [&](const std::string& step, const Profile::Row& row) {
    const Rates rates = rates_of(row.flops, row.bytes, row.seconds, profile.peaks);
    table.row({step, row.name, row.op, row.config, text("%.3f", row.seconds * 1e3),
               format_percent(profile.seconds > 0 ? row.seconds / profile.seconds : 0),
               text("%.1f", rates.gflops), text("%.1f", rates.gigabytes_per_s),
               format_percent(rates.of_peak), format_percent(rates.of_roofline)});
  };
  for (size_t i = 0; i < profile.rows.size(); ++i) {
    add(std::to_string(i), profile.rows[i]);
    flops += profile.rows[i].flops;
    bytes += profile.rows[i].bytes;
  }
  add("", {.name = "total",
           .op = {},
           .config = {},
           .seconds = profile.seconds,
           .flops = flops,
           .bytes = bytes});
  console.print(one_line(heading) + "\n" + table.print("") + "\n" + print_peaks(profile.peaks));
}

void warn_of_emulation(const std::string& device, Console& console) {
  if (!device.starts_with("emulated")) return;
  console.warn("an emulated GPU: these are the emulator's times, and say nothing about a GPU's");
}

int bench_network(const Arguments& a, Console& console) {
  check_input(a.model);
  if (!a.trace.empty()) check_output(a.trace, {a.model});
  const Model model = Model::open(a.model);
  ProfileOptions options;
  a.size.apply(options, model.describe());
  options.without = a.without;
  options.settings = parse_settings(a.settings);
  options.runs = a.runs;

  ProgressBar bar(console);
  Session session = model.session(a.device.session(console, bar.callback()));
  console.info("device: " + session.device());
  warn_of_emulation(session.device(), console);
  const Profile profile = session.profile(options);
  bar.clear();
  stop_if_interrupted();
  if (!a.trace.empty()) write_text(a.trace, session.trace());

  const bool own_size = model.describe().own_size;
  if (!console.json()) {
    const std::string size =
        own_size ? "" : std::to_string(options.height) + "x" + std::to_string(options.width) + ", ";
    const std::string heading =
        text("%s, %sbatch %lld, on %s, median of %s", model.describe().title.c_str(), size.c_str(),
             static_cast<long long>(options.batch), session.device().c_str(),
             plural(a.runs, "run").c_str());
    print_profile(profile, heading, console);
    return kOk;
  }
  Json rows = Json::array();
  int64_t flops = 0, bytes = 0;
  for (const Profile::Row& row : profile.rows) {
    Json json = {{"name", row.name},       {"op", row.op},       {"config", row.config},
                 {"seconds", row.seconds}, {"flops", row.flops}, {"bytes", row.bytes}};
    json.update(json_of(rates_of(row.flops, row.bytes, row.seconds, profile.peaks), profile.peaks));
    rows.push_back(std::move(json));
    flops += row.flops;
    bytes += row.bytes;
  }
  Json json = {{"model", a.model.string()},
               {"network", model.describe().network},
               {"version", version()},
               {"device", session.device()},
               {"height", own_size ? Json(nullptr) : Json(options.height)},
               {"width", own_size ? Json(nullptr) : Json(options.width)},
               {"batch", options.batch},
               {"runs", a.runs},
               {"seconds", profile.seconds},
               {"flops", flops},
               {"bytes", bytes},
               {"peaks", json_of(profile.peaks)},
               {"steps", rows}};
  json.update(json_of(rates_of(flops, bytes, profile.seconds, profile.peaks), profile.peaks));
  console.print_json(json);
  return kOk;
}

int bench_single_op(const Arguments& a, Console& console) {
  if (a.shape.empty()) {
    throw Error(ErrorCode::usage, "bench --op needs the shape of the op's input",
                "write --shape 1x256x64x64");
  }
  const OpBench result = bench_op({.op = a.op,
                                   .input = parse_shape(a.shape, "--shape"),
                                   .settings = parse_settings(a.settings),
                                   .device = a.device.device,
                                   .dtype = a.device.dtype,
                                   .threads = a.device.threads,
                                   .runs = a.runs});
  stop_if_interrupted();
  warn_of_emulation(result.device, console);
  std::vector<double> sorted = result.seconds;
  std::sort(sorted.begin(), sorted.end());
  const double median = percentile(sorted, 0.5);
  const Rates rates = rates_of(result.flops, result.bytes, median, result.peaks);
  if (console.json()) {
    Json json = {{"op", result.op},
                 {"config", result.config},
                 {"version", version()},
                 {"device", result.device},
                 {"shape", a.shape},
                 {"runs", sorted.size()},
                 {"flops", result.flops},
                 {"bytes", result.bytes},
                 {"seconds",
                  {{"median", median},
                   {"min", percentile(sorted, 0)},
                   {"p90", percentile(sorted, 0.9)},
                   {"p99", percentile(sorted, 0.99)}}},
                 {"peaks", json_of(result.peaks)}};
    json.update(json_of(rates, result.peaks));
    console.print_json(json);
    return kOk;
  }
  Table table(
      {"op", "config", ">median", ">min", ">p90", ">GFLOP/s", ">GB/s", ">% peak", ">% roof"});
  table.row({result.op, result.config, format_seconds(median),
             format_seconds(percentile(sorted, 0)), format_seconds(percentile(sorted, 0.9)),
             text("%.1f", rates.gflops), text("%.1f", rates.gigabytes_per_s),
             format_percent(rates.of_peak), format_percent(rates.of_roofline)});
  console.print(table.print("") + print_peaks(result.peaks));
  return kOk;
}

int bench(const Arguments& a, Console& console) {
  a.device.check();
  if (a.op.empty() == a.model.empty()) {
    throw Error(ErrorCode::usage, "bench takes a model or an op, and one of them",
                "kintsugi bench -m model.safetensors --size 256x256, or "
                "kintsugi bench --op conv2d --shape 1x256x64x64 --set k=256 --set kernel=3");
  }
  return a.op.empty() ? bench_network(a, console) : bench_single_op(a, console);
}

}  // namespace

Verb add_bench(CLI::App& program, Console& console) {
  const auto a = std::make_shared<Arguments>();
  CLI::App* verb = program.add_subcommand("bench", "time per step, beside the machine's peaks");
  verb->add_option("-m,--model", a->model, "weights")->type_name("FILE");
  CLI::Option* op = verb->add_option("--op", a->op, "one op alone: conv2d, ...")->type_name("NAME");
  verb->add_option("--shape", a->shape, "of the op's input")->type_name("NxCxHxW")->needs(op);
  add_size(*verb, a->size);
  verb->add_option("--runs", a->runs, "runs whose median counts")
      ->type_name("R")
      ->check(within(1, kMostRuns))
      ->capture_default_str();
  verb->add_option("--trace", a->trace, "also write the last run as Chrome trace events")
      ->type_name("FILE");
  add_device(*verb, a->device);
  add_settings(*verb, a->settings);
  add_without(*verb, a->without);
  add_common(*verb, console);
  return {verb, [a, &console] { return bench(*a, console); }};
}

}  // namespace kintsugi::cli
