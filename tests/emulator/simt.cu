// SPDX-License-Identifier: MIT
//
// Two specimens without tensor cores: a tiled matrix product in f32, and a reduction by shuffles.
#include "kernels/device/memory.cuh"
#include "kernels/device/numeric.cuh"
#include "kernels/device/reduce.cuh"
#include "kernels/device/sync.cuh"
#include "tests/emulator/specimens.h"

namespace kintsugi::specimen {

namespace {

// Math        c[m, n] = sum over k of a[m, k] * b[k, n], each product fused, k ascending
// Tiling      grid (n / 64, m / 64); block tile 64 x 64 x 16; 256 threads as 16 x 16, each 4 x 4
// Shared      a [64][16 + 1], so that four rows of one column fall on four banks; b [16][64]
// Sync        two barriers a tile: after the stores, and after the last use
struct GemmSimt {
  static constexpr int kTile = 64;
  static constexpr int kTileK = 16;
  static constexpr unsigned kThreads = 256;
  static constexpr int kMaxRegisters = 128;
  struct Shared {
    float a[kTile][kTileK + 1];
    float b[kTileK][kTile];
  };
  const float* a;
  const float* b;
  float* c;
  int m;
  int n;
  int k;

  KIN_DEVICE void operator()() const {
    auto& shared = device::shared<GemmSimt>();
    const int t = static_cast<int>(threadIdx.x);
    const int m0 = static_cast<int>(blockIdx.y) * kTile;
    const int n0 = static_cast<int>(blockIdx.x) * kTile;
    float sum[4][4] = {};
    for (int k0 = 0; k0 < k; k0 += kTileK) {
      for (int i = t; i < kTile * kTileK; i += static_cast<int>(kThreads)) {
        const int row = i / kTileK;
        const int column = i % kTileK;
        const bool inside = m0 + row < m && k0 + column < k;
        shared.a[row][column] = inside ? device::load(&a[(m0 + row) * k + k0 + column]) : 0.0f;
      }
      for (int i = t; i < kTile * kTileK; i += static_cast<int>(kThreads)) {
        const int row = i / kTile;
        const int column = i % kTile;
        const bool inside = k0 + row < k && n0 + column < n;
        shared.b[row][column] = inside ? device::load(&b[(k0 + row) * n + n0 + column]) : 0.0f;
      }
      device::syncthreads();  // the tiles are complete
      for (int i = 0; i < kTileK; ++i) {
#pragma unroll
        for (int y = 0; y < 4; ++y) {
#pragma unroll
          for (int x = 0; x < 4; ++x) {
            sum[y][x] =
                device::fma(shared.a[t / 16 * 4 + y][i], shared.b[i][t % 16 + 16 * x], sum[y][x]);
          }
        }
      }
      device::syncthreads();  // nobody reads them any more
    }
#pragma unroll
    for (int y = 0; y < 4; ++y) {
#pragma unroll
      for (int x = 0; x < 4; ++x) {
        const int row = m0 + t / 16 * 4 + y;
        const int column = n0 + t % 16 + 16 * x;
        if (row < m && column < n) device::store(&c[row * n + column], sum[y][x]);
      }
    }
  }
};

// A warp a row: lane i adds elements i, i + 32, ..., then the lanes are added by xor.
template <typename T>
struct RowSum {
  static constexpr unsigned kThreads = 128;
  const T* x;
  float* sum;
  int rows;
  int columns;

  KIN_DEVICE void operator()() const {
    const int row = static_cast<int>(blockIdx.x) * 4 + device::warp();
    if (row >= rows) return;  // the whole warp
    float mine = 0;
    for (int i = device::lane(); i < columns; i += device::kWarpSize) {
      mine += device::to_float(device::load(&x[row * columns + i]));
    }
    mine = device::reduce_add(mine);
    if (device::lane() == 0) device::store(&sum[row], mine);
  }
};

}  // namespace

void simt_gemm(device::Stream& stream, const GemmArgs<float>& args) {
  const auto tiles = [](int size) {
    return static_cast<unsigned>((size + GemmSimt::kTile - 1) / GemmSimt::kTile);
  };
  device::launch(
      stream, {tiles(args.n), tiles(args.m)},
      GemmSimt{.a = args.a, .b = args.b, .c = args.c, .m = args.m, .n = args.n, .k = args.k});
}

template <typename T>
void row_sum(device::Stream& stream, const T* x, float* sum, int rows, int columns) {
  device::launch(stream, {static_cast<unsigned>((rows + 3) / 4)},
                 RowSum<T>{.x = x, .sum = sum, .rows = rows, .columns = columns});
}
template void row_sum<float>(device::Stream&, const float*, float*, int, int);
template void row_sum<f16>(device::Stream&, const f16*, float*, int, int);
template void row_sum<bf16>(device::Stream&, const bf16*, float*, int, int);

}  // namespace kintsugi::specimen
