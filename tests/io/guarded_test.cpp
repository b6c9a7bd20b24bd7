// SPDX-License-Identifier: MIT
//
// Whatever the standard library throws leaves a public function as our one exception type.
#include <gtest/gtest.h>

#include <vector>

#include "runtime/io/guarded.h"

namespace kintsugi {
namespace {

template <class F>
ErrorCode code_of(F&& body) {
  try {
    guarded(body);
  } catch (const Error& error) {
    return error.code();
  }
  ADD_FAILURE() << "nothing was thrown";
  return ErrorCode::internal;
}

TEST(Guarded, TurnsStandardExceptionsIntoOurs) {
  EXPECT_EQ(code_of([] { throw std::bad_alloc(); }), ErrorCode::out_of_memory);
  EXPECT_EQ(code_of([] { std::vector<char>().reserve(SIZE_MAX); }), ErrorCode::out_of_memory);
  EXPECT_EQ(code_of([] { throw std::system_error(std::make_error_code(std::errc::io_error)); }),
            ErrorCode::io);
  EXPECT_EQ(code_of([] { throw Error(ErrorCode::usage, "ours"); }), ErrorCode::usage);
}

TEST(Guarded, HandsResultsThrough) {
  EXPECT_EQ(guarded([] { return 7; }), 7);
}

}  // namespace
}  // namespace kintsugi
