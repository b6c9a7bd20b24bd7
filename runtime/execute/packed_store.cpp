// SPDX-License-Identifier: MIT
#include "runtime/execute/packed_store.h"

#include <algorithm>
#include <cstddef>

#include "kernels/device/api.h"
#include "runtime/execute/rows.h"

namespace kintsugi::execute {
namespace {

std::vector<double> evaluate(const plan::Plan& plan, graph::ConstantId id,
                             const ReadConstant& read) {
  const graph::Constant& constant = plan.constants[static_cast<size_t>(id.index)];
  if (!constant.formula) return read(constant);
  std::vector<std::vector<double>> sources;
  for (const graph::ConstantId source : constant.sources) {
    sources.push_back(evaluate(plan, source, read));
  }
  return constant.formula(sources);
}

/// `out` is zeros before.
void store(const plan::Packed& packed, const std::vector<double>& values, std::byte* out) {
  const AnyView view{out, packed.dtype, {packed.elements}, 0};
  if (packed.by_kernel) {
    return packed.work.pack(std::vector<float>(values.begin(), values.end()), view);
  }
  with_element_type(packed.dtype, [&]<class T>(T) {
    std::ranges::transform(values, reinterpret_cast<T*>(out), element<T>);
  });
}

}  // namespace

std::shared_ptr<Meter> PackedStore::meter_of(std::optional<int> gpu) {
  const std::lock_guard lock(meters_mutex_);
  std::shared_ptr<Meter>& meter = meters_[gpu];
  if (!meter) meter = std::make_shared<Meter>();
  return meter;
}

PackedWeights PackedStore::pack(const plan::Plan& plan, int gpu) {
  const std::lock_guard lock(mutex_);
  const bool on_gpu = plan.backend == plan::Backend::gpu;
  if (on_gpu) device::select(gpu);
  const auto meter = meter_of(on_gpu ? std::optional(gpu) : std::nullopt);
  PackedWeights all;
  for (const plan::Packed& packed : plan.packed) {
    auto& copy = copies_[packed.identity + (on_gpu ? "|gpu " + std::to_string(gpu) : "")];
    std::shared_ptr<const Buffer> buffer = copy.lock();
    if (!buffer) {
      auto fresh =
          std::make_shared<Buffer>(packed.bytes, meter, on_gpu ? Memory::device : Memory::host);
      const std::vector<double> values = evaluate(plan, packed.constant, read_);
      if (on_gpu) {
        std::vector<std::byte> bytes(static_cast<size_t>(packed.bytes));
        store(packed, values, bytes.data());
        device::upload(fresh->data(), bytes.data(), bytes.size());
      } else {
        store(packed, values, fresh->data());
      }
      buffer = std::move(fresh);
      copy = buffer;
    }
    all.push_back(std::move(buffer));
  }
  return all;
}

}  // namespace kintsugi::execute
