// SPDX-License-Identifier: MIT
#include "kernels/emulator/block.h"
#include "kernels/emulator/hooks.h"

namespace kintsugi::emulator {

void check_registers(Block& /*block*/, const void* /*p*/, std::size_t /*bytes*/,
                     const void* /*code*/) {}

}  // namespace kintsugi::emulator
