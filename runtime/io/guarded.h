// SPDX-License-Identifier: MIT
//
// guarded turns what the standard library throws into our one exception type. Every public function
// runs its body through it, so that an embedder need catch nothing but kintsugi::Error. It handles
// nothing: what was being done has failed, and the usual unwinding has cleaned up.
#pragma once

#include <new>
#include <stdexcept>
#include <system_error>

#include "kernels/core/error.h"

namespace kintsugi {

template <class F>
auto guarded(F&& body) -> decltype(body()) {
  constexpr const char* kSmaller = "a smaller picture, or fewer at a time, needs less";
  try {
    return body();
  } catch (const Error&) {
    throw;
  } catch (const std::bad_alloc&) {
    throw Error(ErrorCode::out_of_memory, "there is not enough memory", kSmaller);
  } catch (const std::length_error&) {
    throw Error(ErrorCode::out_of_memory, "more memory was asked for than there can be", kSmaller);
  } catch (const std::system_error& error) {
    throw Error(ErrorCode::io, std::string("the system refused: ") + error.what());
  }
}

}  // namespace kintsugi
