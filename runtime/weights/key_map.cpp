// SPDX-License-Identifier: MIT
#include "runtime/weights/key_map.h"

#include <array>

namespace kintsugi::weights {
namespace {

/// What wrappers put in front of a network's keys.
constexpr auto kWrappers =
    std::to_array<std::string_view>({"module.", "generator.", "netG.", "main.", "disc.", "netD."});

/// No prefix first, then one wrapper, then two.
std::vector<std::string> candidate_prefixes() {
  std::vector<std::string> prefixes = {""};
  for (const std::string_view outer : kWrappers) prefixes.emplace_back(outer);
  for (const std::string_view outer : kWrappers) {
    for (const std::string_view inner : kWrappers) {
      if (inner != outer) prefixes.push_back(std::string(outer).append(inner));
    }
  }
  return prefixes;
}

}  // namespace

std::string KeyMap::stored(std::string_view canonical_path) const {
  const ModuleName* best = nullptr;
  for (const ModuleName& module :
       layout_ != nullptr ? std::span(layout_->modules) : std::span<const ModuleName>{}) {
    const std::string_view name = module.canonical;
    const bool covers = canonical_path.starts_with(name) && (canonical_path.size() == name.size() ||
                                                             canonical_path[name.size()] == '.');
    if (covers && (best == nullptr || name.size() > best->canonical.size())) best = &module;
  }
  if (best == nullptr) return prefix_ + std::string(canonical_path);
  std::string_view rest = canonical_path.substr(best->canonical.size());
  if (best->stored.empty() && !rest.empty()) rest.remove_prefix(1);  // no level, no dot
  return (prefix_ + best->stored).append(rest);
}

std::string Detection::to_string() const {
  if (layout == nullptr) return "no layouts";
  std::string text = "layout '" + layout->name + "'";
  if (!prefix.empty()) text += " under '" + prefix + "'";
  text += ": " + std::to_string(matched) + " of " + std::to_string(total) + " keys";
  if (missing.empty()) return text;
  const size_t unnamed = total - matched - missing.size();
  text += ", missing ";
  for (size_t i = 0; i < missing.size(); ++i) {
    if (i > 0) text += unnamed == 0 && i + 1 == missing.size() ? " and " : ", ";
    text += quote_name(missing[i]);
  }
  if (unnamed > 0) text += " and " + std::to_string(unnamed) + " more";
  return text;
}

Detection detect(const Weights& weights, std::span<const KeyLayout> layouts) {
  Detection best;
  for (const KeyLayout& layout : layouts) {
    for (const std::string& prefix : candidate_prefixes()) {
      const KeyMap map(layout, prefix);
      Detection found;
      found.layout = &layout;
      found.prefix = prefix;
      found.total = layout.required.size();
      for (const std::string& canonical : layout.required) {
        std::string key = map.stored(canonical);
        if (weights.has(key)) {
          ++found.matched;
        } else if (found.missing.size() < Detection::kMissingNamed) {
          found.missing.push_back(std::move(key));
        }
      }
      if (found.complete()) return found;
      if (best.layout == nullptr || found.share() > best.share()) best = std::move(found);
    }
  }
  return best;
}

}  // namespace kintsugi::weights
