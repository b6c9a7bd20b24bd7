// SPDX-License-Identifier: MIT
//
// kintsugi verify: runs a network on the inputs of a reference and compares outputs and taps. First
// the plan as shipped; where that diverges, or with --all-taps, a plan that keeps every module's
// output, so that the first diverging module can be named.
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>

#include <kintsugi/kintsugi.hpp>

#include "files.h"
#include "format.h"
#include "interrupt.h"
#include "options.h"
#include "verify_report.h"

namespace kintsugi::cli {
namespace {

constexpr std::string_view kTap = "tap/";

struct Arguments {
  std::filesystem::path model, reference, junit;
  DeviceChoice device;
  std::vector<std::string> settings, without;
  std::optional<double> bound;  // what the plan promises, unless given
  bool all_taps = false;
};

struct Reference {
  Tensors inputs;
  Tensors expected;  // by the names that Session::run gives: "output", "tap/conv1"
};

Reference read_reference(const std::filesystem::path& file) {
  Reference reference;
  for (auto& [name, tensor] : read_tensors(file)) {
    const std::string local = name.substr(name.find('/') + 1);
    if (name.starts_with("input/"))
      reference.inputs[local] = std::move(tensor);
    else if (name.starts_with("output/"))
      reference.expected[local] = std::move(tensor);
    else if (name.starts_with(kTap))
      reference.expected[name] = std::move(tensor);
  }
  if (reference.inputs.empty() || reference.expected.empty()) {
    throw Error(ErrorCode::mismatch,
                "'" + file.string() + "' is not a reference: it has no " +
                    (reference.inputs.empty() ? "input/<name>" : "output/<name> or tap/<module>"),
                "kintsugi_export reference writes one");
  }
  return reference;
}

/// The plan that names every module, for inputs of this size.
PlanSummary plan_of(const Model& model, const Arguments& a, const Tensors& inputs) {
  PlanOptions options;
  options.device = a.device.device;
  options.dtype = a.device.dtype;
  options.keep_all = true;
  options.without = a.without;
  options.settings = parse_settings(a.settings);
  for (const auto& [name, tensor] : inputs) {
    if (tensor.shape.rank() != 4) continue;
    options.batch = tensor.shape.n();
    options.height = tensor.shape.h();
    options.width = tensor.shape.w();
    break;
  }
  return model.plan(options);
}

/// The order of modules in the network, as far as its plan names them.
std::map<std::string, size_t> order_of(const PlanSummary& summary) {
  std::map<std::string, size_t> places;
  for (const GraphPlan& graph : summary.graphs) {
    for (const PlanStep& step : graph.steps) places.emplace(step.name, places.size());
  }
  return places;
}

void sort_by_place(std::vector<TensorComparison>& rows,
                   const std::map<std::string, size_t>& places) {
  const auto key = [&](const TensorComparison& row) {
    if (!row.name.starts_with(kTap)) return places.size() + 1;  // outputs last
    const auto found = places.find(row.name.substr(kTap.size()));
    return found == places.end() ? places.size() : found->second;
  };
  std::stable_sort(rows.begin(), rows.end(),
                   [&](const TensorComparison& a, const TensorComparison& b) {
                     const size_t a_key = key(a), b_key = key(b);
                     return a_key != b_key ? a_key < b_key : natural_less(a.name, b.name);
                   });
}

VerifyRun verify_run(const std::string& title, Session& session, const Reference& reference,
                     const RunOptions& options, double bound,
                     const std::map<std::string, size_t>& places) {
  VerifyRun run{.title = title, .rows = {}, .missing = {}, .failure = {}};
  Tensors ours;
  try {
    ours = session.run(reference.inputs, options);
  } catch (const Error& error) {
    // A network that makes no numbers has diverged; anything else is a failure to compare.
    if (error.code() != ErrorCode::not_finite) throw;
    run.failure = error.what();
    return run;
  }
  for (const auto& [name, expected] : reference.expected) {
    const auto found = ours.find(name);
    if (found != ours.end()) {
      run.rows.push_back(compare(name, found->second, expected, bound));
    } else if (name.starts_with(kTap)) {
      run.missing.push_back(name.substr(kTap.size()));
    } else {
      run.rows.push_back({.name = name, .shape = expected.shape, .problem = "not in the plan"});
    }
  }
  sort_by_place(run.rows, places);
  std::sort(run.missing.begin(), run.missing.end(), natural_less);
  return run;
}

std::string display_name(const TensorComparison& row) {
  return row.name.starts_with(kTap) ? "tap " + row.name.substr(kTap.size()) : "output " + row.name;
}

std::string describe(const TensorComparison& row) {
  return display_name(row) + " (" +
         (row.problem.empty()
              ? text("relative L2 %.2e, max error %.2e", row.relative_l2, row.max_abs_error)
              : row.problem) +
         ")";
}

/// Fills in ok, first_diverging and conclusion.
void conclude(Verdict& verdict) {
  const VerifyRun& shipped = verdict.runs.front();
  const VerifyRun* kept = verdict.runs.size() > 1 ? &verdict.runs[1] : nullptr;
  verdict.ok = shipped.ok() && (kept == nullptr || kept->ok());
  if (verdict.ok) {
    const auto compared = static_cast<int64_t>((kept != nullptr ? kept : &shipped)->rows.size());
    verdict.conclusion =
        plural(compared, "tensor") + (compared == 1 ? " agrees" : " agree") + " with the reference";
    return;
  }
  const VerifyRun& guilty = kept != nullptr && !kept->ok() ? *kept : shipped;
  if (const TensorComparison* first = guilty.first_diverging()) {
    verdict.first_diverging =
        first->name.starts_with(kTap) ? first->name.substr(kTap.size()) : first->name;
    verdict.conclusion = "the first to diverge is " + describe(*first);
  } else {
    verdict.conclusion = guilty.failure;
  }
  if (kept != nullptr && kept->ok()) {
    verdict.conclusion +=
        "; the fault shows in the fused plan only: with every value kept, all agree "
        "(--without fuse or --without fold tells which pass)";
  } else if (shipped.ok()) {
    verdict.conclusion += "; the fault shows only where every value is kept";
  }
}

int verify(const Arguments& a, Console& console) {
  check_input(a.model);
  check_input(a.reference);
  if (!a.junit.empty()) check_output(a.junit, {a.model, a.reference});
  a.device.check();
  const RunOptions shipped{.settings = parse_settings(a.settings),
                           .taps = true,
                           .keep_all = false,
                           .without = a.without};
  RunOptions kept = shipped;
  kept.keep_all = true;

  const Model model = Model::open(a.model);
  const Reference reference = read_reference(a.reference);
  const PlanSummary plan = plan_of(model, a, reference.inputs);
  const std::map<std::string, size_t> places = order_of(plan);
  const double bound = a.bound.value_or(plan.tolerance);
  ProgressBar bar(console);
  Session session = model.session(a.device.session(console, bar.callback()));

  const auto start = std::chrono::steady_clock::now();
  Verdict verdict;
  verdict.model = a.model.string();
  verdict.network = model.describe().title;
  verdict.device = session.device();
  verdict.bound = bound;
  verdict.runs.push_back(
      verify_run("the plan as shipped", session, reference, shipped, bound, places));
  if (a.all_taps || !verdict.runs.front().ok()) {
    bar.clear();
    verdict.runs.push_back(verify_run("every value kept", session, reference, kept, bound, places));
  }
  bar.clear();
  stop_if_interrupted();
  verdict.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  conclude(verdict);

  if (!a.junit.empty()) write_text(a.junit, junit_of(verdict));
  if (console.json())
    console.print_json(json_of(verdict));
  else
    print_verdict(verdict, console);
  return verdict.ok ? kOk : kVerificationFailed;
}

}  // namespace

Verb add_verify(CLI::App& program, Console& console) {
  const auto a = std::make_shared<Arguments>();
  CLI::App* verb =
      program.add_subcommand("verify", "compare with PyTorch, module by module (exit code 4)");
  verb->add_option("-m,--model", a->model, "weights")->required()->type_name("FILE");
  verb->add_option("-r,--reference", a->reference, "input/<name>, output/<name>, tap/<module>")
      ->required()
      ->type_name("FILE");
  verb->add_flag("--all-taps", a->all_taps, "compare every tap, whether or not something diverges");
  verb->add_option("--rtol", a->bound,
                   "the relative L2 error that is allowed (1e-5; 1e-4 with Winograd)")
      ->type_name("X")
      ->check(within(0.0, 1e9));
  verb->add_option("--junit", a->junit, "also write JUnit XML")->type_name("FILE");
  add_device(*verb, a->device);
  add_settings(*verb, a->settings);
  add_without(*verb, a->without);
  add_common(*verb, console);
  return {verb, [a, &console] { return verify(*a, console); }};
}

}  // namespace kintsugi::cli
