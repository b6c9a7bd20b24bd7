// SPDX-License-Identifier: MIT
//
// Call is all that a kernel is given when a plan runs: untyped views of memory that somebody else owns.
// A view knows its element type and refuses to be read as another. Each op turns a Call into its own
// struct of typed, named views in one function, `bind`; nothing else indexes a Call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>

#include "kernels/core/dtype.h"
#include "kernels/core/error.h"
#include "kernels/core/half.h"
#include "kernels/core/moments.h"
#include "kernels/core/steps.h"
#include "kernels/core/view.h"

namespace kintsugi {

template <class T>
struct DTypeOf;
template <>
struct DTypeOf<double> : std::integral_constant<DType, DType::f64> {};
template <>
struct DTypeOf<float> : std::integral_constant<DType, DType::f32> {};
template <>
struct DTypeOf<f16> : std::integral_constant<DType, DType::f16> {};
template <>
struct DTypeOf<bf16> : std::integral_constant<DType, DType::bf16> {};
template <>
struct DTypeOf<int32_t> : std::integral_constant<DType, DType::i32> {};
template <>
struct DTypeOf<uint16_t> : std::integral_constant<DType, DType::u16> {};
template <>
struct DTypeOf<uint8_t> : std::integral_constant<DType, DType::u8> {};
template <class T>
inline constexpr DType kDType = DTypeOf<std::remove_const_t<T>>::value;

/// The type of exact values, channel vectors and statistics beside activations of type T.
template <class T>
using Exact = std::conditional_t<exact_type(kDType<T>) == DType::f64, double, float>;

/// A tensor in memory whose element type is known at run time. A packed weight is [elements].
struct AnyView {
  std::byte* data = nullptr;
  DType dtype = DType::f32;
  Shape shape;
  int64_t pitch = 0;  // elements from one pixel to the next

  /// Throws Error::internal where the elements are of another type.
  template <class T>
  [[nodiscard]] TensorView<T> as() const {
    require(kDType<T>);
    return {reinterpret_cast<T*>(data), shape, pitch};
  }
  /// The elements of a packed weight.
  template <class T>
  [[nodiscard]] std::span<const T> packed() const {
    require(kDType<T>);
    return {reinterpret_cast<const T*>(data), static_cast<size_t>(shape.elements())};
  }

 private:
  void require(DType wanted) const {
    if (dtype == wanted) return;
    throw Error(ErrorCode::internal,
                std::string("a value of ") + to_string(dtype) + " is read as " + to_string(wanted));
  }
};

/// Scratch memory of one call: nothing in it before or after.
struct Workspace {
  std::byte* data = nullptr;
  int64_t bytes = 0;

  Workspace() = default;
  Workspace(std::byte* begin, int64_t size) : data(begin), bytes(size) {}
  template <class T>
  Workspace(std::span<T> elements)  // NOLINT: any elements will do
      : data(reinterpret_cast<std::byte*>(elements.data())),
        bytes(static_cast<int64_t>(elements.size_bytes())) {}
  template <class T>
  [[nodiscard]] std::span<T> as() const {
    return {reinterpret_cast<T*>(data), static_cast<size_t>(bytes) / sizeof(T)};
  }
};

struct Call {
  /// What the kernel runs in: of all its values but those that Op::reads and Op::makes name otherwise.
  DType dtype = DType::f32;
  std::span<const AnyView> inputs;
  std::span<const AnyView> weights;  // packed for the configuration
  std::span<const AnyView>
      operands;  // of the prologue's steps, then of the epilogue's, in step order
  std::span<const AnyView> outputs;
  Workspace workspace;
  uint32_t* tickets = nullptr;  // zeros before and after (Needs::tickets)
};

/// Operands of steps on values of type T. Throws Error::internal where one has another type than its
/// step reads: an operand `tensor` is of type T, all others are exact.
template <class T>
[[nodiscard]] OperandList bind_operands(const Steps& before, const Steps& behind,
                                        std::span<const AnyView> views) {
  OperandList list;
  size_t next = 0;
  for (const Steps* steps : {&before, &behind}) {
    for (const Step& step : *steps) {
      for (int i = 0; i < step.operand_count(); ++i) {
        if (next == views.size()) {
          throw Error(ErrorCode::internal, "steps read more operands than a call holds");
        }
        const AnyView& view = views[next++];
        const void* data = step.extent == Extent::tensor
                               ? static_cast<const void*>(view.as<const T>().data)
                               : static_cast<const void*>(view.as<const Exact<T>>().data);
        list.append({data, view.pitch});
      }
    }
  }
  return list;
}
template <class T>
[[nodiscard]] OperandList bind_operands(const Steps& steps, std::span<const AnyView> views) {
  return bind_operands<T>({}, steps, views);
}

/// Records of moments as a view [N, elements of a record, tiles, 1] holds them, without gaps.
[[nodiscard]] inline MomentsView<float> moments_of(const AnyView& records) {
  const TensorView<float> view = records.as<float>();
  if (view.pitch != view.shape.c()) {
    throw Error(ErrorCode::internal, "records of moments stand without gaps");
  }
  return {view.data, view.shape.h(), (view.shape.c() - MomentsView<float>::kHeader) / 2};
}
/// The shape of such a view; `channels` are those of a record.
[[nodiscard]] inline Shape moments_shape(int64_t batch, int64_t tiles, int64_t channels) {
  return {batch, MomentsView<float>::record_elements(channels), tiles, 1};
}

/// f(T{}) with the type that a reference computes with.
template <class F>
auto with_reference_type(DType dtype, const F& f) {
  switch (dtype) {
    case DType::f32: return f(float{});
    case DType::f64: return f(double{});
    default: throw Error(ErrorCode::internal, "a reference computes in f32 and f64");
  }
}
/// f(S{}) with the type of an image's samples.
template <class F>
auto with_sample_type(DType dtype, const F& f) {
  switch (dtype) {
    case DType::u8: return f(uint8_t{});
    case DType::u16: return f(uint16_t{});
    default: throw Error(ErrorCode::internal, "samples have 8 or 16 bits");
  }
}
/// f(T{}) with the type that a CUDA kernel stores.
template <class F>
auto with_cuda_type(DType dtype, const F& f) {
  switch (dtype) {
    case DType::f32: return f(float{});
    case DType::f16: return f(f16{});
    case DType::bf16: return f(bf16{});
    default: throw Error(ErrorCode::internal, "a CUDA kernel stores f32, f16 and bf16");
  }
}

}  // namespace kintsugi
