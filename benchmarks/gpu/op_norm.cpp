// SPDX-License-Identifier: MIT
//
// norm as a network has it: scale and shift of every channel, then the step that applies them and the
// activation, which is elementwise's. `groups` as many as channels is instance norm. And layer_norm, of
// each pixel's channels, which is one launch.
#include "benchmarks/gpu/problem.h"
#include "kernels/elementwise/cuda.h"
#include "kernels/layer_norm/cuda.h"
#include "kernels/norm/cuda.h"

namespace kintsugi::gpu_bench {
namespace {

struct Normed {
  norm::Desc stats;
  elementwise::Desc apply;
};

template <class T>
Runnable runnable(const Normed& op, const Shape& shape) {
  const int64_t pitch = pitch_of<T>(shape.c());
  const Shape both = output_shape(op.stats, shape);
  const auto fill = [=] {
    std::vector<Buffer> buffers;
    buffers.emplace_back(shape.pixels() * pitch * static_cast<int64_t>(sizeof(T)));
    buffers.emplace_back(stored<T>(random_values(shape.elements(), 1), shape.c()));
    buffers.emplace_back(random_values(shape.c(), 2));
    buffers.emplace_back(random_values(shape.c(), 3));
    buffers.emplace_back(both.pixels() * pitch * 4);
    buffers.emplace_back(norm::scratch(op.stats, shape, static_cast<int64_t>(sizeof(T))));
    return buffers;
  };
  const auto bind = [=](const std::vector<Buffer>& buffers) -> Launch {
    const TensorView<T> output{buffers[0].data<T>(), shape, pitch};
    const TensorView<const T> input{buffers[1].data<T>(), shape, pitch};
    const float* weight = op.stats.affine ? buffers[2].data<float>() : nullptr;
    const float* bias = op.stats.affine ? buffers[3].data<float>() : nullptr;
    const TensorView<float> factors{buffers[4].data<float>(), both, pitch};
    void* workspace = buffers[5].data();
    return [=](device::Stream& stream) {
      norm::cuda<T>(op.stats,
                    {.input = input,
                     .weight = weight,
                     .bias = bias,
                     .output = factors,
                     .workspace = workspace},
                    stream);
      const device::StepOperand operands[] = {{factors.pixel(0, 0, 0), 2 * pitch},
                                              {factors.pixel(0, 1, 0), 2 * pitch}};
      elementwise::cuda<T>(op.apply, {.input = input, .operands = operands, .output = output},
                           stream);
    };
  };
  return {.fill = fill, .bind = bind, .output = shape, .output_pitch = pitch};
}

template <class T>
Runnable layer_runnable(const layer_norm::Desc& desc, const layer_norm::CudaConfig& config,
                        const Shape& shape) {
  const int64_t pitch = pitch_of<T>(shape.c());
  const auto fill = [=] {
    std::vector<Buffer> buffers;
    buffers.emplace_back(shape.pixels() * pitch * static_cast<int64_t>(sizeof(T)));
    buffers.emplace_back(stored<T>(random_values(shape.elements(), 1), shape.c()));
    buffers.emplace_back(random_values(pitch, 2));  // whole groups of T
    buffers.emplace_back(random_values(pitch, 3));
    return buffers;
  };
  const auto bind = [=](const std::vector<Buffer>& buffers) -> Launch {
    const layer_norm::CudaArgs<T> args{.input = {buffers[1].data<T>(), shape, pitch},
                                       .weight = desc.affine ? buffers[2].data<float>() : nullptr,
                                       .bias = desc.affine ? buffers[3].data<float>() : nullptr,
                                       .output = {buffers[0].data<T>(), shape, pitch}};
    return [=](device::Stream& stream) { layer_norm::cuda<T>(desc, config, args, stream); };
  };
  return {.fill = fill, .bind = bind, .output = shape, .output_pitch = pitch};
}

}  // namespace

Problem norm_problem(const Layer& layer, Type type, const device::DeviceInfo&) {
  layer.expect({"groups", "affine", "act"});
  Normed op{.stats = {.groups = layer.integer("groups", layer.input.c()),
                      .affine = layer.integer("affine", 0) != 0},
            .apply = {{step::affine(Extent::sample_channel)}}};
  const Function function = activation_of(layer);
  if (function != Function::identity) op.apply.steps.append(step::activate(function, kSlope));
  const Shape shape = layer.input;
  const int64_t size = bytes_of(type);
  const int64_t tensor_bytes = shape.pixels() * round_up(shape.c() * size, int64_t{16});
  const Traffic stats = traffic(op.stats, shape, size);
  return {
      .description = to_string(op.stats) + "; " + to_string(op.apply),
      .config = "",
      .flops = flops(op.stats, shape) + flops(op.apply, shape),
      .bytes = 2 * shape.elements() * size,  // one pass that knew the result: in once, out once
      .traffic = {.read = stats.read + tensor_bytes + operand_bytes(op.apply.steps, shape, size),
                  .written = stats.written + tensor_bytes},
      .runnable = with_storage(type, [&]<class T>(T) { return runnable<T>(op, shape); }),
      .convolution = nullptr};
}

Problem layer_norm_problem(const Layer& layer, Type type, const device::DeviceInfo&) {
  layer.expect({"affine"});
  const layer_norm::Desc desc{.affine = layer.integer("affine", 0) != 0};
  const Shape shape = layer.input;
  const int64_t size = bytes_of(type);
  const layer_norm::CudaConfig config = layer_norm::choose_cuda(shape, size);
  return {.description = to_string(desc),
          .config = to_string(config),
          .flops = flops(desc, shape),
          .bytes = bytes(desc, shape, size),
          .traffic = traffic(desc, config, shape, size),
          .runnable = with_storage(
              type, [&]<class T>(T) { return layer_runnable<T>(desc, config, shape); }),
          .convolution = nullptr};
}

}  // namespace kintsugi::gpu_bench
