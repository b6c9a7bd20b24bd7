// SPDX-License-Identifier: MIT
#include "kernels/emulator/access.h"

#include <cstring>
#include <utility>

#include "kernels/emulator/async.h"
#include "kernels/emulator/banks.h"
#include "kernels/emulator/block.h"
#include "kernels/emulator/index.h"
#include "kernels/emulator/race.h"

namespace kintsugi::emulator {

namespace {

std::string who(const char* does, const Where& where) {
  return "thread " + std::to_string(::threadIdx.x) + " " + does + " at " + text(where) + ": ";
}

template <typename T>
uint64_t apply(Atomic op, T* p, T value, T expected) {
  T old = value;
  switch (op) {
    case Atomic::add: return static_cast<uint64_t>(__atomic_fetch_add(p, value, __ATOMIC_ACQ_REL));
    case Atomic::exchange:
    case Atomic::release_store:
      return static_cast<uint64_t>(__atomic_exchange_n(p, value, __ATOMIC_ACQ_REL));
    case Atomic::acquire_load: return static_cast<uint64_t>(__atomic_load_n(p, __ATOMIC_ACQUIRE));
    case Atomic::compare_exchange:
      old = expected;
      __atomic_compare_exchange_n(p, &old, value, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
      return static_cast<uint64_t>(old);
    case Atomic::max:
    case Atomic::min:
      old = __atomic_load_n(p, __ATOMIC_ACQUIRE);
      while (
          (op == Atomic::max ? value > old : value < old) &&
          !__atomic_compare_exchange_n(p, &old, value, true, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
      }
      return static_cast<uint64_t>(old);
  }
  return 0;
}

}  // namespace

void check_device(Block& block, const char* does, const void* p, std::size_t bytes,
                  std::size_t alignment, const Where& where) {
  const auto* at = static_cast<const std::byte*>(p);
  const auto holds = [=](const Allocation* buffer) {
    return buffer != nullptr && at >= buffer->begin && at + bytes <= buffer->begin + buffer->bytes;
  };
  auto& [last, other] = block.last_buffers;
  if (!holds(last)) {
    if (!holds(other)) other = block.memory->holding(p);
    if (!holds(other)) block.fail(who(does, where) + describe_stray(*block.memory, p, bytes));
    std::swap(last, other);
  }
  if (reinterpret_cast<uintptr_t>(p) % alignment != 0) {
    block.fail(who(does, where) + "the address in device memory is not a multiple of " +
               std::to_string(alignment));
  }
}

void refuse_shared(Block& block, const char* does, const void* p, std::size_t bytes,
                   std::size_t alignment, const Where& where) {
  if (!block.in_shared(p, bytes)) {
    block.fail(who(does, where) + std::to_string(bytes) + " bytes that do not lie in the block's " +
               std::to_string(block.launch->shared_bytes) + " bytes of shared memory");
  }
  block.fail(who(does, where) + "the address in shared memory is not a multiple of " +
             std::to_string(alignment));
}

void load_device(void* to, const void* from, std::size_t bytes, const Where& where) {
  Block& block = *block_now;
  check_device(block, "load", from, bytes, bytes, where);
  block.counted.bytes_read += static_cast<int64_t>(bytes);
  std::memcpy(to, from, bytes);
}

void store_device(void* to, const void* from, std::size_t bytes, const Where& where) {
  Block& block = *block_now;
  check_device(block, "store", to, bytes, bytes, where);
  block.counted.bytes_written += static_cast<int64_t>(bytes);
  std::memcpy(to, from, bytes);
}

void load_shared16(void* to, const void* from, const Where& where) {
  Block& block = *block_now;
  check_shared(block, "load_shared", from, 16, 16, where);
  if (block.race) block.race->read(from, 16, where);
  if (settings().count_banks) {
    block.banks->access(::threadIdx.x, block.shared_offset(from), where, block.counted.shared16);
  }
  std::memcpy(to, from, 16);
}

void store_shared16(void* to, const void* from, const Where& where) {
  Block& block = *block_now;
  check_shared(block, "store_shared", to, 16, 16, where);
  if (block.race) block.race->write(to, 16, where);
  if (settings().count_banks) {
    block.banks->access(::threadIdx.x, block.shared_offset(to), where, block.counted.shared16);
  }
  std::memcpy(to, from, 16);
}

uint64_t atomic(Atomic op, void* p, std::size_t bytes, uint64_t value, uint64_t expected,
                bool is_signed, const char* name, const Where& where) {
  Block& block = *block_now;
  if (block.in_arena(p)) {
    check_shared(block, name, p, bytes, bytes, where);
  } else {
    check_device(block, name, p, bytes, bytes, where);
    const auto moved = static_cast<int64_t>(bytes);
    if (op != Atomic::release_store) block.counted.bytes_read += moved;
    if (op != Atomic::acquire_load) block.counted.bytes_written += moved;
  }
  if (block.race) {
    if (block.in_arena(p)) block.race->atomic(p, bytes);
    if (op == Atomic::release_store) block.race->release(block.async->flags[p]);
    if (op == Atomic::acquire_load) block.race->acquire(block.async->flags[p]);
  }
  const bool narrow = bytes == 4;
  if (narrow && is_signed) {
    return static_cast<uint32_t>(apply(op, static_cast<int32_t*>(p), static_cast<int32_t>(value),
                                       static_cast<int32_t>(expected)));
  }
  if (narrow) {
    return apply(op, static_cast<uint32_t*>(p), static_cast<uint32_t>(value),
                 static_cast<uint32_t>(expected));
  }
  if (is_signed) {
    return apply(op, static_cast<int64_t*>(p), static_cast<int64_t>(value),
                 static_cast<int64_t>(expected));
  }
  return apply(op, static_cast<uint64_t*>(p), value, expected);
}

}  // namespace kintsugi::emulator
