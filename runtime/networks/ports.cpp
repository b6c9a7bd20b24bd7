// SPDX-License-Identifier: MIT
#include "runtime/networks/ports.h"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <vector>

namespace kintsugi::networks {
namespace {

/// One axis of a declaration: a letter to choose, or the network's own number.
struct Axis {
  char letter = 0;  // 0: a number
  int64_t extent = 0;
};

std::vector<Axis> parse(const Port& port) {
  const auto malformed = [&] {
    return Error(ErrorCode::internal, "the port '" + port.name + "' declares " + port.shape);
  };
  std::string_view rest = port.shape;
  if (!rest.starts_with('[') || !rest.ends_with(']')) throw malformed();
  rest = rest.substr(1, rest.size() - 2);
  std::vector<Axis> axes;
  while (true) {
    const std::string_view item = rest.substr(0, rest.find(", "));
    if (item == "N" || item == "H" || item == "W") {
      axes.push_back({.letter = item[0]});
    } else {
      Axis axis;
      const auto [end, error] = std::from_chars(item.begin(), item.end(), axis.extent);
      if (error != std::errc() || end != item.end()) throw malformed();
      axes.push_back(axis);
    }
    if (item.size() == rest.size()) return axes;
    rest.remove_prefix(item.size() + 2);
  }
}

/// Whether `shape` fits, the letters that are bound already standing for their numbers; binds the
/// others.
bool fits(const std::vector<Axis>& axes, const Shape& shape, std::map<char, int64_t>& letters) {
  if (shape.rank() != static_cast<int>(axes.size())) return false;
  for (size_t i = 0; i < axes.size(); ++i) {
    const int64_t extent = shape[static_cast<int>(i)];
    const int64_t wanted = axes[i].letter == 0
                               ? axes[i].extent
                               : letters.try_emplace(axes[i].letter, extent).first->second;
    if (extent == 0 || extent != wanted) return false;
  }
  return true;
}

}  // namespace

Shapes input_shapes(std::span<const Port> ports, int64_t batch, int64_t height, int64_t width) {
  Shapes shapes;
  for (const Port& port : ports) {
    std::vector<int64_t> extents;
    for (const Axis& axis : parse(port)) {
      extents.push_back(axis.letter == 'N'   ? batch
                        : axis.letter == 'H' ? height
                        : axis.letter == 'W' ? width
                                             : axis.extent);
    }
    shapes[port.name] = Shape(extents);
  }
  return shapes;
}

Shapes checked_shapes(std::span<const Port> ports, const Tensors& inputs) {
  for (const auto& [name, tensor] : inputs) {
    if (std::ranges::find(ports, name, &Port::name) == ports.end()) {
      throw Error(ErrorCode::mismatch, "there is no input named '" + name + "'",
                  "the first input is '" + ports[0].name + "' " + ports[0].shape);
    }
  }
  Shapes shapes;
  std::map<char, int64_t> letters;
  for (const Port& port : ports) {
    const auto at = inputs.find(port.name);
    if (at == inputs.end()) {
      throw Error(ErrorCode::mismatch,
                  "the input '" + port.name + "' " + port.shape + " is missing");
    }
    const Tensor& tensor = at->second;
    const auto before = letters;
    if (!fits(parse(port), tensor.shape, letters)) {
      std::string given;
      for (const auto& [letter, extent] : before) {
        if (port.shape.find(letter) == std::string::npos) continue;
        given += (given.empty() ? " with " : ", ") + std::string(1, letter) + " = " +
                 std::to_string(extent);
      }
      throw Error(ErrorCode::mismatch, "the input '" + port.name + "' is " +
                                           tensor.shape.to_string() + ", expected " + port.shape +
                                           given);
    }
    if (static_cast<int64_t>(tensor.values.size()) != tensor.shape.elements()) {
      throw Error(ErrorCode::mismatch, "the input '" + port.name + "' says " +
                                           tensor.shape.to_string() + " and holds " +
                                           std::to_string(tensor.values.size()) + " values");
    }
    shapes[port.name] = tensor.shape;
  }
  return shapes;
}

Shape declared(const Port& port, const Shape& shape) {
  const auto rank = parse(port).size();
  return Shape(shape.extents().first(std::min(rank, shape.extents().size())));
}

}  // namespace kintsugi::networks
