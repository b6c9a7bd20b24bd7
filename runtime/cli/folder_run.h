// SPDX-License-Identifier: MIT
//
// Folder in, folder out, for every verb: takes the pictures of a folder through the verb's three
// stages (batch.h), draws the bar over them, reports each that fails, and leaves a manifest that
// lists every one that is done. What a verb does with a picture is its own; so are the names, which
// were checked before (folder.h).
#pragma once

#include <array>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <kintsugi/kintsugi.hpp>

#include "console.h"

namespace kintsugi::cli {

/// Where a picture comes from and goes to.
struct FolderFile {
  std::filesystem::path input, output;
};

/// What a verb does with picture number i; see batch.h for the threads. What they throw is that
/// picture's alone, but for mistakes in the command and a device that is gone, which `run` finds.
struct FolderWork {
  std::string done;  // "mended"
  std::function<void(size_t i)> read, run, write;
  /// What the manifest says of it beside files, status and seconds. Nothing of the picture is needed
  /// after it, however far it came.
  std::function<Json(size_t i)> finish;
  /// What the manifest's totals say beside counts and seconds.
  std::function<Json()> totals;
};

class FolderRun {
 public:
  /// The manifest is written when the run ends, after an interrupt too.
  FolderRun(std::vector<FolderFile> files, int64_t skipped, std::filesystem::path manifest,
            Console& console);

  /// What a session calls between steps: draws the bar, and stops the run after an interrupt.
  [[nodiscard]] Progress progress();

  /// The exit code: kOk, or kSomeFailed. Throws Error::cancelled after an interrupt, and what else
  /// ended it early. `head` opens the manifest: what was asked for, and with what.
  int run(const FolderWork& work, const Json& head);

 private:
  void take(size_t i, const FolderWork& work, const std::exception_ptr& error);
  [[nodiscard]] Json manifest(const FolderWork& work, Json head, double seconds,
                              bool interrupted) const;
  [[nodiscard]] std::string summary(const FolderWork& work, double seconds) const;
  void draw(double fraction);

  std::vector<FolderFile> files_;
  int64_t skipped_ = 0;
  std::filesystem::path manifest_;
  Console& console_;
  ProgressBar bar_;
  size_t current_ = 0;                          // what is run now
  std::vector<std::array<double, 3>> seconds_;  // of each picture: read, run, write
  Json records_ = Json::array();                // of those that are done, in order
  int64_t failed_ = 0;
};

}  // namespace kintsugi::cli
