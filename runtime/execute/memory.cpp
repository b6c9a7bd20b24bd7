// SPDX-License-Identifier: MIT
#include "runtime/execute/memory.h"

#include <sys/mman.h>

#include <string>

#include "kernels/core/error.h"
#include "kernels/device/api.h"

namespace kintsugi::execute {

void Meter::add(int64_t bytes) {
  const int64_t now = held_ += bytes;
  int64_t before = peak_;
  while (before < now && !peak_.compare_exchange_weak(before, now)) {
  }
}

namespace {

/// Null where the system refuses.
void* map(size_t bytes) {
  void* region = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (region == MAP_FAILED) return nullptr;
  // Large pages spare the kernels most of their address translation; refusing them is no error.
  madvise(region, bytes, MADV_HUGEPAGE);
  return region;
}

[[noreturn]] void refuse(size_t bytes, const std::string& what) {
  throw Error(ErrorCode::out_of_memory,
              "the system refused " + std::to_string(bytes) + " bytes of " + what,
              "a smaller picture needs less; max_side scales one down");
}

void* take(size_t bytes, Memory memory) {
  try {
    switch (memory) {
      case Memory::host:
        if (void* region = map(bytes)) return region;
        break;
      case Memory::staging: return device::allocate_host(bytes);
      case Memory::device: return device::allocate(bytes);
    }
  } catch (const Error& error) {
    if (error.code() != ErrorCode::out_of_memory) throw;
  }
  refuse(bytes, memory == Memory::host      ? "memory"
                : memory == Memory::staging ? "page-locked memory"
                                            : "the GPU's memory");
}

}  // namespace

Buffer::Buffer(int64_t bytes, std::shared_ptr<Meter> meter, Memory memory) {
  if (bytes == 0) return;
  auto* region = static_cast<std::byte*>(take(static_cast<size_t>(bytes), memory));
  meter->add(bytes);
  region_ = {region, Release{bytes, memory, std::move(meter)}};
}

void Release::operator()(std::byte* region) const noexcept {
  switch (memory) {
    case Memory::host: munmap(region, static_cast<size_t>(bytes)); break;
    case Memory::staging: device::release_host(region); break;
    case Memory::device: device::release(region); break;
  }
  meter->remove(bytes);
}

}  // namespace kintsugi::execute
