// SPDX-License-Identifier: MIT
#include "runtime/image/blend.h"

#include "runtime/image/compose.h"
#include "runtime/image/poisson.h"
#include "runtime/image/telea.h"

namespace kintsugi::image {
namespace {

/// The release's order: what is left of the composite's gradients, three pixels from the edge, on
/// top of Telea's filling. It was written for OpenCV 3, which left the patch where it was; so do
/// we. What the solution spreads to known pixels is taken back.
Image blend_official(const ImageView& picture, const Mask& mask, const ImageView& made) {
  const Image source = composite(picture, mask, made);
  const Image target = fill_telea(source, mask, 1);
  return composite(picture, mask, ImageView(seamless_clone(source, target, mask)));
}

}  // namespace

Image blend(const ImageView& picture, const Mask& mask, const ImageView& made, Blend method) {
  if (mask.count() == mask.height * mask.width) return composite(picture, mask, made);
  switch (method) {
    case Blend::poisson: return fill_poisson(picture, mask, made);
    case Blend::official: return blend_official(picture, mask, made);
    case Blend::off: break;
  }
  return composite(picture, mask, made);
}

}  // namespace kintsugi::image
