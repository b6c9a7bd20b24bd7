// SPDX-License-Identifier: MIT
#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "runtime/io/text.h"
#include "runtime/networks/network.h"
#include "runtime/networks/networks.h"  // made from networks.list

namespace kintsugi::networks {
namespace {

#define KINTSUGI_NETWORK(name) name::kNetwork,
constexpr Network kRegistry[] = {KINTSUGI_NETWORKS};
#undef KINTSUGI_NETWORK

std::string names() { return listed(kRegistry, &Network::name); }

const Network& find(const std::string& name) {
  const auto* found = std::ranges::find(kRegistry, name, &Network::name);
  if (found == std::end(kRegistry)) {
    throw Error(ErrorCode::usage, "there is no network named '" + name + "'",
                "networks of this build: " + names());
  }
  return *found;
}

std::optional<std::string> metadata(const weights::Weights& weights, const std::string& key) {
  const auto& all = weights.file().metadata();
  const auto at = all.find(key);
  if (at == all.end()) return std::nullopt;
  return at->second;
}

/// A value of the JSON object in the metadata, null when it is not there or is another network's.
nlohmann::json config_value(const weights::Weights& weights, const Network& network,
                            const std::string& key) {
  const auto text = metadata(weights, "kintsugi.config");
  const auto about = metadata(weights, "kintsugi.network");
  if (!text || (about && *about != network.name)) return {};
  auto config = nlohmann::json::parse(*text, nullptr, /*allow_exceptions=*/false);
  if (!config.is_object()) {
    throw Error(ErrorCode::bad_file, weights.file().path().string() +
                                         ": the metadata `kintsugi.config` is not a JSON object");
  }
  return config.value(key, nlohmann::json());
}

Program finish(const weights::Weights& weights, const Network& network,
               const weights::Detection& detection, std::string reason) {
  if (!detection.complete()) {
    throw Error(ErrorCode::mismatch,
                weights.file().path().string() + " is not a " + std::string(network.name) +
                    " checkpoint: closest was " + detection.to_string(),
                "networks of this build: " + names());
  }
  Program program = network.open(weights, detection);
  Description& d = program.description;
  d.network = network.name;
  d.paper = network.paper;
  d.reason = std::move(reason);
  d.own_size = true;
  for (const GraphSpec& graph : program.graphs) {
    d.graphs.push_back({graph.name, graph.inputs, graph.outputs});
    for (const Port& port : graph.inputs) {
      if (port.shape.find('H') != std::string::npos) d.own_size = false;
    }
  }
  d.inputs = d.graphs[0].inputs;
  d.outputs = d.graphs[0].outputs;
  for (const TaskSpec& task : program.tasks) d.tasks.push_back(task.task);
  d.weights_title = metadata(weights, "modelspec.title").value_or("");
  d.weights_license = metadata(weights, "modelspec.license").value_or("");
  d.metadata = weights.file().metadata();
  d.parameters = weights.parameter_count();
  d.stored_dtype = weights.stored_dtype();
  d.mapped_bytes = weights.file().mapped_bytes();
  return program;
}

}  // namespace

std::span<const Network> registry() { return kRegistry; }

Program open(const weights::Weights& weights, const std::string& name) {
  if (!name.empty()) {
    const Network& network = find(name);
    return finish(weights, network, network.detect(weights), "it was asked for");
  }
  if (const auto stated = metadata(weights, "kintsugi.network")) {
    const auto* network = std::ranges::find(kRegistry, *stated, &Network::name);
    if (network == std::end(kRegistry)) {
      throw Error(ErrorCode::unsupported,
                  weights.file().path().string() + " says that it is a " + *stated +
                      ", a network that this build does not know",
                  "networks of this build: " + names());
    }
    return finish(weights, *network, network->detect(weights), "the file's metadata names it");
  }
  const Network* best = nullptr;
  weights::Detection closest;
  std::string others;  // a file may hold several; the first of the registry is taken
  for (const Network& network : kRegistry) {
    const weights::Detection detection = network.detect(weights);
    if (closest.complete() && detection.complete())
      others += "; so do those of " + std::string(network.name);
    if (best == nullptr || detection.share() > closest.share()) {
      best = &network;
      closest = detection;
    }
  }
  if (!closest.complete()) {
    throw Error(ErrorCode::mismatch,
                weights.file().path().string() +
                    " holds no network that this build knows; closest "
                    "was " +
                    std::string(best->name) + ", " + closest.to_string(),
                "networks of this build: " + names());
  }
  return finish(weights, *best, closest,
                "all " + std::to_string(closest.total) + " keys of its layout '" +
                    std::string(closest.layout->name) + "' exist" + others);
}

int64_t first_extent(const weights::Weights& weights, const std::string& key, int64_t otherwise) {
  const Shape shape = weights.shape_of(key);
  return shape.rank() > 0 && shape[0] > 0 ? shape[0] : otherwise;
}

std::vector<double> config_numbers(const weights::Weights& weights, const Network& network,
                                   const std::string& key, std::vector<double> otherwise) {
  const nlohmann::json found = config_value(weights, network, key);
  if (found.is_null()) return otherwise;
  const bool fits = found.is_array() && found.size() == otherwise.size() &&
                    std::ranges::all_of(found, [](const auto& n) { return n.is_number(); });
  if (fits) return found.get<std::vector<double>>();
  throw Error(ErrorCode::bad_file, weights.file().path().string() + ": `" + key +
                                       "` in the metadata `kintsugi.config` is not "
                                       "an array of " +
                                       std::to_string(otherwise.size()) + " numbers");
}

std::string config_text(const weights::Weights& weights, const Network& network,
                        const std::string& key) {
  const nlohmann::json found = config_value(weights, network, key);
  if (found.is_null()) return {};
  if (found.is_string()) return found.get<std::string>();
  if (found.is_number_integer()) return found.dump();
  throw Error(ErrorCode::bad_file,
              weights.file().path().string() + ": `" + key +
                  "` in the metadata `kintsugi.config` is neither a word nor a "
                  "number");
}

void with_metadata(const weights::Weights& weights, const std::function<void()>& take) {
  try {
    take();
  } catch (const Error& error) {
    throw Error(
        ErrorCode::bad_file,
        weights.file().path().string() + ": the metadata `kintsugi.config`: " + error.what(),
        error.hint());
  }
}

void require_pixels(const char* who, int64_t least, const Shape& input) {
  if (std::min(input.h(), input.w()) >= least) return;
  throw Error(ErrorCode::mismatch, std::string(who) + " needs a picture of at least " +
                                       std::to_string(least) + " pixels each way, not " +
                                       std::to_string(input.w()) + "x" + std::to_string(input.h()));
}

void check_config(const weights::Weights& weights, const Network& network,
                  const std::string& variant, const std::vector<double>& range) {
  const auto refuse = [&](const char* key, const std::string& stated, const std::string& found) {
    throw Error(ErrorCode::mismatch, weights.file().path().string() + ": the metadata says " + key +
                                         " " + stated + ", the keys are those of " + found);
  };
  const nlohmann::json stated = config_value(weights, network, "variant");
  if (!stated.is_null() && stated != variant) refuse("variant", stated.dump(), "'" + variant + "'");
  if (config_numbers(weights, network, "range", range) != range) {
    refuse("range", config_value(weights, network, "range").dump(),
           "'" + variant + "', whose range is " + nlohmann::json(range).dump());
  }
}

}  // namespace kintsugi::networks
