// SPDX-License-Identifier: MIT
//
// A port's shape, "[N, 4, H/8, W/8]", is its whole declaration: what people are told is what raw tensors
// are held against and what a plan is made for. N, H and W are the caller's to choose, each the same
// for all ports of a program; numbers are the network's. States are declared in the same words.
// Called by the session, before a network records itself.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>

#include "kintsugi/kintsugi.hpp"

namespace kintsugi::program {

using Shapes = std::map<std::string, Shape>;

/// What N, H and W stand for.
struct Letters {
  int64_t n = 1, h = 0, w = 0;
  friend bool operator==(const Letters&, const Letters&) = default;
};

/// The shape a port declares. `channels` decides between numbers joined by "or"; without it the first does.
/// Throws Error::mismatch where a part such as H/8 does not come out even.
[[nodiscard]] Shape shape_of(const Port& port, const Letters& letters,
                             std::optional<int64_t> channels = {});

/// The shapes of all inputs; without the optional ones unless `optional` says so.
[[nodiscard]] Shapes input_shapes(std::span<const Port> ports, const Letters& letters,
                                  bool optional = false);

/// The shapes of raw inputs, and the letters they choose.
struct Chosen {
  Letters letters;
  Shapes shapes;
};
/// Throws Error::mismatch, in one sentence, unless there is one tensor for every port that is not optional,
/// of the shape it declares, none of them empty. Letters that no input names stay as they are in `letters`.
[[nodiscard]] Chosen checked_shapes(std::span<const Port> ports, const Tensors& inputs,
                                    const Letters& letters = {});

/// `shape` as the port declares it: a graph has a value [N, F] as [N, F, 1, 1].
[[nodiscard]] Shape declared(const Port& port, const Shape& shape);

}  // namespace kintsugi::program
