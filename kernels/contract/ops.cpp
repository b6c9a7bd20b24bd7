// SPDX-License-Identifier: MIT
#include "kernels/contract/ops.h"

#include <algorithm>
#include <array>

#include "kernels/ops.h"  // made from ops.list

namespace kintsugi {
namespace {

struct Listed {
  const OpTable& (*table)(const void*);
  bool cuda;
};

template <class Desc>
const OpTable& table(const void*) {
  return op_table(static_cast<const Desc*>(nullptr));
}

#define KINTSUGI_OP(name, cuda) Listed{table<name::Desc>, cuda},
constexpr Listed kOps[] = {KINTSUGI_OPS};
#undef KINTSUGI_OP

}  // namespace

std::span<const OpTable* const> all_ops() {
  static const auto kTables = [] {
    std::array<const OpTable*, std::size(kOps)> tables{};
    std::ranges::transform(kOps, tables.begin(), [](const Listed& op) { return &op.table({}); });
    return tables;
  }();
  return kTables;
}

const OpTable& op_named(std::string_view name) {
  std::string names;
  for (const OpTable* op : all_ops()) {
    if (op->name == name) return *op;
    names += (names.empty() ? "" : ", ") + std::string(op->name);
  }
  throw Error(ErrorCode::usage, "there is no op named '" + std::string(name) + "'",
              "ops of this build: " + names);
}

bool has_cuda(const OpTable& op) {
  const auto at = std::ranges::find(all_ops(), &op);
  return at != all_ops().end() && kOps[at - all_ops().begin()].cuda;
}

}  // namespace kintsugi
