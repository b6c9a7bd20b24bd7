// SPDX-License-Identifier: MIT
#include "benchmarks/gpu/measure.h"

#include <algorithm>
#include <cmath>

#include "benchmarks/gpu/counted.h"
#include "kernels/core/call.h"

namespace kintsugi::gpu_bench {
namespace {

Json json_of(const std::optional<Timing>& timing) {
  if (!timing) return nullptr;
  return {{"median_us", timing->median}, {"min_us", timing->min}, {"p10_us", timing->p10},
          {"p90_us", timing->p90},       {"max_us", timing->max}, {"samples", timing->samples},
          {"launches", timing->launches}};
}

Json json_of(const Traffic& traffic) {
  return {{"read", traffic.read}, {"written", traffic.written}};
}

/// Relative L2 from ours within which a library's result counts as the same.
double bound_of(Type type) {
  switch (type) {
    case Type::bf16: return 1e-2;
    case Type::f16: return 2e-3;
    case Type::tf32: return 3e-3;
    case Type::f32: return 1e-4;
  }
  return 0;
}

std::vector<float> output_of(const Runnable& runnable, const Buffer& buffer) {
  return with_element_type(runnable.output_dtype, [&]<class T>(T) {
    return fetched<T>(buffer, runnable.output, runnable.output_pitch);
  });
}

/// Bias and activation as our kernel's epilogue has them.
void finish(const Convolution& c, std::vector<float>& values) {
  const size_t channels = c.bias.size();
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] =
        static_cast<float>(evaluate(c.activation, values[i] + c.bias[i % channels], c.slope));
  }
}

double relative_l2(const std::vector<float>& ours, const std::vector<float>& theirs) {
  double difference = 0, all = 0;
  for (size_t i = 0; i < ours.size(); ++i) {
    const double d = double{ours[i]} - double{theirs[i]};
    difference += d * d;
    all += double{ours[i]} * double{ours[i]};
  }
  return std::sqrt(difference / all);
}

}  // namespace

Json Meter::contender(const std::string& name, const std::string& how, const Runnable& runnable,
                      const std::function<void(const std::vector<Buffer>&, Json&)>& after) {
  Json made{{"name", name}, {"how", how}};
  const auto sets = replicate(runnable.fill(), effort_, *stream_);
  std::vector<Launch> launches;
  for (const auto& set : sets) launches.push_back(runnable.bind(set));
  made["warm"] = json_of(time_of({launches[0]}, effort_, *stream_));
  made["cold"] = json_of(time_of(launches, effort_, *stream_));
  made["sets"] = sets.size();
  after(sets[0], made);
  return made;
}

Json Meter::count(const Problem& problem, const std::vector<Buffer>& buffers) {
  static_cast<void>(take_counted());
  problem.runnable.bind(buffers)(*stream_);
  device::synchronize(*stream_);
  const std::vector<Traffic> moved = take_counted();
  if (moved.empty()) return nullptr;
  Traffic sum;  // an op may take several launches
  for (const Traffic& one : moved) {
    sum.read += one.read;
    sum.written += one.written;
  }
  all_right_ = all_right_ && sum == problem.traffic;
  return json_of(sum);
}

Json Meter::row(const Layer& layer, Type type) {
  Json row{{"layer", layer.name},
           {"op", layer.ops[0].name},
           {"type", name_of(type)},
           {"input", {layer.input.n(), layer.input.c(), layer.input.h(), layer.input.w()}}};
  row["settings"] = layer.ops[0].settings;
  for (size_t i = 1; i < layer.ops.size(); ++i) {
    row["then"].push_back({{"op", layer.ops[i].name}, {"settings", layer.ops[i].settings}});
  }
  row["contenders"] = Json::array();
  try {
    const Problem problem = problem_of(layer, type, device::info());
    const Shape& out = problem.runnable.output;
    row["output"] = {out.n(), out.c(), out.h(), out.w()};
    row["description"] = problem.description;
    row["flops"] = problem.flops;
    row["bytes"] = problem.bytes;
    row["traffic"] = json_of(problem.traffic);
    std::vector<float> ours;
    row["contenders"].push_back(contender("Kintsugi", problem.config, problem.runnable,
                                          [&](const auto& buffers, Json& made) {
                                            made["counted"] = count(problem, buffers);
                                            ours = output_of(problem.runnable, buffers[0]);
                                          }));
    const auto compare = [&](const std::vector<float>& theirs, Json& made) {
      const double error = relative_l2(ours, theirs);
      made["relative_l2"] = std::isfinite(error) ? Json(error) : Json(nullptr);
      made["right"] = error < bound_of(type);
      all_right_ = all_right_ && error < bound_of(type);
    };
    if (!effort_.timed && problem.definition) {
      Json made{{"name", "Definition"}, {"how", "the ops' references in f64, on the host"}};
      compare(problem.definition(), made);
      row["contenders"].push_back(made);
    }
    if (!problem.convolution) return row;
    for (const Baseline& baseline : cudnn_baselines(problem.convolution, *stream_)) {
      if (!baseline.refused.empty()) {
        row["contenders"].push_back({{"name", baseline.name}, {"refused", baseline.refused}});
        continue;
      }
      row["contenders"].push_back(contender(
          baseline.name, baseline.how, baseline.runnable, [&](const auto& buffers, Json& made) {
            std::vector<float> theirs = output_of(baseline.runnable, buffers[0]);
            if (!baseline.fused) finish(*problem.convolution, theirs);
            compare(theirs, made);
          }));
    }
  } catch (const Error& error) {
    if (error.code() == ErrorCode::usage) throw;  // a mistake in the list of layers
    row["refused"] = error.what();
  }
  return row;
}

Json Meter::ceilings() {
  const auto rate = [&](const Runnable& runnable, double amount) -> Json {
    const std::vector<Buffer> buffers = runnable.fill();
    const auto time = time_of({runnable.bind(buffers)}, effort_, *stream_);
    return time ? Json(amount / time->min * 1e6) : Json(nullptr);
  };
  const bool small = !effort_.timed;
  const Layer copied{.name = "copy",
                     .input = small ? Shape{1, 8, 4, 4} : Shape{1, 64, 2048, 2048},
                     .ops = {{"copy", {}}}};
  const Problem copy = problem_of(copied, Type::bf16, device::info());
  Json made{{"copy",
             {{"by", "our own copy, bf16"},
              {"bytes", copy.bytes},
              {"bytes_per_second", rate(copy.runnable, static_cast<double>(copy.bytes))}}}};
  made["product"] = Json::object();
  if (!cublas().refused.empty() || small) return made;
  for (const Type type : kTypes) {
    const int64_t side = type == Type::f32 ? 4096 : 8192;
    const auto cubed =
        static_cast<double>(side) * static_cast<double>(side) * static_cast<double>(side);
    made["product"][name_of(type)] = {
        {"by", "cuBLAS, a product of " + std::to_string(side) + " x " + std::to_string(side)},
        {"flops_per_second", rate(cublas_product(type, side), 2 * cubed)}};
  }
  return made;
}

void add_shares(Json& report) {
  Json& ceilings = report["ceilings"];
  const auto each_timing = [&](const auto& visit) {
    for (Json& row : report["rows"]) {
      for (Json& contender : row["contenders"]) {
        for (const char* state : {"warm", "cold"}) {
          if (contender.contains(state) && !contender[state].is_null()) {
            visit(row, contender, contender[state]);
          }
        }
      }
    }
  };
  const auto flop_rate = [](const Json& row, const Json& timing) {
    return row["flops"].template get<double>() / timing["median_us"].template get<double>() * 1e6;
  };
  Json best = Json::object();
  each_timing([&](const Json& row, const Json& contender, const Json& timing) {
    const std::string type = row["type"];
    const double rate = flop_rate(row, timing);
    if (!best.contains(type) || best[type]["flops_per_second"].get<double>() < rate) {
      best[type] = {
          {"by", contender["name"].get<std::string>() + " at " + row["layer"].get<std::string>()},
          {"flops_per_second", rate}};
    }
  });
  for (const auto& [type, value] : best.items()) {
    if (!ceilings["product"].contains(type)) ceilings["product"][type] = value;
  }
  each_timing([&](const Json& row, const Json&, Json& timing) {
    const Json& product = ceilings["product"][row["type"].get<std::string>()];
    timing["of_product"] = flop_rate(row, timing) / product["flops_per_second"].get<double>();
    timing["of_copy"] = row["bytes"].get<double>() / timing["median_us"].get<double>() * 1e6 /
                        ceilings["copy"]["bytes_per_second"].get<double>();
  });
}

}  // namespace kintsugi::gpu_bench
