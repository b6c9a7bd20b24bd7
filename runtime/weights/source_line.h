// SPDX-License-Identifier: MIT
//
// source_line writes a std::source_location as a person reads it:
// "runtime/networks/glcic/net.cpp:23". It is not a stack trace. It owns nothing and is called by
// whoever explains a mistake in a network.
#pragma once

#include <source_location>
#include <string>

namespace kintsugi::weights {

/// Path from the repository's root, whatever folder the build ran in, and line.
[[nodiscard]] std::string source_line(const std::source_location& where);

}  // namespace kintsugi::weights
