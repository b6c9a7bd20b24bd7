// SPDX-License-Identifier: MIT
#include "format.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <limits>

#include <kintsugi/kintsugi.hpp>

#include "printable.h"

namespace kintsugi::cli {
namespace {

/// Columns on a screen: a character of UTF-8 is one, however many bytes it has.
size_t width_of(const std::string& cell) {
  return static_cast<size_t>(std::count_if(cell.begin(), cell.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

}  // namespace

std::string text(const char* format, ...) {
  va_list arguments, again;
  va_start(arguments, format);
  va_copy(again, arguments);
  const int length = std::vsnprintf(nullptr, 0, format, arguments);
  va_end(arguments);
  std::string out(static_cast<size_t>(std::max(length, 0)), '\0');
  std::vsnprintf(out.data(), out.size() + 1, format, again);
  va_end(again);
  return out;
}

std::string format_bytes(int64_t bytes) {
  constexpr std::array<const char*, 4> kUnits = {"kB", "MB", "GB", "TB"};
  if (bytes < 1000) return text("%lld B", static_cast<long long>(bytes));
  double value = static_cast<double>(bytes) / 1000;
  size_t unit = 0;
  // What would be rounded to 1000.0 is written in the next unit.
  while (value >= 999.95 && unit + 1 < kUnits.size()) {
    value /= 1000;
    ++unit;
  }
  return text("%.1f %s", value, kUnits[unit]);
}

std::string format_seconds(double seconds) {
  if (seconds >= 1) return text("%.2f s", seconds);
  if (seconds >= 1e-3) return text("%.1f ms", seconds * 1e3);
  return text("%.1f us", seconds * 1e6);
}

std::string format_left(double seconds) {
  const auto whole = static_cast<int64_t>(std::ceil(seconds));
  const auto part = [](int64_t count, const char* unit) {
    return std::to_string(count) + " " + unit + " ";
  };
  const int64_t minutes = whole / 60, hours = minutes / 60;
  if (hours > 0) return part(hours, "h") + part(minutes % 60, "min") + "left";
  return (minutes > 0 ? part(minutes, "min") : "") + part(whole % 60, "s") + "left";
}

std::string format_flops(int64_t flops) {
  const auto value = static_cast<double>(flops);
  if (value >= 1e12) return text("%.2f TFLOP", value / 1e12);
  if (value >= 1e9) return text("%.2f GFLOP", value / 1e9);
  return text("%.2f MFLOP", value / 1e6);
}

std::string format_count(int64_t count) {
  std::string digits = std::to_string(count);
  for (auto at = static_cast<int64_t>(digits.size()) - 3; at > (count < 0 ? 1 : 0); at -= 3) {
    digits.insert(static_cast<size_t>(at), ",");
  }
  return digits;
}

std::string format_percent(double fraction) {
  return std::isfinite(fraction) && fraction > 0 ? text("%.1f", fraction * 100) : "-";
}

std::string plural(int64_t count, const std::string& noun) {
  return format_count(count) + " " + noun + (count == 1 ? "" : "s");
}

int64_t parse_bytes(const std::string& value, const std::string& option) {
  char* end = nullptr;
  // A picture of a number that strtod would also take ("nan", "0x10", "-1") is not meant here.
  const bool digit = !value.empty() && value[0] >= '0' && value[0] <= '9';
  const double number = digit ? std::strtod(value.c_str(), &end) : -1;
  double scale = -1;
  if (digit && value.find('x') == std::string::npos) {
    std::string unit = end;
    double step = 1000;
    for (const std::string_view suffix : {"iB", "B", "b"}) {
      if (!unit.ends_with(suffix)) continue;
      if (suffix == "iB") step = 1024;
      unit.resize(unit.size() - suffix.size());
      break;
    }
    if (unit.empty()) scale = 1;
    if (unit == "K" || unit == "k") scale = step;
    if (unit == "M" || unit == "m") scale = step * step;
    if (unit == "G" || unit == "g") scale = step * step * step;
    if (unit == "T" || unit == "t") scale = step * step * step * step;
  }
  const double bytes = number * scale;
  if (scale < 0 || bytes >= static_cast<double>(std::numeric_limits<int64_t>::max())) {
    throw Error(ErrorCode::usage, option + ": '" + value + "' is not an amount of memory",
                "write bytes, or a number with K, M, G or T: " + option + " 2G");
  }
  return static_cast<int64_t>(bytes);
}

Table::Table(std::vector<std::string> titles) {
  for (std::string& title : titles) {
    right_.push_back(title.starts_with('>'));
    if (right_.back()) title.erase(0, 1);
  }
  rows_.push_back(std::move(titles));
}

void Table::row(std::vector<std::string> cells) {
  cells.resize(right_.size());
  for (std::string& cell : cells) cell = one_line(cell);
  rows_.push_back(std::move(cells));
}

std::vector<std::string> Table::lines(std::string_view indent) const {
  std::vector<size_t> widths(right_.size(), 0);
  for (const auto& row : rows_) {
    for (size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], width_of(row[c]));
  }
  std::vector<std::string> lines;
  for (const auto& row : rows_) {
    std::string& line = lines.emplace_back(indent);
    for (size_t c = 0; c < row.size(); ++c) {
      const std::string gap(widths[c] - width_of(row[c]), ' ');
      line += (c == 0 ? "" : "  ") + (right_[c] ? gap + row[c] : row[c] + gap);
    }
    line.erase(line.find_last_not_of(' ') + 1);
  }
  return lines;
}

std::string Table::print(std::string_view indent) const {
  std::string out;
  for (const std::string& line : lines(indent)) out += line + "\n";
  return out;
}

}  // namespace kintsugi::cli
