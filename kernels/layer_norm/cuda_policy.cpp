// SPDX-License-Identifier: MIT
#include "kernels/layer_norm/cuda.h"

namespace kintsugi::layer_norm {

CudaConfig choose_cuda(const Shape& input, int64_t element_bytes) {
  const int64_t packs = divide_up(input.c(), 16 / element_bytes);
  CudaConfig config;
  // As many lanes as have something to read: the others would idle through the sums.
  while (config.lanes < 32 && config.lanes < packs) config.lanes *= 2;
  // What is read again comes from L1 at best, so it is kept where registers last: 8 groups are 32 of
  // them. Two are enough for 512 channels of f16, and leave room for more warps.
  const int64_t share = divide_up(packs, config.lanes);
  config.held = share <= 2 ? 2 : share <= 8 ? 8 : 0;
  return config;
}

std::string to_string(const CudaConfig& config) {
  return std::to_string(config.lanes) + " lanes a pixel, " +
         (config.held > 0 ? std::to_string(config.held) + " groups held" : "groups read thrice");
}

Traffic traffic(const Desc& desc, const CudaConfig& config, const Shape& input,
                int64_t element_bytes) {
  const int64_t pixels = output_shape(desc, input).pixels();
  const int64_t per_pack = 16 / element_bytes;
  const int64_t packs = divide_up(input.c(), per_pack);
  int64_t pixel = checked_multiply(packs, config.held > 0 ? 16 : 48);
  pixel = checked_add(pixel, element_bytes);  // its first channel, for the differences
  if (desc.affine) pixel = checked_add(pixel, checked_product({2, packs, per_pack, 4}));
  return {.read = checked_multiply(pixels, pixel), .written = checked_product({pixels, packs, 16})};
}

}  // namespace kintsugi::layer_norm
