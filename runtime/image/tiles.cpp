// SPDX-License-Identifier: MIT
#include "runtime/image/tiles.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <optional>
#include <string>

namespace kintsugi::image {
namespace {

int64_t round_down(int64_t value, int64_t granule) { return value / granule * granule; }

struct Span {
  int64_t begin = 0, end = 0;
};

/// What an axis of the image, its margins and the network's grid are.
struct Axis {
  int64_t extent = 0;
  int64_t before = 0, after = 0;
  int64_t stride = 1, multiple = 1;

  /// As long as the network reads the whole image.
  [[nodiscard]] int64_t padded() const { return round_up(extent, multiple); }
  /// Steps of origins and ends that keep the network's grid at both.
  [[nodiscard]] int64_t step() const { return std::lcm(stride, multiple); }

  /// What is read for `take`.
  [[nodiscard]] Span read_for(Span take) const {
    const int64_t first = std::max<int64_t>(take.begin - before, 0);
    const int64_t last = std::min(take.end + after, padded());
    const int64_t begin = round_down(first, stride);
    const int64_t end = begin + round_up(last - begin, multiple);
    if (end <= padded()) return {begin, end};
    return {round_down(first, step()), padded()};
  }
};
Axis rows(Extent2d image, const Margins& margins, const Grid& grid) {
  return {image.height, margins.top, margins.bottom, grid.stride.h, grid.multiple.h};
}
Axis columns(Extent2d image, const Margins& margins, const Grid& grid) {
  return {image.width, margins.left, margins.right, grid.stride.w, grid.multiple.w};
}

struct Piece {
  Span read, take;
};

/// The tiles of an axis. The last one ends where the padded image does, so that all of them have an extent
/// that differs from that by a multiple of step().
std::vector<Piece> pieces(const Axis& axis, int64_t tile, const char* side) {
  const int64_t whole = axis.padded(), step = axis.step();
  if (whole <= tile) return {{.read = {0, whole}, .take = {0, axis.extent}}};
  // A tile goes on by a stride at least, and the last one has pixels of the image behind its margin.
  const int64_t needed =
      std::max(axis.before + axis.after + axis.stride, axis.before + whole - axis.extent + 1);
  const auto fitting = [&](int64_t steps) { return whole - steps * step; };
  const int64_t extent = fitting(divide_up(whole - tile, step));
  if (extent < needed) {
    const int64_t least = fitting(std::max<int64_t>(whole - needed, 0) / step);
    throw Error(ErrorCode::usage,
                "tiles of " + std::to_string(tile) + " pixels are too small in " + side +
                    ": with the " + std::to_string(axis.before) + " and " +
                    std::to_string(axis.after) +
                    " pixels that the network needs before and after what it makes, a tile of this "
                    "image has at least " +
                    std::to_string(least));
  }
  // Origins are spread evenly.
  const int64_t way = (whole - extent) / axis.stride;
  const int64_t longest = (extent - axis.before - axis.after) / axis.stride;
  const int64_t count = divide_up(way, longest) + 1;
  std::vector<Piece> out(static_cast<size_t>(count));
  int64_t taken = 0;
  for (int64_t i = 0; i < count; ++i) {
    const auto origin = [&](int64_t k) { return k * way / (count - 1) * axis.stride; };
    Piece& piece = out[static_cast<size_t>(i)];
    piece.read = {origin(i), origin(i) + extent};
    piece.take = {taken, axis.extent};
    if (i + 1 == count) break;
    // The next take begins in the middle of where it can; later ones want a pixel each, which counts where
    // the padding is as long as a tile.
    const int64_t first = origin(i + 1) + axis.before;
    const int64_t last = std::min(origin(i) + extent - axis.after, axis.extent - (count - 1 - i));
    taken = piece.take.end = (first + last) / 2;
  }
  return out;
}

Cut cut_of(const Piece& y, const Piece& x) {
  return {.read = {y.read.begin, x.read.begin, y.read.end, x.read.end},
          .take = {y.take.begin, x.take.begin, y.take.end, x.take.end}};
}

int64_t area(const Box& box) { return (box.y1 - box.y0) * (box.x1 - box.x0); }
bool meet(const Box& a, const Box& b) {
  return a.y0 < b.y1 && b.y0 < a.y1 && a.x0 < b.x1 && b.x0 < a.x1;
}
Box around(const Box& a, const Box& b) {
  return {std::min(a.y0, b.y0), std::min(a.x0, b.x0), std::max(a.y1, b.y1), std::max(a.x1, b.x1)};
}
bool from_top(const Cut& a, const Cut& b) {
  return a.take.y0 != b.take.y0 ? a.take.y0 < b.take.y0 : a.take.x0 < b.take.x0;
}

/// The first and the last hole of a part of a row; empty without one.
Span holes_of(const uint8_t* row, int64_t begin, int64_t end) {
  const uint8_t* first =
      static_cast<const uint8_t*>(std::memchr(row + begin, 1, static_cast<size_t>(end - begin)));
  if (first == nullptr) return {};
  while (row[end - 1] == 0) --end;
  return {first - row, end};
}

/// The box around the holes of each block that has some. Blocks bound the work: a mask of specks has as many
/// groups to begin with, however many specks there are.
std::vector<Box> blocks_with_holes(const Mask& mask) {
  constexpr int64_t kMost = 8192;
  int64_t side = 64;
  while (divide_up(mask.height, side) * divide_up(mask.width, side) > kMost) side *= 2;
  std::vector<Box> boxes;
  std::vector<Box> row_of_blocks(static_cast<size_t>(divide_up(mask.width, side)));
  for (int64_t y0 = 0; y0 < mask.height; y0 += side) {
    std::ranges::fill(row_of_blocks, Box{});
    for (int64_t y = y0; y < std::min(y0 + side, mask.height); ++y) {
      const uint8_t* row = mask.holes.data() + y * mask.width;
      for (int64_t x0 = 0; x0 < mask.width; x0 += side) {
        const Span holes = holes_of(row, x0, std::min(x0 + side, mask.width));
        if (holes.begin == holes.end) continue;
        Box& box = row_of_blocks[static_cast<size_t>(x0 / side)];
        const Box line{y, holes.begin, y + 1, holes.end};
        box = box.empty() ? line : around(box, line);
      }
    }
    std::ranges::copy_if(row_of_blocks, std::back_inserter(boxes),
                         [](const Box& box) { return !box.empty(); });
  }
  return boxes;
}

}  // namespace

std::vector<Cut> tile_cuts(Extent2d image, Extent2d tile, const Margins& margins,
                           const Grid& grid) {
  const std::vector<Piece> across = pieces(columns(image, margins, grid), tile.width, "width");
  std::vector<Cut> cuts;
  for (const Piece& y : pieces(rows(image, margins, grid), tile.height, "height")) {
    for (const Piece& x : across) cuts.push_back(cut_of(y, x));
  }
  return cuts;
}

std::vector<Cut> hole_cuts(const Mask& mask, const Margins& margins, const Grid& grid) {
  const Extent2d image{mask.height, mask.width};
  const Axis y = rows(image, margins, grid), x = columns(image, margins, grid);
  const auto cut_for = [&](const Box& take) {
    const Span down{take.y0, take.y1}, across{take.x0, take.x1};
    return cut_of({y.read_for(down), down}, {x.read_for(across), across});
  };
  std::vector<Cut> cuts;
  for (const Box& box : blocks_with_holes(mask)) cuts.push_back(cut_for(box));

  // Each cut in turn joins later ones as long as that pays: the one that saves the most, and any whose take
  // meets its own. Done when a pass over the sorted cuts joins none.
  for (bool again = true; again;) {
    again = false;
    std::ranges::sort(cuts, from_top);
    for (size_t i = 0; i < cuts.size(); ++i) {
      if (cuts[i].take.empty()) continue;
      for (bool joins = true; joins;) {
        joins = false;
        size_t with = 0;
        int64_t most = -1;
        for (size_t j = i + 1; j < cuts.size(); ++j) {
          const Cut& other = cuts[j];
          if (other.take.empty()) continue;
          if (other.take.y0 - y.before - y.step() >= cuts[i].read.y1) break;
          if (!meet(cuts[i].read, other.read)) continue;
          const int64_t saved = meet(cuts[i].take, other.take)
                                    ? area(cuts[i].read) + area(other.read)
                                    : area(cuts[i].read) + area(other.read) -
                                          area(cut_for(around(cuts[i].take, other.take)).read);
          if (saved <= most) continue;
          most = saved;
          with = j;
          joins = true;
        }
        if (!joins) break;
        cuts[i] = cut_for(around(cuts[i].take, cuts[with].take));
        cuts[with] = {};
        again = true;
      }
    }
    std::erase_if(cuts, [](const Cut& cut) { return cut.take.empty(); });
  }

  int64_t read = 0;
  for (const Cut& cut : cuts) read += area(cut.read);
  const Cut whole{.read = {0, 0, y.padded(), x.padded()}, .take = mask.bounding_box()};
  if (read > 0 && read >= area(whole.read)) return {whole};
  return cuts;
}

std::vector<float> fade(int64_t extent, int64_t overlap_before, int64_t overlap_after) {
  std::vector<float> weights(static_cast<size_t>(extent));
  for (int64_t i = 0; i < extent; ++i) {
    const auto rising = [](int64_t from_edge, int64_t overlap) {
      return from_edge >= overlap
                 ? 1.0F
                 : (static_cast<float>(from_edge) + 0.5F) / static_cast<float>(overlap);
    };
    weights[static_cast<size_t>(i)] =
        std::min(rising(i, overlap_before), rising(extent - 1 - i, overlap_after));
  }
  return weights;
}

}  // namespace kintsugi::image
