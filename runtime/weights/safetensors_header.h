// SPDX-License-Identifier: MIT
//
// The header of a safetensors file: names, dtypes, shapes and byte ranges, parsed and fully
// checked. It is not the file: it works on bytes in memory, opens nothing and never touches a
// tensor's data. A Header owns its strings; the tensors' byte spans point into the bytes that were
// parsed. Called by SafetensorsFile and by the fuzzer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/core/dtype.h"
#include "kernels/core/shape.h"

namespace kintsugi::weights {

/// One tensor as it stands in the file. Its bytes need not be aligned: read them with memcpy, or
/// through SafetensorsFile::values.
struct StoredTensor {
  std::string name;
  std::optional<DType> dtype;   // none: a legal safetensors dtype that is not read here
  std::string_view dtype_name;  // as the format spells it: "F16", "F8_E4M3"
  Shape shape;
  std::span<const std::byte> bytes;
};

struct Header {
  std::vector<StoredTensor> tensors;  // in the order of their bytes
  std::vector<uint32_t> by_name;      // indices into `tensors`, sorted by name
  std::map<std::string, std::string> metadata;

  [[nodiscard]] const StoredTensor* find(std::string_view name) const;
};

/// More than any real header needs; a longer one is an attack or another kind of file.
constexpr uint64_t kLargestHeaderBytes = 100'000'000;

/// Parses a whole file. Every byte of it is accounted for: anything that does not fit the format
/// exactly throws Error::bad_file in one sentence that begins with `file_name`.
[[nodiscard]] Header parse_safetensors(std::span<const std::byte> file,
                                       const std::string& file_name);

/// `text` in single quotes, fit for a sentence: control characters replaced, long text shortened.
[[nodiscard]] std::string quote_name(std::string_view text);

}  // namespace kintsugi::weights
