// SPDX-License-Identifier: MIT
#include "runtime/weights/source_line.h"

#include <string_view>

namespace kintsugi::weights {
namespace {

/// The folder the compiler saw as the repository, with a slash at the end: what stands before our
/// own path. Empty when the build maps paths itself.
std::string_view repository_root() {
  constexpr std::string_view own_path = "runtime/weights/source_line.cpp";
  std::string_view path = std::source_location::current().file_name();
  if (path.ends_with(own_path)) path.remove_suffix(own_path.size());
  return path;
}

}  // namespace

std::string source_line(const std::source_location& where) {
  std::string_view path = where.file_name();
  const std::string_view root = repository_root();
  if (path.starts_with(root)) path.remove_prefix(root.size());
  while (path.starts_with("./")) path.remove_prefix(2);
  return std::string(path) + ":" + std::to_string(where.line());
}

}  // namespace kintsugi::weights
