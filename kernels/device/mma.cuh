// SPDX-License-Identifier: MIT
//
// ldmatrix and mma.sync: the tensor core of sm_80. The fragments' layouts are in fragment.h. The
// functions that take arrays do a whole warp tile in one call: the same instructions, but one meeting
// of the warp in the emulator, which makes it two to three times as fast.
#pragma once

#include "kernels/device/memory.cuh"

namespace kintsugi::device {

// A lane names one row of 16 bytes in shared memory: lanes 0-7 those of the first matrix, 8-15 of the
// second, and so on. Of matrix j, register j gets word lane % 4 of row lane / 4; with _trans the
// matrix of 16-bit elements is transposed first.
KIN_DEVICE void ldmatrix_x1(uint32_t (&out)[1], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%0}, [%1];"
               : "=r"(out[0])
               : "r"(detail::shared_address(row))
               : "memory");
}
KIN_DEVICE void ldmatrix_x2(uint32_t (&out)[2], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0, %1}, [%2];"
               : "=r"(out[0]), "=r"(out[1])
               : "r"(detail::shared_address(row))
               : "memory");
}
KIN_DEVICE void ldmatrix_x4(uint32_t (&out)[4], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(out[0]), "=r"(out[1]), "=r"(out[2]), "=r"(out[3])
               : "r"(detail::shared_address(row))
               : "memory");
}
KIN_DEVICE void ldmatrix_x1_trans(uint32_t (&out)[1], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x1.trans.shared.b16 {%0}, [%1];"
               : "=r"(out[0])
               : "r"(detail::shared_address(row))
               : "memory");
}
KIN_DEVICE void ldmatrix_x2_trans(uint32_t (&out)[2], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0, %1}, [%2];"
               : "=r"(out[0]), "=r"(out[1])
               : "r"(detail::shared_address(row))
               : "memory");
}
KIN_DEVICE void ldmatrix_x4_trans(uint32_t (&out)[4], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(out[0]), "=r"(out[1]), "=r"(out[2]), "=r"(out[3])
               : "r"(detail::shared_address(row))
               : "memory");
}

namespace detail {
/// Two fragments of B, or one of A, filled by one instruction.
template <bool kTransposed>
KIN_DEVICE void load_pair(uint32_t& r0, uint32_t& r1, uint32_t& r2, uint32_t& r3, const void* row) {
  uint32_t out[4];
  if constexpr (kTransposed) {
    ldmatrix_x4_trans(out, row);
  } else {
    ldmatrix_x4(out, row);
  }
  r0 = out[0], r1 = out[1], r2 = out[2], r3 = out[3];
}
template <bool kTransposed, int kCount, typename T, typename Row>
KIN_DEVICE void load_n(FragmentA<T> (&a)[kCount], Row row) {
#pragma unroll
  for (int i = 0; i < kCount; ++i) {
    load_pair<kTransposed>(a[i].reg[0], a[i].reg[1], a[i].reg[2], a[i].reg[3], row(i));
  }
}
template <bool kTransposed, int kCount, typename T, typename Row>
KIN_DEVICE void load_n(FragmentB<T> (&b)[2 * kCount], Row row) {
#pragma unroll
  for (int i = 0; i < kCount; ++i) {
    load_pair<kTransposed>(b[2 * i].reg[0], b[2 * i].reg[1], b[2 * i + 1].reg[0],
                           b[2 * i + 1].reg[1], row(i));
  }
}
}  // namespace detail

/// kCount times x4; `row(i)` is the row that this lane names to instruction i (a_row_of_lane,
/// b_row_of_lane). One instruction fills one fragment of A or two of B.
template <int kCount, typename T, typename Row>
KIN_DEVICE void ldmatrix_x4_n(FragmentA<T> (&a)[kCount], Row row) {
  detail::load_n<false, kCount>(a, row);
}
template <int kCount, typename T, typename Row>
KIN_DEVICE void ldmatrix_x4_n(FragmentB<T> (&b)[2 * kCount], Row row) {
  detail::load_n<false, kCount>(b, row);
}
template <int kCount, typename T, typename Row>
KIN_DEVICE void ldmatrix_x4_trans_n(FragmentA<T> (&a)[kCount], Row row) {
  detail::load_n<true, kCount>(a, row);
}
template <int kCount, typename T, typename Row>
KIN_DEVICE void ldmatrix_x4_trans_n(FragmentB<T> (&b)[2 * kCount], Row row) {
  detail::load_n<true, kCount>(b, row);
}

/// c += a * b.
KIN_DEVICE void mma(FragmentC& c, const FragmentA<f16>& a, const FragmentB<f16>& b) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
      "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+f"(c.x[0]), "+f"(c.x[1]), "+f"(c.x[2]), "+f"(c.x[3])
      : "r"(a.reg[0]), "r"(a.reg[1]), "r"(a.reg[2]), "r"(a.reg[3]), "r"(b.reg[0]), "r"(b.reg[1]));
}
KIN_DEVICE void mma(FragmentC& c, const FragmentA<bf16>& a, const FragmentB<bf16>& b) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
      "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+f"(c.x[0]), "+f"(c.x[1]), "+f"(c.x[2]), "+f"(c.x[3])
      : "r"(a.reg[0]), "r"(a.reg[1]), "r"(a.reg[2]), "r"(a.reg[3]), "r"(b.reg[0]), "r"(b.reg[1]));
}
KIN_DEVICE void mma(FragmentC& c, const FragmentA<tf32>& a, const FragmentB<tf32>& b) {
  asm volatile(
      "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 "
      "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+f"(c.x[0]), "+f"(c.x[1]), "+f"(c.x[2]), "+f"(c.x[3])
      : "r"(a.reg[0]), "r"(a.reg[1]), "r"(a.reg[2]), "r"(a.reg[3]), "r"(b.reg[0]), "r"(b.reg[1]));
}

/// c[i][j] += a[i] * b[j]: kRows * kColumns instructions.
template <int kRows, int kColumns, typename T>
KIN_DEVICE void mma_tile(FragmentC (&c)[kRows][kColumns], const FragmentA<T> (&a)[kRows],
                         const FragmentB<T> (&b)[kColumns]) {
#pragma unroll
  for (int i = 0; i < kRows; ++i) {
#pragma unroll
    for (int j = 0; j < kColumns; ++j) mma(c[i][j], a[i], b[j]);
  }
}

}  // namespace kintsugi::device
