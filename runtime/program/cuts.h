// SPDX-License-Identifier: MIT
//
// Images larger than memory, and small holes in large images: a task runs one graph on cuts of the image
// and puts the results together. Which cuts is decided here, from what the user asked for, the graph's field
// and what memory allows; their geometry is runtime/image/tiles.
// Called by the tasks of networks.
#pragma once

#include <cstdint>
#include <string_view>

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

/// Runs the graph at the image's own size, cut by cut, and writes what it makes into `made`, which is
/// graph.scale times as large: all pixels, or those that `taken` selects. `holes` is the mask that to_tensor
/// is given, if any, and where `taken` is the same mask the rest of the image is left alone. Throws Error::usage
/// for a tile too small, Error::out_of_memory where none fits.
void each_cut(Runner& runner, const ImageGraph& graph, const TaskInput& input,
              const to_tensor::Desc& in, const to_image::Desc& out, Image& made,
              const image::Mask* holes = nullptr, const image::Mask* taken = nullptr);

}  // namespace kintsugi::program
