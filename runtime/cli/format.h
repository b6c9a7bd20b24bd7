// SPDX-License-Identifier: MIT
//
// Numbers as people read and write them, and a table of text. Nothing here knows a verb.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kintsugi::cli {

/// printf into a string.
[[nodiscard]] __attribute__((format(printf, 1, 2))) std::string text(const char* format, ...);

[[nodiscard]] std::string format_bytes(int64_t bytes);      // "93.1 MB", powers of 1000
[[nodiscard]] std::string format_seconds(double seconds);   // "1.24 s", "350 ms", "12.1 us"
[[nodiscard]] std::string format_left(double seconds);      // "12 s left", "3 min 5 s left"
[[nodiscard]] std::string format_flops(int64_t flops);      // "65.1 GFLOP"
[[nodiscard]] std::string format_count(int64_t count);      // "6,072,131"
[[nodiscard]] std::string format_percent(double fraction);  // "91.2", "-" where it is not known
[[nodiscard]] std::string plural(int64_t count, const std::string& noun);  // "1 tap", "2 taps"

/// "2G", "512MB", "1048576": powers of 1000, as format_bytes writes them; "1.5GiB": of 1024. Throws
/// Error::usage naming `option`.
[[nodiscard]] int64_t parse_bytes(const std::string& value, const std::string& option);

/// Columns as wide as their widest cell; a title that starts with '>' is aligned to the right. A
/// cell stays on its line, whatever it holds.
class Table {
 public:
  explicit Table(std::vector<std::string> titles);
  void row(std::vector<std::string> cells);
  [[nodiscard]] std::string print(std::string_view indent = "  ") const;
  /// The same, line by line without ends, the titles first.
  [[nodiscard]] std::vector<std::string> lines(std::string_view indent = "  ") const;

 private:
  std::vector<bool> right_;
  std::vector<std::vector<std::string>> rows_;  // the titles first
};

}  // namespace kintsugi::cli
