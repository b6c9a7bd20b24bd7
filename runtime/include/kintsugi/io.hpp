// SPDX-License-Identifier: MIT
//
// Files as the library leaves them behind: whole, or not there. For reports and traces that stand
// beside its pictures (image.hpp) and tensors (tensor.hpp), which are written in the same way.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

#include "kintsugi/api.hpp"

namespace kintsugi {

/// Writes the bytes to a temporary name in the file's folder, flushes them to the disk and renames,
/// so that a failure leaves no half-written file and an old one untouched. A link is followed and
/// stays a link; a replaced file keeps its permissions; a pipe or a device is written directly.
/// Throws Error::io in one sentence that names the file.
KINTSUGI_API void write_file(const std::filesystem::path& file, std::span<const std::byte> bytes);

}  // namespace kintsugi
