// SPDX-License-Identifier: MIT
//
// The ops that make a picture of a picture and read nothing else: pad, pool, resample, reduce.
#include "benchmarks/gpu/problem.h"
#include "kernels/core/error.h"
#include "kernels/pad/cuda.h"
#include "kernels/pool/cuda.h"
#include "kernels/reduce/cuda.h"
#include "kernels/resample/cuda.h"

namespace kintsugi::gpu_bench {
namespace {

/// Which of the names the setting `key` is; the first where it is not said.
size_t choice(const Layer& layer, const char* key, std::initializer_list<const char*> names) {
  const std::string text = layer.text(key, *names.begin());
  size_t index = 0;
  for (const char* name : names) {
    if (text == name) return index;
    ++index;
  }
  throw Error(ErrorCode::usage, layer.name + ": " + key + "=" + text + " is not known");
}

int64_t tensor_bytes(const Shape& shape, int64_t element_bytes) {
  return shape.pixels() * round_up(shape.c() * element_bytes, int64_t{16});
}

/// `run(input, output, workspace, stream)` launches.
template <class Run>
Runnable runnable(const Shape& in, const Shape& out, Type type, int64_t workspace_bytes,
                  const Run& run) {
  return with_storage(type, [&]<class T>(T) {
    const auto fill = [=] {
      std::vector<Buffer> buffers;
      buffers.emplace_back(out.pixels() * pitch_of<T>(out.c()) * static_cast<int64_t>(sizeof(T)));
      buffers.emplace_back(stored<T>(random_values(in.elements(), 1), in.c()));
      buffers.emplace_back(workspace_bytes);
      return buffers;
    };
    const auto bind = [=](const std::vector<Buffer>& buffers) -> Launch {
      const TensorView<T> output{buffers[0].template data<T>(), out, pitch_of<T>(out.c())};
      const TensorView<const T> input{buffers[1].template data<T>(), in, pitch_of<T>(in.c())};
      void* workspace = buffers[2].data();
      return [=](device::Stream& stream) { run(input, output, workspace, stream); };
    };
    return Runnable{
        .fill = fill, .bind = bind, .output = out, .output_pitch = pitch_of<T>(out.c())};
  });
}

template <class Desc>
Problem problem_of(const Desc& desc, const Layer& layer, Type type, const Traffic& traffic,
                   const Runnable& runs) {
  return {.description = to_string(desc),
          .config = "",
          .flops = flops(desc, layer.input),
          .bytes = bytes(desc, layer.input, bytes_of(type)),
          .traffic = traffic,
          .runnable = runs,
          .convolution = nullptr};
}

}  // namespace

Problem pad_problem(const Layer& layer, Type type, const device::DeviceInfo&) {
  layer.expect({"amount", "mode"});
  const int64_t amount = layer.integer("amount", 1);
  const bool reflects = choice(layer, "mode", {"zero", "reflect"}) == 1;
  const pad::Desc desc{.top = amount,
                       .bottom = amount,
                       .left = amount,
                       .right = amount,
                       .mode = reflects ? PaddingMode::reflect : PaddingMode::zero};
  const Shape out = output_shape(desc, layer.input);
  const int64_t written = tensor_bytes(out, bytes_of(type));
  return problem_of(
      desc, layer, type,
      {.read = reflects ? written : tensor_bytes(layer.input, bytes_of(type)), .written = written},
      runnable(layer.input, out, type, 0,
               [=]<class T>(const TensorView<const T>& input, const TensorView<T>& output, void*,
                            device::Stream& stream) {
                 pad::cuda<T>(desc, {.input = input, .output = output}, stream);
               }));
}

Problem pool_problem(const Layer& layer, Type type, const device::DeviceInfo&) {
  layer.expect({"mode", "kernel", "stride", "padding"});
  const int64_t kernel = layer.integer("kernel", 2);
  const pool::Desc desc{.mode = choice(layer, "mode", {"max", "average"}) == 0
                                    ? pool::Mode::max
                                    : pool::Mode::average,
                        .kernel = kernel,
                        .stride = layer.integer("stride", kernel),
                        .padding = layer.integer("padding", 0)};
  const Shape out = output_shape(desc, layer.input);
  const auto taps = [&](int64_t outputs, int64_t extent, int64_t stride, int64_t padding) {
    int64_t count = 0;
    for (int64_t i = 0; i < outputs; ++i) {
      const pool::Span span = pool::span(i, kernel, stride, padding, extent);
      count += span.end - span.begin;
    }
    return count;
  };
  const int64_t pixel = round_up(out.c() * bytes_of(type), int64_t{16});
  return problem_of(
      desc, layer, type,
      {.read = out.n() * taps(out.h(), layer.input.h(), desc.stride.h, desc.padding.h) *
               taps(out.w(), layer.input.w(), desc.stride.w, desc.padding.w) * pixel,
       .written = out.pixels() * pixel},
      runnable(layer.input, out, type, 0,
               [=]<class T>(const TensorView<const T>& input, const TensorView<T>& output, void*,
                            device::Stream& stream) {
                 pool::cuda<T>(desc, {.input = input, .output = output}, stream);
               }));
}

Problem resample_problem(const Layer& layer, Type type, const device::DeviceInfo&) {
  layer.expect({"mode", "size"});
  const bool bilinear = choice(layer, "mode", {"nearest", "bilinear"}) == 1;
  const resample::Desc desc{.size = layer.integer("size", 2 * layer.input.h()),
                            .mode = bilinear ? resample::Mode::bilinear : resample::Mode::nearest};
  const Shape out = output_shape(desc, layer.input);
  const int64_t written = tensor_bytes(out, bytes_of(type));
  return problem_of(
      desc, layer, type, {.read = (bilinear ? 4 : 1) * written, .written = written},
      runnable(layer.input, out, type, 0,
               [=]<class T>(const TensorView<const T>& input, const TensorView<T>& output, void*,
                            device::Stream& stream) {
                 resample::cuda<T>(desc, {.input = input, .output = output}, stream);
               }));
}

Problem reduce_problem(const Layer& layer, Type type, const device::DeviceInfo&) {
  layer.expect({"what", "over"});
  constexpr reduce::Reduction kReductions[] = {reduce::Reduction::mean, reduce::Reduction::sum,
                                               reduce::Reduction::max};
  const reduce::Desc desc{.reduction = kReductions[choice(layer, "what", {"mean", "sum", "max"})],
                          .over = choice(layer, "over", {"pixels", "channels"}) == 0
                                      ? reduce::Over::pixels
                                      : reduce::Over::channels};
  return problem_of(
      desc, layer, type, traffic(desc, layer.input, bytes_of(type)),
      runnable(layer.input, output_shape(desc, layer.input), type,
               scratch(desc, layer.input, bytes_of(type)),
               [=]<class T>(const TensorView<const T>& input, const TensorView<T>& output,
                            void* workspace, device::Stream& stream) {
                 reduce::cuda<T>(desc, {.input = input, .output = output, .workspace = workspace},
                                 stream);
               }));
}

}  // namespace kintsugi::gpu_bench
