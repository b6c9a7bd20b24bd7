// SPDX-License-Identifier: MIT
//
// kintsugi run: the raw door. Tensors in, tensors out, exactly as the PyTorch module takes and
// gives them: nothing is scaled, clamped or padded.
#include <chrono>
#include <filesystem>
#include <memory>

#include <kintsugi/kintsugi.hpp>
#include <kintsugi/tensor.hpp>

#include "files.h"
#include "format.h"
#include "interrupt.h"
#include "options.h"
#include "printable.h"

namespace kintsugi::cli {
namespace {

constexpr std::string_view kInputPrefix = "input/";

struct Arguments {
  std::filesystem::path model, input, output;
  DeviceChoice device;
  std::vector<std::string> settings, without;
  bool taps = false, all_taps = false;
};

/// A reference file serves as it is: of one that has input/<name>, only those are taken.
Tensors inputs_of(Tensors tensors) {
  Tensors inputs;
  for (auto& [name, tensor] : tensors) {
    if (name.starts_with(kInputPrefix)) {
      inputs[name.substr(kInputPrefix.size())] = std::move(tensor);
    }
  }
  if (inputs.empty()) return tensors;
  return inputs;
}

int run(const Arguments& a, Console& console) {
  check_input(a.model);
  check_input(a.input);
  check_output(a.output, {a.model, a.input});
  a.device.check();
  const RunOptions options{.settings = parse_settings(a.settings),
                           .taps = a.taps || a.all_taps,
                           .keep_all = a.all_taps,
                           .without = a.without};

  const Model model = Model::open(a.model);
  const Tensors inputs = inputs_of(read_tensors(a.input));
  ProgressBar bar(console);
  Session session = model.session(a.device.session(console, bar.callback()));
  console.info("device: " + session.device());
  const auto start = std::chrono::steady_clock::now();
  const Tensors outputs = session.run(inputs, options);
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  bar.clear();
  stop_if_interrupted();
  write_tensors(a.output, outputs, {{"kintsugi.network", model.describe().network}});

  if (console.json()) {
    Json tensors = Json::object();
    for (const auto& [name, tensor] : outputs) tensors[name] = tensor.shape.extents();
    console.print_json(Json{{"output", a.output.string()},
                            {"seconds", seconds},
                            {"peak_bytes", session.peak_allocated_bytes()},
                            {"process_peak_bytes", process_peak_bytes()},
                            {"device", session.device()},
                            {"tensors", tensors}});
    return kOk;
  }
  console.print(one_line(a.output.string()) + "  " +
                plural(static_cast<int64_t>(outputs.size()), "tensor") + "  " +
                format_seconds(seconds) + "  peak " + format_bytes(session.peak_allocated_bytes()) +
                " (process " + format_bytes(process_peak_bytes()) + ")\n");
  return kOk;
}

}  // namespace

Verb add_run(CLI::App& program, Console& console) {
  const auto a = std::make_shared<Arguments>();
  CLI::App* verb = program.add_subcommand("run", "tensors in, tensors out, as in PyTorch");
  verb->add_option("-m,--model", a->model, "weights")->required()->type_name("FILE");
  verb->add_option("-i,--input", a->input, "safetensors: the network's inputs, or input/<name>")
      ->required()
      ->type_name("FILE");
  verb->add_option("-o,--output", a->output, "safetensors")->required()->type_name("FILE");
  verb->add_flag("--taps", a->taps, "also write tap/<module> for values that the plan keeps");
  verb->add_flag("--all-taps", a->all_taps, "also write tap/<module> for every module");
  add_device(*verb, a->device);
  add_settings(*verb, a->settings);
  add_without(*verb, a->without);
  add_common(*verb, console);
  return {verb, [a, &console] { return run(*a, console); }};
}

}  // namespace kintsugi::cli
