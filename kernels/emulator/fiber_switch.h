// SPDX-License-Identifier: MIT
//
// The machine's half of a fiber: how a stack is made to begin at a function, and how one stack is
// left for another. Two implementations stand in fiber_switch.cpp; fiber.cpp is the only caller.
#pragma once

#include "kernels/emulator/fiber.h"

namespace kintsugi::emulator {

void prepare_switch(Fiber& fiber, void (*entry)());
void raw_switch(Fiber& from, Fiber& to);

}  // namespace kintsugi::emulator
