// SPDX-License-Identifier: MIT
//
// The one primitive under the warp's and the block's vocabulary: all members come to one place of
// the kernel, the last computes for all. A barrier, a shuffle, ldmatrix and mma are combines over
// it. Coming from another place, with another mask, or to someone who has exited ends the launch
// with a sentence that names both places. The headers of include/kernels/device are the callers.
#pragma once

#include "kernels/emulator/block.h"

namespace kintsugi::emulator {

/// The calling lane brings `payload`, which stays where it is until all of `mask` have come; then
/// `combine` runs once. `op` is the vocabulary's name, for reports.
void meet_warp(const char* op, uint32_t mask, void* payload, Combine combine, const Where& where);

/// syncwarp: meets, and orders the members' memory accesses.
void sync_warp(uint32_t mask, const Where& where);
void sync_block(const Where& where);
/// Named barriers 1 to 15, of `count` threads; who arrives does not wait.
void sync_named(unsigned id, unsigned count, const Where& where);
void arrive_named(unsigned id, unsigned count, const Where& where);

}  // namespace kintsugi::emulator
