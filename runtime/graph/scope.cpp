// SPDX-License-Identifier: MIT
#include "runtime/graph/scope.h"

namespace kintsugi {

Scope Scope::child(std::string_view module, std::source_location where) const {
  Scope scope = *this;
  scope.path_ = path_.empty() ? std::string(module) : path_ + "." + std::string(module);
  scope.where_ = where;
  return scope;
}

graph::ConstantId Scope::weight(std::string_view name, const Shape& expected) const {
  const std::string key = keys_->stored(inner(name).path());
  static_cast<void>(weights_->expect(key, expected, where_));
  return graph_->constant(
      {.name = key, .shape = expected, .sources = {}, .formula = {}, .where = where_});
}

}  // namespace kintsugi
