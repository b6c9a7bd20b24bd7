// SPDX-License-Identifier: MIT
//
// Error is the one exception type of the project: a code for programs, a sentence for people and,
// where there is one, a hint that says what to do. It is thrown by every layer, caught by the
// embedder, and turned into an exit code by the program. It is not used for control flow.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

namespace kintsugi {

enum class ErrorCode {
  usage,               ///< an argument, option or setting that cannot be meant
  bad_file,            ///< a file that is truncated, malformed or of another kind
  mismatch,            ///< weights, shapes or sizes that do not fit together
  unsupported,         ///< legal, but not built here: an op, dtype or size
  io,                  ///< the operating system refused to read or write
  out_of_memory,       ///< the plan does not fit what is allowed or available
  device_unavailable,  ///< the device asked for is not in this build or machine
  not_finite,          ///< a NaN or an infinity where a number belongs
  cancelled,           ///< a progress callback asked to stop
  internal,            ///< a broken invariant of ours: please report it
};

// Visible by name, so that it is caught by its type across shared objects.
class [[gnu::visibility("default")]] Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& sentence, std::string hint = {})
      : std::runtime_error(sentence), code_(code), hint_(std::move(hint)) {}

  [[nodiscard]] ErrorCode code() const noexcept { return code_; }
  /// What the user can do about it; may be empty.
  [[nodiscard]] const std::string& hint() const noexcept { return hint_; }

 private:
  ErrorCode code_;
  std::string hint_;
};

}  // namespace kintsugi
