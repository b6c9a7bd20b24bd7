// SPDX-License-Identifier: MIT
#include "runtime/graph/scope.h"

namespace kintsugi {

graph::ConstantId Scope::weight(std::string_view name, const Shape& expected,
                                std::source_location where) const {
  const std::string key = keys_->stored((*this)[name].path());
  static_cast<void>(weights_->expect(key, expected, where));
  return graph_->constant(
      {.name = key, .shape = expected, .sources = {}, .formula = {}, .where = where});
}

}  // namespace kintsugi
