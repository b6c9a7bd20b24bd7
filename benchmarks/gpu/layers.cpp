// SPDX-License-Identifier: MIT
#include "benchmarks/gpu/layers.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>

#include "kernels/core/error.h"

namespace kintsugi::gpu_bench {
namespace {

bool read_whole(const std::string& text, int64_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

/// "1x64x256x256"; a shape without dimensions where it is something else.
Shape shape_of(const std::string& text) {
  std::istringstream parts(text);
  std::string part;
  int64_t extent[4];
  int count = 0;
  while (std::getline(parts, part, 'x')) {
    if (count == 4 || !read_whole(part, extent[count]) || extent[count] < 1) return {};
    ++count;
  }
  return count == 4 ? Shape{extent[0], extent[1], extent[2], extent[3]} : Shape{};
}

}  // namespace

std::vector<Layer> read_layers(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw Error(ErrorCode::io, path + " cannot be read");
  std::vector<Layer> layers;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    std::istringstream words(line);
    Layer layer;
    std::string shape;
    if (!(words >> layer.name) || layer.name[0] == '#') continue;
    const auto refuse = [&](const std::string& why) -> Error {
      std::string sentence = path;
      sentence.append(", line ").append(std::to_string(number)).append(": ").append(why);
      return {ErrorCode::bad_file, sentence};
    };
    layer.ops.emplace_back();
    if (!(words >> layer.ops[0].name >> shape)) throw refuse("it takes a name, an op and a shape");
    layer.input = shape_of(shape);
    if (layer.input.rank() != 4) throw refuse("'" + shape + "' is not a shape NxCxHxW");
    for (std::string word; words >> word;) {
      if (word == "then") {
        if (!(words >> layer.ops.emplace_back().name)) throw refuse("'then' takes an op");
        continue;
      }
      const size_t equals = word.find('=');
      if (equals == std::string::npos) throw refuse("'" + word + "' is not key=value");
      layer.ops.back().settings[word.substr(0, equals)] = word.substr(equals + 1);
    }
    for (const Layer& other : layers) {
      if (other.name == layer.name) throw refuse("'" + layer.name + "' stands there twice");
    }
    layers.push_back(std::move(layer));
  }
  if (layers.empty()) throw Error(ErrorCode::bad_file, path + " holds no layer");
  return layers;
}

Layer tiny(Layer layer) {
  constexpr int64_t kChannels = 40;  // more than one group of 16 bytes, and not a whole tile
  const Shape s = layer.input;
  // A picture smaller than the padding by reflection would not do.
  layer.input = {1, std::min(s.c(), kChannels), std::min<int64_t>(s.h(), 5),
                 std::min<int64_t>(s.w(), 12)};
  for (auto& [name, settings] : layer.ops) {
    for (auto& [key, value] : settings) {
      int64_t number = 0;
      if (!read_whole(value, number)) continue;
      if (key == "k") number = std::min(number, kChannels);
      if (key == "height" || key == "width") number = 11;
      if (key == "groups") number = number == s.c() ? layer.input.c() : 8;
      value = std::to_string(number);
    }
  }
  return layer;
}

}  // namespace kintsugi::gpu_bench
