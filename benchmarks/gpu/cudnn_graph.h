// SPDX-License-Identifier: MIT
//
// cuDNN's backend descriptors as values: made with their attributes, finalised, destroyed. What
// cudnn_frontend.h would do, for the four operations that are measured here, without that package.
// Included by cudnn_plans.h.
#pragma once

#include <cudnn.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kernels/core/error.h"

namespace kintsugi::gpu_bench::cudnn_graph {

inline void check(cudnnStatus_t status, const char* what) {
  if (status == CUDNN_STATUS_SUCCESS) return;
  throw Error(ErrorCode::internal,
              std::string("cuDNN: ") + what + ": " + cudnnGetErrorString(status));
}

/// A descriptor; copies share it.
class Descriptor {
 public:
  explicit Descriptor(cudnnBackendDescriptorType_t type) {
    cudnnBackendDescriptor_t made = nullptr;
    check(cudnnBackendCreateDescriptor(type, &made), "cudnnBackendCreateDescriptor");
    held_ = std::shared_ptr<void>(made, [](void* old) { cudnnBackendDestroyDescriptor(old); });
  }
  [[nodiscard]] cudnnBackendDescriptor_t get() const { return held_.get(); }

  Descriptor& set(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, int64_t count,
                  const void* values) {
    check(cudnnBackendSetAttribute(get(), name, type, count, values), "cudnnBackendSetAttribute");
    return *this;
  }
  Descriptor& set(cudnnBackendAttributeName_t name, int64_t value) {
    return set(name, CUDNN_TYPE_INT64, 1, &value);
  }
  Descriptor& set(cudnnBackendAttributeName_t name, const std::vector<int64_t>& values) {
    return set(name, CUDNN_TYPE_INT64, static_cast<int64_t>(values.size()), values.data());
  }
  Descriptor& set(cudnnBackendAttributeName_t name, bool value) {
    return set(name, CUDNN_TYPE_BOOLEAN, 1, &value);
  }
  Descriptor& set(cudnnBackendAttributeName_t name, float value) {
    return set(name, CUDNN_TYPE_FLOAT, 1, &value);
  }
  Descriptor& set(cudnnBackendAttributeName_t name, cudnnDataType_t value) {
    return set(name, CUDNN_TYPE_DATA_TYPE, 1, &value);
  }
  Descriptor& set(cudnnBackendAttributeName_t name, cudnnHandle_t value) {
    return set(name, CUDNN_TYPE_HANDLE, 1, &value);
  }
  Descriptor& set(cudnnBackendAttributeName_t name, const Descriptor& value) {
    const cudnnBackendDescriptor_t raw = value.get();
    keep_.push_back(value);
    return set(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &raw);
  }
  Descriptor& set(cudnnBackendAttributeName_t name, const std::vector<Descriptor>& values) {
    std::vector<cudnnBackendDescriptor_t> raw;
    for (const Descriptor& value : values) raw.push_back(value.get());
    keep_.insert(keep_.end(), values.begin(), values.end());
    return set(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, static_cast<int64_t>(raw.size()), raw.data());
  }
  Descriptor& finalize(const char* what) {
    check(cudnnBackendFinalize(get()), what);
    return *this;
  }
  [[nodiscard]] int64_t integer(cudnnBackendAttributeName_t name) const {
    int64_t value = 0, count = 0;
    check(cudnnBackendGetAttribute(get(), name, CUDNN_TYPE_INT64, 1, &count, &value),
          "cudnnBackendGetAttribute");
    return value;
  }

 private:
  std::shared_ptr<void> held_;
  std::vector<Descriptor> keep_;  // what it refers to lives as long
};

/// [N, C, H, W] in channels_last, or a filter in its order of the same kind. A virtual one is never
/// in memory: it stands between two operations of a graph.
inline Descriptor tensor(int64_t id, cudnnDataType_t type, const std::vector<int64_t>& extents,
                         bool is_virtual = false) {
  const int64_t c = extents[1], h = extents[2], w = extents[3];
  Descriptor made(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
  made.set(CUDNN_ATTR_TENSOR_DATA_TYPE, type)
      .set(CUDNN_ATTR_TENSOR_DIMENSIONS, extents)
      .set(CUDNN_ATTR_TENSOR_STRIDES, std::vector<int64_t>{h * w * c, 1, w * c, c})
      .set(CUDNN_ATTR_TENSOR_UNIQUE_ID, id)
      .set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, int64_t{16});
  if (is_virtual) made.set(CUDNN_ATTR_TENSOR_IS_VIRTUAL, true);
  made.finalize("a tensor");
  return made;
}

/// y = mode(x) or mode(x, b), in f32.
inline Descriptor pointwise(cudnnPointwiseMode_t mode, const Descriptor& x, const Descriptor* b,
                            const Descriptor& y) {
  Descriptor what(CUDNN_BACKEND_POINTWISE_DESCRIPTOR);
  what.set(CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, 1, &mode)
      .set(CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_DATA_FLOAT)
      .finalize("a pointwise mode");
  Descriptor made(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
  made.set(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, what)
      .set(CUDNN_ATTR_OPERATION_POINTWISE_XDESC, x)
      .set(CUDNN_ATTR_OPERATION_POINTWISE_YDESC, y);
  if (b != nullptr) made.set(CUDNN_ATTR_OPERATION_POINTWISE_BDESC, *b);
  made.finalize("a pointwise operation");
  return made;
}

}  // namespace kintsugi::gpu_bench::cudnn_graph
