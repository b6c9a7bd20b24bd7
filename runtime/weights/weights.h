// SPDX-License-Identifier: MIT
//
// Weights answers a network's questions about its file: each states the shape it expects and the
// line that asks, so that a misfit is explained where it matters. It is not a store of numbers:
// nothing is read before it is asked for, and nothing is kept afterwards. It is a shared handle;
// copies look at the same mapped file and remember used keys together, from any thread.
// Called by the recording scope (expect), by packing (read) and by `info`.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/core/shape.h"
#include "runtime/weights/safetensors.h"

namespace kintsugi::weights {

class Weights {
 public:
  /// Maps the file and reads its header; errors as SafetensorsFile.
  explicit Weights(const std::filesystem::path& path);

  [[nodiscard]] const SafetensorsFile& file() const;
  [[nodiscard]] bool has(std::string_view key) const;
  /// Error::mismatch when the key is missing.
  [[nodiscard]] Shape shape_of(std::string_view key,
                               std::source_location where = std::source_location::current()) const;

  /// The tensor under `key`, which must have the shape `expected`; remembers the key as used. Reads
  /// no data. Error::mismatch names file, key, expected, found (or that it is missing, with up to
  /// three similar keys) and the line `where`.
  const StoredTensor& expect(std::string_view key, const Shape& expected,
                             std::source_location where = std::source_location::current()) const;

  /// expect(), then the values widened to T (float or double), row-major. Error::not_finite names
  /// the first NaN or infinity.
  template <class T>
  [[nodiscard]] std::vector<T> read(
      std::string_view key, const Shape& expected,
      std::source_location where = std::source_location::current()) const;
  /// The same of the elements from `first` on, as many as `out` holds and not more than there are.
  template <class T>
  void read(std::string_view key, const Shape& expected, int64_t first, std::span<T> out,
            std::source_location where = std::source_location::current()) const;

  /// Gives the pages of one tensor's elements back to the system; unknown keys are ignored.
  void release_pages(std::string_view key, int64_t first, int64_t count) const noexcept;

  /// Keys that expect() and read() never asked for, sorted; PyTorch's batch counters are not
  /// missed.
  [[nodiscard]] std::vector<std::string> unused_keys() const;
  /// Elements of all floating tensors except running statistics, as PyTorch counts parameters.
  [[nodiscard]] int64_t parameter_count() const;
  /// The dtype that most bytes of floating tensors have: "f16"; "none" for a file without any.
  [[nodiscard]] std::string stored_dtype() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

extern template std::vector<float> Weights::read<float>(std::string_view, const Shape&,
                                                        std::source_location) const;
extern template std::vector<double> Weights::read<double>(std::string_view, const Shape&,
                                                          std::source_location) const;
extern template void Weights::read(std::string_view, const Shape&, int64_t, std::span<float>,
                                   std::source_location) const;
extern template void Weights::read(std::string_view, const Shape&, int64_t, std::span<double>,
                                   std::source_location) const;

/// Up to three of `keys` that a person who wrote `wanted` may have meant, the likeliest first.
[[nodiscard]] std::vector<std::string> closest_keys(std::string_view wanted,
                                                    const std::vector<StoredTensor>& tensors);

}  // namespace kintsugi::weights
