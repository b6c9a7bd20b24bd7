// SPDX-License-Identifier: MIT
//
// What the program checks about paths before it computes for a minute, and the text files that it
// leaves behind. Tensors and pictures are written by the library.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace kintsugi::cli {

/// "-" is standard input or output.
[[nodiscard]] bool is_stream(const std::filesystem::path& path);

/// A file that will be read: throws Error::io where there is none, Error::usage where it is a
/// folder.
void check_input(const std::filesystem::path& path);

/// A file that will be written: throws Error::usage where it is one of `inputs`, by whatever name,
/// and Error::io where it cannot be created.
void check_output(const std::filesystem::path& path,
                  const std::vector<std::filesystem::path>& inputs);

/// What one picture's result is written to, and beside it; `json` goes to standard output. Throws as
/// check_output does, and Error::usage where two would go to one place. Unless `needs_output`, an empty
/// output is none.
void check_outputs(const std::filesystem::path& output, const std::filesystem::path& side_by_side,
                   const std::vector<std::filesystem::path>& inputs, bool json,
                   bool needs_output = true);

/// Whole or not there, as everything that the library writes.
void write_text(const std::filesystem::path& path, const std::string& text);

/// The most memory this process has held so far; 0 where the system does not say.
[[nodiscard]] int64_t process_peak_bytes();

}  // namespace kintsugi::cli
