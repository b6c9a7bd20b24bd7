// SPDX-License-Identifier: MIT
//
// concat on the CPU.
//
// Math        y[n,c,y,x] = x_i[n, c - (channels of x_0 .. x_i-1), y, x]
// Shapes      x_i [N,C_i,H,W]   y [N,sum of C_i,H,W]
// Layout      NHWC with a pitch each; pad channels are written as zeros
// Tiling      a task is some rows, written pixel by pixel
// Threads     tasks of rows from a common queue
// Numerics    none: bits are moved
// Roofline    8 bytes an element: bound by memory
// Limits      none beyond the contract
#include <algorithm>

#include "kernels/concat/concat.h"

namespace kintsugi::concat {
namespace {

constexpr int64_t kTaskElements = 1 << 16;  // large against taking a task, small against an image

}  // namespace

void cpu(const Desc&, const Args<float>& args, Parallel& parallel) {
  const Shape& shape = args.output.shape;
  const int64_t stored = storage_channels(shape.c());
  const int64_t task_rows = std::max<int64_t>(kTaskElements / (shape.w() * stored), 1);
  const int64_t rows = shape.n() * shape.h();
  parallel.parallel_for(divide_up(rows, task_rows), [&](int64_t task) {
    const int64_t end = std::min(rows, (task + 1) * task_rows);
    for (int64_t pixel = task * task_rows * shape.w(); pixel < end * shape.w(); ++pixel) {
      float* to = args.output.data + pixel * args.output.pitch;
      float* const last = to + stored;
      for (const TensorView<const float>& input : args.inputs) {
        to = std::copy_n(input.data + pixel * input.pitch, input.shape.c(), to);
      }
      std::fill(to, last, 0.0f);
    }
  });
}

}  // namespace kintsugi::concat
