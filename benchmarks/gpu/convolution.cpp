// SPDX-License-Identifier: MIT
#include "benchmarks/gpu/convolution.h"

#include "kernels/conv2d/conv2d.h"
#include "kernels/conv_transpose2d/conv_transpose2d.h"

namespace kintsugi::gpu_bench {
namespace {

bool reflects(const conv2d::Desc& desc) { return desc.padding_mode == PaddingMode::reflect; }
bool reflects(const conv_transpose2d::Desc&) { return false; }

/// A bias of channels and at most a function behind it; nothing else is fused.
template <class Desc>
bool is_plain(const Desc& desc) {
  const Steps& steps = desc.epilogue;
  const bool ends =
      steps.size() == 1 || (steps.size() == 2 && steps[1].kind == Step::Kind::activate);
  return ends && steps[0] == step::add(Extent::channel) && desc.prologue.empty() && !desc.moments;
}

template <class Desc>
std::shared_ptr<Convolution> shape_of(const Desc* desc) {
  if (desc == nullptr || !is_plain(*desc)) return nullptr;
  auto made = std::make_shared<Convolution>();
  made->reflects = reflects(*desc);
  made->weight = desc->weight_shape();
  made->kernel = desc->kernel;
  made->stride = desc->stride;
  made->dilation = desc->dilation;
  made->padding = desc->padding;
  if (desc->epilogue.size() == 2) {
    made->activation = desc->epilogue[1].function;
    made->slope = desc->epilogue[1].a;
  }
  return made;
}

}  // namespace

std::shared_ptr<const Convolution> convolution_of(const bench::Chain& chain, Type type) {
  if (chain.calls().size() > 1) return nullptr;
  const bench::OpCall& call = chain.calls()[0];
  auto made = shape_of(call.work.op().as<conv2d::Desc>());
  if (!made) {
    made = shape_of(call.work.op().as<conv_transpose2d::Desc>());
    if (!made) return nullptr;
    made->transposed = true;
  }
  made->type = type;
  made->input = call.shapes[0];
  made->output = chain.output().shape;
  made->pixels = chain.values()[call.inputs[0]].numbers();
  made->weights = chain.values()[call.weights[0]].numbers();
  made->bias = chain.values()[call.operands[0]].numbers();
  return made;
}

}  // namespace kintsugi::gpu_bench
