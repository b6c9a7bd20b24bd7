// SPDX-License-Identifier: MIT
//
// The facade of kernels/device/api.h, emulated: memory is the heap, a stream is a list of things to
// do that nobody does before it is synchronised, a graph is such a list kept.
#include "kernels/device/api.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <mutex>
#include <new>
#include <thread>
#include <utility>
#include <vector>

#include "kernels/core/error.h"
#include "kernels/emulator/emulator.h"
#include "kernels/emulator/launch.h"
#include "kernels/emulator/memory.h"

namespace kintsugi::device {

using Task = std::function<void()>;

struct Stream {
  std::deque<Task> tasks;
  bool capturing = false;
  std::vector<Task> captured;
};
struct Event {
  Stream* stream = nullptr;  // where it was recorded last
  uint64_t recorded = 0;     // how many times
  uint64_t happened = 0;
  std::chrono::steady_clock::time_point when;
};
struct Graph {
  std::vector<Task> tasks;
};
struct Executable {
  std::vector<Task> tasks;
};

namespace {

// Sessions of several threads take turns; an emulator need not be faster than it is right.
std::recursive_mutex& mutex() {
  static std::recursive_mutex mutex;
  return mutex;
}
std::vector<Stream*>& streams() {
  static auto* streams = new std::vector<Stream*>;  // outlives what closes late
  return *streams;
}
emulator::Crossings& crossings() {  // under the mutex
  static emulator::Crossings counted;
  return counted;
}
void note(int64_t emulator::Crossings::*what) {
  const std::lock_guard lock(mutex());
  ++(crossings().*what);
}
std::string& left_behind() {
  static auto* sentence = new std::string;
  return *sentence;
}

[[noreturn]] void refuse(const std::string& sentence) { throw Error(ErrorCode::usage, sentence); }

void give(Stream& stream, Task task) {
  const std::lock_guard lock(mutex());
  if (stream.capturing) {
    stream.captured.push_back(std::move(task));
  } else {
    stream.tasks.push_back(std::move(task));
  }
}

/// Does what the stream was given, until `enough`. What fails takes the rest with it, as on a GPU.
template <typename Enough>
void drain(Stream& stream, Enough enough) {
  const std::lock_guard lock(mutex());
  while (!stream.tasks.empty() && !enough()) {
    const Task task = std::move(stream.tasks.front());
    stream.tasks.pop_front();
    try {
      task();
    } catch (const Error& error) {
      stream.tasks.clear();
      left_behind() = error.what();
      throw;
    }
  }
}

void check(const char* what, const void* p, std::size_t bytes) {
  if (bytes == 0 || emulator::is_device(p, bytes)) return;
  refuse(std::string(what) + ": " + emulator::describe_stray(emulator::snapshot(), p, bytes));
}

void not_while_capturing(const Stream& stream, const char* what) {
  if (stream.capturing) refuse(std::string(what) + " cannot be captured");
}

}  // namespace

std::string why_none() { return {}; }
int count() { return 1; }

DeviceInfo info(int device) {
  select(device);
  return {
      .name = "emulated GPU",
      .compute = 90,
      .multiprocessors = 132,  // an H200's: plans are made as for one, whatever machine emulates
      .memory_bytes = std::size_t{8} << 30,
      .shared_bytes = kMaxSharedBytes,
      .emulated = true};
}

void select(int device) {
  if (device != 0) {
    throw Error(ErrorCode::device_unavailable,
                "there is one emulated device, number 0, not " + std::to_string(device));
  }
}

void* allocate(std::size_t bytes) {
  if (bytes == 0) return nullptr;
  try {
    return emulator::allocate(bytes);
  } catch (const std::bad_alloc&) {
    throw Error(ErrorCode::out_of_memory,
                "the emulated device has no " + std::to_string(bytes) + " bytes left");
  }
}

void release(void* buffer) noexcept {
  if (buffer != nullptr && !emulator::release(buffer)) {
    left_behind() = "release of what is no device buffer, or was released before";
  }
}

std::size_t allocated_bytes() { return emulator::allocated_bytes(); }
void* allocate_host(std::size_t bytes) { return bytes == 0 ? nullptr : ::operator new(bytes); }
void release_host(void* buffer) noexcept { ::operator delete(buffer); }

void upload(void* device, const void* host, std::size_t bytes) {
  check("upload", device, bytes);
  note(&emulator::Crossings::uploads);
  if (bytes > 0) std::memcpy(device, host, bytes);
}

void download(void* host, const void* device, std::size_t bytes) {
  check("download", device, bytes);
  note(&emulator::Crossings::downloads);
  if (bytes > 0) std::memcpy(host, device, bytes);
}

void upload(Stream& stream, void* device, const void* host, std::size_t bytes) {
  check("upload", device, bytes);
  give(stream, [=] { upload(device, host, bytes); });
}

void download(Stream& stream, void* host, const void* device, std::size_t bytes) {
  check("download", device, bytes);
  give(stream, [=] { download(host, device, bytes); });
}

void copy(Stream& stream, void* to, const void* from, std::size_t bytes) {
  check("copy", to, bytes);
  check("copy", from, bytes);
  give(stream, [=] {
    if (bytes > 0) std::memmove(to, from, bytes);
  });
}

void fill(Stream& stream, void* device, uint8_t value, std::size_t bytes) {
  check("fill", device, bytes);
  give(stream, [=] {
    if (bytes > 0) std::memset(device, value, bytes);
  });
}

Handle<Stream> make_stream() {
  const std::lock_guard lock(mutex());
  Handle<Stream> stream(new Stream);
  streams().push_back(stream.get());
  return stream;
}

void synchronize(Stream& stream) {
  not_while_capturing(stream, "synchronize");
  note(&emulator::Crossings::synchronisations);
  drain(stream, [] { return false; });
}

void synchronize() {
  const std::lock_guard lock(mutex());
  for (std::size_t i = 0; i < streams().size(); ++i) synchronize(*streams()[i]);
}

Handle<Event> make_event() { return Handle<Event>(new Event); }

void record(Stream& stream, Event& event) {
  not_while_capturing(stream, "an event");
  event.stream = &stream;
  const uint64_t number = ++event.recorded;
  give(stream, [&event, number] {
    event.happened = std::max(event.happened, number);
    event.when = std::chrono::steady_clock::now();
  });
}

void wait(Stream& stream, Event& event) {
  not_while_capturing(stream, "waiting for an event");
  if (event.stream == nullptr || event.stream == &stream) return;
  give(stream, [other = event.stream, &event, number = event.recorded] {
    drain(*other, [&] { return event.happened >= number; });
  });
}

void synchronize(Event& event) {
  if (event.stream == nullptr) return;
  note(&emulator::Crossings::synchronisations);
  drain(*event.stream, [&] { return event.happened >= event.recorded; });
}

float elapsed_ms(Event& from, Event& to) {
  if (from.happened == 0 || to.happened == 0)
    refuse("elapsed_ms of an event that has not happened");
  return std::chrono::duration<float, std::milli>(to.when - from.when).count();
}

void begin_capture(Stream& stream) {
  not_while_capturing(stream, "a capture");
  stream.capturing = true;
  stream.captured.clear();
}

Handle<Graph> end_capture(Stream& stream) {
  if (!stream.capturing) refuse("end_capture of a stream that does not capture");
  stream.capturing = false;
  return Handle<Graph>(new Graph{std::exchange(stream.captured, {})});
}

std::size_t node_count(Graph& graph) { return graph.tasks.size(); }
Handle<Executable> instantiate(Graph& graph) {
  return Handle<Executable>(new Executable{graph.tasks});
}

void replay(Stream& stream, Executable& executable) {
  for (const Task& task : executable.tasks) give(stream, task);
}

std::string last_error() {
  const std::lock_guard lock(mutex());
  return std::exchange(left_behind(), {});
}

void Close::operator()(Stream* stream) const noexcept {
  const std::lock_guard lock(mutex());
  std::erase(streams(), stream);
  delete stream;
}
void Close::operator()(Event* event) const noexcept { delete event; }
void Close::operator()(Graph* graph) const noexcept { delete graph; }
void Close::operator()(Executable* executable) const noexcept { delete executable; }

}  // namespace kintsugi::device

namespace kintsugi::emulator {

void enqueue(device::Stream& stream, Launch launch) {
  check_limits(launch);
  device::give(stream, [launch = std::move(launch)] { run(launch); });
}

}  // namespace kintsugi::emulator

namespace kintsugi::emulator {

Crossings take_crossings() {
  const std::lock_guard lock(device::mutex());
  return std::exchange(device::crossings(), {});
}

}  // namespace kintsugi::emulator
