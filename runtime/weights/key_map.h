// SPDX-License-Identifier: MIT
//
// KeyMap translates between the canonical names a network is written with ("conv1.weight") and
// those of the port that trained the weights ("0.weight"). It is not a converter: files keep their
// keys. Layouts are read from the networks' keys.txt (key_layouts.h) and must outlive every map; a map
// copies only the prefix. Called by the networks (detect), the recording scope (stored) and taps (module).
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/weights/weights.h"

namespace kintsugi::weights {

struct ModuleName {
  std::string canonical;  // "conv1"; may be nested: "encoder.conv1"
  std::string stored;     // "0"; empty when the port has no such level
};

/// How one port names its modules. What the table does not mention keeps its canonical name.
struct KeyLayout {
  std::string name;    // "flat"
  std::string source;  // which port, for people: "the official file, converted"
  std::vector<ModuleName> modules;
  std::vector<std::string> required;  // canonical keys that every file of this layout has
};

class KeyMap {
 public:
  /// Every name stays as it is.
  KeyMap() = default;
  explicit KeyMap(const KeyLayout& layout, std::string prefix = {})
      : layout_(&layout), prefix_(std::move(prefix)) {}

  /// "conv1.weight" -> "generator.0.weight". The longest table entry that is the path or a parent
  /// of it decides.
  [[nodiscard]] std::string stored(std::string_view canonical_path) const;
  /// "relu1" -> "generator.2": a module's path in the checkpoint's own layout, as taps are named.
  [[nodiscard]] std::string module(std::string_view canonical_module) const {
    return stored(canonical_module);
  }

  [[nodiscard]] const KeyLayout* layout() const { return layout_; }  // null: the identity
  [[nodiscard]] const std::string& prefix() const { return prefix_; }

 private:
  const KeyLayout* layout_ = nullptr;
  std::string prefix_;
};

/// What detect() found: a layout whose keys all exist, or the closest one.
struct Detection {
  const KeyLayout* layout = nullptr;  // null only when no layouts were given
  std::string prefix;
  size_t matched = 0;
  size_t total = 0;
  std::vector<std::string> missing;  // stored names, the first kMissingNamed of them

  static constexpr size_t kMissingNamed = 3;

  [[nodiscard]] bool complete() const { return total > 0 && matched == total; }
  /// How much of it is there, 0 to 1: what tells which of several is closest.
  [[nodiscard]] double share() const {
    return total == 0 ? 0.0 : static_cast<double>(matched) / static_cast<double>(total);
  }
  [[nodiscard]] KeyMap map() const {
    return layout != nullptr ? KeyMap(*layout, prefix) : KeyMap();
  }
  /// "layout 'flat': 30 of 34 keys, missing '0.weight', '1.bias' and 2 more"
  [[nodiscard]] std::string to_string() const;
};

/// Tries every layout under no prefix and under those that wrappers add (`module.`, `generator.`,
/// `netG.`, `main.`, `disc.`, `netD.`, also two of them nested). The first layout wins whose required
/// keys all exist, else the one with the largest share of them; marks no key as used.
[[nodiscard]] Detection detect(const Weights& weights, std::span<const KeyLayout> layouts);

}  // namespace kintsugi::weights
