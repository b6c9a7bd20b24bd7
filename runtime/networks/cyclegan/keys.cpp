// SPDX-License-Identifier: MIT
//
// What is asked of the keys beyond keys.txt.
#include "runtime/networks/cyclegan/cyclegan.h"

namespace kintsugi::networks::cyclegan {

int64_t stored_blocks(const weights::Weights& weights, const weights::KeyMap& keys) {
  int64_t blocks = 1;
  while (blocks < kMostBlocks &&
         weights.has(keys.stored("blocks." + std::to_string(blocks) + ".conv1.weight"))) {
    ++blocks;
  }
  return blocks;
}

}  // namespace kintsugi::networks::cyclegan
