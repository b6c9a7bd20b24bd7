// SPDX-License-Identifier: MIT
//
// Between the race detector's hooks, which only some programs link, and the rest of the emulator.
#pragma once

#include <cstddef>

namespace kintsugi::emulator {

class Block;

/// From now on blocks have a Race. Returns true, for a static initialiser.
bool switch_race_detector_on();

/// Ends the block if the running thread touches accumulators that a wgmma still owns.
void check_registers(Block& block, const void* p, std::size_t bytes, const void* code);

}  // namespace kintsugi::emulator
