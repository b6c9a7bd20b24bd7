// SPDX-License-Identifier: MIT
//
// cuBLAS, for the rate that a matrix product reaches on this device.
#include <cublas_v2.h>

#include "benchmarks/gpu/baseline.h"
#include "benchmarks/gpu/native.h"
#include "kernels/core/error.h"

namespace kintsugi::gpu_bench {
namespace {

void check(cublasStatus_t status, const char* what) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  throw Error(ErrorCode::internal,
              std::string("cuBLAS: ") + what + ": " + cublasGetStatusString(status));
}

/// The process's own, never destroyed: contexts may be gone when it would be.
cublasHandle_t handle() {
  static const cublasHandle_t made = [] {
    cublasHandle_t handle = nullptr;
    check(cublasCreate(&handle), "cublasCreate");
    return handle;
  }();
  return made;
}

cudaDataType_t data_type(Type type) {
  return type == Type::bf16 ? CUDA_R_16BF : type == Type::f16 ? CUDA_R_16F : CUDA_R_32F;
}

}  // namespace

Library cublas() {
  try {
    int version = 0;
    check(cublasGetVersion(handle(), &version), "cublasGetVersion");
    return {.version = std::to_string(version), .refused = ""};
  } catch (const Error& error) {
    return {.version = "", .refused = error.what()};
  }
}

Runnable cublas_product(Type type, int64_t side) {
  const auto fill = [=] {
    return with_storage(type, [&]<class T>(T) {
      std::vector<Buffer> buffers;
      buffers.emplace_back(side * side * static_cast<int64_t>(sizeof(T)));
      for (const uint32_t seed : {1u, 2u}) {
        buffers.emplace_back(stored<T>(random_values(side * side, seed), side));
      }
      return buffers;
    });
  };
  const auto bind = [=](const std::vector<Buffer>& buffers) -> Launch {
    const void *a = buffers[1].data(), *b = buffers[2].data();
    void* c = buffers[0].data();
    const int n = static_cast<int>(side);
    const cudaDataType_t stored_as = data_type(type);
    const cublasComputeType_t compute =
        type == Type::tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
    return [=](device::Stream& stream) {
      constexpr float kOne = 1, kNone = 0;
      check(cublasSetStream(handle(), native(stream)), "cublasSetStream");
      check(cublasGemmEx(handle(), CUBLAS_OP_T, CUBLAS_OP_N, n, n, n, &kOne, a, stored_as, n, b,
                         stored_as, n, &kNone, c, stored_as, n, compute, CUBLAS_GEMM_DEFAULT),
            "cublasGemmEx");
    };
  };
  return {.fill = fill,
          .bind = bind,
          .output = {1, side, 1, side},
          .output_pitch = side,
          .output_dtype = dtype_of(type)};
}

}  // namespace kintsugi::gpu_bench
