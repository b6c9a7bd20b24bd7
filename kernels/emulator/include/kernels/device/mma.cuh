// SPDX-License-Identifier: MIT
//
// The emulator's half of kernels/device/mma.cuh: a whole warp tile is one meeting.
#pragma once

#include "kernels/device/launch.cuh"
#include "kernels/emulator/matrix.h"

namespace kintsugi::device {

namespace detail {

template <int kMatrices, bool kTransposed>
void load_matrix(uint32_t* out, const void* row, const emulator::Where& where) {
  emulator::load_matrices(
      {.rows = &row, .out = out, .count = 1, .matrices = kMatrices, .transposed = kTransposed},
      where);
}

template <int kCount, bool kTransposed, typename Row>
void load_matrices(uint32_t* out, Row row, const emulator::Where& where) {
  const void* rows[kCount];
  for (int i = 0; i < kCount; ++i) rows[i] = row(i);
  emulator::load_matrices(
      {.rows = rows, .out = out, .count = kCount, .matrices = 4, .transposed = kTransposed}, where);
}

template <typename T>
struct MmaTypeOf;
template <>
struct MmaTypeOf<f16> {
  static constexpr auto kType = emulator::MmaType::f16;
};
template <>
struct MmaTypeOf<bf16> {
  static constexpr auto kType = emulator::MmaType::bf16;
};
template <>
struct MmaTypeOf<tf32> {
  static constexpr auto kType = emulator::MmaType::tf32;
};

}  // namespace detail

inline void ldmatrix_x1(uint32_t (&out)[1], const void* row,
                        emulator::Where where = emulator::Where::current()) {
  detail::load_matrix<1, false>(out, row, where);
}
inline void ldmatrix_x2(uint32_t (&out)[2], const void* row,
                        emulator::Where where = emulator::Where::current()) {
  detail::load_matrix<2, false>(out, row, where);
}
inline void ldmatrix_x4(uint32_t (&out)[4], const void* row,
                        emulator::Where where = emulator::Where::current()) {
  detail::load_matrix<4, false>(out, row, where);
}
inline void ldmatrix_x1_trans(uint32_t (&out)[1], const void* row,
                              emulator::Where where = emulator::Where::current()) {
  detail::load_matrix<1, true>(out, row, where);
}
inline void ldmatrix_x2_trans(uint32_t (&out)[2], const void* row,
                              emulator::Where where = emulator::Where::current()) {
  detail::load_matrix<2, true>(out, row, where);
}
inline void ldmatrix_x4_trans(uint32_t (&out)[4], const void* row,
                              emulator::Where where = emulator::Where::current()) {
  detail::load_matrix<4, true>(out, row, where);
}

template <int kCount, typename T, typename Row>
void ldmatrix_x4_n(FragmentA<T> (&a)[kCount], Row row,
                   emulator::Where where = emulator::Where::current()) {
  detail::load_matrices<kCount, false>(a[0].reg, row, where);
}
template <int kCount, typename T, typename Row>
void ldmatrix_x4_n(FragmentB<T> (&b)[2 * kCount], Row row,
                   emulator::Where where = emulator::Where::current()) {
  detail::load_matrices<kCount, false>(b[0].reg, row, where);
}
template <int kCount, typename T, typename Row>
void ldmatrix_x4_trans_n(FragmentA<T> (&a)[kCount], Row row,
                         emulator::Where where = emulator::Where::current()) {
  detail::load_matrices<kCount, true>(a[0].reg, row, where);
}
template <int kCount, typename T, typename Row>
void ldmatrix_x4_trans_n(FragmentB<T> (&b)[2 * kCount], Row row,
                         emulator::Where where = emulator::Where::current()) {
  detail::load_matrices<kCount, true>(b[0].reg, row, where);
}

template <typename T>
void mma(FragmentC& c, const FragmentA<T>& a, const FragmentB<T>& b,
         emulator::Where where = emulator::Where::current()) {
  emulator::multiply_tiles({.a = a.reg,
                            .b = b.reg,
                            .c = c.x,
                            .rows = 1,
                            .columns = 1,
                            .type = detail::MmaTypeOf<T>::kType},
                           where);
}

template <int kRows, int kColumns, typename T>
void mma_tile(FragmentC (&c)[kRows][kColumns], const FragmentA<T> (&a)[kRows],
              const FragmentB<T> (&b)[kColumns],
              emulator::Where where = emulator::Where::current()) {
  emulator::multiply_tiles({.a = a[0].reg,
                            .b = b[0].reg,
                            .c = c[0][0].x,
                            .rows = kRows,
                            .columns = kColumns,
                            .type = detail::MmaTypeOf<T>::kType},
                           where);
}

}  // namespace kintsugi::device
