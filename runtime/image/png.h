// SPDX-License-Identifier: MIT
//
// The PNG writer: eight bits a channel, rows filtered and compressed as they come.
// It is not a reader and writes no metadata.
// It owns a few rows and the compressor's half megabyte; the pixels stay the caller's.
// Called by the codec.
#pragma once

#include <cstddef>
#include <functional>
#include <span>

#include "kintsugi/image.hpp"

namespace kintsugi::image {

void write_png(const ImageView& image,
               const std::function<void(std::span<const std::byte>)>& sink);

}  // namespace kintsugi::image
