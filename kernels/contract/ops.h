// SPDX-License-Identifier: MIT
//
// Every op of the build, in the order of kernels/ops.list, by its table.
#pragma once

#include <span>

#include "kernels/contract/any_op.h"

namespace kintsugi {

[[nodiscard]] std::span<const OpTable* const> all_ops();
/// Throws Error::usage naming the ops there are.
[[nodiscard]] const OpTable& op_named(std::string_view name);
/// Whether the op's folder holds a CUDA kernel; whether a GPU can be had is another question.
[[nodiscard]] bool has_cuda(const OpTable& op);

}  // namespace kintsugi
