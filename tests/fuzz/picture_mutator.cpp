// SPDX-License-Identifier: MIT
//
// A PNG's checksums keep a fuzzer out: nearly every change of a file breaks one. After libFuzzer
// has changed a PNG they are made to agree again, but now and then. Part of libFuzzer builds only.
#include <cstddef>
#include <cstdint>
#include <span>

#include "runtime/image/png.h"
#include "runtime/image/probe.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned seed) {
  using namespace kintsugi::image;
  constexpr unsigned kLeftBroken = 16;  // one of so many
  const size_t changed = LLVMFuzzerMutate(data, size, max_size);
  const auto file = std::as_bytes(std::span(data, changed));
  if (seed % kLeftBroken == 0 || probe(file).kind != FileKind::png) return changed;
  for_each_chunk(file, [&](const PngChunk& chunk) {
    const auto begin = static_cast<size_t>(chunk.data.data() - file.data());
    const uint32_t crc = crc32(file.subspan(begin - 4, chunk.data.size() + 4));
    for (size_t i = 0; i < 4; ++i) {
      data[begin + chunk.data.size() + i] = static_cast<uint8_t>(crc >> (24 - 8 * i));
    }
    return true;
  });
  return changed;
}
