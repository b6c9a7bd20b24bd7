// SPDX-License-Identifier: MIT
//
// What `kintsugi verify` found, and its three faces: a table, JSON and JUnit.
#pragma once

#include <string>
#include <vector>

#include "compare.h"
#include "console.h"

namespace kintsugi::cli {

/// One run of the network against the reference.
struct VerifyRun {
  std::string title;
  std::vector<TensorComparison> rows;  // in the network's order, outputs last
  std::vector<std::string> missing;    // in the reference, not in this plan
  std::string failure;                 // the sentence of an error that stopped it

  [[nodiscard]] bool ok() const;
  /// The first row that diverges, or nullptr.
  [[nodiscard]] const TensorComparison* first_diverging() const;
};

struct Verdict {
  std::string model, network, device;
  double bound = 0;
  double seconds = 0;
  std::vector<VerifyRun> runs;
  bool ok = false;
  std::string first_diverging;  // name of a tap or an output
  std::string conclusion;       // one sentence
};

void print_verdict(const Verdict& verdict, Console& console);
[[nodiscard]] Json json_of(const Verdict& verdict);
[[nodiscard]] std::string junit_of(const Verdict& verdict);

}  // namespace kintsugi::cli
