// SPDX-License-Identifier: MIT
//
// What a file can mean by the norm at one place, and what a person may choose where it can mean two
// things: networks whose ports differ in this share it.
#pragma once

#include <string>

#include "runtime/graph/scope.h"
#include "runtime/networks/network.h"

namespace kintsugi::networks {

/// Which numbers a norm divides by.
enum class Norm : uint8_t {
  instance,  // the picture's own
  affine,    // the picture's own, then the file's weight and bias
  batch,     // the file's statistics, then its weight and bias
};
[[nodiscard]] const char* describe(Norm norm);

/// What is stored there. Statistics beside a norm without a weight are left over from training and
/// never used.
struct StoredNorm {
  bool weights = false;
  bool statistics = false;
  /// What it is for PyTorch, whose keys tell.
  [[nodiscard]] Norm norm() const {
    return !weights ? Norm::instance : statistics ? Norm::batch : Norm::affine;
  }
};
[[nodiscard]] StoredNorm stored_norm(const weights::Weights& weights, const weights::KeyMap& keys,
                                     const std::string& module);

/// `otherwise` where `setting` is empty or "auto"; else what "stored" or "instance" make of the file.
/// Throws Error::usage for another word, and for what the file does not hold.
[[nodiscard]] Norm choose_norm(const StoredNorm& stored, Norm otherwise,
                               const std::string& setting);
/// Lets people choose it: `Config` has the members `stored` and `norm`.
template <class Config>
void add_norm_setting(SettingList<Config>& list) {
  list.add({"norm", "auto, stored or instance",
            "whether norms take the file's statistics or the picture's"},
           [](Config& config, const std::string& value) {
             config.norm = choose_norm(config.stored, config.norm, value);
           });
}

/// Records it, eps 1e-5.
[[nodiscard]] graph::Value norm(const Scope& m, graph::Value x, Norm norm);

}  // namespace kintsugi::networks
