// SPDX-License-Identifier: MIT
#include "runtime/execute/packed_store.h"

#include <algorithm>
#include <cstddef>

#include "kernels/core/element.h"
#include "kernels/device/api.h"

namespace kintsugi::execute {
namespace {

constexpr int64_t kElementsOfTask = 1 << 15;  // in double, a thread's cache

/// A constant's elements from `first` on: read where they are needed, or by its formula.
using Elements = std::function<void(int64_t first, std::span<double> out)>;

Elements elements_of(const plan::Plan& plan, graph::ConstantId id, const ReadConstant& read) {
  const graph::Constant& constant = plan.constants[static_cast<size_t>(id.index)];
  if (!constant.formula) {
    return [&](int64_t first, std::span<double> out) { read(constant, first, out); };
  }
  std::vector<std::vector<double>> sources;
  for (const graph::ConstantId source : constant.sources) {
    const Shape& shape = plan.constants[static_cast<size_t>(source.index)].shape;
    elements_of(plan, source, read)(0, sources.emplace_back(static_cast<size_t>(shape.elements())));
  }
  return [all = constant.formula(sources)](int64_t first, std::span<double> out) {
    std::copy_n(all.begin() + first, out.size(), out.begin());
  };
}

/// `out` is zeros before.
void store(const plan::Packed& packed, const Shape& shape, const Elements& elements, std::byte* out,
           Parallel& parallel) {
  const int64_t rows = packed.by_kernel ? shape[0] : shape.elements();
  const int64_t row = shape.elements() / rows;
  const int64_t part = round_up(divide_up(kElementsOfTask, row), kRowsTogether);
  parallel_parts(parallel, rows, part, [&](int64_t first, int64_t count) {
    std::vector<double> exact(static_cast<size_t>(count * row));
    elements(first * row, exact);
    if (packed.by_kernel) {
      const std::vector<float> single(exact.begin(), exact.end());
      return packed.work.pack({first, count}, single, {out, packed.dtype, {packed.elements}, 0});
    }
    with_element_type(packed.dtype, [&]<class T>(T) {
      std::ranges::transform(exact, reinterpret_cast<T*>(out) + first, element<T>);
    });
  });
}

}  // namespace

std::shared_ptr<Meter> PackedStore::meter_of(std::optional<int> gpu) {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<Meter>& meter = meters_[gpu];
  if (!meter) meter = std::make_shared<Meter>();
  return meter;
}

std::shared_ptr<PackedStore::Copy> PackedStore::copy_of(const std::string& identity) {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<Copy>& copy = copies_[identity];
  if (!copy) copy = std::make_shared<Copy>();
  return copy;
}

PackedWeights PackedStore::pack(const plan::Plan& plan, Parallel& parallel, int gpu) {
  const bool on_gpu = plan.backend == plan::Backend::gpu;
  if (on_gpu) device::select(gpu);
  const auto meter = meter_of(on_gpu ? std::optional(gpu) : std::nullopt);
  PackedWeights all;
  for (const plan::Packed& packed : plan.packed) {
    const auto copy = copy_of(packed.identity + (on_gpu ? "|gpu " + std::to_string(gpu) : ""));
    const std::lock_guard lock(copy->mutex);
    std::shared_ptr<const Buffer> buffer = copy->buffer.lock();
    if (!buffer) {
      auto fresh =
          std::make_shared<Buffer>(packed.bytes, meter, on_gpu ? Memory::device : Memory::host);
      const Elements elements = elements_of(plan, packed.constant, read_);
      const Shape& shape = plan.constants[static_cast<size_t>(packed.constant.index)].shape;
      std::vector<std::byte> staged(static_cast<size_t>(on_gpu ? packed.bytes : 0));
      store(packed, shape, elements, on_gpu ? staged.data() : fresh->data(), parallel);
      if (on_gpu) device::upload(fresh->data(), staged.data(), staged.size());
      buffer = std::move(fresh);
      copy->buffer = buffer;
    }
    all.push_back(std::move(buffer));
  }
  return all;
}

}  // namespace kintsugi::execute
