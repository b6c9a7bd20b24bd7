// SPDX-License-Identifier: MIT
#include "kernels/random/random.h"

#include <cstdio>

namespace kintsugi::random {

Shape output_shape(const Desc& desc, const Shape& state) {
  if (state.rank() != 4 || state.n() < 1 || !(state == Shape{state.n(), State::kPieces, 1, 1})) {
    throw Error(ErrorCode::mismatch, to_string(desc) + ": the state " + state.to_string() +
                                         " is not [N, " + std::to_string(State::kPieces) +
                                         ", 1, 1]");
  }
  if (desc.channels < 1 || desc.size.h < 1 || desc.size.w < 1) {
    throw Error(ErrorCode::mismatch, to_string(desc) + ": a size is not positive");
  }
  if (!(desc.whole == Pair(0)) && (desc.whole.h < desc.size.h || desc.whole.w < desc.size.w)) {
    throw Error(ErrorCode::mismatch, to_string(desc) + ": the image does not hold the tile");
  }
  const Shape out{state.n(), desc.channels, desc.size.h, desc.size.w};
  (void)checked_product({out.n(), storage_channels(out.c()), out.h(), out.w()});
  return out;
}

int64_t flops(const Desc& desc, const Shape& state) {
  const int64_t each = desc.distribution == Distribution::normal ? 4 : 1;
  return checked_multiply(each, output_shape(desc, state).elements());
}

int64_t bytes(const Desc& desc, const Shape& state, int64_t element_bytes) {
  return checked_add(checked_multiply(2, state.elements()),
                     checked_multiply(element_bytes, output_shape(desc, state).elements()));
}

std::string to_string(const Desc& desc) {
  char stream[9];
  std::snprintf(stream, sizeof stream, "%08x", static_cast<unsigned>(desc.stream));
  return std::string("random ") +
         (desc.distribution == Distribution::normal ? "normal" : "uniform") + " [" +
         std::to_string(desc.channels) + ", " + std::to_string(desc.size.h) + ", " +
         std::to_string(desc.size.w) + "]" +
         (desc.whole == Pair(0) ? "" : " of an image " + kintsugi::to_string(desc.whole)) +
         ", stream " + stream;
}

}  // namespace kintsugi::random
