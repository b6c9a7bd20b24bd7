// SPDX-License-Identifier: MIT
//
// Images larger than memory, and small holes in large images: a task runs one graph on cuts of the image
// and puts the results together. Which cuts is decided here, from what the user asked for, the graph's field
// and what memory allows; their geometry is runtime/image/tiles.
// Called by the tasks of networks.
#pragma once

#include <vector>

#include "runtime/image/tiles.h"
#include "runtime/program/runner.h"

namespace kintsugi::program {

/// A graph that takes one image and makes one.
struct ImageGraph {
  std::string_view graph;
  std::string_view input, output;
  int64_t multiple = 1;  // of the input's height and width
  bool pads = true;   // a whole image is continued to that multiple; else the graph takes any size
  int64_t scale = 1;  // output pixels for each input pixel, along either side
};

/// What to run: cuts of one image. Where `fade` is not 0, so many of the first rows and columns of a `take`
/// are blended with what the cuts before made there.
struct Cuts {
  std::vector<image::Cut> cuts;
  int64_t fade = 0;
  int64_t held = 0;  // bytes of images that the runner was told to count
};

/// Without `holes` the cuts cover the image: it is cut into tiles if the user says so, or where the whole
/// exceeds the session's memory. With `holes` they cover those alone, where the field is bounded or the user
/// says a margin. Throws Error::usage for a tile too small, Error::out_of_memory where none fits.
[[nodiscard]] Cuts choose_cuts(Runner& runner, const ImageGraph& graph, const Images& images,
                               const TaskInput& input, const image::Mask* holes);

/// Runs the graph at the image's own size, cut by cut, and writes what it makes into `made`, which is
/// graph.scale times as large: all pixels, or those that `taken` selects. `holes` is the mask that to_tensor
/// is given, if any, and where `taken` is the same mask the rest of the image is left alone.
void each_cut(Runner& runner, const ImageGraph& graph, const TaskInput& input,
              const to_tensor::Desc& in, const to_image::Desc& out, Image& made,
              const image::Mask* holes = nullptr, const image::Mask* taken = nullptr);

}  // namespace kintsugi::program
