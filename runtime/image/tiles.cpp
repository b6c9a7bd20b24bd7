// SPDX-License-Identifier: MIT
#include "runtime/image/tiles.h"

#include <algorithm>
#include <numeric>
#include <string>

#include "kernels/core/shape.h"

namespace kintsugi::image {
namespace {

/// A cut on one axis.
struct Span {
  int64_t read0 = 0, read1 = 0, take0 = 0, take1 = 0;
};

std::vector<Span> tile_axis(int64_t extent, int64_t tile, int64_t before, int64_t after,
                            int64_t stride) {
  const int64_t padded = round_up(extent, stride);
  if (tile >= padded) return {{0, padded, 0, extent}};
  // Between the borders a tile takes what its margins leave, and the next begins where it ends.
  const int64_t least = round_up(before + after + stride, stride);
  if (tile < least) {
    throw Error(ErrorCode::usage, "a tile of " + std::to_string(tile) + " pixels is too small",
                "the network needs " + std::to_string(before + after) +
                    " pixels around what a tile makes: at least " + std::to_string(least));
  }
  std::vector<Span> spans;
  int64_t taken = 0;
  while (taken < extent) {
    // The origin as far as the margin allows, so that tile fits before the image's end.
    const int64_t wanted = spans.empty() ? 0 : (taken - before) / stride * stride;
    const int64_t origin = std::clamp<int64_t>(wanted, 0, padded - tile);
    const bool last = origin + tile >= padded;
    const int64_t end = last ? extent : origin + tile - after;
    spans.push_back({origin, origin + tile, taken, end});
    taken = end;
  }
  return spans;
}

int64_t area(const Box& box) { return (box.y1 - box.y0) * (box.x1 - box.x0); }

Box united(const Box& a, const Box& b) {
  return {std::min(a.y0, b.y0), std::min(a.x0, b.x0), std::max(a.y1, b.y1), std::max(a.x1, b.x1)};
}

/// What is read for the holes inside `take`.
Box read_of(const Box& take, const Mask& mask, const Margins& m, int64_t stride) {
  const auto begin = [&](int64_t at, int64_t margin) {
    return std::max<int64_t>(at - margin, 0) / stride * stride;
  };
  const auto end = [&](int64_t at, int64_t margin, int64_t extent) {
    return std::min(round_up(at + margin, stride), round_up(extent, stride));
  };
  return {begin(take.y0, m.above), begin(take.x0, m.left), end(take.y1, m.below, mask.height),
          end(take.x1, m.right, mask.width)};
}

/// The bounding boxes of the holes in each block of a grid, joined where blocks touch.
std::vector<Box> boxes_of(const Mask& mask) {
  constexpr int64_t kBlock = 32;
  const int64_t columns = divide_up(mask.width, kBlock), rows = divide_up(mask.height, kBlock);
  std::vector<int64_t> parent(static_cast<size_t>(rows * columns), -1);  // -1: no hole
  std::vector<Box> boxes(parent.size());
  const auto root = [&](int64_t i) {
    while (parent[static_cast<size_t>(i)] != i) {
      int64_t& up = parent[static_cast<size_t>(i)];
      up = parent[static_cast<size_t>(up)];
      i = up;
    }
    return i;
  };
  const auto join = [&](int64_t a, int64_t b) {
    if (parent[static_cast<size_t>(b)] < 0) return;
    a = root(a), b = root(b);
    if (a == b) return;
    boxes[static_cast<size_t>(b)] =
        united(boxes[static_cast<size_t>(a)], boxes[static_cast<size_t>(b)]);
    parent[static_cast<size_t>(a)] = b;
  };
  for (int64_t y = 0; y < mask.height; ++y) {
    const uint8_t* row = mask.holes.data() + y * mask.width;
    for (int64_t column = 0; column < columns; ++column) {
      const int64_t x0 = column * kBlock, x1 = std::min(x0 + kBlock, mask.width);
      const uint8_t* first = std::find(row + x0, row + x1, uint8_t{1});
      if (first == row + x1) continue;
      const uint8_t* last = row + x1;
      while (*(last - 1) == 0) --last;
      const Box run{y, first - row, y + 1, last - row};
      const int64_t at = y / kBlock * columns + column;
      int64_t& own = parent[static_cast<size_t>(at)];
      Box& box = boxes[static_cast<size_t>(at)];
      box = own < 0 ? run : united(box, run);
      own = at;
    }
  }
  for (int64_t i = 0; i < rows * columns; ++i) {
    if (parent[static_cast<size_t>(i)] < 0) continue;
    const int64_t column = i % columns;
    if (column > 0) join(i, i - 1);
    if (i >= columns) {
      join(i, i - columns);
      if (column > 0) join(i, i - columns - 1);
      if (column + 1 < columns) join(i, i - columns + 1);
    }
  }
  std::vector<Box> found;
  for (int64_t i = 0; i < rows * columns; ++i) {
    if (parent[static_cast<size_t>(i)] == i) found.push_back(boxes[static_cast<size_t>(i)]);
  }
  return found;
}

bool overlap(const Box& a, const Box& b) {
  return a.y0 < b.y1 && b.y0 < a.y1 && a.x0 < b.x1 && b.x0 < a.x1;
}

}  // namespace

std::vector<Cut> tile_cuts(const Extent2d& image, const Extent2d& tile, const Margins& margins,
                           int64_t stride) {
  const std::vector<Span> rows =
      tile_axis(image.height, tile.height, margins.above, margins.below, stride);
  const std::vector<Span> columns =
      tile_axis(image.width, tile.width, margins.left, margins.right, stride);
  std::vector<Cut> cuts;
  for (const Span& y : rows) {
    for (const Span& x : columns) {
      cuts.push_back({{y.read0, x.read0, y.read1, x.read1}, {y.take0, x.take0, y.take1, x.take1}});
    }
  }
  return cuts;
}

std::vector<Cut> hole_cuts(const Mask& mask, const Margins& margins, int64_t stride) {
  constexpr size_t kMost = 1024;  // groups that are compared with each other
  std::vector<Box> takes = boxes_of(mask);
  const Cut whole{{0, 0, round_up(mask.height, stride), round_up(mask.width, stride)},
                  {0, 0, mask.height, mask.width}};
  if (takes.size() > kMost) {
    // So many that the image is full of them: one group of all.
    takes = {std::accumulate(takes.begin() + 1, takes.end(), takes.front(), united)};
  }
  const auto cost = [&](const Box& take) { return area(read_of(take, mask, margins, stride)); };
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t i = 0; i < takes.size(); ++i) {
      for (size_t j = i + 1; j < takes.size();) {
        const Box both = united(takes[i], takes[j]);
        // Takes that overlap would be made twice.
        if (!overlap(takes[i], takes[j]) && cost(both) > cost(takes[i]) + cost(takes[j])) {
          ++j;
          continue;
        }
        takes[i] = both;
        takes.erase(takes.begin() + static_cast<std::ptrdiff_t>(j));
        changed = true;
      }
    }
  }
  std::vector<Cut> cuts;
  int64_t read = 0;
  for (const Box& take : takes) {
    cuts.push_back({read_of(take, mask, margins, stride), take});
    read += area(cuts.back().read);
  }
  if (!cuts.empty() && read >= area(whole.read)) return {whole};
  return cuts;
}

}  // namespace kintsugi::image
