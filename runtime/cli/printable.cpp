// SPDX-License-Identifier: MIT
#include "printable.h"

#include <cstddef>
#include <cstdint>

#include "format.h"

namespace kintsugi::cli {
namespace {

struct Character {
  uint32_t code = 0;
  size_t bytes = 0;  // 0: not UTF-8
};

/// The first character of `text`, which is not empty. Overlong forms, halves of surrogate pairs and
/// what lies beyond Unicode are not UTF-8.
Character decode(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<uint8_t>(text[i])); };
  const uint32_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const size_t bytes = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < bytes) return {};
  uint32_t code = lead & (0x7Fu >> bytes);
  for (size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {};
    code = code << 6 | (byte(i) & 0x3F);
  }
  const bool overlong = (bytes == 3 && code < 0x800) || (bytes == 4 && code < 0x10000);
  if (overlong || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return {};
  return {code, bytes};
}

bool is_control(uint32_t code) { return code < 0x20 || (code >= 0x7F && code <= 0x9F); }

/// Marks of direction, and the separators that some terminals take for a new line.
bool is_direction(uint32_t code) {
  return code == 0x061C || code == 0x200E || code == 0x200F || (code >= 0x2028 && code <= 0x202E) ||
         (code >= 0x2066 && code <= 0x2069);
}

std::string spell(std::string_view raw, bool keep_newlines) {
  std::string out;
  out.reserve(raw.size());
  while (!raw.empty()) {
    const Character next = decode(raw);
    const size_t bytes = next.bytes == 0 ? 1 : next.bytes;
    if (next.bytes == 0) {
      out += text("\\x%02x", static_cast<unsigned>(static_cast<uint8_t>(raw[0])));
    } else if (next.code == '\n') {
      out += keep_newlines ? "\n" : "\\n";
    } else if (next.code == '\t') {
      out += "\\t";
    } else if (next.code == '\r') {
      out += "\\r";
    } else if (is_control(next.code)) {
      out += text("\\x%02x", next.code);
    } else if (is_direction(next.code)) {
      out += text("\\u%04x", next.code);
    } else {
      out += raw.substr(0, bytes);
    }
    raw.remove_prefix(bytes);
  }
  return out;
}

}  // namespace

std::string printable(std::string_view text) { return spell(text, true); }

std::string one_line(std::string_view text) { return spell(text, false); }

}  // namespace kintsugi::cli
