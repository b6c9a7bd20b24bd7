// SPDX-License-Identifier: MIT
#include <cstring>

#include "kernels/core/error.h"
#include "kernels/device/api.h"
#include "kernels/emulator/access.h"
#include "kernels/emulator/async.h"
#include "kernels/emulator/block.h"
#include "kernels/emulator/index.h"

namespace kintsugi::emulator {

namespace {

constexpr int kRowBytes = 2 * device::kBoxColumns;

device::TensorMapDesc read_map(const device::TensorMap& map) {
  device::TensorMapDesc desc;
  std::memcpy(static_cast<void*>(&desc), &map, sizeof desc);
  return desc;
}

/// One box: 16 bytes a time, because that is what the swizzle moves.
void copy_box(Block& block, const device::TensorMapDesc& desc, std::byte* to, int row0,
              int column0) {
  for (int row = 0; row < static_cast<int>(desc.box_rows); ++row) {
    for (int chunk = 0; chunk < 8; ++chunk) {
      std::byte* at = to + device::swizzle128_bytes(row, chunk);
      for (int i = 0; i < 8; ++i) {
        const int64_t y = row0 + row;
        const int64_t x = column0 + 8 * chunk + i;
        const bool inside = y >= 0 && y < static_cast<int64_t>(desc.rows) && x >= 0 &&
                            x < static_cast<int64_t>(desc.columns);
        if (!inside) {
          std::memset(at + 2 * i, 0, 2);
          continue;
        }
        std::memcpy(at + 2 * i,
                    static_cast<const std::byte*>(desc.data) +
                        y * static_cast<int64_t>(desc.pitch_bytes) + 2 * x,
                    2);
        block.counted.bytes_read += 2;
      }
    }
  }
}

}  // namespace

void begin_transfer(void* to, const device::TensorMap& map, void* barrier, int row, int column,
                    const Where& where) {
  Block& block = *block_now;
  const device::TensorMapDesc desc = read_map(map);
  const auto bytes = static_cast<std::size_t>(desc.box_rows) * kRowBytes;
  check_shared(block, "tma_load", to, bytes, device::kSharedAlignment, where);
  check_device(block, "tma_load", desc.data, (desc.rows - 1) * desc.pitch_bytes + 2 * desc.columns,
               16, where);
  check_barrier(block, barrier, "tma_load", where);
  if (block.race) block.race->issue(to, bytes, where);
  std::memset(to, 0xff, bytes);
  const auto run = [=, thread = ::threadIdx.x](Block& in) {
    copy_box(in, desc, static_cast<std::byte*>(to), row, column);
    if (in.race) in.race->land_by(thread, to, bytes, in.async->barriers.at(barrier).gathering);
    complete_bytes(in, barrier, static_cast<int64_t>(bytes));
  };
  block.async->transfers.push_back({run, where});
}

}  // namespace kintsugi::emulator

namespace kintsugi::device {

TensorMap make_tensor_map(const TensorMapDesc& desc) {
  const bool aligned =
      reinterpret_cast<uintptr_t>(desc.data) % 16 == 0 && desc.pitch_bytes % 16 == 0;
  if (!aligned || desc.box_rows == 0 || desc.box_rows > 256 || desc.rows == 0 ||
      desc.columns == 0 || desc.pitch_bytes < 2 * desc.columns) {
    throw Error(ErrorCode::usage,
                "TMA cannot describe a matrix of " + std::to_string(desc.rows) + " x " +
                    std::to_string(desc.columns) + " with rows " +
                    std::to_string(desc.pitch_bytes) + " bytes apart and boxes of " +
                    std::to_string(desc.box_rows) +
                    " rows: addresses are multiples of 16, boxes have 1 to 256 rows");
  }
  TensorMap map{};
  static_assert(sizeof desc <= sizeof map);
  std::memcpy(&map, &desc, sizeof desc);
  return map;
}

}  // namespace kintsugi::device
