// SPDX-License-Identifier: MIT
//
// How a plan shows itself: a table of its steps, and a picture of its arena.
#include <algorithm>
#include <cstdio>

#include "runtime/io/text.h"
#include "runtime/plan/plan.h"

namespace kintsugi::plan {

const char* to_string(Precision precision) {
  switch (precision) {
    case Precision::f32: return "f32";
    case Precision::tf32: return "tf32";
    case Precision::f16: return "f16";
    case Precision::bf16: return "bf16";
  }
  return "?";
}

namespace {

std::string gigaflops(int64_t flops) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f", static_cast<double>(flops) / 1e9);
  return text;
}

}  // namespace

std::string table(const Plan& plan, const Rename& rename) {
  std::vector<std::vector<std::string>> rows{
      {"step", "modules", "op", "then", "output", "type", "config", "GFLOP", "moves", "at"}};
  for (size_t i = 0; i < plan.steps.size(); ++i) {
    const PlanStep& step = plan.steps[i];
    const Placed& output = step.outputs[0];
    const Slot& slot = plan.slot(output);
    std::vector<std::string> names;
    for (const std::string& name : step.names) names.push_back(rename(name));
    const AnyOp& op = step.work.op();
    const std::string does = kintsugi::to_string(op);
    std::string then = op.steps() != nullptr ? kintsugi::to_string(*op.steps()) : "";
    if (then.empty() || does.ends_with(then)) then = "-";  // an op that is nothing but its steps
    rows.push_back({std::to_string(i), join(names, " + "), does, then, output.shape.to_string(),
                    kintsugi::to_string(slot.dtype), step.work.describe_config(),
                    gigaflops(step.flops), readable_bytes(step.bytes),
                    (slot.state ? "state " : "") + readable_bytes(slot.offset)});
  }
  return align_columns(rows);
}

std::string memory_picture(const Plan& plan, const Rename& rename, int columns) {
  if (plan.arena_bytes == 0) return {};
  std::string text = "arena " + readable_bytes(plan.arena_bytes) +
                     ", one column = " + readable_bytes(plan.arena_bytes / columns) +
                     "; # written, = kept, . free\n";
  for (int step = 0; step < static_cast<int>(plan.steps.size()); ++step) {
    std::string row(static_cast<size_t>(columns), '.');
    for (const Slot& slot : plan.slots) {
      if (slot.state || slot.bytes == 0 || step < slot.first || step > slot.last) continue;
      const auto column = [&](int64_t offset) { return offset * columns / plan.arena_bytes; };
      const int64_t begin = column(slot.offset);
      const int64_t end = std::max(begin + 1, column(slot.offset + slot.bytes));
      const PlanStep& now = plan.steps[static_cast<size_t>(step)];
      const auto index = &slot - plan.slots.data();
      const bool written = std::ranges::any_of(
          now.outputs, [&](const Placed& value) { return value.region.slot == index; });
      std::fill(row.begin() + begin, row.begin() + std::min<int64_t>(end, columns),
                written ? '#' : '=');
    }
    char number[16];
    std::snprintf(number, sizeof number, "%4d  ", step);
    text += number + row + "  " + rename(plan.steps[static_cast<size_t>(step)].names.back()) + "\n";
  }
  return text;
}

}  // namespace kintsugi::plan
