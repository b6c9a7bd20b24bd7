// SPDX-License-Identifier: MIT
//
// ldmatrix and mma of a whole warp, as one meeting for a whole tile of instructions: what a lane
// brings, and the arithmetic once all have come. The layouts are those of kernels/device/fragment.h.
// Products are exact in float and are added in ascending k, one rounding each; a tensor core rounds
// otherwise. include/kernels/device/mma.cuh is the caller.
#pragma once

#include <cstdint>

#include "kernels/emulator/place.h"

namespace kintsugi::emulator {

/// `count` instructions, each loading `matrices` (1, 2 or 4) of 8 rows of 16 bytes. `rows[i]` is the
/// row that this lane names; `out` takes count * matrices registers.
struct MatrixLoad {
  const void* const* rows;
  uint32_t* out;
  int count;
  int matrices;
  bool transposed;
};
void load_matrices(MatrixLoad load, const Where& where);

enum class MmaType : uint8_t { f16, bf16, tf32 };

/// rows x columns instructions: a [rows][4], b [columns][2], c [rows][columns][4].
struct MmaTile {
  const uint32_t* a;
  const uint32_t* b;
  float* c;
  int rows;
  int columns;
  MmaType type;
};
void multiply_tiles(MmaTile tile, const Where& where);

}  // namespace kintsugi::emulator
