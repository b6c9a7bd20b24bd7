// SPDX-License-Identifier: MIT
//
// Network is what a network registers: how its files are recognised, and the program that a file is. A
// network is a folder with net.cpp (the module), keys.txt (its ports' key layouts), ports.cpp (what
// differs between files) and task.cpp (what happens before and after); the registry holds one line for
// each. Networks are plain functions on plain values: the session calls them, they call nobody back but
// through the Runner they are handed.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "runtime/program/program.h"
#include "runtime/program/settings.h"

namespace kintsugi::networks {

using namespace program;  // what networks are written with

struct Network {
  std::string_view name;
  std::string_view paper;
  /// How well the file fits: complete() means it can be opened.
  weights::Detection (*detect)(const weights::Weights&);
  Program (*open)(const weights::Weights&, const weights::Detection&);
};

/// Every network of this build.
[[nodiscard]] std::span<const Network> registry();

/// Recognises a file by its metadata or its keys; `name` skips the search. A refusal says what came
/// closest and which keys are missing.
[[nodiscard]] Program open(const weights::Weights& weights, const std::string& name);

/// The first extent of a tensor, or `otherwise` for a shape that the recording is to explain: it
/// states the whole of it.
[[nodiscard]] int64_t first_extent(const weights::Weights& weights, const std::string& key,
                                   int64_t otherwise);

/// The numbers of an array in the file's `kintsugi.config`, or `otherwise` when it is not there, or
/// is about another network of the same file.
[[nodiscard]] std::vector<double> config_numbers(const weights::Weights& weights,
                                                 const Network& network, const std::string& key,
                                                 std::vector<double> otherwise);

/// A word or a number of the file's `kintsugi.config` as text; empty when it is not there, or is about
/// another network of the same file.
[[nodiscard]] std::string config_text(const weights::Weights& weights, const Network& network,
                                      const std::string& key);

/// Calls `take`, which takes settings that the file's metadata state; what it throws is the file's fault:
/// Error::bad_file, naming it.
void with_metadata(const weights::Weights& weights, const std::function<void()>& take);

/// Throws Error::mismatch, in pixels, for a picture [N, C, H, W] with a side below `least`; `who` needs
/// more.
void require_pixels(const char* who, int64_t least, const Shape& input);

/// Throws Error::mismatch when the file's `kintsugi.config` names another variant or range of values
/// than its keys do; what it leaves out is not missed.
void check_config(const weights::Weights& weights, const Network& network,
                  const std::string& variant, const std::vector<double>& range);

}  // namespace kintsugi::networks
