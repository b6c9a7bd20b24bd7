// SPDX-License-Identifier: MIT
//
// SafetensorsFile is one .safetensors file mapped into memory, read-only, its header checked.
// It is not a loader: opening allocates nothing beyond the header and reads no tensor data.
// It owns the mapping; spans and tensors live as long as it does.
// Called by Weights, read_tensors and the weight tools.
//
// A file that another program shortens while it is mapped cannot be read safely: touching a page
// that is gone raises SIGBUS, as with every mapped file. Programs that replace a weights file
// should write a new one and rename it (AtomicFile does): a mapping keeps the old file alive.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/weights/safetensors_header.h"

namespace kintsugi::weights {

class SafetensorsFile {
 public:
  /// Error::io when the file cannot be opened or is empty or a directory, Error::bad_file when it
  /// is anything but a well-formed safetensors file; the hint knows other checkpoint formats.
  explicit SafetensorsFile(const std::filesystem::path& path);
  SafetensorsFile(const SafetensorsFile&) = delete;
  SafetensorsFile& operator=(const SafetensorsFile&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] int64_t mapped_bytes() const { return static_cast<int64_t>(mapping_.bytes.size()); }
  [[nodiscard]] const std::map<std::string, std::string>& metadata() const {
    return header_.metadata;
  }
  /// In the order of their bytes in the file.
  [[nodiscard]] const std::vector<StoredTensor>& tensors() const { return header_.tensors; }
  /// Null when there is none of that name.
  [[nodiscard]] const StoredTensor* find(std::string_view name) const { return header_.find(name); }

  /// The elements of one of tensors(), row-major, widened to T (float or double); f64 is rounded
  /// when T is float, integers are converted, NaNs pass. Error::unsupported when its dtype is not
  /// read here.
  template <class T>
  [[nodiscard]] std::vector<T> values(const StoredTensor& tensor) const;
  /// Those from element `first` on, as many as `out` holds and not more than there are.
  template <class T>
  void values(const StoredTensor& tensor, int64_t first, std::span<T> out) const;

  /// Gives the pages under `bytes`, a part of this mapping, back to the system, typically after
  /// packing. They may be read again at any time, from any thread: they then come from the file
  /// once more.
  void release_pages(std::span<const std::byte> bytes) const noexcept;
  void release_pages(const StoredTensor& tensor) const noexcept { release_pages(tensor.bytes); }

 private:
  struct Mapping {
    explicit Mapping(const std::filesystem::path& path);
    Mapping(const Mapping&) = delete;
    Mapping& operator=(const Mapping&) = delete;
    ~Mapping();
    std::span<const std::byte> bytes;
  };

  std::filesystem::path path_;
  Mapping mapping_;
  Header header_;
};

extern template std::vector<float> SafetensorsFile::values(const StoredTensor&) const;
extern template std::vector<double> SafetensorsFile::values(const StoredTensor&) const;
extern template void SafetensorsFile::values(const StoredTensor&, int64_t, std::span<float>) const;
extern template void SafetensorsFile::values(const StoredTensor&, int64_t, std::span<double>) const;

}  // namespace kintsugi::weights
