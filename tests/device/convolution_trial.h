// SPDX-License-Identifier: MIT
//
// A convolution, transposed or not, on random data, in each storage type and arithmetic that CUDA
// kernels have, and its result by definition and on the device that the program was linked with. What
// is fed is rounded to the storage type first. The description's type says whose functions are called.
#pragma once

#include "kernels/implicit_gemm/config.h"
#include "tests/device/support.h"

namespace kintsugi::test {

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

template <class Desc>
Tensor<double> by_definition(const Desc& desc, const Tensor<float>& input,
                             const std::vector<float>& weight,
                             const std::vector<Operand<double>>& operands) {
  const Tensor<double> in = input.as<double>();
  const std::vector<double> w(weight.begin(), weight.end());
  Tensor<double> out(output_shape(desc, input.shape()));
  reference<double>(desc, {in.view(), w, operands, out.view()}, threads());
  return out;
}

/// A convolution on random data of one type.
template <class Desc, class T>
struct Trial {
  Desc desc;
  Tensor<float> input;
  std::vector<float> weight;
  DeviceOperands<T> operands;
  implicit_gemm::CudaConfig config;

  Trial(const Desc& d, const Shape& shape, Type type, int multiprocessors = 1)
      : Trial(d, shape, type, multiprocessors, Random(1)) {}

  [[nodiscard]] Tensor<float> reference() const {
    return by_definition(desc, input, weight, operands.on_host()).template as<float>();
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
        operands(d.prologue, shape, d.epilogue, output_shape(d, shape), random),
        config(choose_cuda(
            d, shape, static_cast<int64_t>(sizeof(T)),
            type == Type::tf32 ? implicit_gemm::FloatMath::tf32 : implicit_gemm::FloatMath::exact,
            small_device(multiprocessors))) {
    round_to<T>(input);
    for (float& v : weight) v = as_float(narrow<T>(v));
  }
};

/// A trial on the device, ready to run, with `gap` groups of 16 bytes between pixels.
template <class Desc, class T>
class Launched {
 public:
  Launched(const Trial<Desc, T>& trial, int64_t gap)
      : trial_(trial),
        input_(trial.input, gap),
        output_(output_shape(trial.desc, trial.input.shape()), gap),
        scratch_(scratch(trial.desc, trial.config, trial.input.shape())),
        tickets_(scratch_.ticket_bytes),
        partial_(scratch_.partial_bytes),
        moments_(record_bytes()),
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
      cuda<T>(trial_.desc, trial_.config,
              {.input = input_.view(),
               .weight = weights_.template data<T>(),
               .operands = trial_.operands.on_device(),
               .output = output_.view(),
               .tickets = tickets_.template data<uint32_t>(),
               .partial = partial_.template data<float>(),
               .moments = moments()},
              *stream_);
    }
    device::synchronize(*stream_);
  }
  [[nodiscard]] typename Trial<Desc, T>::Result result() const {
    return {output_.download(), output_.buffer().template values<T>()};
  }

  /// Where its output's moments stand on the device, if it leaves any.
  [[nodiscard]] MomentsView<float> moments() const {
    if (!trial_.desc.moments) return {};
    return {moments_.template data<float>(), tiles(), record_channels()};
  }
  [[nodiscard]] std::vector<float> records() const { return moments_.template values<float>(); }

  /// What the next launch of the stream counts on.
  void expect_tickets_put_back() const {
    for (const uint32_t ticket : tickets_.template values<uint32_t>()) EXPECT_EQ(ticket, 0u);
  }

 private:
  [[nodiscard]] int64_t tiles() const {
    return moment_tiles(trial_.desc, trial_.config, trial_.input.shape());
  }
  [[nodiscard]] int64_t record_channels() const {
    return round_up(output_shape(trial_.desc, trial_.input.shape()).c(), kGroup<T>);
  }
  [[nodiscard]] int64_t record_bytes() const {
    if (!trial_.desc.moments) return 0;
    return 4 * moment_elements(trial_.input.shape().n(), tiles(), record_channels());
  }

  const Trial<Desc, T>& trial_;
  DeviceTensor<T> input_, output_;
  implicit_gemm::Scratch scratch_;
  DeviceBuffer tickets_, partial_, weights_, moments_;
  device::Handle<device::Stream> stream_;
};

template <class Desc, class T>
typename Trial<Desc, T>::Result Trial<Desc, T>::cuda(int64_t gap, int times) const {
  const Launched<Desc, T> launched(*this, gap);
  launched.run(times);
  launched.expect_tickets_put_back();
  return launched.result();
}

template <class T>
bool same_bytes(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

}  // namespace kintsugi::test
