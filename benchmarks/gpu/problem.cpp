// SPDX-License-Identifier: MIT
#include "benchmarks/gpu/problem.h"

#include <algorithm>

#include "benchmarks/chain.h"
#include "benchmarks/gpu/convolution.h"
#include "kernels/contract/launch.h"
#include "kernels/contract/ops.h"

namespace kintsugi::gpu_bench {
namespace {

using bench::Chain;

AnyOp op_of(const Layer& layer, const Layer::Op& described) {
  try {
    Fields fields(described.settings);
    const OpTable& table = op_named(described.name);
    const Shapes inputs{layer.input};
    AnyOp op(table, table.read(inputs, fields));
    fields.finish();
    return op;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::usage) throw;
    throw Error(ErrorCode::usage, layer.name + ": " + error.what());
  }
}

Chain chain_of(const Layer& layer, Type type, const device::DeviceInfo& gpu) {
  std::vector<AnyOp> ops;
  for (const Layer::Op& op : layer.ops) ops.push_back(op_of(layer, op));
  const int inputs = ops[0].inputs();
  return {ops, Shapes(static_cast<size_t>(inputs < 0 ? 2 : inputs), layer.input),
          Target{.kernels = KernelSet::cuda,
                 .dtype = dtype_of(type),
                 .gpu = gpu,
                 .tf32 = type == Type::tf32}};
}

std::vector<Buffer> fill(const Chain& chain) {
  std::vector<Buffer> buffers;
  for (size_t i = 0; i < chain.values().size(); ++i) {
    std::vector<std::byte> bytes(static_cast<size_t>(chain.values()[i].bytes()));
    chain.write(i, bytes.data());
    buffers.emplace_back(bytes);
  }
  return buffers;
}

Launch bind(const Chain& chain, const std::vector<Buffer>& buffers) {
  std::vector<std::byte*> memory;
  for (const Buffer& buffer : buffers) memory.push_back(buffer.data());
  return [calls = std::make_shared<const std::vector<bench::Bound>>(chain.bind(memory))](
             device::Stream& stream) {
    for (const bench::Bound& call : *calls) launch(call.work, call.call(), stream);
  };
}

}  // namespace

const char* name_of(Type type) {
  switch (type) {
    case Type::bf16: return "bf16";
    case Type::f16: return "f16";
    case Type::tf32: return "tf32";
    case Type::f32: return "f32";
  }
  return "";
}

bool has_kernels(const Layer& layer) {
  return std::ranges::all_of(layer.ops, [](const Layer::Op& op) {
    return std::ranges::any_of(all_ops(), [&](const OpTable* table) {
      return table->name == op.name && has_cuda(*table);
    });
  });
}

bool is_measured(const Layer& layer, Type type, const device::DeviceInfo& gpu) {
  try {
    const Chain chain = chain_of(layer, type, gpu);
    // tf32 is a way to multiply.
    if (type == Type::tf32) return chain.config() != chain_of(layer, Type::f32, gpu).config();
    return std::ranges::any_of(chain.calls(), [&](const bench::OpCall& call) {
      return call.target.dtype == dtype_of(type);
    });
  } catch (const Error& error) {
    if (error.code() == ErrorCode::usage) throw;
    return type != Type::tf32;  // what refuses is a row that says so
  }
}

Problem problem_of(const Layer& layer, Type type, const device::DeviceInfo& gpu) {
  const auto chain = std::make_shared<const Chain>(chain_of(layer, type, gpu));
  const Cost cost = chain->cost();
  Problem made{
      .description = chain->description(),
      .config = chain->config(),
      .flops = cost.flops,
      .bytes = cost.bytes,
      .traffic = chain->traffic(),
      .runnable = {
          .fill = [chain] { return fill(*chain); },
          .bind = [chain](const std::vector<Buffer>& buffers) { return bind(*chain, buffers); },
          .output = chain->output().shape,
          .output_pitch = chain->output().pitch,
          .output_dtype = chain->output().dtype},
      .convolution = convolution_of(*chain, type),
      .definition = {}};
  if (chain->is_defined()) made.definition = [chain] { return chain->definition(); };
  return made;
}

}  // namespace kintsugi::gpu_bench
