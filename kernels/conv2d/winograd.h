// SPDX-License-Identifier: MIT
//
// Winograd's form of a 3x3 convolution of stride 1 for the CPU, behind the contract of conv2d.h:
// the configuration says that it is to be used. It is f32 with a larger rounding error than the
// direct form, and a NaN or an infinity reaches every output of the 4x4 tiles that read it.
#pragma once

#include "kernels/conv2d/conv2d.h"

namespace kintsugi::conv2d::winograd {

/// Outputs of a tile in each direction; it reads kPatch inputs.
constexpr int64_t kTile = 4;
constexpr int64_t kPatch = kTile + 2;
constexpr int64_t kPoints = kPatch * kPatch;

/// Whether the description has this form at all: 3x3, stride 1; any dilation and padding.
[[nodiscard]] bool has_form(const Desc& desc);

/// Tiles of an image of `output` [N, K, P, Q]. With dilation d the outputs form d x d interleaved
/// images of their own, each with its own tiles.
[[nodiscard]] int64_t tiles(const Desc& desc, const Shape& output);

/// [36][K / block][storage_channels(C)][block], pads zero; transformed in double, rounded once.
[[nodiscard]] int64_t packed_elements(const Desc& desc, const CpuConfig& config);
void pack(const Desc& desc, const CpuConfig& config, const Rows& rows,
          std::span<const float> weight, std::span<float> packed);

/// Scratch of one thread, in elements.
[[nodiscard]] int64_t workspace_elements(const Desc& desc, const CpuConfig& config);

/// `args.workspace` holds the scratch of at least one thread; of more threads, more run.
void cpu(const Desc& desc, const CpuConfig& config, const Args<float>& args, Parallel& parallel);

}  // namespace kintsugi::conv2d::winograd
