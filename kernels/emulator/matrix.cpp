// SPDX-License-Identifier: MIT
#include "kernels/emulator/matrix.h"

#include <array>
#include <bit>
#include <cstring>
#include <vector>

#include "kernels/emulator/access.h"
#include "kernels/emulator/banks.h"
#include "kernels/emulator/collective.h"
#include "kernels/emulator/index.h"
#include "kernels/emulator/multiply.h"
#include "kernels/emulator/race.h"

namespace kintsugi::emulator {

namespace {

using device::kAllLanes;
using device::kWarpSize;

const MatrixLoad& load_of(void* const* payloads, int lane) {
  return *static_cast<const MatrixLoad*>(payloads[lane]);
}

void combine_load(void* const* payloads, uint32_t /*mask*/) {
  Block& block = *block_now;
  const MatrixLoad& first = load_of(payloads, 0);
  for (int i = 0; i < first.count; ++i) {
    for (int j = 0; j < first.matrices; ++j) {
      std::array<const std::byte*, 8> rows;
      std::array<uint32_t, 8> offsets;
      for (int r = 0; r < 8; ++r) {
        const auto at = static_cast<std::size_t>(r);
        rows[at] = static_cast<const std::byte*>(load_of(payloads, 8 * j + r).rows[i]);
        offsets[at] = block.shared_offset(rows[at]);
      }
      block.counted.ldmatrix.taken += wavefronts(offsets);
      block.counted.ldmatrix.ideal += 1;
      const int reg = i * first.matrices + j;
      for (int lane = 0; lane < kWarpSize; ++lane) {
        uint32_t* out = load_of(payloads, lane).out + reg;
        const auto row = static_cast<std::size_t>(lane / 4);
        const std::ptrdiff_t word = lane % 4;
        if (!first.transposed) {
          std::memcpy(out, rows[row] + 4 * word, 4);
        } else {
          uint16_t low = 0;
          uint16_t high = 0;
          std::memcpy(&low, rows[static_cast<std::size_t>(2 * word)] + 2 * row, 2);
          std::memcpy(&high, rows[static_cast<std::size_t>(2 * word) + 1] + 2 * row, 2);
          *out = low | static_cast<uint32_t>(high) << 16;
        }
      }
    }
  }
}

// The operands of one meeting, gathered from the lanes. Grows to the largest tile and stays.
struct Operands {
  std::vector<uint32_t> a_words;  // [rows][8]
  std::vector<uint32_t> b_words;  // [8][columns]
  std::vector<float> a;           // [rows][depth]
  std::vector<float> b;           // [depth][columns]
  std::vector<float> c;           // [rows][columns]
  std::vector<float> low;
  std::vector<float> high;
};

const MmaTile& tile_of(void* const* payloads, int lane) {
  return *static_cast<const MmaTile*>(payloads[lane]);
}

template <typename T>
void fit(std::vector<T>& v, int count) {
  if (v.size() < at_index(count)) v.resize(at_index(count));
}

// A register of A stands at [row][k / 4 bytes], one of B at [k / 4 bytes][column]: the same for all
// types, seen as words.
void gather(void* const* payloads, const MmaTile& first, int columns, Operands& to) {
  for (int lane = 0; lane < kWarpSize; ++lane) {
    const MmaTile& tile = tile_of(payloads, lane);
    for (int i = 0; i < first.rows; ++i) {
      for (int reg = 0; reg < 4; ++reg) {
        const device::Element at = device::a_element<device::tf32>(lane, reg);
        to.a_words[at_index((16 * i + at.row) * 8 + at.column)] = tile.a[4 * i + reg];
      }
    }
    for (int j = 0; j < first.columns; ++j) {
      for (int reg = 0; reg < 2; ++reg) {
        const device::Element at = device::b_element<device::tf32>(lane, reg);
        to.b_words[at_index(at.row * columns + 8 * j + at.column)] = tile.b[2 * j + reg];
      }
    }
    for (int i = 0; i < first.rows; ++i) {
      for (int half = 0; half < 2; ++half) {
        const device::Element at = device::c_element(lane, 2 * half);
        float* c = &to.c[at_index((16 * i + at.row) * columns + at.column)];
        const float* from = tile.c + 4 * i * first.columns + 2 * half;
        for (int j = 0; j < first.columns; ++j) std::memcpy(c + 8 * j, from + 4 * j, 8);
      }
    }
  }
}

void scatter(void* const* payloads, const MmaTile& first, int columns, const Operands& from) {
  for (int lane = 0; lane < kWarpSize; ++lane) {
    const MmaTile& tile = tile_of(payloads, lane);
    for (int i = 0; i < first.rows; ++i) {
      for (int half = 0; half < 2; ++half) {
        const device::Element at = device::c_element(lane, 2 * half);
        const float* c = &from.c[at_index((16 * i + at.row) * columns + at.column)];
        float* to = tile.c + 4 * i * first.columns + 2 * half;
        for (int j = 0; j < first.columns; ++j) std::memcpy(to + 4 * j, c + 8 * j, 8);
      }
    }
  }
}

void combine_mma(void* const* payloads, uint32_t /*mask*/) {
  static thread_local Operands operands;
  const Arithmetic& math = arithmetic();
  const MmaTile& first = tile_of(payloads, 0);
  block_now->counted.mma += first.rows * first.columns;
  const int rows = device::kMmaM * first.rows;
  const int columns =
      (device::kMmaN * first.columns + kColumnBlock - 1) / kColumnBlock * kColumnBlock;
  const bool pairs = first.type != MmaType::tf32;
  const int depth = pairs ? 16 : 8;
  fit(operands.a_words, rows * 8);
  fit(operands.b_words, columns * 8);
  fit(operands.a, rows * depth);
  fit(operands.b, columns * depth);
  fit(operands.c, rows * columns);
  fit(operands.low, rows * 8);
  fit(operands.high, rows * 8);
  gather(payloads, first, columns, operands);
  if (pairs) {
    const Widen widen = first.type == MmaType::f16 ? math.widen_f16 : math.widen_bf16;
    widen(operands.a_words.data(), operands.low.data(), operands.high.data(), rows * 8);
    for (int i = 0; i < rows * 8; ++i) {
      const auto at = at_index(i);
      operands.a[2 * at] = operands.low[at];
      operands.a[2 * at + 1] = operands.high[at];
    }
    for (int k = 0; k < 8; ++k) {
      widen(&operands.b_words[at_index(k * columns)], &operands.b[at_index(2 * k * columns)],
            &operands.b[at_index((2 * k + 1) * columns)], columns);
    }
  } else {  // the tensor core does not look at the lower 13 bits
    for (int i = 0; i < rows * 8; ++i) {
      const auto at = at_index(i);
      operands.a[at] = std::bit_cast<float>(operands.a_words[at] & ~0x1fffu);
    }
    for (int i = 0; i < columns * 8; ++i) {
      const auto at = at_index(i);
      operands.b[at] = std::bit_cast<float>(operands.b_words[at] & ~0x1fffu);
    }
  }
  math.multiply(operands.a.data(), depth, operands.b.data(), operands.c.data(), rows, columns,
                depth);
  scatter(payloads, first, columns, operands);
}

}  // namespace

void load_matrices(MatrixLoad load, const Where& where) {
  Block& block = *block_now;
  const unsigned lane = ::threadIdx.x % kWarpSize;
  if (static_cast<int>(lane) < 8 * load.matrices) {
    for (int i = 0; i < load.count; ++i) {
      check_shared(block, "ldmatrix", load.rows[i], 16, 16, where);
      if (block.race) block.race->read(load.rows[i], 16, where);
    }
  }
  meet_warp("ldmatrix", kAllLanes, &load, combine_load, where);
}

void multiply_tiles(MmaTile tile, const Where& where) {
  meet_warp("mma", kAllLanes, &tile, combine_mma, where);
}

}  // namespace kintsugi::emulator
