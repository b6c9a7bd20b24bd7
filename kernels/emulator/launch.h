// SPDX-License-Identifier: MIT
//
// Runs a launch: the workers, which block goes where, and what is thrown when a kernel is broken.
// device::launch (include/kernels/device/launch.cuh) makes the Launch and gives it to a stream; the
// stream (api.cpp) calls run when it is synchronised.
#pragma once

#include "kernels/emulator/block.h"

namespace kintsugi::device {
struct Stream;
}

namespace kintsugi::emulator {

/// Throws kintsugi::Error where a GPU would refuse the launch.
void check_limits(const Launch& launch);
/// Gives the launch to the stream. Throws what check_limits throws.
void enqueue(device::Stream& stream, Launch launch);
/// Runs every block. Throws the sentence of the first that failed.
void run(const Launch& launch);

}  // namespace kintsugi::emulator
