// SPDX-License-Identifier: MIT
#include "runtime/weights/safetensors.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "kernels/core/error.h"

namespace kintsugi::weights {
namespace {

static_assert(std::endian::native == std::endian::little, "tensor data is read as it stands");

[[noreturn]] void refuse(const std::filesystem::path& path, const std::string& why,
                         std::string hint = {}) {
  throw Error(ErrorCode::io, "cannot read '" + path.string() + "': " + why, std::move(hint));
}

[[noreturn]] void refuse_errno(const std::filesystem::path& path, int error) {
  refuse(path, std::generic_category().message(error));
}

template <class Stored, class T, class Widen>
void widen_all(const std::byte* bytes, int64_t first, std::span<T> out, Widen widen) {
  const std::byte* next = bytes + first * static_cast<int64_t>(sizeof(Stored));
  for (T& value : out) {
    Stored stored;
    std::memcpy(&stored, next, sizeof stored);  // files promise no alignment
    value = static_cast<T>(widen(stored));
    next += sizeof stored;
  }
}

/// Closes the descriptor however the constructor ends; a mapping does not need it.
struct Descriptor {
  int value;
  ~Descriptor() { ::close(value); }
};

}  // namespace

SafetensorsFile::Mapping::Mapping(const std::filesystem::path& path) {
  // Non-blocking: opening a pipe would wait for a writer.
  const int opened = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (opened < 0) refuse_errno(path, errno);
  const Descriptor descriptor{opened};
  struct stat found = {};
  if (::fstat(descriptor.value, &found) != 0) refuse_errno(path, errno);
  if (S_ISDIR(found.st_mode)) refuse(path, "it is a directory");
  if (!S_ISREG(found.st_mode)) refuse(path, "it is not an ordinary file", "copy it to one first");
  if (found.st_size == 0) {
    refuse(path, "it is empty", "the download or copy may have failed; fetch the file again");
  }
  const auto size = static_cast<size_t>(found.st_size);
  void* const address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor.value, 0);
  if (address == MAP_FAILED) refuse_errno(path, errno);
  bytes = {static_cast<const std::byte*>(address), size};
}

SafetensorsFile::Mapping::~Mapping() {
  // munmap takes a pointer to non-const memory and changes none of it.
  ::munmap(const_cast<std::byte*>(bytes.data()), bytes.size());
}

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path)
    : path_(path), mapping_(path), header_(parse_safetensors(mapping_.bytes, path.string())) {}

template <class T>
std::vector<T> SafetensorsFile::values(const StoredTensor& tensor) const {
  std::vector<T> out(static_cast<size_t>(tensor.shape.elements()));
  values(tensor, 0, std::span<T>(out));
  return out;
}

template <class T>
void SafetensorsFile::values(const StoredTensor& tensor, int64_t first, std::span<T> out) const {
  if (!tensor.dtype) {
    throw Error(ErrorCode::unsupported,
                "'" + path_.string() + "': tensor " + quote_name(tensor.name) + " is stored as " +
                    std::string(tensor.dtype_name) + ", which is not read",
                "store it as F32, F16 or BF16");
  }
  const std::byte* bytes = tensor.bytes.data();
  constexpr auto as_it_is = [](auto value) { return value; };
  switch (*tensor.dtype) {
    case DType::f64: widen_all<double>(bytes, first, out, as_it_is); break;
    case DType::f32: widen_all<float>(bytes, first, out, as_it_is); break;
    case DType::f16: widen_all<uint16_t>(bytes, first, out, widen_f16); break;
    case DType::bf16: widen_all<uint16_t>(bytes, first, out, widen_bf16); break;
    case DType::i64: widen_all<int64_t>(bytes, first, out, as_it_is); break;
    case DType::i32: widen_all<int32_t>(bytes, first, out, as_it_is); break;
    case DType::u16: widen_all<uint16_t>(bytes, first, out, as_it_is); break;
    case DType::u8: widen_all<uint8_t>(bytes, first, out, as_it_is); break;
  }
}

template std::vector<float> SafetensorsFile::values(const StoredTensor&) const;
template std::vector<double> SafetensorsFile::values(const StoredTensor&) const;
template void SafetensorsFile::values(const StoredTensor&, int64_t, std::span<float>) const;
template void SafetensorsFile::values(const StoredTensor&, int64_t, std::span<double>) const;

void SafetensorsFile::release_pages(std::span<const std::byte> bytes) const noexcept {
  if (bytes.empty()) return;
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  const auto offset = static_cast<size_t>(bytes.data() - mapping_.bytes.data());
  // Outward to a whole page: a neighbour's bytes on it come back when they are read.
  const size_t before = offset % page;
  ::madvise(const_cast<std::byte*>(bytes.data() - before), bytes.size() + before, MADV_DONTNEED);
}

}  // namespace kintsugi::weights
