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

int64_t Layer::integer(const std::string& key, int64_t otherwise) const {
  const auto at = settings.find(key);
  if (at == settings.end()) return otherwise;
  int64_t value = 0;
  if (!read_whole(at->second, value)) {
    throw Error(ErrorCode::usage, name + ": " + key + "=" + at->second + " is not an integer");
  }
  return value;
}

std::string Layer::text(const std::string& key, const std::string& otherwise) const {
  const auto at = settings.find(key);
  return at == settings.end() ? otherwise : at->second;
}

void Layer::expect(std::initializer_list<const char*> keys) const {
  for (const auto& [key, value] : settings) {
    if (std::find(keys.begin(), keys.end(), key) == keys.end()) {
      throw Error(ErrorCode::usage, name + ": " + op + " has no setting '" + key + "'");
    }
  }
}

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
    if (!(words >> layer.op >> shape)) throw refuse("it takes a name, an op and a shape");
    layer.input = shape_of(shape);
    if (layer.input.rank() != 4) throw refuse("'" + shape + "' is not a shape NxCxHxW");
    for (std::string word; words >> word;) {
      const size_t equals = word.find('=');
      if (equals == std::string::npos) throw refuse("'" + word + "' is not key=value");
      layer.settings[word.substr(0, equals)] = word.substr(equals + 1);
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
  if (const auto k = layer.settings.find("k"); k != layer.settings.end()) {
    k->second = std::to_string(std::min(layer.integer("k", 1), kChannels));
  }
  if (layer.settings.contains("size")) layer.settings["size"] = "11";
  if (const auto groups = layer.settings.find("groups"); groups != layer.settings.end()) {
    const bool instance = layer.integer("groups", 1) == s.c();
    groups->second = std::to_string(instance ? layer.input.c() : 8);
  }
  return layer;
}

}  // namespace kintsugi::gpu_bench
