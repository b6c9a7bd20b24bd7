// SPDX-License-Identifier: MIT
//
// A port's shape, "[N, 4, H, W]", is its whole declaration: what people are told is what raw tensors
// are held against and what a plan is made for. N, H and W are the caller's to choose, each the same
// for all inputs; numbers are the network's.
// Called by the session, before a network records itself.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>

#include "kintsugi/kintsugi.hpp"

namespace kintsugi::networks {

using Shapes = std::map<std::string, Shape>;

/// The inputs' shapes for a batch of pictures; an input without H and W has its own size.
[[nodiscard]] Shapes input_shapes(std::span<const Port> ports, int64_t batch, int64_t height,
                                  int64_t width);

/// The shapes of raw inputs. Throws Error::mismatch, in one sentence, unless there is one tensor for
/// every port, of the shape it declares, none of them empty.
[[nodiscard]] Shapes checked_shapes(std::span<const Port> ports, const Tensors& inputs);

/// `shape` as the port declares it: a graph has a value [N, F] as [N, F, 1, 1].
[[nodiscard]] Shape declared(const Port& port, const Shape& shape);

}  // namespace kintsugi::networks
