// SPDX-License-Identifier: MIT
//
// The probe says by its first bytes what kind of file something is.
// It is not a validator: a file that looks like a PNG may still be a broken one.
// It owns nothing and reads at most kProbeBytes.
// Called by the codec before any decoder, so that a wrong file gets a sentence with its name in it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace kintsugi::image {

enum class FileKind : uint8_t { png, jpeg, bmp, tga, gif, pnm, foreign };

struct Probed {
  FileKind kind = FileKind::foreign;
  const char* name = nullptr;  ///< "a HEIC picture", "a PDF document"; null when nothing is known
  const char* hint = nullptr;  ///< what to do about a foreign file; null when nothing is known
};

constexpr size_t kProbeBytes = 4096;

[[nodiscard]] Probed probe(std::span<const std::byte> bytes);

}  // namespace kintsugi::image
