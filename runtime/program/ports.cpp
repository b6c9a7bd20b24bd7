// SPDX-License-Identifier: MIT
#include "runtime/program/ports.h"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <vector>

namespace kintsugi::program {
namespace {

/// One axis of a declaration: a letter to choose, times / over of it, or numbers of the network.
struct Axis {
  char letter = 0;  // 0: numbers
  int64_t times = 1, over = 1;
  std::vector<int64_t> numbers;  // any of them
};

using Bound = std::map<char, int64_t>;  // letters that have been chosen

std::optional<int64_t> number(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 1) return {};
  return value;
}

bool is_letter(std::string_view text) { return text == "N" || text == "H" || text == "W"; }

/// "H", "H/8", "4*H", "3" or "1 or 3".
std::optional<Axis> parse_axis(std::string_view item) {
  if (is_letter(item)) return Axis{.letter = item[0], .numbers = {}};
  if (const size_t slash = item.find('/'); slash != std::string_view::npos) {
    const auto over = number(item.substr(slash + 1));
    if (!is_letter(item.substr(0, slash)) || !over) return {};
    return Axis{.letter = item[0], .over = *over, .numbers = {}};
  }
  if (const size_t star = item.find('*'); star != std::string_view::npos) {
    const auto times = number(item.substr(0, star));
    if (!is_letter(item.substr(star + 1)) || !times) return {};
    return Axis{.letter = item.back(), .times = *times, .numbers = {}};
  }
  Axis axis;
  constexpr std::string_view kOr = " or ";
  while (true) {
    const size_t end = std::min(item.find(kOr), item.size());
    const auto one = number(item.substr(0, end));
    if (!one) return {};
    axis.numbers.push_back(*one);
    if (end == item.size()) return axis;
    item.remove_prefix(end + kOr.size());
  }
}

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
    const std::optional<Axis> axis = parse_axis(item);
    if (!axis) throw malformed();
    axes.push_back(*axis);
    if (item.size() == rest.size()) return axes;
    rest.remove_prefix(item.size() + 2);
  }
}

/// Whether `extent` fits, letters that are bound standing for their numbers; binds the others.
bool fits(const Axis& axis, int64_t extent, Bound& bound) {
  if (extent == 0) return false;
  if (axis.letter == 0) return std::ranges::find(axis.numbers, extent) != axis.numbers.end();
  if (!bound.contains(axis.letter)) {
    const int64_t chosen = checked_multiply(extent, axis.over);
    if (chosen % axis.times != 0) return false;
    bound[axis.letter] = chosen / axis.times;
  }
  return checked_multiply(bound.at(axis.letter), axis.times) == checked_multiply(extent, axis.over);
}

bool fits(const std::vector<Axis>& axes, const Shape& shape, Bound& bound) {
  if (shape.rank() != static_cast<int>(axes.size())) return false;
  for (size_t i = 0; i < axes.size(); ++i) {
    if (!fits(axes[i], shape[static_cast<int>(i)], bound)) return false;
  }
  return true;
}

/// " with N = 1, H = 64": the letters of the port that other inputs have chosen.
std::string chosen_text(const Port& port, const Bound& bound) {
  std::string text;
  for (const auto& [letter, extent] : bound) {
    if (port.shape.find(letter) == std::string::npos) continue;
    text +=
        (text.empty() ? " with " : ", ") + std::string(1, letter) + " = " + std::to_string(extent);
  }
  return text;
}

}  // namespace

Shape shape_of(const Port& port, const Letters& letters, std::optional<int64_t> channels) {
  std::vector<int64_t> extents;
  for (const Axis& axis : parse(port)) {
    if (axis.letter == 0) {
      const bool takes =
          channels && std::ranges::find(axis.numbers, *channels) != axis.numbers.end();
      extents.push_back(takes ? *channels : axis.numbers.front());
      continue;
    }
    const int64_t chosen = axis.letter == 'N'   ? letters.n
                           : axis.letter == 'H' ? letters.h
                                                : letters.w;
    if (checked_multiply(chosen, axis.times) % axis.over != 0) {
      throw Error(ErrorCode::mismatch, "'" + port.name + "' is " + port.shape + ", and " +
                                           std::string(1, axis.letter) + " = " +
                                           std::to_string(chosen) + " is no multiple of " +
                                           std::to_string(axis.over));
    }
    extents.push_back(chosen * axis.times / axis.over);
  }
  return Shape(extents);
}

Shapes input_shapes(std::span<const Port> ports, const Letters& letters, bool optional) {
  Shapes shapes;
  for (const Port& port : ports) {
    if (!port.optional || optional) shapes[port.name] = shape_of(port, letters);
  }
  return shapes;
}

Chosen checked_shapes(std::span<const Port> ports, const Tensors& inputs, const Letters& letters) {
  for (const auto& [name, tensor] : inputs) {
    if (std::ranges::find(ports, name, &Port::name) == ports.end()) {
      throw Error(ErrorCode::mismatch, "there is no input named '" + name + "'",
                  ports.empty() ? "this graph has no inputs"
                                : "the first input is '" + ports[0].name + "' " + ports[0].shape);
    }
  }
  Chosen chosen{letters, {}};
  Bound bound;
  for (const Port& port : ports) {
    const auto at = inputs.find(port.name);
    if (at == inputs.end()) {
      if (port.optional) continue;
      throw Error(ErrorCode::mismatch,
                  "the input '" + port.name + "' " + port.shape + " is missing");
    }
    const Tensor& tensor = at->second;
    const Bound before = bound;
    if (!fits(parse(port), tensor.shape, bound)) {
      throw Error(ErrorCode::mismatch, "the input '" + port.name + "' is " +
                                           tensor.shape.to_string() + ", expected " + port.shape +
                                           chosen_text(port, before));
    }
    if (static_cast<int64_t>(tensor.values.size()) != tensor.shape.elements()) {
      throw Error(ErrorCode::mismatch, "the input '" + port.name + "' says " +
                                           tensor.shape.to_string() + " and holds " +
                                           std::to_string(tensor.values.size()) + " values");
    }
    chosen.shapes[port.name] = tensor.shape;
  }
  const auto take = [&](char letter, int64_t& value) {
    if (const auto at = bound.find(letter); at != bound.end()) value = at->second;
  };
  take('N', chosen.letters.n);
  take('H', chosen.letters.h);
  take('W', chosen.letters.w);
  return chosen;
}

Shape declared(const Port& port, const Shape& shape) {
  const auto rank = parse(port).size();
  return Shape(shape.extents().first(std::min(rank, shape.extents().size())));
}

}  // namespace kintsugi::program
