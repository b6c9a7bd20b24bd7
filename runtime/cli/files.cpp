// SPDX-License-Identifier: MIT
#include "files.h"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <span>
#include <system_error>

#include <kintsugi/io.hpp>
#include <kintsugi/kintsugi.hpp>

namespace kintsugi::cli {
namespace {

namespace fs = std::filesystem;

std::string quoted(const fs::path& path) { return "'" + path.string() + "'"; }

[[noreturn]] void cannot_write(const fs::path& path, int error, std::string hint = {}) {
  throw Error(ErrorCode::io,
              "cannot write " + quoted(path) + ": " + std::generic_category().message(error),
              std::move(hint));
}

bool same_file(const fs::path& a, const fs::path& b) {
  std::error_code ignored;
  if (fs::equivalent(a, b, ignored)) return true;
  // Neither need exist: two outputs of one command.
  const fs::path left = fs::weakly_canonical(a, ignored);
  const fs::path right = fs::weakly_canonical(b, ignored);
  return !left.empty() && left == right;
}

}  // namespace

bool is_stream(const fs::path& path) { return path == "-"; }

void check_input(const fs::path& path) {
  if (is_stream(path)) return;
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (fs::is_directory(status)) {
    throw Error(ErrorCode::usage, quoted(path) + " is a folder; a file is needed here");
  }
  if (!fs::exists(status)) {
    const int reason = error ? error.value() : ENOENT;
    throw Error(ErrorCode::io,
                "cannot read " + quoted(path) + ": " + std::generic_category().message(reason));
  }
}

void check_output(const fs::path& path, const std::vector<fs::path>& inputs) {
  if (is_stream(path)) return;
  if (path.empty()) throw Error(ErrorCode::usage, "the name of the output is empty");
  for (const fs::path& input : inputs) {
    if (input.empty() || is_stream(input) || !same_file(path, input)) continue;
    throw Error(ErrorCode::usage,
                "the output " + quoted(path) + " is the same file as " + quoted(input),
                "nothing is ever overwritten that is also read or written; choose another name");
  }
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) {
    throw Error(ErrorCode::usage, "the output " + quoted(path) + " is a folder",
                "give the name of a file");
  }
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  if (!fs::exists(folder, ignored)) cannot_write(path, ENOENT, "create the folder first");
  if (!fs::is_directory(folder, ignored)) cannot_write(path, ENOTDIR);
  const bool exists = fs::exists(path, ignored);
  if (ignored) cannot_write(path, ignored.value());  // too long a name, links in a loop
  // Something that is not an ordinary file is written in place, beside nothing.
  const bool beside = !exists || fs::is_regular_file(path, ignored);
  if (beside && ::access(folder.c_str(), W_OK | X_OK) != 0) {
    cannot_write(path, errno, "choose a folder that you may write to");
  }
  if (exists && ::access(path.c_str(), W_OK) != 0) cannot_write(path, errno);
}

void check_outputs(const std::filesystem::path& output, const std::filesystem::path& side_by_side,
                   const std::vector<std::filesystem::path>& inputs, bool json, bool needs_output) {
  if (is_stream(output) && json) {
    throw Error(ErrorCode::usage, "the picture and the JSON cannot both go to standard output",
                "give a file to -o, or leave --json out");
  }
  if (needs_output || !output.empty()) check_output(output, inputs);
  if (side_by_side.empty()) return;
  if (is_stream(side_by_side)) {
    throw Error(ErrorCode::usage, "--side-by-side needs the name of a file");
  }
  std::vector<std::filesystem::path> taken = inputs;
  taken.push_back(output);
  check_output(side_by_side, taken);
}

void write_text(const fs::path& path, const std::string& text) {
  write_file(path, std::as_bytes(std::span(text.data(), text.size())));
}

int64_t process_peak_bytes() {
  // Not getrusage: its maximum includes what the parent held before this program was started.
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::strtoll(line.c_str() + 6, nullptr, 10) * 1024;
  }
  return 0;
}

}  // namespace kintsugi::cli
