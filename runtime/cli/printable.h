// SPDX-License-Identifier: MIT
//
// Texts of strangers (a title in a file of weights, a key, the name of a file) as a terminal may be
// shown them: what would move the cursor, colour, erase or turn the writing around is spelled out.
#pragma once

#include <string>
#include <string_view>

namespace kintsugi::cli {

/// Control characters (C0 but the newline, DEL, C1), characters that change the direction of the
/// text, and bytes that are not UTF-8, written as \t, \x1b or \u202e. Everything else as it is.
[[nodiscard]] std::string printable(std::string_view text);

/// The same for a value that stands within a line: newlines too, as \n.
[[nodiscard]] std::string one_line(std::string_view text);

}  // namespace kintsugi::cli
