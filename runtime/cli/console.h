// SPDX-License-Identifier: MIT
//
// Console is the program's mouth: results go to standard output, everything else to standard error.
// It is not a logging library: four levels, no time stamps, no files. main() owns the one there is
// and hands it to the verbs; a write that fails is an Error, so that a full disk is never silent.
//
// Lines may come from any thread, one at a time; a bar that stands on the terminal gives way to them.
//
// Text is shown as printable.h spells it: whatever a file of weights has in it, the only escape
// sequences that reach a terminal are those written here. JSON and pictures go out as they are.
#pragma once

#include <chrono>
#include <cstddef>
#include <mutex>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>

#include <kintsugi/kintsugi.hpp>

namespace kintsugi::cli {

using Json = nlohmann::ordered_json;

enum class Level { error, warning, info, debug };
enum class Colour { plain, red, green, yellow, bold };

/// JSON as it is printed, and as files have it: indented, with a newline at its end.
[[nodiscard]] std::string to_text(const Json& value);

class Console {
 public:
  /// Reads KINTSUGI_LOG_LEVEL and NO_COLOR; throws Error::usage on a level that does not exist.
  void read_environment();

  void set_level(Level level) { level_ = level; }
  void set_json(bool json) { json_ = json; }
  [[nodiscard]] bool json() const { return json_; }
  [[nodiscard]] bool shows(Level level) const { return level <= level_; }

  // Standard output.
  void print(std::string_view text);
  /// In a colour where standard output is a terminal that wants colours.
  void print(Colour colour, std::string_view text);
  /// As they are: a picture.
  void print_bytes(std::span<const std::byte> bytes);
  void print_json(const Json& value);
  /// Everything printed has arrived; throws Error::io where it has not.
  void flush();

  // Standard error, a line each: newlines inside are spelled out.
  void warn(const std::string& sentence);
  void info(const std::string& sentence);
  void debug(const std::string& sentence);
  void error(const std::string& sentence, const std::string& hint);

  /// A bar that redraws itself makes sense: a terminal, and not asked to be quiet.
  [[nodiscard]] bool draws_progress() const;
  /// Puts a line in the place of the one that was put last, until something else is said.
  void draw(const std::string& line);
  void erase();

 private:
  void write(std::string_view text);
  void erase_drawn();
  void line(Colour colour, std::string_view head, std::string_view text);

  Level level_ = Level::info;
  bool json_ = false;
  bool colours_ = true;
  std::mutex mutex_;    // of the two streams
  bool drawn_ = false;  // a line of draw() stands there
};

/// One line on a terminal that grows while a network runs, with the time left once it can be told, and is
/// gone when it ends.
class ProgressBar {
 public:
  explicit ProgressBar(Console& console) : console_(console), draws_(console.draws_progress()) {}
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;
  ~ProgressBar() { clear(); }

  void update(double fraction, const std::string& step);
  void clear() { console_.erase(); }

  /// What a session calls between steps: draws, and stops the run after an interrupt.
  [[nodiscard]] Progress callback();

 private:
  Console& console_;
  bool draws_;
  std::chrono::steady_clock::time_point last_{}, begun_{};
  double begun_at_ = 0, done_ = 0;  // fractions: at `begun_`, and now
};

}  // namespace kintsugi::cli
