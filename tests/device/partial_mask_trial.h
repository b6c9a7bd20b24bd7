// SPDX-License-Identifier: MIT
//
// Windows over masks on the device that the program was linked with. All is f32: no type of storage.
#pragma once

#include "kernels/partial_mask/cuda.h"
#include "tests/device/support.h"
#include "tests/kernels/partial_mask_cases.h"

namespace kintsugi::partial_mask {

struct Trial {
  Desc desc;
  std::array<test::Tensor<float>, 2> masks;

  explicit Trial(const Case& c) : desc(c.desc), masks(masks_of(c)) {}

  [[nodiscard]] Shape shape() const { return output_shape(desc, masks[0].shape()); }

  /// The output, with `gap` groups of 16 bytes between pixels.
  [[nodiscard]] test::DeviceTensor<float> cuda(int64_t gap = 0) const {
    const test::DeviceTensor<float> first(masks[0], gap), second(masks[1], gap + 1);
    test::DeviceTensor<float> out(shape(), gap);
    const auto stream = device::make_stream();
    partial_mask::cuda(desc, {{first.view(), second.view()}, out.view()}, *stream);
    device::synchronize(*stream);
    return out;
  }
};

}  // namespace kintsugi::partial_mask
