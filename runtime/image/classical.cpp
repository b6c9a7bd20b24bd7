// SPDX-License-Identifier: MIT
//
// The public door of telea.
#include "kintsugi/classical.hpp"

#include "kernels/core/error.h"
#include "runtime/image/mask.h"
#include "runtime/image/telea.h"
#include "runtime/io/guarded.h"

namespace kintsugi {

Image inpaint_telea(const ImageView& picture, const ImageView& mask_picture, int64_t radius) {
  return guarded([&] {
    const image::Mask mask = image::make_mask(mask_picture);
    Image filled = image::fill_telea(picture, mask, radius);
    if (mask.count() == mask.height * mask.width) {
      throw Error(ErrorCode::mismatch,
                  "the mask selects the whole picture: nothing is left to fill from",
                  "is it inverted? white = hole");
    }
    return filled;
  });
}

}  // namespace kintsugi
