// SPDX-License-Identifier: MIT
//
// conv2d and conv_transpose2d with a channel bias, which are one product on CUDA; settings and what
// they are when not said as of `kintsugi bench --op`.
#include <algorithm>

#include "benchmarks/gpu/problem.h"
#include "kernels/conv2d/cuda.h"
#include "kernels/conv_transpose2d/cuda.h"
#include "kernels/core/error.h"

namespace kintsugi::gpu_bench {
namespace {

conv2d::Desc conv2d_of(const Layer& layer) {
  layer.expect({"k", "kernel", "stride", "dilation", "padding", "mode", "act"});
  const std::string mode = layer.text("mode", "zero");
  if (mode != "zero" && mode != "reflect") {
    throw Error(ErrorCode::usage, layer.name + ": mode=" + mode + " is neither zero nor reflect");
  }
  return {.in_channels = layer.input.c(),
          .out_channels = layer.integer("k", layer.input.c()),
          .kernel = layer.integer("kernel", 3),
          .stride = layer.integer("stride", 1),
          .dilation = layer.integer("dilation", 1),
          .padding = layer.integer("padding", 0),
          .padding_mode = mode == "zero" ? PaddingMode::zero : PaddingMode::reflect,
          .epilogue = epilogue_of(layer)};
}

conv_transpose2d::Desc conv_transpose2d_of(const Layer& layer) {
  layer.expect({"k", "kernel", "stride", "dilation", "padding", "act"});
  return {.in_channels = layer.input.c(),
          .out_channels = layer.integer("k", layer.input.c()),
          .kernel = layer.integer("kernel", 4),
          .stride = layer.integer("stride", 2),
          .dilation = layer.integer("dilation", 1),
          .padding = layer.integer("padding", 1),
          .epilogue = epilogue_of(layer)};
}

// The functions of the two ops have the same names and are found by their Desc.

using implicit_gemm::CudaConfig;
using Data = std::shared_ptr<const Convolution>;

template <class T, class Desc>
std::vector<Buffer> fill(const Desc& desc, const CudaConfig& config, const Convolution& data) {
  const Shape& out = data.output;
  const auto size = static_cast<int64_t>(sizeof(T));
  const int64_t out_pitch = pitch_of<T>(out.c());
  std::vector<T> packed(static_cast<size_t>(packed_elements(desc, config, size)));
  pack<T>(desc, config, data.weights, packed);
  std::vector<float> bias(static_cast<size_t>(out_pitch));  // whole groups of T
  std::copy(data.bias.begin(), data.bias.end(), bias.begin());
  const implicit_gemm::Scratch parts = scratch(desc, config, data.input);
  std::vector<Buffer> buffers;
  buffers.emplace_back(out.pixels() * out_pitch * size);
  buffers.emplace_back(stored<T>(data.pixels, data.input.c()));
  buffers.emplace_back(packed);
  buffers.emplace_back(bias);
  // Tickets are zero before the first launch.
  buffers.emplace_back(std::vector<std::byte>(static_cast<size_t>(parts.ticket_bytes)));
  buffers.emplace_back(parts.partial_bytes);
  return buffers;
}

template <class T, class Desc>
Launch bind(const Desc& desc, const CudaConfig& config, const Shape& in, const Shape& out,
            const std::vector<Buffer>& buffers) {
  const std::vector<device::StepOperand> operands{{buffers[3].data(), 0}};
  const TensorView<T> output{buffers[0].data<T>(), out, pitch_of<T>(out.c())};
  const TensorView<const T> input{buffers[1].data<T>(), in, pitch_of<T>(in.c())};
  const T* weight = buffers[2].data<T>();
  uint32_t* tickets = buffers[4].data<uint32_t>();
  float* partial = buffers[5].data<float>();
  return [=](device::Stream& stream) {
    cuda<T>(desc, config,
            {.input = input,
             .weight = weight,
             .operands = operands,
             .output = output,
             .tickets = tickets,
             .partial = partial},
            stream);
  };
}

template <class T, class Desc>
Runnable runnable(const Desc& desc, const CudaConfig& config, const Data& data) {
  return {.fill = [=] { return fill<T>(desc, config, *data); },
          .bind =
              [=](const std::vector<Buffer>& buffers) {
                return bind<T>(desc, config, data->input, data->output, buffers);
              },
          .output = data->output,
          .output_pitch = pitch_of<T>(data->output.c())};
}

Convolution data_of(const conv2d::Desc& desc) {
  return {.reflects = desc.padding_mode == PaddingMode::reflect};
}
Convolution data_of(const conv_transpose2d::Desc&) { return {.transposed = true}; }

template <class Desc>
Problem problem_of(const Desc& desc, const Layer& layer, Type type,
                   const device::DeviceInfo& device) {
  const int64_t size = bytes_of(type);
  const CudaConfig config = choose_cuda(
      desc, layer.input, size,
      type == Type::tf32 ? implicit_gemm::FloatMath::tf32 : implicit_gemm::FloatMath::exact,
      device);
  auto data = std::make_shared<Convolution>(data_of(desc));
  data->type = type;
  data->input = layer.input;
  data->output = output_shape(desc, layer.input);
  data->weight = desc.weight_shape();
  data->kernel = desc.kernel;
  data->stride = desc.stride;
  data->dilation = desc.dilation;
  data->padding = desc.padding;
  data->activation = activation_of(layer);
  data->slope = kSlope;
  with_storage(type, [&]<class T>(T) {
    data->pixels = rounded<T>(random_values(data->input.elements(), 1));
    data->weights = rounded<T>(random_values(data->weight.elements(), 2));
  });
  data->bias = random_values(desc.out_channels, 3);
  Traffic moved = traffic(desc, config, layer.input, size);
  moved.read += operand_bytes(desc.epilogue, data->output, size);
  return {
      .description = to_string(desc),
      .config = to_string(config),
      .flops = flops(desc, layer.input),
      .bytes = bytes(desc, layer.input, size),
      .traffic = moved,
      .runnable = with_storage(type, [&]<class T>(T) { return runnable<T>(desc, config, data); }),
      .convolution = data};
}

}  // namespace

Problem conv2d_problem(const Layer& layer, Type type, const device::DeviceInfo& device) {
  return problem_of(conv2d_of(layer), layer, type, device);
}

Problem conv_transpose2d_problem(const Layer& layer, Type type, const device::DeviceInfo& device) {
  return problem_of(conv_transpose2d_of(layer), layer, type, device);
}

}  // namespace kintsugi::gpu_bench
