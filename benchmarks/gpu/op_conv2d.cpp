// SPDX-License-Identifier: MIT
//
// conv2d with a channel bias; settings as of `kintsugi bench --op conv2d`.
#include <algorithm>

#include "benchmarks/gpu/problem.h"
#include "kernels/conv2d/cuda.h"
#include "kernels/core/error.h"

namespace kintsugi::gpu_bench {
namespace {

conv2d::Desc desc_of(const Layer& layer) {
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

using Data = std::shared_ptr<const Convolution>;

template <class T>
std::vector<Buffer> fill(const conv2d::Desc& desc, const conv2d::CudaConfig& config,
                         const Convolution& data) {
  const Shape& out = data.output;
  const auto size = static_cast<int64_t>(sizeof(T));
  const int64_t out_pitch = pitch_of<T>(out.c());
  std::vector<T> packed(static_cast<size_t>(packed_elements(desc, config, size)));
  conv2d::pack<T>(desc, config, data.weights, packed);
  std::vector<float> bias(static_cast<size_t>(out_pitch));  // whole groups of T
  std::copy(data.bias.begin(), data.bias.end(), bias.begin());
  const conv2d::Scratch scratch = conv2d::scratch(desc, config, data.input);
  std::vector<Buffer> buffers;
  buffers.emplace_back(out.pixels() * out_pitch * size);
  buffers.emplace_back(stored<T>(data.pixels, data.input.c()));
  buffers.emplace_back(packed);
  buffers.emplace_back(bias);
  // Tickets are zero before the first launch.
  buffers.emplace_back(std::vector<std::byte>(static_cast<size_t>(scratch.bytes)));
  return buffers;
}

template <class T>
Launch bind(const conv2d::Desc& desc, const conv2d::CudaConfig& config, const Shape& in,
            const Shape& out, const std::vector<Buffer>& buffers) {
  const std::vector<device::StepOperand> operands{{buffers[3].data(), 0}};
  const TensorView<T> output{buffers[0].data<T>(), out, pitch_of<T>(out.c())};
  const TensorView<const T> input{buffers[1].data<T>(), in, pitch_of<T>(in.c())};
  const T* weight = buffers[2].data<T>();
  void* workspace = buffers[4].data();
  return [=](device::Stream& stream) {
    conv2d::cuda<T>(desc, config,
                    {.input = input,
                     .weight = weight,
                     .operands = operands,
                     .output = output,
                     .workspace = workspace},
                    stream);
  };
}

template <class T>
Runnable runnable(const conv2d::Desc& desc, const conv2d::CudaConfig& config, const Data& data) {
  return {.fill = [=] { return fill<T>(desc, config, *data); },
          .bind =
              [=](const std::vector<Buffer>& buffers) {
                return bind<T>(desc, config, data->input, data->output, buffers);
              },
          .output = data->output,
          .output_pitch = pitch_of<T>(data->output.c())};
}

}  // namespace

Problem conv2d_problem(const Layer& layer, Type type, const device::DeviceInfo& device) {
  const conv2d::Desc desc = desc_of(layer);
  const int64_t size = bytes_of(type);
  const conv2d::CudaConfig config =
      choose_cuda(desc, layer.input, size,
                  type == Type::tf32 ? conv2d::FloatMath::tf32 : conv2d::FloatMath::exact, device);
  auto data = std::make_shared<Convolution>(
      Convolution{.type = type,
                  .reflects = desc.padding_mode == PaddingMode::reflect,
                  .input = layer.input,
                  .output = output_shape(desc, layer.input),
                  .weight = desc.weight_shape(),
                  .kernel = desc.kernel,
                  .stride = desc.stride,
                  .dilation = desc.dilation,
                  .padding = desc.padding,
                  .activation = activation_of(layer),
                  .slope = kSlope});
  with_storage(type, [&]<class T>(T) {
    data->pixels = rounded<T>(random_values(data->input.elements(), 1));
    data->weights = rounded<T>(random_values(data->weight.elements(), 2));
  });
  data->bias = random_values(desc.out_channels, 3);
  const conv2d::Traffic moved = traffic(desc, config, layer.input, size);
  return {
      .description = to_string(desc),
      .config = to_string(config),
      .flops = flops(desc, layer.input),
      .bytes = bytes(desc, layer.input, size),
      .traffic = {.read = moved.read + operand_bytes(desc.epilogue, data->output, size),
                  .written = moved.written},
      .runnable = with_storage(type, [&]<class T>(T) { return runnable<T>(desc, config, data); }),
      .convolution = data};
}

}  // namespace kintsugi::gpu_bench
