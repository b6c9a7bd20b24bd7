// SPDX-License-Identifier: MIT
//
// copy on the CPU.
//
// Math        y[n,c,y,x] = x[n, first + c, y, x]
// Shapes      x [N,C,H,W]   y [N,channels,H,W]
// Layout      NHWC with a pitch each; pad channels are written as zeros
// Tiling      a task is some rows, a pixel one std::copy
// Threads     tasks of rows from a common queue
// Numerics    none: bits are moved
// Roofline    8 bytes an element: bound by memory
// Limits      none beyond the contract
#include <algorithm>

#include "kernels/copy/copy.h"

namespace kintsugi::copy {
namespace {

constexpr int64_t kTaskElements = 1 << 16;  // large against taking a task, small against an image

}  // namespace

void cpu(const Desc& desc, const Args<float>& args, Parallel& parallel) {
  const Shape& shape = args.output.shape;
  const int64_t stored = storage_channels(shape.c());
  const int64_t task_rows = std::max<int64_t>(kTaskElements / (shape.w() * stored), 1);
  const int64_t rows = shape.n() * shape.h();
  parallel.parallel_for(divide_up(rows, task_rows), [&](int64_t task) {
    const int64_t end = std::min(rows, (task + 1) * task_rows);
    for (int64_t pixel = task * task_rows * shape.w(); pixel < end * shape.w(); ++pixel) {
      const float* from = args.input.data + pixel * args.input.pitch + desc.first;
      float* to = args.output.data + pixel * args.output.pitch;
      std::fill(std::copy_n(from, shape.c(), to), to + stored, 0.0f);
    }
  });
}

}  // namespace kintsugi::copy
