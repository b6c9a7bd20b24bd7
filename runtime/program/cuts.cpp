// SPDX-License-Identifier: MIT
#include "runtime/program/cuts.h"

#include <algorithm>
#include <numeric>
#include <string>

#include "runtime/image/pixel.h"
#include "runtime/image/tiles.h"

namespace kintsugi::program {
namespace {

using image::Cut;
using image::Margins;

constexpr int64_t kBlended = 64;  // pixels of overlap where no overlap is enough

Margins uniform(int64_t pixels) { return {pixels, pixels, pixels, pixels}; }

/// What to run: cuts of one image. Where `fade` is not 0, so many of the first rows and columns of a `take`
/// are blended with what the cuts before made there.
struct Cuts {
  std::vector<Cut> cuts;
  int64_t fade = 0;
  int64_t held = 0;  // bytes of images that the runner was told to count
};

/// Chooses the cuts. Without `holes` they cover the image: it is cut into tiles if the user says so, or where
/// the whole exceeds the session's memory. With `holes` they cover those alone, where the field is bounded or
/// the user says a margin.
struct Chooser {
  Runner& runner;
  const ImageGraph& graph;
  const Images& images;
  const TaskInput& input;
  const image::Mask* holes;

  image::Extent2d extent{input.image.height, input.image.width};
  std::optional<Field> field = {};  // asked for where the image may be cut: it costs a recording
  int64_t stride = 1;

  [[nodiscard]] Cuts choose() {
    require_sizes();
    const image::Extent2d whole = whole_extent();
    const bool crops = holes != nullptr && input.crop.enabled;
    if (!crops && is_enough(whole)) return one(whole);
    field = usable_field();
    stride = std::lcm(graph.multiple, field ? std::lcm(field->stride.h, field->stride.w) : 1);
    if (crops && (field || asks_for_margin())) {
      const Margins margins = asks_for_margin() ? uniform(input.crop.margin) : margins_of(*field);
      std::vector<Cut> cuts = inside(image::hole_cuts(*holes, margins, stride));
      if (std::ranges::all_of(cuts, [&](const Cut& cut) { return is_small(cut.read); })) {
        if (asks_for_margin()) warn_of_margin();
        return {std::move(cuts), 0, 0};
      }
    }
    if (crops && is_enough(whole)) return one(whole);
    if (input.tiles.size > 0) {
      const int64_t longer = std::max(whole.height, whole.width);
      const int64_t side = round_up(std::min(input.tiles.size, longer), stride);
      if (side >= longer) return one(whole);
      return tiled({std::min(side, round_up(extent.height, stride)),
                    std::min(side, round_up(extent.width, stride))});
    }
    const int64_t bytes = image_bytes();
    runner.hold(bytes);
    if (const auto tile = largest_tile()) {
      Cuts chosen = tiled(*tile);
      chosen.held = bytes;
      return chosen;
    }
    runner.hold(-bytes);
    return one(whole);  // the replay says what it needs
  }

 private:
  void require_sizes() const {
    constexpr int64_t kMost = 1 << 20;  // pixels; far beyond any field
    const auto require = [](int64_t value, int64_t least, const char* what) {
      if (value >= least && value <= kMost) return;
      throw Error(ErrorCode::usage,
                  std::string(what) + " of " + std::to_string(value) + " pixels is not possible");
    };
    if (input.tiles.size != TileOptions::kOff && input.tiles.size != TileOptions::kAuto) {
      require(std::min(input.tiles.size, kMost), 1, "a tile");
    }
    if (asks_for_overlap()) require(input.tiles.overlap, 1, "an overlap");
    if (asks_for_margin()) require(input.crop.margin, 0, "a margin");
  }
  /// The field, where output pixels stand where the cuts' arithmetic has them.
  [[nodiscard]] std::optional<Field> usable_field() const {
    std::optional<Field> found = runner.field(graph.graph, graph.input, graph.output);
    if (found && found->output_stride !=
                     Pair(graph.scale * found->stride.h, graph.scale * found->stride.w)) {
      found.reset();
    }
    return found;
  }
  [[nodiscard]] image::Extent2d whole_extent() const {
    if (!graph.pads) return extent;
    return {round_up(extent.height, graph.multiple), round_up(extent.width, graph.multiple)};
  }
  [[nodiscard]] Cuts one(const image::Extent2d& whole) const {
    return {{{{0, 0, whole.height, whole.width}, {0, 0, extent.height, extent.width}}}, 0, 0};
  }
  [[nodiscard]] bool asks_for_margin() const { return input.crop.margin != CropOptions::kAuto; }
  [[nodiscard]] bool asks_for_overlap() const { return input.tiles.overlap != TileOptions::kAuto; }
  [[nodiscard]] static image::Extent2d extent_of(const image::Box& box) {
    return {box.y1 - box.y0, box.x1 - box.x0};
  }
  [[nodiscard]] static Margins margins_of(const Field& f) {
    return {f.top, f.left, f.bottom, f.right};
  }
  [[nodiscard]] bool fits(const image::Extent2d& size) const {
    return runner.fits(graph.graph, {.h = size.height, .w = size.width}, images);
  }
  /// Whether the whole image is to be run as one.
  [[nodiscard]] bool is_enough(const image::Extent2d& whole) const {
    return input.tiles.size == TileOptions::kOff ||
           (input.tiles.size == TileOptions::kAuto && fits(whole));
  }
  /// Whether the overlap that was asked for covers what an output pixel depends on.
  [[nodiscard]] bool is_exact() const {
    if (!field) return false;
    return !asks_for_overlap() || input.tiles.overlap >= widest();
  }
  [[nodiscard]] int64_t overlap() const {
    return asks_for_overlap() ? input.tiles.overlap : kBlended;
  }

  /// A graph that is not padded is given no more than the image, whose end it sees as it is.
  [[nodiscard]] std::vector<Cut> inside(std::vector<Cut> cuts) const {
    for (Cut& cut : cuts) {
      if (graph.pads) break;
      cut.read.y1 = std::min(cut.read.y1, extent.height);
      cut.read.x1 = std::min(cut.read.x1, extent.width);
    }
    return cuts;
  }
  /// Whether a cut need not be tiled.
  [[nodiscard]] bool is_small(const image::Box& read) const {
    const image::Extent2d size = extent_of(read);
    if (input.tiles.size > 0) return std::max(size.height, size.width) <= input.tiles.size;
    return input.tiles.size == TileOptions::kOff || fits(size);
  }
  void warn_of_margin() const {
    if (field && input.crop.margin >= widest()) return;
    runner.warn(
        "a margin of " + std::to_string(input.crop.margin) +
        " pixels is less than the network sees: what it fills differs from the whole image");
  }
  [[nodiscard]] int64_t widest() const {
    return std::max({field->top, field->left, field->bottom, field->right});
  }

  /// Tiles are for images so large that they count beside a session's own memory.
  [[nodiscard]] int64_t image_bytes() const {
    const int64_t pixels = extent.height * extent.width;
    const int64_t bytes = image::pixel_bytes(input.image);
    const int64_t made = checked_multiply(pixels * graph.scale * graph.scale, bytes);
    return pixels * bytes + made + (holes != nullptr ? 2 * pixels : 0);
  }

  [[nodiscard]] Cuts tiled(const image::Extent2d& tile) const {
    Cuts chosen;
    if (is_exact()) {
      const Margins margins =
          asks_for_overlap() ? uniform(input.tiles.overlap) : margins_of(*field);
      chosen.cuts = inside(image::tile_cuts(extent, tile, margins, stride));
    } else {
      // A tile begins `fade` pixels before the part that is its own.
      chosen.fade = overlap();
      chosen.cuts =
          inside(image::tile_cuts(extent, tile, {chosen.fade, chosen.fade, 0, 0}, stride));
      for (Cut& cut : chosen.cuts) {
        if (cut.take.y0 > 0) cut.take.y0 -= chosen.fade;
        if (cut.take.x0 > 0) cut.take.x0 -= chosen.fade;
      }
      if (chosen.cuts.size() > 1) {
        runner.warn(std::string(field ? "the overlap is less than the network sees"
                                      : "the network looks at the whole image") +
                    ", so tiles differ from it; they are blended over " +
                    std::to_string(chosen.fade) + " pixels");
      }
    }
    if (holes != nullptr) {
      std::erase_if(chosen.cuts, [&](const Cut& cut) { return !image::any(*holes, cut.take); });
    }
    return chosen;
  }

  [[nodiscard]] int64_t least_tile() const {
    int64_t margins = overlap();
    if (is_exact()) {
      margins = asks_for_overlap()
                    ? 2 * overlap()
                    : std::max(field->top + field->bottom, field->left + field->right);
    }
    return round_up(margins + stride, stride);
  }

  /// The largest tile that fits into memory; nullopt: not the smallest.
  [[nodiscard]] std::optional<image::Extent2d> largest_tile() const {
    const auto tile = [&](int64_t steps) -> image::Extent2d {
      const int64_t side = steps * stride;
      return {std::min(side, round_up(extent.height, stride)),
              std::min(side, round_up(extent.width, stride))};
    };
    int64_t fitting = least_tile() / stride;
    int64_t exceeding = divide_up(std::max(extent.height, extent.width), stride);
    if (fitting >= exceeding || !fits(tile(fitting))) return {};
    while (exceeding - fitting > 1) {
      const int64_t middle = (fitting + exceeding) / 2;
      (fits(tile(middle)) ? fitting : exceeding) = middle;
    }
    return tile(fitting);
  }
};

}  // namespace

void each_cut(Runner& runner, const ImageGraph& graph, const TaskInput& input,
              const to_tensor::Desc& in, const to_image::Desc& out, Image& made,
              const image::Mask* holes, const image::Mask* taken) {
  if (taken != nullptr && graph.scale != 1) {
    throw Error(ErrorCode::internal, "a mask selects pixels of an image that is enlarged");
  }
  const std::string from(graph.input), to(graph.output);
  ImageSource source{in, input.image, holes};
  ImageSink sink{out, &made, {.selected = taken}};
  const bool holes_alone = holes != nullptr && holes == taken;
  const Images images = images_of({{from, source}}, {{to, sink}});
  const Cuts chosen = Chooser{runner, graph, images, input, holes_alone ? holes : nullptr}.choose();
  const auto count = static_cast<double>(chosen.cuts.size());
  std::vector<uint8_t> above;  // what the row of tiles before made of the rows that both make
  for (size_t i = 0; i < chosen.cuts.size(); ++i) {
    const Cut& cut = chosen.cuts[i];
    const int64_t s = graph.scale;
    const bool fades = chosen.fade > 0 && cut.take.y0 > 0;
    const auto row_differs = [&](size_t other) {
      return other >= chosen.cuts.size() || chosen.cuts[other].take.y0 != cut.take.y0;
    };
    if (fades && row_differs(i - 1)) above = image::rows_of(made, s * cut.take.y0, s * chosen.fade);
    source.y0 = cut.read.y0, source.x0 = cut.read.x0;
    sink.part.y0 = s * cut.read.y0, sink.part.x0 = s * cut.read.x0;
    sink.part.take = {s * cut.take.y0, s * cut.take.x0, s * cut.take.y1, s * cut.take.x1};
    sink.part.fade_x = cut.take.x0 > 0 ? s * chosen.fade : 0;
    runner.part(static_cast<double>(i) / count, static_cast<double>(i + 1) / count);
    runner.replay(graph.graph, {.h = cut.read.y1 - cut.read.y0, .w = cut.read.x1 - cut.read.x0},
                  {{from, source}}, {{to, sink}});
    if (fades && row_differs(i + 1)) image::fade_in(made, s * cut.take.y0, above);
  }
  runner.hold(-chosen.held);
}

}  // namespace kintsugi::program
