// SPDX-License-Identifier: MIT
#include "verify_report.h"

#include <algorithm>
#include <cmath>

#include "format.h"
#include "printable.h"

namespace kintsugi::cli {
namespace {

constexpr size_t kMissingShown = 20;

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

std::string scientific(double value) { return std::isnan(value) ? "-" : text("%.2e", value); }

std::string escape(const std::string& raw) {
  std::string out;
  for (const char c : raw) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default: out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;  // not allowed in XML
    }
  }
  return out;
}

void print_run(const VerifyRun& run, Console& console) {
  console.print(run.title + "\n");
  if (!run.failure.empty()) console.print("  " + one_line(run.failure) + "\n");
  if (!run.rows.empty()) {
    Table table({"tensor", "shape", ">relative L2", ">max error", ">PSNR dB", ">cosine"});
    for (const TensorComparison& row : run.rows) {
      table.row({row.name, row.shape.to_string(), scientific(row.relative_l2),
                 scientific(row.max_abs_error),
                 std::isnan(row.psnr_db) ? "-" : text("%.1f", row.psnr_db),
                 std::isnan(row.cosine) ? "-" : text("%.9f", row.cosine)});
    }
    const std::vector<std::string> lines = table.lines();
    console.print(lines[0] + "\n");
    for (size_t i = 0; i < run.rows.size(); ++i) {
      const TensorComparison& row = run.rows[i];
      console.print(lines[i + 1] + "  ");
      console.print(row.ok ? Colour::green : Colour::red, row.ok ? "ok" : "FAIL");
      console.print((row.problem.empty() ? "" : "  " + one_line(row.problem)) + "\n");
    }
  }
  if (run.missing.empty()) return;
  std::string lines = "  " + plural(static_cast<int64_t>(run.missing.size()), "tap") +
                      " of the reference not in this plan:\n";
  for (size_t i = 0; i < run.missing.size(); ++i) {
    if (i == kMissingShown && !console.shows(Level::debug)) {
      lines += "    ... and " + std::to_string(run.missing.size() - i) + " more (-v)\n";
      break;
    }
    lines += "    " + one_line(run.missing[i]) + "\n";
  }
  console.print(lines);
}

}  // namespace

bool VerifyRun::ok() const { return failure.empty() && first_diverging() == nullptr; }

const TensorComparison* VerifyRun::first_diverging() const {
  const auto found =
      std::find_if(rows.begin(), rows.end(), [](const TensorComparison& row) { return !row.ok; });
  return found == rows.end() ? nullptr : &*found;
}

void print_verdict(const Verdict& verdict, Console& console) {
  console.print(one_line(verdict.network) + " on " + verdict.device +
                text("; the relative L2 error may be %g\n\n", verdict.bound));
  for (const VerifyRun& run : verdict.runs) {
    print_run(run, console);
    console.print("\n");
  }
  console.print(verdict.ok ? Colour::green : Colour::red, verdict.ok ? "verified: " : "FAILED: ");
  console.print(one_line(verdict.conclusion) + "\n");
}

Json json_of(const Verdict& verdict) {
  Json runs = Json::array();
  for (const VerifyRun& run : verdict.runs) {
    Json rows = Json::array();
    for (const TensorComparison& row : run.rows) {
      Json json = {{"name", row.name},
                   {"shape", row.shape.extents()},
                   {"relative_l2", number(row.relative_l2)},
                   {"max_abs_error", number(row.max_abs_error)},
                   {"psnr_db", number(row.psnr_db)},
                   {"cosine", number(row.cosine)},
                   {"ok", row.ok}};
      if (!row.problem.empty()) json["problem"] = row.problem;
      rows.push_back(std::move(json));
    }
    Json json = {
        {"plan", run.title}, {"ok", run.ok()}, {"tensors", rows}, {"missing", run.missing}};
    if (!run.failure.empty()) json["failure"] = run.failure;
    runs.push_back(std::move(json));
  }
  return {{"ok", verdict.ok},
          {"model", verdict.model},
          {"network", verdict.network},
          {"device", verdict.device},
          {"relative_l2_bound", verdict.bound},
          {"seconds", verdict.seconds},
          {"first_diverging",
           verdict.first_diverging.empty() ? Json(nullptr) : Json(verdict.first_diverging)},
          {"conclusion", verdict.conclusion},
          {"runs", runs}};
}

std::string junit_of(const Verdict& verdict) {
  std::string cases;
  int tests = 0, failures = 0;
  const auto add = [&](const std::string& group, const std::string& name,
                       const std::string& failure) {
    ++tests;
    cases += "    <testcase classname=\"" + escape(group) + "\" name=\"" + escape(name) + "\"";
    if (failure.empty()) {
      cases += "/>\n";
      return;
    }
    ++failures;
    cases += ">\n      <failure message=\"" + escape(failure) + "\"/>\n    </testcase>\n";
  };
  for (const VerifyRun& run : verdict.runs) {
    if (!run.failure.empty()) add(run.title, "run", run.failure);
    for (const TensorComparison& row : run.rows) {
      std::string failure = row.problem;
      if (!row.ok && failure.empty()) {
        failure = text("relative L2 %.3e is above %g; max error %.3e", row.relative_l2,
                       verdict.bound, row.max_abs_error);
      }
      add(run.title, row.name, row.ok ? "" : failure);
    }
  }
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite name=\"" +
         escape("kintsugi verify " + verdict.model) +
         text("\" tests=\"%d\" failures=\"%d\" time=\"%.3f\">\n", tests, failures,
              verdict.seconds) +
         cases + "  </testsuite>\n</testsuites>\n";
}

}  // namespace kintsugi::cli
