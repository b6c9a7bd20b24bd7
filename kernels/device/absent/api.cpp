// SPDX-License-Identifier: MIT
//
// The facade of kernels/device/api.h in a build without a device: there are none, and asking for
// anything says so.
#include "kernels/device/api.h"

#include "kernels/core/error.h"

namespace kintsugi::device {

namespace {

[[noreturn]] void absent() {
  throw Error(ErrorCode::device_unavailable, "this build has no GPU backend",
              "configure it with the preset 'cuda', or use --device cpu");
}

}  // namespace

// clang-format off
std::string why_none() { return "this build has no CUDA backend"; }
int count() { return 0; }
DeviceInfo info(int /*device*/) { absent(); }
void select(int /*device*/) { absent(); }

void* allocate(std::size_t /*bytes*/) { absent(); }
void release(void* /*buffer*/) noexcept {}
std::size_t allocated_bytes() { return 0; }
void* allocate_host(std::size_t /*bytes*/) { absent(); }
void release_host(void* /*buffer*/) noexcept {}

void upload(void* /*device*/, const void* /*host*/, std::size_t /*bytes*/) { absent(); }
void download(void* /*host*/, const void* /*device*/, std::size_t /*bytes*/) { absent(); }
void upload(Stream& /*s*/, void* /*device*/, const void* /*host*/, std::size_t /*bytes*/) { absent(); }
void download(Stream& /*s*/, void* /*host*/, const void* /*device*/, std::size_t /*bytes*/) { absent(); }
void copy(Stream& /*s*/, void* /*to*/, const void* /*from*/, std::size_t /*bytes*/) { absent(); }
void fill(Stream& /*s*/, void* /*device*/, uint8_t /*value*/, std::size_t /*bytes*/) { absent(); }

Handle<Stream> make_stream() { absent(); }
void synchronize(Stream& /*stream*/) { absent(); }
void synchronize() { absent(); }
Handle<Event> make_event() { absent(); }
void record(Stream& /*stream*/, Event& /*event*/) { absent(); }
void wait(Stream& /*stream*/, Event& /*event*/) { absent(); }
void synchronize(Event& /*event*/) { absent(); }
float elapsed_ms(Event& /*from*/, Event& /*to*/) { absent(); }

void begin_capture(Stream& /*stream*/) { absent(); }
Handle<Graph> end_capture(Stream& /*stream*/) { absent(); }
std::size_t node_count(Graph& /*graph*/) { absent(); }
Handle<Executable> instantiate(Graph& /*graph*/) { absent(); }
void replay(Stream& /*stream*/, Executable& /*executable*/) { absent(); }
TensorMap make_tensor_map(const TensorMapDesc& /*desc*/) { absent(); }
std::string last_error() { return {}; }
// clang-format on

// No handle of these was ever made.
void Close::operator()(Stream* /*stream*/) const noexcept {}
void Close::operator()(Event* /*event*/) const noexcept {}
void Close::operator()(Graph* /*graph*/) const noexcept {}
void Close::operator()(Executable* /*executable*/) const noexcept {}

}  // namespace kintsugi::device
