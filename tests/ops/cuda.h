// SPDX-License-Identifier: MIT
//
// CUDA kernels on the device that the program was linked with, and the types that they run in.
#pragma once

#include "kernels/contract/launch.h"
#include "tests/ops/suite.h"

namespace kintsugi::test {

/// Storage and arithmetic of a run.
enum class Type : uint8_t { f32, tf32, f16, bf16 };
inline constexpr Type kTypes[] = {Type::f32, Type::tf32, Type::f16, Type::bf16};

[[nodiscard]] inline const char* name_of(Type type) {
  constexpr const char* kNames[] = {"f32", "tf32", "f16", "bf16"};
  return kNames[static_cast<size_t>(type)];
}

/// A device of few multiprocessors, so that small images are not all split.
[[nodiscard]] inline Target cuda(Type type, int multiprocessors = 1) {
  Target target{.kernels = KernelSet::cuda,
                .dtype = type == Type::f16    ? DType::f16
                         : type == Type::bf16 ? DType::bf16
                                              : DType::f32,
                .gpu = device::info(),
                .tf32 = type == Type::tf32};
  target.gpu.multiprocessors = multiprocessors;
  return target;
}

/// Whether there is such a case: f32 where no storage type is read, tf32 where products are rounded.
[[nodiscard]] inline bool is_of(const OpCase& c, Type type) {
  if (!is_for(c, cuda(type))) return false;
  if (type == Type::f32) return true;
  if (type == Type::tf32) return !c.op.weights(c.inputs).empty() && c.op.prologue() != nullptr;
  return runs_in_storage_type(c);
}

/// The device, with one stream.
class Gpu final : public Machine {
 public:
  std::byte* allocate(int64_t bytes) override {
    memory_.emplace_back(static_cast<std::byte*>(device::allocate(static_cast<size_t>(bytes))));
    return memory_.back().get();
  }
  void upload(std::byte* to, const std::vector<std::byte>& from) override {
    if (!from.empty()) device::upload(to, from.data(), from.size());
  }
  void download(std::vector<std::byte>& to, const std::byte* from) override {
    if (!to.empty()) device::download(to.data(), from, to.size());
  }
  void call(const Work& work, const Call& call) override {
    launch(work, call, *stream_);
    device::synchronize(*stream_);
  }

 private:
  struct Release {
    void operator()(std::byte* memory) const noexcept { device::release(memory); }
  };
  std::vector<std::unique_ptr<std::byte, Release>> memory_;
  device::Handle<device::Stream> stream_ = device::make_stream();
};

}  // namespace kintsugi::test
