// SPDX-License-Identifier: MIT
#include "console.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <system_error>

#include "format.h"
#include "interrupt.h"
#include "printable.h"

namespace kintsugi::cli {
namespace {

constexpr const char* kPlain = "\033[0m";
constexpr int kBarWidth = 30;
constexpr auto kRedraw = std::chrono::milliseconds(80);
constexpr double kToldAfter = 1;  // seconds; before, the time left would be a guess

const char* code_of(Colour colour) {
  switch (colour) {
    case Colour::red: return "\033[31m";
    case Colour::green: return "\033[32m";
    case Colour::yellow: return "\033[33m";
    case Colour::bold: return "\033[1m";
    case Colour::plain: break;
  }
  return "";
}

[[noreturn]] void stdout_failed(int error) {
  throw Error(ErrorCode::io,
              "cannot write to standard output: " + std::generic_category().message(error));
}

}  // namespace

std::string to_text(const Json& value) {
  // File names need not be UTF-8; JSON must be.
  return value.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

void Console::read_environment() {
  const char* no_color = std::getenv("NO_COLOR");
  if (no_color != nullptr && *no_color != '\0') colours_ = false;
  const char* level = std::getenv("KINTSUGI_LOG_LEVEL");
  if (level == nullptr || *level == '\0') return;
  const std::string name = level;
  if (name == "error")
    level_ = Level::error;
  else if (name == "warning")
    level_ = Level::warning;
  else if (name == "info")
    level_ = Level::info;
  else if (name == "debug")
    level_ = Level::debug;
  else {
    throw Error(ErrorCode::usage, "KINTSUGI_LOG_LEVEL is '" + name + "', which is not a level",
                "the levels are error, warning, info and debug");
  }
}

/// To standard output, as it is.
void Console::write(std::string_view text) {
  const std::lock_guard lock(mutex_);
  erase_drawn();
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) stdout_failed(errno);
}

void Console::print(std::string_view text) { write(printable(text)); }

void Console::print(Colour colour, std::string_view text) {
  const bool paints = colours_ && colour != Colour::plain && ::isatty(STDOUT_FILENO) == 1;
  write(paints ? code_of(colour) + printable(text) + kPlain : printable(text));
}

void Console::print_bytes(std::span<const std::byte> bytes) {
  write(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

void Console::print_json(const Json& value) { write(to_text(value)); }

void Console::flush() {
  if (std::fflush(stdout) != 0) stdout_failed(errno);
}

void Console::line(Colour colour, std::string_view head, std::string_view text) {
  std::string out(head);
  const bool paints = colours_ && colour != Colour::plain && ::isatty(STDERR_FILENO) == 1;
  if (paints) out = code_of(colour) + out + kPlain;
  out += one_line(text) + "\n";
  const std::lock_guard lock(mutex_);
  erase_drawn();
  std::fwrite(out.data(), 1, out.size(), stderr);  // nowhere is left to complain to
}

void Console::warn(const std::string& sentence) {
  if (shows(Level::warning)) line(Colour::yellow, "warning: ", sentence);
}

void Console::info(const std::string& sentence) {
  if (shows(Level::info)) line(Colour::plain, "", sentence);
}

void Console::debug(const std::string& sentence) {
  if (shows(Level::debug)) line(Colour::plain, "", sentence);
}

void Console::error(const std::string& sentence, const std::string& hint) {
  line(Colour::red, "kintsugi: ", sentence);
  if (!hint.empty()) line(Colour::bold, "hint: ", hint);
}

bool Console::draws_progress() const { return shows(Level::info) && ::isatty(STDERR_FILENO) == 1; }

void Console::draw(const std::string& line) {
  const std::lock_guard lock(mutex_);
  // The end of a line that was longer is erased, not overwritten.
  std::fprintf(stderr, "\r%s\033[K", line.c_str());
  std::fflush(stderr);
  drawn_ = true;
}

void Console::erase() {
  const std::lock_guard lock(mutex_);
  erase_drawn();
}

void Console::erase_drawn() {
  if (!drawn_) return;
  std::fputs("\r\033[K", stderr);
  std::fflush(stderr);
  drawn_ = false;
}

void ProgressBar::update(double fraction, const std::string& step) {
  if (!draws_) return;
  const auto now = std::chrono::steady_clock::now();
  const double done = std::clamp(fraction, 0.0, 1.0);
  // Another run of the same bar begins anew.
  if (last_ == std::chrono::steady_clock::time_point{} || done < done_) {
    begun_ = now;
    begun_at_ = done;
  }
  done_ = done;
  if (now - last_ < kRedraw) return;
  last_ = now;
  const double elapsed = std::chrono::duration<double>(now - begun_).count();
  std::string left;
  if (elapsed >= kToldAfter && done > begun_at_) {
    left = format_left(elapsed * (1 - done) / (done - begun_at_)) + "  ";
  }
  const auto full = static_cast<size_t>(done * kBarWidth);
  const std::string bar = std::string(full, '#') + std::string(kBarWidth - full, '.');
  console_.draw(text("[%s] %3.0f %%  %s%.40s", bar.c_str(), done * 100, left.c_str(),
                     one_line(step).c_str()));
}

Progress ProgressBar::callback() {
  return [this](double fraction, const std::string& step) {
    update(fraction, step);
    return !interrupted();
  };
}

}  // namespace kintsugi::cli
