// SPDX-License-Identifier: MIT
//
// A Place is a line of a kernel: known by its source location where a call of the vocabulary
// reports it, by an address in the program where a hook of the race detector does. It is small,
// because the race detector keeps one for every byte; the text is made when there is something to
// say. It owns nothing.
#pragma once

#include <cstdint>
#include <source_location>
#include <string>

namespace kintsugi::emulator {

using Where = std::source_location;

class Place {
 public:
  Place() = default;
  Place(const Where& where);  // NOLINT: a location is a place
  [[nodiscard]] static Place of_code(const void* return_address);

  [[nodiscard]] bool known() const { return bits_ != 0; }
  /// "tests/emulator/gemm.cu:57:5"; without the column where only an address is known.
  [[nodiscard]] std::string text() const;

 private:
  uint64_t bits_ = 0;
};

[[nodiscard]] std::string text(const Where& where);
[[nodiscard]] bool same(const Where& a, const Where& b);
/// The type's name as one would write it; `mangled` is what typeid gives.
[[nodiscard]] std::string type_name(const char* mangled);

}  // namespace kintsugi::emulator
