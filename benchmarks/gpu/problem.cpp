// SPDX-License-Identifier: MIT
#include "benchmarks/gpu/problem.h"

#include "kernels/core/error.h"

namespace kintsugi::gpu_bench {

// A new op is a line here, beside its function in op_<...>.cpp and its lines in layers.txt.
std::span<const Op> ops() {
  static constexpr Op kOps[] = {
      {"conv2d", kMultiplied, conv2d_problem},
      {"conv_transpose2d", kMultiplied, conv_transpose2d_problem},
      {"elementwise", kMoved, elementwise_problem},
      {"image", kMoved, image_problem},
      {"layer_norm", kMoved, layer_norm_problem},
      {"norm", kMoved, norm_problem},
      {"pad", kMoved, pad_problem},
      {"pool", kMoved, pool_problem},
      {"reduce", kMoved, reduce_problem},
      {"resample", kMoved, resample_problem},
  };
  return kOps;
}

const char* name_of(Type type) {
  switch (type) {
    case Type::bf16: return "bf16";
    case Type::f16: return "f16";
    case Type::tf32: return "tf32";
    case Type::f32: return "f32";
  }
  return "";
}

Function function_named(const std::string& name) {
  constexpr Function kFunctions[] = {Function::identity, Function::relu,    Function::leaky_relu,
                                     Function::elu,      Function::sigmoid, Function::tanh,
                                     Function::silu};
  for (const Function function : kFunctions) {
    if (name == to_string(function)) return function;
  }
  throw Error(ErrorCode::usage, "'" + name + "' is no function of a step");
}

Function activation_of(const Layer& layer) { return function_named(layer.text("act", "identity")); }

Epilogue epilogue_of(const Layer& layer) {
  Epilogue epilogue{step::add(Extent::channel)};
  const Function function = activation_of(layer);
  if (function != Function::identity) epilogue.append(step::activate(function, kSlope));
  return epilogue;
}

int64_t operand_bytes(const Steps& steps, const Shape& output, int64_t element_bytes) {
  const int64_t per_group = 16 / element_bytes;
  const int64_t groups = output.pixels() * divide_up(output.c(), per_group);
  int64_t bytes = 0;
  for (const Step& step : steps) {
    // Vectors of channels are f32; a pixel's number is read once by each group.
    const int64_t each = step.extent == Extent::tensor  ? 16
                         : step.extent == Extent::pixel ? 4
                                                        : 4 * per_group;
    bytes += step.operand_count() * groups * each;
  }
  return bytes;
}

}  // namespace kintsugi::gpu_bench
