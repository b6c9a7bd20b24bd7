// SPDX-License-Identifier: MIT
//
// A convolution on random data, in each storage type and arithmetic that CUDA kernels have, and its
// result by definition and on the device that the program was linked with. What is fed is rounded to
// the storage type first.
#pragma once

#include "kernels/conv2d/cuda.h"
#include "tests/device/support.h"
#include "tests/kernels/conv2d_cases.h"

namespace kintsugi::conv2d {
using test::as_float;
using test::DeviceBuffer;
using test::DeviceOperands;
using test::DeviceTensor;
using test::Random;
using test::round_to;
using test::Tensor;
using test::threads;

/// Storage and arithmetic of a run, and the promised relative L2 error.
enum class Type : uint8_t { f32, tf32, f16, bf16 };
inline constexpr Type kTypes[] = {Type::f32, Type::tf32, Type::f16, Type::bf16};

inline double tolerance(Type type) {
  switch (type) {
    case Type::f32: return 2e-6;
    case Type::tf32: return 1e-3;
    case Type::f16: return 6e-4;
    case Type::bf16: return 4e-3;
  }
  return 0;
}

inline const char* name_of(Type type) {
  switch (type) {
    case Type::f32: return "f32";
    case Type::tf32: return "tf32";
    case Type::f16: return "f16";
    case Type::bf16: return "bf16";
  }
  return "";
}

template <class F>
auto with_storage(Type type, const F& f) {
  if (type == Type::f16) return f(f16{});
  if (type == Type::bf16) return f(bf16{});
  return f(float{});
}

/// A device of few multiprocessors, so that small pictures are not all split.
inline device::DeviceInfo small_device(int multiprocessors = 1) {
  device::DeviceInfo info = device::info();
  info.multiprocessors = multiprocessors;
  return info;
}

/// A convolution on random data of one type.
template <class T>
struct Trial {
  Desc desc;
  Tensor<float> input;
  std::vector<float> weight;
  DeviceOperands<T> operands;
  CudaConfig config;

  Trial(const Desc& d, const Shape& shape, Type type, int multiprocessors = 1)
      : Trial(d, shape, type, multiprocessors, Random(1)) {}

  [[nodiscard]] Tensor<float> reference() const {
    const Tensor<double> in = input.as<double>();
    const std::vector<double> w(weight.begin(), weight.end());
    Tensor<double> out(output_shape(desc, input.shape()));
    const auto bound = operands.on_host();
    conv2d::reference<double>(desc, {in.view(), w, bound, out.view()}, threads());
    return out.as<float>();
  }

  /// The whole output buffer too, for comparing bits.
  struct Result {
    Tensor<float> values;
    std::vector<T> bits;
  };
  [[nodiscard]] Result cuda(int64_t gap = 0, int times = 1) const;

 private:
  Trial(const Desc& d, const Shape& shape, Type type, int multiprocessors, Random random)
      : desc(d),
        input(Tensor<float>::random(shape, random)),
        weight(random.values(d.weight_shape().elements())),
        operands(d.epilogue, output_shape(d, shape), random),
        config(choose_cuda(d, shape, static_cast<int64_t>(sizeof(T)),
                           type == Type::tf32 ? FloatMath::tf32 : FloatMath::exact,
                           small_device(multiprocessors))) {
    round_to<T>(input);
    for (float& v : weight) v = as_float(narrow<T>(v));
  }
};

/// A trial on the device, ready to run, with `gap` groups of 16 bytes between pixels.
template <class T>
class Launched {
 public:
  Launched(const Trial<T>& trial, int64_t gap)
      : trial_(trial),
        input_(trial.input, gap),
        output_(output_shape(trial.desc, trial.input.shape()), gap),
        scratch_(scratch(trial.desc, trial.config, trial.input.shape())),
        tickets_(scratch_.ticket_bytes),
        partial_(scratch_.partial_bytes),
        stream_(device::make_stream()) {
    std::vector<T> packed(
        static_cast<size_t>(packed_elements(trial.desc, trial.config, sizeof(T))));
    pack<T>(trial.desc, trial.config, trial.weight, packed);
    weights_ = DeviceBuffer(packed);
    if (scratch_.ticket_bytes == 0) return;
    device::fill(*stream_, tickets_.data(), 0, static_cast<size_t>(scratch_.ticket_bytes));
  }

  void run(int times = 1) const {
    for (int i = 0; i < times; ++i) {
      conv2d::cuda<T>(trial_.desc, trial_.config,
                      {.input = input_.view(),
                       .weight = weights_.template data<T>(),
                       .operands = trial_.operands.on_device(),
                       .output = output_.view(),
                       .tickets = tickets_.template data<uint32_t>(),
                       .partial = partial_.template data<float>()},
                      *stream_);
    }
    device::synchronize(*stream_);
  }
  [[nodiscard]] typename Trial<T>::Result result() const {
    return {output_.download(), output_.buffer().template values<T>()};
  }

 private:
  const Trial<T>& trial_;
  DeviceTensor<T> input_, output_;
  Scratch scratch_;
  DeviceBuffer tickets_, partial_, weights_;
  device::Handle<device::Stream> stream_;
};

template <class T>
typename Trial<T>::Result Trial<T>::cuda(int64_t gap, int times) const {
  const Launched<T> launched(*this, gap);
  launched.run(times);
  return launched.result();
}

/// All corners, and the layers of networks on a picture of at most 3 x 9: a block computes 128 rows
/// whether they are there or not.
inline std::vector<Case> small_cases() {
  std::vector<Case> cases = corners();
  for (Case layer : layers()) {
    const Shape& s = layer.input;
    layer.input = {1, s.c(), std::min<int64_t>(s.h(), 3), std::min<int64_t>(s.w(), 9)};
    cases.push_back(layer);
  }
  return cases;
}

/// Deep enough that every stage of the pipeline is used three times and more, ragged at all edges.
inline std::vector<Case> pipelined() {
  return {{"ragged",
           {.in_channels = 72,
            .out_channels = 70,
            .kernel = 3,
            .dilation = 2,
            .padding = 2,
            .epilogue = {step::add(Extent::channel), step::activate(Function::relu)}},
           {1, 72, 13, 11}},
          {"narrow",
           {.in_channels = 100, .out_channels = 24, .kernel = 3, .padding = 1},
           {2, 100, 7, 9}},
          {"wide",
           {.in_channels = 72, .out_channels = 130, .kernel = 3, .stride = 2, .padding = 1},
           {1, 72, 24, 23}}};
}

template <class T>
bool same_bytes(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

}  // namespace kintsugi::conv2d
