// SPDX-License-Identifier: MIT
#include "kernels/emulator/memory.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <new>

#include "kernels/emulator/sanitizer.h"

namespace kintsugi::emulator {

namespace {

struct Table {
  std::mutex mutex;
  std::map<const std::byte*, std::size_t> buffers;
  std::size_t total = 0;
};

Table& table() {
  static Table* table = new Table;  // outlives static destructors that free device memory
  return *table;
}

}  // namespace

void* allocate(std::size_t bytes) {
  void* heap = nullptr;
  if (posix_memalign(&heap, kGuard, bytes + 2 * kGuard) != 0) throw std::bad_alloc();
  std::byte* begin = static_cast<std::byte*>(heap) + kGuard;
  std::memset(begin, 0xff, bytes);  // what is never written reads as NaN
  poison(heap, kGuard);
  poison(begin + bytes, kGuard);
  const std::lock_guard lock(table().mutex);
  table().buffers.emplace(begin, bytes);
  table().total += bytes;
  return begin;
}

bool release(void* p) {
  auto* begin = static_cast<std::byte*>(p);
  std::size_t bytes = 0;
  {
    const std::lock_guard lock(table().mutex);
    const auto found = table().buffers.find(begin);
    if (found == table().buffers.end()) return false;
    bytes = found->second;
    table().total -= bytes;
    table().buffers.erase(found);
  }
  unpoison(begin - kGuard, bytes + 2 * kGuard);
  std::free(begin - kGuard);
  return true;
}

Memory snapshot() {
  const std::lock_guard lock(table().mutex);
  Memory memory;
  memory.allocations.reserve(table().buffers.size());
  for (const auto& [begin, bytes] : table().buffers) memory.allocations.push_back({begin, bytes});
  return memory;
}

bool is_device(const void* p, std::size_t bytes) {
  const std::lock_guard lock(table().mutex);
  const auto* at = static_cast<const std::byte*>(p);
  auto after = table().buffers.upper_bound(at);
  if (after == table().buffers.begin()) return false;
  --after;
  return at + bytes <= after->first + after->second;
}

std::size_t allocated_bytes() {
  const std::lock_guard lock(table().mutex);
  return table().total;
}

const Allocation* Memory::holding(const void* p) const {
  const auto* at = static_cast<const std::byte*>(p);
  auto after =
      std::upper_bound(allocations.begin(), allocations.end(), at + kGuard,
                       [](const std::byte* q, const Allocation& a) { return q < a.begin; });
  if (after == allocations.begin()) return nullptr;
  --after;
  return at < after->begin + after->bytes + kGuard ? &*after : nullptr;
}

std::string describe_stray(const Memory& memory, const void* p, std::size_t bytes) {
  const auto* at = static_cast<const std::byte*>(p);
  const std::string size = std::to_string(bytes) + " bytes ";
  const Allocation* buffer = memory.holding(p);
  if (buffer == nullptr) return size + "that are not device memory";
  const std::string of = " of a device buffer of " + std::to_string(buffer->bytes) + " bytes";
  if (at < buffer->begin) {
    return size + std::to_string(buffer->begin - at) + " before the beginning" + of;
  }
  const auto offset = static_cast<std::size_t>(at - buffer->begin);
  if (offset + bytes <= buffer->bytes) return size + "at byte " + std::to_string(offset) + of;
  if (offset < buffer->bytes) return size + "that straddle the end" + of;
  return size + std::to_string(offset - buffer->bytes) + " past the end" + of;
}

}  // namespace kintsugi::emulator
