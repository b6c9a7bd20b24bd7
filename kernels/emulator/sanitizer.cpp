// SPDX-License-Identifier: MIT
//
// The address sanitizer stops the program where a kernel touches what it may not, and its report
// speaks of heap blocks. This adds the sentence that a kernel's author needs.
#include "kernels/emulator/sanitizer.h"

#include <cstdio>

#include "kernels/emulator/block.h"
#include "kernels/emulator/index.h"

namespace kintsugi::emulator {

#ifdef KINTSUGI_ADDRESS_SANITIZER

namespace {

void name_the_kernel(const char* /*report*/) {
  const Block* block = block_now;
  if (block == nullptr) return;
  const char* after = static_cast<const char*>(__asan_get_report_pc()) + 1;
  const std::string said =
      block->named("thread " + std::to_string(::threadIdx.x) +
                   (__asan_get_report_access_type() != 0 ? " writes " : " reads ") +
                   std::to_string(__asan_get_report_access_size()) +
                   " bytes that are not its to touch, at " + Place::of_code(after).text());
  std::fprintf(stderr, "%s\n", said.c_str());
}

}  // namespace

void name_kernels_in_reports() { __asan_set_error_report_callback(name_the_kernel); }

#else

void name_kernels_in_reports() {}

#endif

}  // namespace kintsugi::emulator
