// SPDX-License-Identifier: MIT
//
// kintsugi plan: what a run would do and how much memory it would take, to the byte, before
// anything is allocated.
#include <filesystem>
#include <memory>

#include <kintsugi/kintsugi.hpp>

#include "files.h"
#include "format.h"
#include "options.h"

namespace kintsugi::cli {
namespace {

constexpr const char* kTensors = "run";

struct Arguments {
  std::filesystem::path model;
  InputSize size;
  DeviceChoice device;
  std::vector<std::string> settings, without;
  std::string task;
  bool memory_picture = false, keep_all = false;
};

Json json_of(const MemoryPlan& memory) {
  return {{"mapped", memory.mapped},       {"packed", memory.packed},
          {"arena", memory.arena},         {"persistent", memory.persistent},
          {"workspace", memory.workspace}, {"peak", memory.peak()},
          {"staging", memory.staging}};
}

std::string print_memory(const MemoryPlan& memory) {
  Table table({"memory", ">", ">bytes", ""});
  const auto row = [&](const char* name, int64_t bytes, const char* meaning) {
    table.row({name, format_bytes(bytes), format_count(bytes), meaning});
  };
  row("mapped", memory.mapped, "the file of weights; not counted, its pages may be dropped");
  row("packed", memory.packed, "weights in the kernels' order");
  row("arena", memory.arena, "activations, and scratch between them");
  row("persistent", memory.persistent, "state that outlives a run");
  row("workspace", memory.workspace, "scratch of single steps beside the arena");
  row("peak", memory.peak(), "packed + arena + persistent + workspace");
  if (memory.staging > 0) {
    row("staging", memory.staging, "beside it, page-locked on the host: what a GPU copies");
  }
  return table.print("");
}

Json json_of(const std::vector<PlanStep>& steps) {
  Json list = Json::array();
  for (const PlanStep& step : steps) {
    list.push_back({{"name", step.name},
                    {"op", step.op},
                    {"epilogue", step.epilogue},
                    {"config", step.config},
                    {"shape", step.shape},
                    {"flops", step.flops},
                    {"bytes", step.bytes}});
  }
  return list;
}

Json json_of(const GraphPlan& graph, bool memory_picture) {
  Json json = {{"name", graph.name},
               {"arena", graph.arena},
               {"packed", graph.packed},
               {"flops", graph.flops},
               {"field", graph.field ? Json(*graph.field) : Json(nullptr)},
               {"steps", json_of(graph.steps)}};
  if (memory_picture) json["memory_picture"] = graph.picture;
  return json;
}

std::string print_field(const GraphPlan& graph) {
  if (!graph.field) return "field: unbounded";
  const auto [above, left, below, right] = *graph.field;
  if (above == left && left == below && below == right) {
    return "field: " + plural(above, "pixel") + " on each side";
  }
  return text("field: %lld pixels above, %lld left, %lld below, %lld right",
              static_cast<long long>(above), static_cast<long long>(left),
              static_cast<long long>(below), static_cast<long long>(right));
}

std::string print_plan(const PlanSummary& summary, bool memory_picture) {
  std::string out;
  const bool several = summary.graphs.size() > 1;
  for (const GraphPlan& graph : summary.graphs) {
    if (several) out += graph.name + "\n";
    out += graph.table + "\n" + plural(static_cast<int64_t>(graph.steps.size()), "step") + ", " +
           format_flops(graph.flops) + " on " + summary.device + "\n" + print_field(graph) + "\n";
    if (several) {
      out += "arena " + format_bytes(graph.arena) + ", packed " + format_bytes(graph.packed) + "\n";
    }
    out += "\n";
  }
  out += print_memory(summary.memory);
  for (const GraphPlan& graph : summary.graphs) {
    if (memory_picture) out += "\n" + (several ? graph.name + "\n" : "") + graph.picture;
  }
  return out;
}

int plan(const Arguments& a, Console& console) {
  check_input(a.model);
  a.device.check();
  const Model model = Model::open(a.model);
  PlanOptions options;
  a.size.apply(options, model.describe());
  options.device = a.device.device;
  options.dtype = a.device.dtype;
  options.threads = a.device.threads;
  options.max_memory = a.device.memory_limit();
  options.keep_all = a.keep_all;
  options.without = a.without;
  options.settings = parse_settings(a.settings);
  const std::vector<Task>& tasks = model.describe().tasks;
  // Tasks run one image at a time: a batch is of tensors, unless a task is asked for and refuses it.
  if (a.task.empty() && options.batch == 1 && !tasks.empty()) {
    options.task = tasks[0];
  } else if (!a.task.empty() && a.task != kTensors) {
    options.task = task_named(a.task);
  }
  const PlanSummary summary = model.plan(options);
  if (!console.json()) {
    console.print(print_plan(summary, a.memory_picture));
    return kOk;
  }
  const bool own_size = model.describe().own_size;
  Json json = {{"device", summary.device},
               {"batch", options.batch},
               {"height", own_size ? Json(nullptr) : Json(options.height)},
               {"width", own_size ? Json(nullptr) : Json(options.width)},
               {"memory", json_of(summary.memory)},
               {"flops", summary.flops}};
  if (summary.graphs.size() == 1) {
    json["steps"] = json_of(summary.graphs[0].steps);
    if (a.memory_picture) json["memory_picture"] = summary.graphs[0].picture;
  }
  json["graphs"] = Json::array();
  for (const GraphPlan& graph : summary.graphs) {
    json["graphs"].push_back(json_of(graph, a.memory_picture));
  }
  console.print_json(json);
  return kOk;
}

}  // namespace

Verb add_plan(CLI::App& program, Console& console) {
  const auto a = std::make_shared<Arguments>();
  CLI::App* verb = program.add_subcommand("plan", "steps and memory of a run, before it is made");
  verb->add_option("-m,--model,model", a->model, "weights")->required()->type_name("FILE");
  add_size(*verb, a->size);
  verb->add_option(
          "--task", a->task,
          "what it is for: a task of the file, with an image at either end (its first), or "
          "'run', with tensors")
      ->type_name("TASK");
  verb->add_flag("--memory-picture", a->memory_picture, "draw the arena over time");
  verb->add_flag("--keep-all", a->keep_all, "the plan that keeps every module's output");
  add_device(*verb, a->device);
  add_settings(*verb, a->settings);
  add_without(*verb, a->without);
  add_common(*verb, console);
  return {verb, [a, &console] { return plan(*a, console); }};
}

}  // namespace kintsugi::cli
