// SPDX-License-Identifier: MIT
//
// Reads a network's keys.txt, the key layouts of its ports as data; runtime/networks/README.md describes the
// format. The build compiles the text in, so a mistake in it is one of this project. python_export reads the
// same files by the same rules. Called once per network, by the source that the build makes of its keys.txt.
#pragma once

#include <string_view>
#include <vector>

#include "runtime/weights/key_map.h"

namespace kintsugi::weights {

/// The layouts in the order of the file. Throws Error::internal, "FILE:LINE: what is wrong"; `file` only names
/// the text.
[[nodiscard]] std::vector<KeyLayout> parse_key_layouts(std::string_view file,
                                                       std::string_view text);

}  // namespace kintsugi::weights
