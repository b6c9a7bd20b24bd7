// SPDX-License-Identifier: MIT
#include <cstring>

#include "kernels/emulator/access.h"
#include "kernels/emulator/async.h"
#include "kernels/emulator/block.h"
#include "kernels/emulator/index.h"

namespace kintsugi::emulator {

void copy_async(void* to, const void* from, unsigned bytes, unsigned valid, const Where& where) {
  Block& block = *block_now;
  Thread& thread = block.threads[::threadIdx.x];
  check_shared(block, "cp_async", to, bytes, bytes, where);
  if (valid > bytes) {
    block.fail("thread " + std::to_string(::threadIdx.x) + " cp_async at " + text(where) + ": " +
               std::to_string(valid) + " bytes into " + std::to_string(bytes));
  }
  if (valid > 0) check_device(block, "cp_async", from, valid, bytes, where);
  block.counted.bytes_read += valid;
  if (block.race) block.race->issue(to, bytes, where);
  std::memset(to, 0xff, bytes);
  if (thread.first_copy == thread.copies.size()) {
    thread.copies.clear();
    thread.first_copy = 0;
  }
  thread.copies.push_back({static_cast<std::byte*>(to), static_cast<const std::byte*>(from),
                           thread.groups, static_cast<uint8_t>(bytes), static_cast<uint8_t>(valid),
                           where});
}

void commit_copies() { ++block_now->threads[::threadIdx.x].groups; }

void wait_copies(unsigned pending) {
  Block& block = *block_now;
  Thread& thread = block.threads[::threadIdx.x];
  if (thread.groups < pending) return;
  const uint32_t arrived = thread.groups - pending;
  while (thread.first_copy < thread.copies.size()) {
    const Copy& copy = thread.copies[thread.first_copy];
    if (copy.group >= arrived) break;
    if (copy.bytes == 16 && copy.valid == 16) {
      std::memcpy(copy.to, copy.from, 16);
    } else {
      std::memcpy(copy.to, copy.from, copy.valid);
      std::memset(copy.to + copy.valid, 0, static_cast<std::size_t>(copy.bytes - copy.valid));
    }
    if (block.race) block.race->land(copy.to, copy.bytes);
    ++thread.first_copy;
  }
}

}  // namespace kintsugi::emulator
