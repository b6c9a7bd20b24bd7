// SPDX-License-Identifier: MIT
//
// Settings of a network: one declaration parses a word, describes it to people and refuses others.
#pragma once

#include <algorithm>
#include <charconv>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kintsugi/kintsugi.hpp"

namespace kintsugi::program {

/// Throws Error::usage: "the setting blocks=x is not known", and what is valid.
[[noreturn]] inline void refuse_setting(const std::string& name, const std::string& value,
                                        const std::string& valid) {
  throw Error(ErrorCode::usage, "the setting " + name + "=" + value + " is not known",
              name + " is " + valid);
}

/// Throws Error::usage where `given` holds a key that is not among `known`, listing those.
void check_settings(const Settings& given, std::span<const Port> known);

/// The settings of a network whose files are told apart by a Config.
template <class Config>
class SettingList {
 public:
  /// Puts a value into the config; throws by refuse_setting where it means nothing.
  using Take = std::function<void(Config& config, const std::string& value)>;

  SettingList& add(Port described, Take take) {
    described_.push_back(std::move(described));
    takes_.push_back(std::move(take));
    return *this;
  }
  /// A whole number from `least` to `most`.
  SettingList& add_number(const std::string& name, int64_t least, int64_t most,
                          const std::string& meaning,
                          std::function<void(Config& config, int64_t value)> take) {
    const auto ends = [&](const char* word) {
      return std::to_string(least) + word + std::to_string(most);
    };
    return add({name, ends(" to "), meaning},
               [=, valid = "a number from " + ends(" to "), take = std::move(take)](
                   Config& config, const std::string& text) {
                 int64_t value = 0;
                 const char* last = text.data() + text.size();
                 const auto [end, error] = std::from_chars(text.data(), last, value);
                 if (error != std::errc() || end != last || value < least || value > most) {
                   refuse_setting(name, text, valid);
                 }
                 take(config, value);
               });
  }

  [[nodiscard]] const std::vector<Port>& described() const { return described_; }

  /// `config` as settings change it.
  [[nodiscard]] Config applied(Config config, const Settings& given) const {
    check_settings(given, described_);
    for (size_t i = 0; i < takes_.size(); ++i) {
      if (const auto at = given.find(described_[i].name); at != given.end()) {
        takes_[i](config, at->second);
      }
    }
    return config;
  }

 private:
  std::vector<Port> described_;
  std::vector<Take> takes_;
};

}  // namespace kintsugi::program
