// SPDX-License-Identifier: MIT
//
// Runner is all that a task is given beside its input: it replays graphs of the program by name, fills
// and takes states, and says what a replay would need. A task is ordinary C++ over it. The session
// implements it; nothing here knows a device.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "kernels/to_image/to_image.h"
#include "kernels/to_tensor/to_tensor.h"
#include "kintsugi/kintsugi.hpp"
#include "runtime/image/samples.h"
#include "runtime/program/field.h"
#include "runtime/program/ports.h"

namespace kintsugi::program {

/// One row of a tensor, W * C values, the channels of a pixel together.
using WriteRow = std::function<void(int64_t n, int64_t y, std::span<float> row)>;
using ReadRow = std::function<void(int64_t n, int64_t y, std::span<const float> row)>;

/// A part of an image that becomes an input. Where the input is larger, the last row and column are
/// repeated. The bits of a sample and whether there is a mask follow from the image.
struct ImageSource {
  to_tensor::Desc desc;
  ImageView image;
  const image::Mask* holes = nullptr;
  int64_t y0 = 0, x0 = 0;  // where the part begins; it ends with the input, or with the image
};
/// The image that receives an output. Bits and colour follow from the image.
struct ImageSink {
  to_image::Desc desc;
  Image* image = nullptr;
  image::Part part = {};
};

/// What fills an input: rows, asked for from several threads at once, or an image.
using Source = std::variant<WriteRow, ImageSource>;
using Sources = std::map<std::string, Source>;
/// What takes an output: its rows, in order, or an image.
using Sink = std::variant<ReadRow, ImageSink>;
using Sinks = std::map<std::string, Sink>;

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

/// What a task that makes one image returns.
[[nodiscard]] inline TaskOutput image_output(Image image) {
  TaskOutput output;
  output.images.emplace("image", std::move(image));
  return output;
}

/// The shapes of a graph's inputs that are not optional, with the channels that images have.
[[nodiscard]] Shapes input_shapes(std::span<const Port> ports, const Letters& letters,
                                  const Images& images);

/// The images among sources and sinks.
[[nodiscard]] Images images_of(const Sources& sources, const Sinks& sinks);

class Runner {
 public:
  Runner() = default;
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;
  virtual ~Runner() = default;

  /// Runs a graph once. Inputs that are not optional have a source; outputs without a sink stay where they
  /// are. With neither, nothing is copied and nothing waits. What a sink takes is finite, or
  /// Error::not_finite names the layer.
  virtual void replay(std::string_view graph, const Letters& letters, const Sources& sources = {},
                      const Sinks& sinks = {}) = 0;

  /// Writes an entry of a state that `graph` knows, for sizes as in replay. States are zeros at first, and
  /// again when letters change their shapes.
  virtual void fill(std::string_view graph, const Letters& letters, std::string_view state,
                    const WriteRow& write, int64_t entry = 0) = 0;
  /// Reads one, as the last replay left it.
  virtual void take(std::string_view graph, const Letters& letters, std::string_view state,
                    const ReadRow& read, int64_t entry = 0) = 0;

  /// Whether a replay stays within the session's max_memory, less what the task holds. Plans, and runs
  /// nothing.
  [[nodiscard]] virtual bool fits(std::string_view graph, const Letters& letters,
                                  const Images& images = {}) = 0;
  /// The task itself holds so many more bytes, or fewer, which max_memory counts until the task ends.
  virtual void hold(int64_t bytes) = 0;
  /// What an output depends on; nullopt: on all of the input.
  [[nodiscard]] virtual std::optional<Field> field(std::string_view graph, std::string_view input,
                                                   std::string_view output) = 0;
  /// Gives back what only this graph holds: its plans and packed weights.
  virtual void release(std::string_view graph) = 0;

  /// The replays that follow are this part of the whole task.
  virtual void part(double from, double to) = 0;
  virtual void warn(const std::string& sentence) = 0;
};

}  // namespace kintsugi::program
