// SPDX-License-Identifier: MIT
//
// The facade of kernels/device/api.h on the CUDA runtime. The handles are CUDA's own pointers under
// our names; streams do not wait for the default stream, which nobody uses.
#include "kernels/device/api.h"

#include <cuda.h>

#include <map>
#include <mutex>
#include <utility>

#include "kernels/core/error.h"
#include "kernels/device/cuda/check.h"

namespace kintsugi::device {

namespace cuda {

namespace {

std::string& left_behind() {
  static thread_local std::string sentence;
  return sentence;
}

ErrorCode code_of(cudaError_t status) {
  switch (status) {
    case cudaErrorMemoryAllocation: return ErrorCode::out_of_memory;
    case cudaErrorNoDevice:
    case cudaErrorInsufficientDriver:
    case cudaErrorInvalidDevice:
    case cudaErrorDevicesUnavailable: return ErrorCode::device_unavailable;
    default: return ErrorCode::internal;
  }
}

}  // namespace

void check(cudaError_t status, const char* what) {
  if (status == cudaSuccess) return;
  static_cast<void>(cudaGetLastError());  // forgets it, where it can be forgotten
  left_behind() = std::string("CUDA: ") + what + ": " + cudaGetErrorString(status);
  throw Error(code_of(status), left_behind());
}

}  // namespace cuda

using cuda::check;
using cuda::native;

namespace {

// What allocate has handed out, for the meter.
struct Meter {
  std::mutex mutex;
  std::map<void*, std::size_t> buffers;
  std::size_t total = 0;
};
Meter& meter() {
  static auto* meter = new Meter;  // outlives what is released late
  return *meter;
}

}  // namespace

int count() {
  int devices = 0;
  if (cudaGetDeviceCount(&devices) != cudaSuccess) {
    static_cast<void>(cudaGetLastError());
    return 0;
  }
  return devices;
}

std::string why_none() {
  int devices = 0;
  const cudaError_t status = cudaGetDeviceCount(&devices);
  static_cast<void>(cudaGetLastError());
  if (status == cudaErrorNoDevice || (status == cudaSuccess && devices == 0)) {
    return "no NVIDIA GPU was found";
  }
  return status == cudaSuccess
             ? ""
             : std::string("no NVIDIA GPU can be used: ") + cudaGetErrorString(status);
}

DeviceInfo info(int device) {
  cudaDeviceProp properties{};
  check(cudaGetDeviceProperties(&properties, device), "cudaGetDeviceProperties");
  return {.name = properties.name,
          .compute = 10 * properties.major + properties.minor,
          .multiprocessors = properties.multiProcessorCount,
          .memory_bytes = properties.totalGlobalMem,
          .shared_bytes = properties.sharedMemPerBlockOptin,
          .emulated = false};
}

void select(int device) { check(cudaSetDevice(device), "cudaSetDevice"); }

void* allocate(std::size_t bytes) {
  if (bytes == 0) return nullptr;
  void* buffer = nullptr;
  check(cudaMalloc(&buffer, bytes), "cudaMalloc");
  const std::lock_guard lock(meter().mutex);
  meter().buffers[buffer] = bytes;
  meter().total += bytes;
  return buffer;
}

void release(void* buffer) noexcept {
  if (buffer == nullptr) return;
  {
    const std::lock_guard lock(meter().mutex);
    const auto found = meter().buffers.find(buffer);
    if (found != meter().buffers.end()) {
      meter().total -= found->second;
      meter().buffers.erase(found);
    }
  }
  static_cast<void>(cudaFree(buffer));
}

std::size_t allocated_bytes() {
  const std::lock_guard lock(meter().mutex);
  return meter().total;
}

void* allocate_host(std::size_t bytes) {
  void* buffer = nullptr;
  if (bytes > 0) check(cudaMallocHost(&buffer, bytes), "cudaMallocHost");
  return buffer;
}

void release_host(void* buffer) noexcept { static_cast<void>(cudaFreeHost(buffer)); }

void upload(void* device, const void* host, std::size_t bytes) {
  check(cudaMemcpy(device, host, bytes, cudaMemcpyHostToDevice), "cudaMemcpy to the device");
  // From pageable memory it may return before the device has the bytes, and our streams do not wait
  // for the one that it runs on.
  check(cudaStreamSynchronize(nullptr), "cudaStreamSynchronize");
}

void download(void* host, const void* device, std::size_t bytes) {
  check(cudaMemcpy(host, device, bytes, cudaMemcpyDeviceToHost), "cudaMemcpy from the device");
}

void upload(Stream& stream, void* device, const void* host, std::size_t bytes) {
  check(cudaMemcpyAsync(device, host, bytes, cudaMemcpyHostToDevice, native(stream)),
        "cudaMemcpyAsync to the device");
}

void download(Stream& stream, void* host, const void* device, std::size_t bytes) {
  check(cudaMemcpyAsync(host, device, bytes, cudaMemcpyDeviceToHost, native(stream)),
        "cudaMemcpyAsync from the device");
}

void copy(Stream& stream, void* to, const void* from, std::size_t bytes) {
  check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, native(stream)),
        "cudaMemcpyAsync on the device");
}

void fill(Stream& stream, void* device, uint8_t value, std::size_t bytes) {
  check(cudaMemsetAsync(device, value, bytes, native(stream)), "cudaMemsetAsync");
}

Handle<Stream> make_stream() {
  cudaStream_t stream = nullptr;
  check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "cudaStreamCreate");
  return Handle<Stream>(reinterpret_cast<Stream*>(stream));
}

void synchronize(Stream& stream) {
  check(cudaStreamSynchronize(native(stream)), "cudaStreamSynchronize");
}

void synchronize() { check(cudaDeviceSynchronize(), "cudaDeviceSynchronize"); }

Handle<Event> make_event() {
  cudaEvent_t event = nullptr;
  check(cudaEventCreate(&event), "cudaEventCreate");
  return Handle<Event>(reinterpret_cast<Event*>(event));
}

void record(Stream& stream, Event& event) {
  check(cudaEventRecord(native(event), native(stream)), "cudaEventRecord");
}

void wait(Stream& stream, Event& event) {
  check(cudaStreamWaitEvent(native(stream), native(event), 0), "cudaStreamWaitEvent");
}

void synchronize(Event& event) {
  check(cudaEventSynchronize(native(event)), "cudaEventSynchronize");
}

float elapsed_ms(Event& from, Event& to) {
  float milliseconds = 0;
  check(cudaEventElapsedTime(&milliseconds, native(from), native(to)), "cudaEventElapsedTime");
  return milliseconds;
}

void begin_capture(Stream& stream) {
  check(cudaStreamBeginCapture(native(stream), cudaStreamCaptureModeThreadLocal),
        "cudaStreamBeginCapture");
}

Handle<Graph> end_capture(Stream& stream) {
  cudaGraph_t graph = nullptr;
  check(cudaStreamEndCapture(native(stream), &graph), "cudaStreamEndCapture");
  return Handle<Graph>(reinterpret_cast<Graph*>(graph));
}

std::size_t node_count(Graph& graph) {
  std::size_t nodes = 0;
  check(cudaGraphGetNodes(native(graph), nullptr, &nodes), "cudaGraphGetNodes");
  return nodes;
}

Handle<Executable> instantiate(Graph& graph) {
  cudaGraphExec_t executable = nullptr;
  check(cudaGraphInstantiate(&executable, native(graph), 0), "cudaGraphInstantiate");
  return Handle<Executable>(reinterpret_cast<Executable*>(executable));
}

void replay(Stream& stream, Executable& executable) {
  check(cudaGraphLaunch(native(executable), native(stream)), "cudaGraphLaunch");
}

TensorMap make_tensor_map(const TensorMapDesc& desc) {
  // The driver's function, asked for by name so that nothing links the driver.
  void* address = nullptr;
  cudaDriverEntryPointQueryResult found{};
  check(cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &address, 12000,
                                         cudaEnableDefault, &found),
        "cuTensorMapEncodeTiled");
  if (found != cudaDriverEntryPointSuccess) {
    throw Error(ErrorCode::device_unavailable, "this CUDA driver has no TMA");
  }
  const auto encode = reinterpret_cast<decltype(&cuTensorMapEncodeTiled)>(address);
  TensorMap map{};
  static_assert(sizeof(TensorMap) == sizeof(CUtensorMap));
  const cuuint64_t sizes[2] = {desc.columns, desc.rows};
  const cuuint64_t pitches[1] = {desc.pitch_bytes};
  const cuuint32_t box[2] = {kBoxColumns, desc.box_rows};
  const cuuint32_t strides[2] = {1, 1};
  const CUresult status =
      encode(reinterpret_cast<CUtensorMap*>(&map), CU_TENSOR_MAP_DATA_TYPE_UINT16, 2,
             const_cast<void*>(desc.data), sizes, pitches, box, strides,
             CU_TENSOR_MAP_INTERLEAVE_NONE, CU_TENSOR_MAP_SWIZZLE_128B,
             CU_TENSOR_MAP_L2_PROMOTION_L2_128B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
  if (status != CUDA_SUCCESS) {
    throw Error(ErrorCode::internal, "CUDA refuses the tensor map of a matrix of " +
                                         std::to_string(desc.rows) + " x " +
                                         std::to_string(desc.columns));
  }
  return map;
}

std::string last_error() { return std::exchange(cuda::left_behind(), {}); }

void Close::operator()(Stream* stream) const noexcept {
  static_cast<void>(cudaStreamDestroy(native(*stream)));
}
void Close::operator()(Event* event) const noexcept {
  static_cast<void>(cudaEventDestroy(native(*event)));
}
void Close::operator()(Graph* graph) const noexcept {
  static_cast<void>(cudaGraphDestroy(native(*graph)));
}
void Close::operator()(Executable* executable) const noexcept {
  static_cast<void>(cudaGraphExecDestroy(native(*executable)));
}

}  // namespace kintsugi::device
