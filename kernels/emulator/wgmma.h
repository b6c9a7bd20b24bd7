// SPDX-License-Identifier: MIT
//
// wgmma: four warps meet to issue a product of two tiles in shared memory, which is computed when
// they meet again to wait. Until then the accumulators are poisoned, and under the race detector
// touching them ends the launch. include/kernels/device/wgmma.cuh calls; AsyncState owns the state.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "kernels/emulator/place.h"

namespace kintsugi::emulator {

constexpr unsigned kGroupThreads = 128;

/// What one thread brings: its accumulators and both descriptors.
struct ProductArgs {
  float* c;
  uint64_t a;
  uint64_t b;
  int n;
  bool is_bf16;
};
void issue_product(ProductArgs args, const Where& where);
void commit_products(const Where& where);
void wait_products(unsigned pending, const Where& where);

/// The accumulators of a warpgroup that products own: [64][n] while they are not in registers.
struct Accumulators {
  std::array<float*, kGroupThreads> registers{};
  std::vector<float> values;
  int n = 0;
  int products = 0;  // under way
  Where where;       // of the last of them
};
struct Product {
  ProductArgs args;
  uint32_t group = 0;
};
struct WarpGroup {
  std::array<ProductArgs, kGroupThreads> brought{};
  std::vector<Accumulators> accumulators;
  std::vector<Product> products;
  uint32_t groups = 0;  // committed
  // The meeting under way.
  const char* op = nullptr;
  Where where;
  unsigned arrived = 0;
  std::vector<unsigned> waiting;
};

}  // namespace kintsugi::emulator
