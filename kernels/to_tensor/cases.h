// SPDX-License-Identifier: MIT
//
// Images that tests make tensors of, as networks take them, and layers of networks.
#pragma once

#include "kernels/contract/case.h"
#include "kernels/to_tensor/contract.h"

namespace kintsugi::to_tensor {

/// RGB less a mean, and the mask.
inline const Desc kCentred{{.from = From::red, .mean = 0.4560f},
                           {.from = From::green, .mean = 0.4472f},
                           {.from = From::blue, .mean = 0.4155f},
                           {.hole = 1}};
/// BGR in [-1, 1], grey in the hole.
inline const Desc kSigned{{.from = From::blue, .mean = 0.5f, .scale = 2},
                          {.from = From::green, .mean = 0.5f, .scale = 2},
                          {.from = From::red, .mean = 0.5f, .scale = 2}};
/// A channel of ones before the mask: two groups of 16 bytes in f32.
inline const Desc kWithOnes{{.from = From::red, .mean = 0.5f, .scale = 2},
                            {.from = From::green, .mean = 0.5f, .scale = 2},
                            {.from = From::blue, .mean = 0.5f, .scale = 2},
                            {.known = 1, .hole = 1},
                            {.hole = 1}};
/// A mask alone that is one where pixels are known.
inline const Desc kKnown{{.known = 1}};
/// Each channel by its own deviation.
inline const Desc kDeviations{
    {.from = From::red, .mean = 0.485f, .scale = 1 / 0.229f, .hole = 1},
    {.from = From::green, .mean = 0.456f, .scale = 1 / 0.224f, .hole = 0.75f},
    {.from = From::blue, .mean = 0.406f, .scale = 1 / 0.225f, .hole = -1}};
inline const Desc kEight{{.from = From::green},
                         {.from = From::red, .hole = 0.5f},
                         {.known = -1, .hole = 2},
                         {.from = From::blue, .scale = 3},
                         {.from = From::red, .mean = 1},
                         {.from = From::blue, .mean = 0.25f, .scale = -1},
                         {.known = 7},
                         {.hole = 1}};
inline const Desc kGrey{{.from = From::green, .mean = 0.5f, .scale = 2, .hole = 0.125f}};

/// The description on an image of this shape, with a mask beside it or without.
[[nodiscard]] inline OpCase image_case(Desc desc, int bits, bool masked, const Shape& image) {
  desc.bits = bits;
  desc.masked = masked;
  Shapes inputs{image};
  if (masked) inputs.push_back({image.n(), 1, image.h(), image.w()});
  OpCase made = small_case(desc, std::move(inputs));
  made.exact = true;
  return made;
}

[[nodiscard]] inline std::vector<OpCase> layers() {
  return {image_case(kCentred, 8, true, {1, 3, 512, 512}),
          image_case(kSigned, 16, false, {1, 3, 2048, 2048})};
}

[[nodiscard]] inline std::vector<OpCase> cases() {
  std::vector<OpCase> cases;
  for (const int bits : {8, 16}) {
    for (const bool masked : {false, true}) {
      const auto add = [&](const Desc& desc, const Shape& image) {
        cases.push_back(image_case(desc, bits, masked, image));
      };
      add(kCentred, {1, 3, 5, 7});
      add(kSigned, {2, 1, 9, 13});
      add(kWithOnes, {2, 3, 3, 1});
      add(kKnown, {1, 3, 6, 5});
      add(kDeviations, {3, 3, 17, 19});  // several blocks
      add(kEight, {1, 3, 10, 3});
      add(kGrey, {2, 1, 7, 9});
    }
  }
  return cases;
}

[[nodiscard]] inline std::vector<Mistakes> mistakes() {
  // The last pixel lies outside the hole, so that changing any number changes the result.
  const OpCase right = image_case(kCentred, 8, true, {1, 3, 10, 9});
  const auto wrong = [&](int channel, const Channel& other) -> AnyOp {
    Desc desc = *right.op.as<Desc>();
    desc.channels[static_cast<size_t>(channel)] = other;
    return desc;
  };
  return {{right,
           {wrong(0, {.from = From::blue, .mean = 0.4560f}),
            wrong(1, {.from = From::green, .mean = 0.4482f}),
            wrong(2, {.from = From::blue, .mean = 0.4155f, .scale = 1.01f}),
            wrong(0, {.from = From::red, .mean = 0.4560f, .hole = 0.1f}), wrong(3, {.known = 1})}}};
}

}  // namespace kintsugi::to_tensor
