// SPDX-License-Identifier: MIT
//
// kintsugi info: what a file of weights is, why we think so, and what its licence says.
#include <filesystem>
#include <memory>

#include <kintsugi/kintsugi.hpp>

#include "files.h"
#include "format.h"
#include "options.h"
#include "printable.h"

namespace kintsugi::cli {
namespace {

constexpr size_t kKeysShown = 10;

struct Arguments {
  std::filesystem::path model;
  OpenOptions open;
};

Json json_of(const std::vector<Port>& ports) {
  Json list = Json::array();
  for (const Port& port : ports) {
    list.push_back({{"name", port.name}, {"shape", port.shape}, {"meaning", port.meaning}});
    if (port.optional) list.back()["optional"] = true;
  }
  return list;
}

void print_json(const Description& d, Console& console) {
  console.print_json(Json{{"network", d.network},
                          {"title", d.title},
                          {"variant", d.variant},
                          {"reason", d.reason},
                          {"paper", d.paper},
                          {"tasks", names_of(d.tasks)},
                          {"weights_title", d.weights_title},
                          {"weights_license", d.weights_license},
                          {"mask_polarity", d.mask_polarity},
                          {"value_range", d.value_range},
                          {"size_multiple", d.size_multiple},
                          {"parameters", d.parameters},
                          {"mapped_bytes", d.mapped_bytes},
                          {"stored_dtype", d.stored_dtype},
                          {"inputs", json_of(d.inputs)},
                          {"outputs", json_of(d.outputs)},
                          {"settings", json_of(d.settings)},
                          {"unused_keys", d.unused_keys},
                          {"metadata", d.metadata}});
}

std::string print_ports(const std::vector<Port>& ports, const char* heading) {
  if (ports.empty()) return {};
  Table table({"", "", ""});
  for (const Port& port : ports) {
    table.row({port.name, port.shape, port.optional ? "optional: " + port.meaning : port.meaning});
  }
  const std::string lines = table.print("  ");
  return std::string(heading) + "\n" + lines.substr(lines.find('\n') + 1);
}

int info(const Arguments& a, Console& console) {
  check_input(a.model);
  const Model model = Model::open(a.model, a.open);
  const Description& d = model.describe();
  if (console.json()) {
    print_json(d, console);
    return kOk;
  }
  Table facts({"", ""});
  const auto fact = [&](const char* name, const std::string& value) {
    if (!value.empty()) facts.row({name, value});
  };
  fact("network", d.title.empty() ? d.network : d.title + " (" + d.network + ")");
  fact("variant", d.variant);
  fact("chosen because", d.reason);
  fact("paper", d.paper);
  if (!d.tasks.empty()) fact("for", enumerate(names_of(d.tasks)));
  fact("weights", d.weights_title);
  fact("licence of the weights",
       d.weights_license.empty() ? "not stated in the file" : d.weights_license);
  fact("parameters", format_count(d.parameters) + ", stored as " + d.stored_dtype + ", " +
                         format_bytes(d.mapped_bytes) + " mapped");
  fact("mask", d.mask_polarity);
  fact("values", d.value_range);
  if (!d.own_size) {
    fact("size multiple", std::to_string(d.size_multiple) + " (pictures are padded and cropped)");
  }
  const std::string lines = facts.print("");
  console.print(lines.substr(lines.find('\n') + 1));
  console.print(print_ports(d.inputs, "inputs"));
  console.print(print_ports(d.outputs, "outputs"));
  console.print(print_ports(d.settings, "settings"));

  if (!d.unused_keys.empty()) {
    std::string unused = plural(static_cast<int64_t>(d.unused_keys.size()), "key") +
                         " of the file not used by the network:\n";
    for (size_t i = 0; i < d.unused_keys.size(); ++i) {
      if (i == kKeysShown && !console.shows(Level::debug)) {
        unused += "  ... and " + std::to_string(d.unused_keys.size() - i) + " more (-v)\n";
        break;
      }
      unused += "  " + one_line(d.unused_keys[i]) + "\n";
    }
    console.print(unused);
  }
  if (console.shows(Level::debug)) {
    for (const auto& [key, value] : d.metadata) {
      console.print(one_line(key) + ": " + one_line(value) + "\n");
    }
  }
  return kOk;
}

}  // namespace

Verb add_info(CLI::App& program, Console& console) {
  const auto a = std::make_shared<Arguments>();
  CLI::App* verb = program.add_subcommand("info", "what a file of weights is");
  verb->add_option("-m,--model,model", a->model, "weights")->required()->type_name("FILE");
  verb->add_option("--network", a->open.network, "take it for this network")->type_name("NAME");
  add_common(*verb, console);
  return {verb, [a, &console] { return info(*a, console); }};
}

}  // namespace kintsugi::cli
