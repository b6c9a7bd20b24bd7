// SPDX-License-Identifier: MIT
#include "runtime/networks/norms.h"

#include "runtime/graph/nn.h"

namespace kintsugi::networks {

const char* describe(Norm norm) {
  switch (norm) {
    case Norm::instance: return "instance norm";
    case Norm::affine: return "instance norm with weights";
    case Norm::batch: return "batch norm";
  }
  return "?";
}

StoredNorm stored_norm(const weights::Weights& weights, const weights::KeyMap& keys,
                       const std::string& module) {
  return {.weights = weights.has(keys.stored(module + ".weight")),
          .statistics = weights.has(keys.stored(module + ".running_mean"))};
}

Norm choose_norm(const StoredNorm& stored, Norm otherwise, const std::string& setting) {
  const auto refuse = [&](const char* valid) { refuse_setting("norm", setting, valid); };
  if (setting.empty() || setting == "auto") return otherwise;
  if (setting == "instance") return stored.weights ? Norm::affine : Norm::instance;
  if (setting != "stored") refuse("auto, stored or instance");
  if (!stored.weights) refuse("instance for this file: its norms store nothing");
  if (!stored.statistics) refuse("instance for this file: it has no statistics");
  return Norm::batch;
}

graph::Value norm(const Scope& m, graph::Value x, Norm norm) {
  switch (norm) {
    case Norm::instance: return nn::instance_norm(m, x, 1e-5, false);
    case Norm::affine: return nn::instance_norm(m, x, 1e-5, true);
    case Norm::batch: break;
  }
  return nn::batch_norm(m, x, 1e-5);
}

}  // namespace kintsugi::networks
