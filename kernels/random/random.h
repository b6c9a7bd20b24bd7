// SPDX-License-Identifier: MIT
//
// random: the contract. Random numbers of Philox4x32-10, uniform in [0, 1) or normal, for an image or for
// a tile of one:
//
//   index      = ((Y + y) * W + X + x) * ceil(C / 4) + c / 4      W of the whole image
//   words      = philox(counter = (index, offset), key = (seed, stream))
//   y[n,c,y,x] = uniform: words[c % 4] / 2^8 / 2^24
//                normal: Box-Muller of words 0 and 1 for c % 4 = 0 and 1, of words 2 and 3 for 2 and 3
//
// The counter is the logical element of the whole image, so numbers depend neither on the layout, the
// storage type, the batch, the tiles nor the threads. Seed, offset and the tile's origin (X, Y) are an
// input: one plan, and one captured graph, gives new numbers in each run and serves all tiles. The
// stream is a part of the description: streams of one seed are independent. `reference` defines the
// result, `cpu` is fast. Neither allocates activations.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "kernels/core/call.h"
#include "kernels/core/shape.h"
#include "kernels/core/view.h"
#include "kernels/random/philox.h"
#include "kernels/simd/parallel.h"

namespace kintsugi {
struct OpTable;
}

namespace kintsugi::random {

enum class Distribution : uint8_t { uniform, normal };

struct Desc {
  Distribution distribution = Distribution::normal;
  int64_t channels = 1;
  Pair size = 1;        // of the output
  Pair whole = 0;       // of the image that the output is a tile of; 0: the output is all of it
  uint32_t stream = 0;  // stream_of() a name

  friend bool operator==(const Desc&, const Desc&) = default;
};

/// The key of a stream, by its name: FNV-1a in 32 bits.
[[nodiscard]] constexpr uint32_t stream_of(std::string_view name) {
  uint32_t hash = 2166136261u;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619u;
  return hash;
}

/// The input, of one batch item.
struct State {
  /// Integers in pieces of 16 bits, the lowest first: seed, offset, y, x.
  static constexpr int kPieces = 12;
  using Pieces = std::array<uint16_t, kPieces>;

  uint64_t seed = 0;
  uint64_t offset = 0;    // of the draw: a batch item, a step of a sampler
  uint32_t y = 0, x = 0;  // of the output's first pixel in the whole image

  [[nodiscard]] constexpr Pieces pieces() const {
    Pieces out{};
    const auto put = [&](int first, int count, uint64_t value) {
      for (int i = 0; i < count; ++i) {
        out[static_cast<size_t>(first + i)] = static_cast<uint16_t>(value >> (16 * i));
      }
    };
    put(0, 4, seed);
    put(4, 4, offset);
    put(8, 2, y);
    put(10, 2, x);
    return out;
  }
  [[nodiscard]] static constexpr State of(const uint16_t* pieces) {
    State state;
    for (int i = 3; i >= 0; --i) {
      state.seed = state.seed << 16 | pieces[i];
      state.offset = state.offset << 16 | pieces[4 + i];
    }
    state.y = static_cast<uint32_t>(pieces[8] | uint32_t{pieces[9]} << 16);
    state.x = static_cast<uint32_t>(pieces[10] | uint32_t{pieces[11]} << 16);
    return state;
  }
  friend bool operator==(const State&, const State&) = default;

  /// A seed of 32 bits is the key's low word, the stream its high word.
  [[nodiscard]] constexpr Key key(uint32_t stream) const {
    return {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32) ^ stream};
  }
  /// The index of the first four channels of a pixel of the output; a pixel has `of_pixel` indices.
  [[nodiscard]] constexpr uint64_t index(uint64_t out_y, uint64_t out_x, uint64_t width,
                                         uint64_t of_pixel) const {
    return ((y + out_y) * width + x + out_x) * of_pixel;
  }
  [[nodiscard]] constexpr Words counter(uint64_t index) const {
    return {{static_cast<uint32_t>(index), static_cast<uint32_t>(index >> 32),
             static_cast<uint32_t>(offset), static_cast<uint32_t>(offset >> 32)}};
  }
};

/// The width of the whole image.
[[nodiscard]] constexpr int64_t whole_width(const Desc& desc) {
  return desc.whole == Pair(0) ? desc.size.w : desc.whole.w;
}

/// What callers that name no op know of this one (kernels/contract).
[[nodiscard]] const OpTable& op_table(const Desc*);

/// [N, C, H, W] of a state [N, 12, 1, 1]; throws Error::mismatch where it is none, where the description
/// is of no element, or of a tile that its image does not hold.
[[nodiscard]] Shape output_shape(const Desc& desc, const Shape& state);

/// Of each number a product; of a normal one a logarithm, a root and a cosine as well.
[[nodiscard]] int64_t flops(const Desc& desc, const Shape& state);

/// Bytes that must move at least once: the state and the numbers.
[[nodiscard]] int64_t bytes(const Desc& desc, const Shape& state, int64_t element_bytes);

/// "random normal [4, 64, 64] of an image 128x128, stream 811c9dc5"
[[nodiscard]] std::string to_string(const Desc& desc);

template <class T>
struct Args {
  TensorView<const uint16_t> state;  // [N, 12, 1, 1]
  TensorView<T> output;              // [N, C, H, W]
};

/// The definition, number by number: Box-Muller in double, rounded once. T is float or double; uniform
/// numbers are floats in either.
template <class T>
void reference(const Desc& desc, const Args<T>& args, Parallel& parallel);

/// Uniform numbers have the reference's bits; a normal one is within 1e-6 of the reference, all of them
/// together within 2e-7. Bits depend neither on the thread count, the batch nor the instruction set.
void cpu(const Desc& desc, const Args<float>& args, Parallel& parallel);

}  // namespace kintsugi::random
