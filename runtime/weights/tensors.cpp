// SPDX-License-Identifier: MIT
//
// The raw door's files: read_tensors and write_tensors of the public header.
#include <array>
#include <new>
#include <nlohmann/json.hpp>

#include "kernels/core/error.h"
#include "kintsugi/tensor.hpp"
#include "runtime/io/atomic_file.h"
#include "runtime/weights/safetensors.h"

namespace kintsugi {
namespace {

/// Batch counters, indices and masks: what no network takes as a number.
bool is_integer(const weights::StoredTensor& tensor) {
  const char kind = tensor.dtype_name.front();
  return kind == 'I' || kind == 'U' || tensor.dtype_name == "BOOL";
}

[[noreturn]] void out_of_memory(const std::filesystem::path& path) {
  throw Error(ErrorCode::out_of_memory,
              "there is not enough memory for the tensors of '" + path.string() + "'");
}

/// The JSON header, padded with spaces so that the data begins at a multiple of eight bytes.
std::string header_of(const Tensors& tensors, const std::map<std::string, std::string>& metadata) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  uint64_t begin = 0;
  for (const auto& [name, tensor] : tensors) {
    const uint64_t end = begin + tensor.values.size() * sizeof(float);
    header[name] = {{"dtype", "F32"},
                    {"shape", std::vector<int64_t>(tensor.shape.extents().begin(),
                                                   tensor.shape.extents().end())},
                    {"data_offsets", {begin, end}}};
    begin = end;
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const nlohmann::json::exception&) {
    throw Error(ErrorCode::usage, "a tensor's name or its metadata is not UTF-8 text");
  }
  text.resize((text.size() + 7) / 8 * 8, ' ');
  return text;
}

}  // namespace

Tensors read_tensors(const std::filesystem::path& path) try {
  const weights::SafetensorsFile file(path);
  Tensors tensors;
  for (const weights::StoredTensor& stored : file.tensors()) {
    if (is_integer(stored)) continue;
    tensors[stored.name] = {stored.shape, file.values<float>(stored)};
    file.release_pages(stored);
  }
  return tensors;
} catch (const std::bad_alloc&) {
  out_of_memory(path);
}

void write_tensors(const std::filesystem::path& path, const Tensors& tensors,
                   const std::map<std::string, std::string>& metadata) try {
  for (const auto& [name, tensor] : tensors) {
    if (name == "__metadata__") {
      throw Error(ErrorCode::usage,
                  "a tensor cannot be called '__metadata__' in a safetensors file");
    }
    if (tensor.shape.elements() != static_cast<int64_t>(tensor.values.size())) {
      throw Error(ErrorCode::mismatch, "tensor " + weights::quote_name(name) + " has " +
                                           std::to_string(tensor.values.size()) +
                                           " values, but its shape is " + tensor.shape.to_string());
    }
  }
  const std::string header = header_of(tensors, metadata);
  std::array<char, 8> length{};
  for (size_t i = 0; i < length.size(); ++i) {
    length[i] = static_cast<char>(header.size() >> (8 * i) & 0xff);
  }
  AtomicFile file(path);
  file.write(std::string_view(length.data(), length.size()));
  file.write(header);
  for (const auto& [name, tensor] : tensors) file.write(std::as_bytes(std::span(tensor.values)));
  file.commit();
} catch (const std::bad_alloc&) {
  out_of_memory(path);
}

}  // namespace kintsugi
