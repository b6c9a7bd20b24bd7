// SPDX-License-Identifier: MIT
#include "kernels/contract/fields.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <optional>
#include <sstream>
#include <utility>

namespace kintsugi {
namespace {

std::string joined(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  return list;
}

std::string names_of_functions() {
  std::vector<std::string> names;
  for (const Function function : kFunctions) names.emplace_back(to_string(function));
  return joined(names);
}

[[noreturn]] void refuse(const std::string& key, const std::string& text,
                         const std::string& names) {
  throw Error(ErrorCode::usage, "the setting " + key + "=" + text + " is not known",
              key + " is one of: " + names);
}

}  // namespace

std::string Fields::take(const std::string& key) {
  known_.push_back(key);
  const auto at = left_.find(key);
  if (at == left_.end()) return {};
  std::string value = at->second;
  left_.erase(at);
  return value;
}

int64_t Fields::integer(const std::string& key, int64_t otherwise) {
  const std::string text = take(key);
  if (text.empty()) return otherwise;
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    throw Error(ErrorCode::usage, "the setting " + key + "=" + text + " is not an integer");
  }
  return value;
}

size_t Fields::choice(const std::string& key, std::initializer_list<const char*> names) {
  const std::string text = take(key);
  if (text.empty()) return 0;
  size_t index = 0;
  for (const char* name : names) {
    if (text == name) return index;
    ++index;
  }
  refuse(key, text, joined({names.begin(), names.end()}));
}

Function Fields::function(const std::string& key) {
  const std::string text = take(key);
  if (text.empty()) return Function::identity;
  const std::optional<Function> function = function_named(text);
  if (!function) refuse(key, text, names_of_functions());
  return *function;
}

Steps Fields::steps(const std::string& key) {
  constexpr std::pair<const char*, Step> kSteps[] = {
      {"add", step::add(Extent::tensor)},
      {"mul", step::mul(Extent::pixel)},
      {"affine", step::affine(Extent::channel)},
      {"norm", step::affine(Extent::sample_channel)},
      {"prelu", step::prelu(Extent::channel)},
      {"gate", step::gate(Function::identity, Function::sigmoid)}};
  Steps steps;
  std::istringstream names(take(key));
  for (std::string name; std::getline(names, name, ',');) {
    const std::optional<Function> function = function_named(name);
    const auto step = std::ranges::find(kSteps, name, &std::pair<const char*, Step>::first);
    if (function) {
      steps.append(step::activate(*function, kLayerSlope));
    } else if (step != std::end(kSteps)) {
      steps.append(step->second);
    } else {
      refuse(key, name, "add, mul, affine, norm, prelu, gate, " + names_of_functions());
    }
  }
  return steps;
}

PaddingMode Fields::padding_mode() {
  return choice("mode", {"zero", "reflect"}) == 0 ? PaddingMode::zero : PaddingMode::reflect;
}

void Fields::finish() const {
  if (left_.empty()) return;
  throw Error(ErrorCode::usage, "unknown setting '" + left_.begin()->first + "'",
              "settings of this op: " + joined(known_));
}

}  // namespace kintsugi
