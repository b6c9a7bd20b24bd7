// SPDX-License-Identifier: MIT
//
// Network is what a network registers: how its files are recognised, how it is recorded, and what
// it does to a picture. A network is a folder with net.cpp (the module), keys.cpp (its ports' key
// layouts) and task.cpp (what happens before and after); the registry holds one line for each.
// Networks are plain functions on plain values: the session calls them, they call nobody back but
// through what they are handed.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "kernels/to_image/to_image.h"
#include "kernels/to_tensor/to_tensor.h"
#include "kintsugi/kintsugi.hpp"
#include "runtime/graph/graph.h"
#include "runtime/networks/ports.h"
#include "runtime/weights/key_map.h"
#include "runtime/weights/weights.h"

namespace kintsugi::image {
struct Mask;
}

namespace kintsugi::networks {

/// One row of a picture, W * C values, the channels of a pixel together.
using WriteRow = std::function<void(int64_t n, int64_t y, std::span<float> row)>;
using ReadRow = std::function<void(int64_t n, int64_t y, std::span<const float> row)>;

/// An image to make an input of. Where the input is larger, the last row and column are repeated. The bits
/// of a sample and whether there is a mask follow from the image.
struct ImageSource {
  to_tensor::Desc desc;
  ImageView image;
  const image::Mask* holes = nullptr;
};
/// The image that receives an output: the pixels that `selected` selects, or all of them. Alpha is kept.
/// Bits and colour follow from the image, which is no larger than the output.
struct ImageSink {
  to_image::Desc desc;
  Image* image = nullptr;
  const image::Mask* selected = nullptr;
};

/// Which ports are images, and what their samples are to the network.
struct Images {
  struct In {
    to_tensor::Desc desc;
    int64_t colours = 3;  // 1 or 3
    friend bool operator==(const In&, const In&) = default;
  };
  std::map<std::string, In> inputs;  // by port
  std::map<std::string, to_image::Desc> outputs;
  friend bool operator==(const Images&, const Images&) = default;
};

/// One input of a replay: its shape, and rows, asked for from several threads at once, or an image to
/// fill it from.
struct Feed {
  Shape shape;  // [N, C, H, W]
  std::variant<WriteRow, ImageSource> from;
};
/// What takes an output: its rows, in order, or an image.
using Taker = std::variant<ReadRow, ImageSink>;

/// Runs the network once on every input it has, by name; hands out the outputs that are named.
using Replay = std::function<void(const std::map<std::string, Feed>& inputs,
                                  const std::map<std::string, Taker>& outputs)>;

using Warn = std::function<void(const std::string&)>;

/// A file that was recognised.
struct Opened {
  Description description;
  weights::KeyMap keys;
  /// Records the network for inputs of these shapes, which fit the description's ports. Throws
  /// Error::usage for an unknown setting.
  std::function<graph::Graph(const Shapes& inputs, const Settings&)> record;
  /// The ports that its tasks make of an image and turn into one, in colour and of 8 bits.
  Images images;
  /// Empty when the network does not fill holes.
  std::function<Image(const ImageView& picture, const ImageView& mask, const InpaintOptions&,
                      const Replay&, const Warn&)>
      inpaint;
  /// Empty when the network takes no picture to another domain.
  std::function<Image(const ImageView& picture, const TranslateOptions&, const Replay&)> translate;
  /// Empty when the network does not judge pictures. Returns how real the picture is; the mask, where it
  /// is read, says what was filled.
  bool score_reads_mask = true;
  std::function<double(const ImageView& picture, const ImageView& mask, const ScoreOptions&,
                       const Replay&)>
      score;
};

struct Network {
  std::string_view name;
  std::string_view paper;
  /// How well the file fits: complete() means it can be opened.
  weights::Detection (*detect)(const weights::Weights&);
  Opened (*open)(const weights::Weights&, const weights::Detection&);
};

/// Every network of this build.
[[nodiscard]] std::span<const Network> registry();

/// Recognises a file by its metadata or its keys; `name` skips the search. A refusal says what came
/// closest and which keys are missing.
[[nodiscard]] Opened open(const weights::Weights& weights, const std::string& name);

/// The first extent of a tensor, or `otherwise` for a shape that the recording is to explain: it
/// states the whole of it.
[[nodiscard]] int64_t first_extent(const weights::Weights& weights, const std::string& key,
                                   int64_t otherwise);

/// Throws Error::usage when `given` holds a key that is not among `known`, listing those.
void check_settings(const Settings& given, std::span<const Port> known);

/// The numbers of an array in the file's `kintsugi.config`, or `otherwise` when it is not there, or
/// is about another network of the same file.
[[nodiscard]] std::vector<double> config_numbers(const weights::Weights& weights,
                                                 const Network& network, const std::string& key,
                                                 std::vector<double> otherwise);

/// A word or a number of the file's `kintsugi.config` as text; empty when it is not there, or is about
/// another network of the same file.
[[nodiscard]] std::string config_text(const weights::Weights& weights, const Network& network,
                                      const std::string& key);

/// Calls `take`, which takes settings that the file's metadata state; what it throws is the file's fault:
/// Error::bad_file, naming it.
void with_metadata(const weights::Weights& weights, const std::function<void()>& take);

/// Throws Error::mismatch, in pixels, for a picture [N, C, H, W] with a side below `least`; `who` needs
/// more.
void require_pixels(const char* who, int64_t least, const Shape& input);

/// Throws Error::mismatch when the file's `kintsugi.config` names another variant or range of values
/// than its keys do; what it leaves out is not missed.
void check_config(const weights::Weights& weights, const Network& network,
                  const std::string& variant, const std::vector<double>& range);

}  // namespace kintsugi::networks
