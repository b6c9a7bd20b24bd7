// SPDX-License-Identifier: MIT
//
// From a contract to its table of functions: for kernels/<op>/contract.cpp alone.
#pragma once

#include "kernels/contract/any_op.h"

namespace kintsugi {

template <Op O>
constexpr OpTable table_of() {
  using Desc = typename O::Desc;
  using Config = typename O::Config;
  return {
      .name = O::kName,
      .inputs = [](const void* d) { return O::inputs(*static_cast<const Desc*>(d)); },
      .weights = [](const void* d,
                    ShapeSpan in) { return O::weights(*static_cast<const Desc*>(d), in); },
      .outputs = [](const void* d,
                    ShapeSpan in) { return O::outputs(*static_cast<const Desc*>(d), in); },
      .cost = [](const void* d, ShapeSpan in,
                 int64_t size) { return O::cost(*static_cast<const Desc*>(d), in, size); },
      .reach = [](const void* d,
                  ShapeSpan in) { return O::reach(*static_cast<const Desc*>(d), in); },
      .reads = [](const void* d, int i) { return O::reads(*static_cast<const Desc*>(d), i); },
      .makes = [](const void* d, int i) { return O::makes(*static_cast<const Desc*>(d), i); },
      .arrangement = [](const void* d) { return O::arrangement(*static_cast<const Desc*>(d)); },
      .in_place = [](const void* d) { return O::in_place(*static_cast<const Desc*>(d)); },
      .describe = [](const void* d) { return O::describe(*static_cast<const Desc*>(d)); },
      .equal =
          [](const void* a, const void* b) {
            return *static_cast<const Desc*>(a) == *static_cast<const Desc*>(b);
          },
      .copy = [](const void* d) -> std::shared_ptr<void> {
        return std::make_shared<Desc>(*static_cast<const Desc*>(d));
      },
      .steps = [](void* d) { return O::steps(*static_cast<Desc*>(d)); },
      .prologue = [](void* d) { return O::prologue(*static_cast<Desc*>(d)); },
      .absorb = [](void* d, const Edit& edit,
                   const Target& t) { return O::absorb(*static_cast<Desc*>(d), edit, t); },
      .unfused = [](const void* d) -> AnyPointer {
        return std::make_shared<const Desc>(O::unfused(*static_cast<const Desc*>(d)));
      },
      .choose = [](const void* d, ShapeSpan in, const Target& t) -> AnyPointer {
        return std::make_shared<const Config>(O::choose(*static_cast<const Desc*>(d), in, t));
      },
      .describe_config = [](const void* c) { return O::describe(*static_cast<const Config*>(c)); },
      .loses_a_digit =
          [](const void* c) { return O::loses_a_digit(*static_cast<const Config*>(c)); },
      .needs =
          [](const void* d, const void* c, ShapeSpan in, const Target& t) {
            return O::needs(*static_cast<const Desc*>(d), *static_cast<const Config*>(c), in, t);
          },
      .moment_tiles =
          [](const void* d, const void* c, ShapeSpan in) {
            return O::moment_tiles(*static_cast<const Desc*>(d), *static_cast<const Config*>(c),
                                   in);
          },
      .packing =
          [](const void* d, const void* c, const Target& t) {
            return O::packing(*static_cast<const Desc*>(d), *static_cast<const Config*>(c), t);
          },
      .pack =
          [](const void* d, const void* c, const Rows& rows, std::span<const float> weight,
             const AnyView& packed) {
            O::pack(*static_cast<const Desc*>(d), *static_cast<const Config*>(c), rows, weight,
                    packed);
          },
      .traffic =
          [](const void* d, const void* c, ShapeSpan in, const Target& t) {
            return O::traffic(*static_cast<const Desc*>(d), *static_cast<const Config*>(c), in, t);
          },
      .reference = [](const void* d, const Call& call,
                      Parallel& p) { O::reference(*static_cast<const Desc*>(d), call, p); },
      .cpu =
          [](const void* d, const void* c, const Call& call, Parallel& p) {
            O::cpu(*static_cast<const Desc*>(d), *static_cast<const Config*>(c), call, p);
          },
      .read = [](ShapeSpan in, Fields& fields) -> AnyPointer {
        return std::make_shared<const Desc>(O::read(in, fields));
      },
  };
}

}  // namespace kintsugi
