// SPDX-License-Identifier: MIT
//
// Included by multiply.cpp alone, once for each width of vectors and inside a namespace that says
// kLanes, so without a guard.

using Vector [[gnu::vector_size(kLanes * 4), gnu::aligned(4), gnu::may_alias]] = float;

inline float from_f16(uint32_t half) {
  const uint32_t rest = half & 0x7fffu;
  const uint32_t special = rest >= 0x7c00u ? 0x7f800000u : 0u;
  // The exponent moves by a multiplication, which makes subnormals right as well.
  const float magnitude = std::bit_cast<float>(rest << 13) * 0x1p112f;
  return std::bit_cast<float>(std::bit_cast<uint32_t>(magnitude) | special |
                              ((half & 0x8000u) << 16));
}

inline void widen_f16(const uint32_t* words, float* low, float* high, int count) {
  for (int i = 0; i < count; ++i) {
    low[i] = from_f16(words[i] & 0xffffu);
    high[i] = from_f16(words[i] >> 16);
  }
}

inline void widen_bf16(const uint32_t* words, float* low, float* high, int count) {
  for (int i = 0; i < count; ++i) {
    low[i] = std::bit_cast<float>(words[i] << 16);
    high[i] = std::bit_cast<float>(words[i] & 0xffff0000u);
  }
}

inline void multiply(const float* a, int a_pitch, const float* b, float* c, int rows, int columns,
                     int depth) {
  for (int r = 0; r < rows; r += 4) {
    const float* a0 = a + r * a_pitch;
    for (int n = 0; n < columns; n += 2 * kLanes) {
      Vector sum[4][2];
      for (int i = 0; i < 4; ++i) {
        sum[i][0] = *reinterpret_cast<const Vector*>(c + (r + i) * columns + n);
        sum[i][1] = *reinterpret_cast<const Vector*>(c + (r + i) * columns + n + kLanes);
      }
      for (int k = 0; k < depth; ++k) {
        const Vector b0 = *reinterpret_cast<const Vector*>(b + k * columns + n);
        const Vector b1 = *reinterpret_cast<const Vector*>(b + k * columns + n + kLanes);
        for (int i = 0; i < 4; ++i) {
          sum[i][0] += a0[i * a_pitch + k] * b0;
          sum[i][1] += a0[i * a_pitch + k] * b1;
        }
      }
      for (int i = 0; i < 4; ++i) {
        *reinterpret_cast<Vector*>(c + (r + i) * columns + n) = sum[i][0];
        *reinterpret_cast<Vector*>(c + (r + i) * columns + n + kLanes) = sum[i][1];
      }
    }
  }
}
