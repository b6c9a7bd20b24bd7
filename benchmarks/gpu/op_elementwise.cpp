// SPDX-License-Identifier: MIT
//
// elementwise: `steps` is a list of `add` (of a tensor) and names of functions.
#include <sstream>

#include "benchmarks/gpu/problem.h"
#include "kernels/elementwise/cuda.h"

namespace kintsugi::gpu_bench {
namespace {

Steps steps_of(const Layer& layer) {
  Steps steps;
  std::istringstream names(layer.text("steps", ""));
  for (std::string name; std::getline(names, name, ',');) {
    steps.append(name == "add" ? step::add(Extent::tensor)
                               : step::activate(function_named(name), kSlope));
  }
  return steps;
}

template <class T>
std::vector<Buffer> fill(const elementwise::Desc& desc, const Shape& shape) {
  std::vector<Buffer> buffers;
  buffers.emplace_back(shape.pixels() * pitch_of<T>(shape.c()) * static_cast<int64_t>(sizeof(T)));
  for (int i = 0; i <= desc.steps.operand_count(); ++i) {
    buffers.emplace_back(
        stored<T>(random_values(shape.elements(), static_cast<uint32_t>(1 + i)), shape.c()));
  }
  return buffers;
}

template <class T>
Launch bind(const elementwise::Desc& desc, const Shape& shape, const std::vector<Buffer>& buffers) {
  const int64_t pitch = pitch_of<T>(shape.c());
  std::vector<device::StepOperand> operands;
  for (size_t i = 2; i < buffers.size(); ++i) operands.push_back({buffers[i].data(), pitch});
  const TensorView<T> output{buffers[0].data<T>(), shape, pitch};
  const TensorView<const T> input{buffers[1].data<T>(), shape, pitch};
  return [=](device::Stream& stream) {
    elementwise::cuda<T>(desc, {.input = input, .operands = operands, .output = output}, stream);
  };
}

}  // namespace

Problem elementwise_problem(const Layer& layer, Type type, const device::DeviceInfo&) {
  layer.expect({"steps"});
  const elementwise::Desc desc{steps_of(layer)};
  const Shape shape = layer.input;
  const int64_t size = bytes_of(type);
  const int64_t tensor_bytes = shape.pixels() * round_up(shape.c() * size, int64_t{16});
  return {.description = to_string(desc),
          .config = "one group of 16 bytes a thread",
          .flops = flops(desc, shape),
          .bytes = bytes(desc, shape, size),
          .traffic = {.read = tensor_bytes + operand_bytes(desc.steps, shape, size),
                      .written = tensor_bytes},
          .runnable = with_storage(type,
                                   [&]<class T>(T) {
                                     return Runnable{.fill = [=] { return fill<T>(desc, shape); },
                                                     .bind =
                                                         [=](const std::vector<Buffer>& buffers) {
                                                           return bind<T>(desc, shape, buffers);
                                                         },
                                                     .output = shape,
                                                     .output_pitch = pitch_of<T>(shape.c())};
                                   }),
          .convolution = nullptr};
}

}  // namespace kintsugi::gpu_bench
