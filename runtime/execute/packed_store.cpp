// SPDX-License-Identifier: MIT
#include "runtime/execute/packed_store.h"

#include <algorithm>
#include <span>

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

template <class T>
void store(const plan::Packed& packed, const std::vector<double>& values, std::span<T> out) {
  std::vector<T> rounded(values.begin(), values.end());
  if (!packed.by_kernel) {
    std::ranges::copy(rounded, out.begin());  // the rest of the buffer is zero already
    return;
  }
  if constexpr (std::is_same_v<T, float>) {
    std::visit(
        [&](const auto& desc, const auto& config) {
          if constexpr (requires { pack(desc, config, std::span<const float>(), out); }) {
            pack(desc, config, std::span<const float>(rounded), out);
          }
        },
        packed.op, packed.config);
  }
}

}  // namespace

PackedWeights PackedStore::pack(const plan::Plan& plan) {
  const std::lock_guard lock(mutex_);
  const bool is_double = plan.backend == plan::Backend::reference_f64;
  PackedWeights all;
  for (const plan::Packed& packed : plan.packed) {
    auto& copy = copies_[packed.identity + (is_double ? "|f64" : "|f32")];
    std::shared_ptr<const Buffer> buffer = copy.lock();
    if (!buffer) {
      auto fresh = std::make_shared<Buffer>(packed.bytes, meter_);
      const std::vector<double> values = evaluate(plan, packed.constant, read_);
      const auto elements = static_cast<size_t>(packed.elements);
      if (is_double) {
        store(packed, values, std::span(reinterpret_cast<double*>(fresh->data()), elements));
      } else {
        store(packed, values, std::span(reinterpret_cast<float*>(fresh->data()), elements));
      }
      buffer = std::move(fresh);
      copy = buffer;
    }
    all.push_back(std::move(buffer));
  }
  return all;
}

}  // namespace kintsugi::execute
