// SPDX-License-Identifier: MIT
//
// Pictures at the program's edge: a file or a stream, and the notes about it that a user wants.
#pragma once

#include <filesystem>
#include <string>

#include <kintsugi/image.hpp>

#include "console.h"

namespace kintsugi::cli {

/// "-" reads standard input.
[[nodiscard]] Image read_picture(const std::filesystem::path& path, Console& console);

/// Throws Error::usage where the output's format cannot hold a picture of such channels: asked
/// before the work, not after it. Says so where it loses bits or metadata.
void check_format(const std::filesystem::path& path, const ImageView& picture,
                  const ImageMetadata& metadata, Console& console);

/// Whether the output's format holds every sample of such a picture as it is.
[[nodiscard]] bool is_exact(const std::filesystem::path& path, const ImageView& picture);

/// Says so where the output's format is not exact; true where it did.
bool tell_of_jpeg(const std::filesystem::path& path, Console& console);

/// "-" writes PNG to standard output.
void write_picture(const std::filesystem::path& path, const ImageView& picture,
                   const ImageMetadata& metadata, Console& console);

/// "512x384", width first, as pictures are spoken of.
[[nodiscard]] std::string size_of(const ImageView& picture);

}  // namespace kintsugi::cli
