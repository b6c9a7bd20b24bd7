// SPDX-License-Identifier: MIT
//
// The facade: what the runtime may ask of a device. Memory, streams, events, graphs; no kernels (those
// stand behind their ops' contracts) and no CUDA types, so that whoever includes it needs no toolkit.
// Three folders implement the same symbols and the build links one: kernels/device/cuda,
// kernels/emulator, kernels/device/absent. Everything throws kintsugi::Error with a sentence. Work
// given to a stream has not happened until the stream is synchronised; the emulator takes that
// literally and runs nothing before. Executors own what is made here; handles close themselves.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "kernels/device/tensor_map.h"

namespace kintsugi::device {

struct Stream;
struct Event;
struct Graph;       // what a capture recorded
struct Executable;  // a graph that can be replayed

struct Close {
  void operator()(Stream* stream) const noexcept;
  void operator()(Event* event) const noexcept;
  void operator()(Graph* graph) const noexcept;
  void operator()(Executable* executable) const noexcept;
};
template <typename T>
using Handle = std::unique_ptr<T, Close>;

struct DeviceInfo {
  std::string name;
  int compute = 0;  ///< 80 or 90
  int multiprocessors = 0;
  std::size_t memory_bytes = 0;
  std::size_t shared_bytes = 0;  ///< that one block may have
  bool emulated = false;
};

// ---- Devices. Where there is none, count is 0 and all else throws device_unavailable.
/// A sentence why count is 0; empty where it is not.
[[nodiscard]] std::string why_none();
[[nodiscard]] int count();
[[nodiscard]] DeviceInfo info(int device = 0);
/// For the calling thread.
void select(int device);

// ---- Memory. Buffers start at a multiple of 256 bytes; zero bytes are a null pointer.
[[nodiscard]] void* allocate(std::size_t bytes);
void release(void* buffer) noexcept;
/// What allocate has handed out and release not taken back: the sizes asked for, summed.
[[nodiscard]] std::size_t allocated_bytes();
/// Page-locked memory of the host, from which copies run beside kernels.
[[nodiscard]] void* allocate_host(std::size_t bytes);
void release_host(void* buffer) noexcept;

// ---- Copies. The first two are done when they return and wait for no stream.
void upload(void* device, const void* host, std::size_t bytes);
void download(void* host, const void* device, std::size_t bytes);
void upload(Stream& stream, void* device, const void* host, std::size_t bytes);
void download(Stream& stream, void* host, const void* device, std::size_t bytes);
void copy(Stream& stream, void* to, const void* from, std::size_t bytes);
void fill(Stream& stream, void* device, uint8_t value, std::size_t bytes);

// ---- Streams and events
[[nodiscard]] Handle<Stream> make_stream();
void synchronize(Stream& stream);
/// Every stream of the device.
void synchronize();
[[nodiscard]] Handle<Event> make_event();
void record(Stream& stream, Event& event);
void wait(Stream& stream, Event& event);
void synchronize(Event& event);
/// Of two recorded events that have both happened.
[[nodiscard]] float elapsed_ms(Event& from, Event& to);

// ---- Graphs. What a stream is given between begin and end is recorded, not done.
void begin_capture(Stream& stream);
[[nodiscard]] Handle<Graph> end_capture(Stream& stream);
[[nodiscard]] std::size_t node_count(Graph& graph);
[[nodiscard]] Handle<Executable> instantiate(Graph& graph);
void replay(Stream& stream, Executable& executable);

/// What TMA reads of a matrix. Throws where the hardware's rules of alignment are broken; sm_90.
[[nodiscard]] TensorMap make_tensor_map(const TensorMapDesc& desc);

/// The sentence of an error that a launch left behind, and forgets it; empty if there is none.
[[nodiscard]] std::string last_error();

}  // namespace kintsugi::device
