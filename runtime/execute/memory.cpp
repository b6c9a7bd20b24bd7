// SPDX-License-Identifier: MIT
#include "runtime/execute/memory.h"

#include <sys/mman.h>

#include <string>

#include "kernels/core/error.h"

namespace kintsugi::execute {

void Meter::add(int64_t bytes) {
  const int64_t now = held_ += bytes;
  int64_t before = peak_;
  while (before < now && !peak_.compare_exchange_weak(before, now)) {
  }
}

Buffer::Buffer(int64_t bytes, std::shared_ptr<Meter> meter)
    : bytes_(bytes), meter_(std::move(meter)) {
  if (bytes == 0) return;
  void* region = mmap(nullptr, static_cast<size_t>(bytes), PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (region == MAP_FAILED) {
    bytes_ = 0;
    throw Error(ErrorCode::out_of_memory,
                "the system refused " + std::to_string(bytes) + " bytes of memory",
                "a smaller picture needs less; max_side scales one down");
  }
  // Large pages spare the kernels most of their address translation; refusing them is no error.
  madvise(region, static_cast<size_t>(bytes), MADV_HUGEPAGE);
  data_ = static_cast<std::byte*>(region);
  meter_->add(bytes);
}

Buffer::~Buffer() {
  if (data_ == nullptr) return;
  munmap(data_, static_cast<size_t>(bytes_));
  meter_->remove(bytes_);
}

}  // namespace kintsugi::execute
