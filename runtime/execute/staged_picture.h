// SPDX-License-Identifier: MIT
//
// A picture beside its mask in one run of bytes, as a GPU's executor copies them at once; and where in
// an arena they may stand. It owns nothing.
#pragma once

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "kernels/image/image.h"
#include "runtime/plan/plan.h"

namespace kintsugi::execute {

/// The index of the first bad pixel, then rows of samples without gaps, then rows of the mask.
template <class S>
struct StagedPicture {
  Shape shape;
  bool masked = false;

  [[nodiscard]] int64_t row() const { return shape.w() * shape.c(); }
  [[nodiscard]] int64_t rows() const { return shape.n() * shape.h(); }
  /// Up to the mask, which nobody changes.
  [[nodiscard]] int64_t mask_at() const {
    return kSamplesAt + checked_product({rows(), row(), int64_t{sizeof(S)}});
  }
  [[nodiscard]] int64_t bytes() const { return mask_at() + (masked ? rows() * shape.w() : 0); }

  [[nodiscard]] int64_t* first_bad(std::byte* begin) const {
    return reinterpret_cast<int64_t*>(begin);
  }
  [[nodiscard]] image::PictureView<S> picture(std::byte* begin) const {
    return {reinterpret_cast<S*>(begin + kSamplesAt), shape, row()};
  }
  [[nodiscard]] image::MaskView mask(std::byte* begin) const {
    if (!masked) return {};
    return {reinterpret_cast<const uint8_t*>(begin + mask_at()), shape.w()};
  }

  void put(const image::PictureView<const S>& from, const image::MaskView& from_mask,
           std::byte* to) const {
    *first_bad(to) = image::kNoPixel;
    for (int64_t y = 0; y < rows(); ++y) {
      std::copy_n(from.pixel(0, y, 0), row(), picture(to).pixel(0, y, 0));
      if (masked) std::memcpy(to + mask_at() + y * shape.w(), from_mask.row(y), width());
    }
  }
  void take(std::byte* from, const image::PictureView<S>& to) const {
    for (int64_t y = 0; y < rows(); ++y) {
      std::copy_n(picture(from).pixel(0, y, 0), row(), to.pixel(0, y, 0));
    }
  }

 private:
  static constexpr int64_t kSamplesAt = 16;
  [[nodiscard]] size_t width() const { return static_cast<size_t>(shape.w()); }
};

struct Room {
  int64_t offset = 0;
  int64_t bytes = 0;
};

/// The widest stretch of an arena that neither inputs nor outputs take, nor what is alive throughout:
/// between runs it is nobody's.
[[nodiscard]] inline Room room_between_runs(const plan::Plan& plan) {
  const auto runs = static_cast<int>(plan.steps.size());
  std::vector<std::pair<int64_t, int64_t>> taken;
  for (const plan::Slot& slot : plan.slots) {
    if (slot.state) continue;
    if (slot.first < 0 || slot.last >= runs) taken.emplace_back(slot.offset, slot.bytes);
  }
  taken.emplace_back(plan.arena_bytes, 0);
  std::ranges::sort(taken);
  Room widest;
  int64_t end = 0;
  for (const auto& [offset, bytes] : taken) {
    const Room room{round_up(end, 64), offset - round_up(end, 64)};
    if (room.bytes > widest.bytes) widest = room;
    end = std::max(end, offset + bytes);
  }
  return widest;
}

/// Throws Error::not_finite where a network's output made no sample.
inline void require_samples(int64_t first_bad, const Shape& picture) {
  if (first_bad == image::kNoPixel) return;
  throw Error(ErrorCode::not_finite, "the network's output is not a number at pixel x = " +
                                         std::to_string(first_bad % picture.w()) + ", y = " +
                                         std::to_string(first_bad / picture.w() % picture.h()));
}

}  // namespace kintsugi::execute
