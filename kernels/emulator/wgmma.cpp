// SPDX-License-Identifier: MIT
#include "kernels/emulator/wgmma.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "kernels/device/tensor_map.h"
#include "kernels/emulator/access.h"
#include "kernels/emulator/async.h"
#include "kernels/emulator/block.h"
#include "kernels/emulator/hooks.h"
#include "kernels/emulator/index.h"
#include "kernels/emulator/multiply.h"

namespace kintsugi::emulator {

namespace {

constexpr int kRows = 64;
constexpr int kDepth = 16;

WarpGroup& group_of(Block& block) {
  const unsigned number = ::threadIdx.x / kGroupThreads;
  auto& groups = block.async->groups;
  if (groups.size() <= number) groups.resize(block.threads.size() / kGroupThreads + 1);
  return groups[number];
}

/// All 128 threads come to one place; true for the last, which computes and then wakes the others.
bool meet(Block& block, WarpGroup& group, const char* op, const Where& where) {
  const unsigned self = ::threadIdx.x;
  const unsigned first = self / kGroupThreads * kGroupThreads;
  const auto me = "thread " + std::to_string(self) + " calls " + op + " at " + text(where);
  if (first + kGroupThreads > block.threads.size()) {
    block.fail(me + ", and its warpgroup has fewer than 128 threads");
  }
  for (unsigned i = first; i < first + kGroupThreads; ++i) {
    if (block.threads[i].finished) {
      block.fail(me + " and would wait for thread " + std::to_string(i) + ", which has exited");
    }
  }
  if (group.arrived > 0 && (group.op != op || !same(group.where, where))) {
    block.fail(me + " while thread " + std::to_string(group.waiting.front()) + " waits for it in " +
               group.op + " at " + text(group.where));
  }
  group.op = op;
  group.where = where;
  if (++group.arrived < kGroupThreads) {
    group.waiting.push_back(self);
    block.suspend(op, where);
    return false;
  }
  return true;
}

void part(Block& block, WarpGroup& group) {
  group.arrived = 0;
  for (const unsigned thread : group.waiting) block.wake(thread);
  group.waiting.clear();
}

/// Where element [row, k] of the tile that a descriptor names stands in shared memory.
uint32_t place_of(uint64_t descriptor, int row, int k) {
  const uint32_t at = device::descriptor_address(descriptor) +
                      static_cast<uint32_t>(row / 8 * 1024 + row % 8 * 128 + 2 * k);
  return at ^ ((at >> 7 & 7u) << 4);
}

/// The tile as [k][row] floats; `rows` is a multiple of 8.
void read_tile(Block& block, uint64_t descriptor, int rows, bool is_bf16, const Where& where,
               std::vector<float>& to) {
  to.resize(at_index(kDepth * rows));
  for (int row = 0; row < rows; ++row) {
    for (int half = 0; half < 2; ++half) {
      const std::byte* at = block.shared + place_of(descriptor, row, 8 * half);
      check_shared(block, "wgmma", at, 16, 16, where);
      if (block.race) block.race->read(at, 16, where);
    }
    for (int k = 0; k < kDepth; ++k) {
      uint16_t bits = 0;
      std::memcpy(&bits, block.shared + place_of(descriptor, row, k), 2);
      to[at_index(k * rows + row)] = is_bf16 ? widen_bf16(bits) : widen_f16(bits);
    }
  }
}

void compute(Block& block, WarpGroup& group, const Product& product, const Where& where) {
  const ProductArgs& args = product.args;
  const auto found = std::find_if(group.accumulators.begin(), group.accumulators.end(),
                                  [&](const Accumulators& a) { return a.registers[0] == args.c; });
  std::vector<float> transposed;
  std::vector<float> a(at_index(kRows * kDepth));
  std::vector<float> b;
  if (block.race) block.race->begin_engine(::threadIdx.x / kGroupThreads);
  read_tile(block, args.a, kRows, args.is_bf16, where, transposed);
  read_tile(block, args.b, args.n, args.is_bf16, where, b);
  if (block.race) block.race->end_engine();
  for (int row = 0; row < kRows; ++row) {
    for (int k = 0; k < kDepth; ++k) {
      a[at_index(row * kDepth + k)] = transposed[at_index(k * kRows + row)];
    }
  }
  arithmetic().multiply(a.data(), kDepth, b.data(), found->values.data(), kRows, args.n, kDepth);
  block.counted.mma += 4;
  if (--found->products > 0) return;
  for (unsigned thread = 0; thread < kGroupThreads; ++thread) {
    for (int i = 0; i < args.n / 2; ++i) {
      const device::Element at = device::wgmma_element(static_cast<int>(thread), i);
      found->registers[thread][i] = found->values[at_index(at.row * args.n + at.column)];
    }
  }
  group.accumulators.erase(found);
}

/// The accumulators leave the registers, and what stays there is poison.
Accumulators& take(WarpGroup& group, int n) {
  for (Accumulators& known : group.accumulators) {
    if (known.registers[0] == group.brought[0].c) return known;
  }
  Accumulators& taken = group.accumulators.emplace_back();
  taken.n = n;
  taken.values.resize(at_index(kRows * n));
  for (unsigned thread = 0; thread < kGroupThreads; ++thread) {
    float* registers = group.brought[thread].c;
    taken.registers[thread] = registers;
    for (int i = 0; i < n / 2; ++i) {
      const device::Element at = device::wgmma_element(static_cast<int>(thread), i);
      taken.values[at_index(at.row * n + at.column)] = registers[i];
    }
    std::memset(registers, 0xff, static_cast<std::size_t>(n / 2) * sizeof(float));
  }
  return taken;
}

}  // namespace

void issue_product(ProductArgs args, const Where& where) {
  Block& block = *block_now;
  WarpGroup& group = group_of(block);
  group.brought[::threadIdx.x % kGroupThreads] = args;
  if (!meet(block, group, "wgmma", where)) return;
  for (const ProductArgs& other : group.brought) {
    if (other.a != args.a || other.b != args.b) {
      block.fail("the threads of a warpgroup bring different descriptors to wgmma at " +
                 text(where));
    }
  }
  Accumulators& accumulators = take(group, args.n);
  ++accumulators.products;
  accumulators.where = where;
  args.c = group.brought[0].c;
  group.products.push_back({args, group.groups});
  part(block, group);
}

void commit_products(const Where& where) {
  Block& block = *block_now;
  WarpGroup& group = group_of(block);
  if (!meet(block, group, "wgmma_commit", where)) return;
  ++group.groups;
  part(block, group);
}

void wait_products(unsigned pending, const Where& where) {
  Block& block = *block_now;
  WarpGroup& group = group_of(block);
  if (!meet(block, group, "wgmma_wait", where)) return;
  std::size_t done = 0;
  while (done < group.products.size() && group.products[done].group + pending < group.groups) {
    compute(block, group, group.products[done++], where);
  }
  group.products.erase(group.products.begin(),
                       group.products.begin() + static_cast<std::ptrdiff_t>(done));
  part(block, group);
}

void check_registers(Block& block, const void* p, std::size_t /*bytes*/, const void* code) {
  if (block.async->groups.empty()) return;
  const WarpGroup& group = group_of(block);
  for (const Accumulators& owned : group.accumulators) {
    const float* registers = owned.registers[::threadIdx.x % kGroupThreads];
    const auto* at = static_cast<const float*>(p);
    if (at < registers || at >= registers + owned.n / 2) continue;
    block.fail("thread " + std::to_string(::threadIdx.x) + " touches an accumulator at " +
               Place::of_code(code).text() + " while the wgmma at " + text(owned.where) +
               " has not been waited for");
  }
}

}  // namespace kintsugi::emulator
