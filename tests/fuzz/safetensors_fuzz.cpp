// SPDX-License-Identifier: MIT
//
// libFuzzer's door to the safetensors parser: any bytes either parse or throw Error::bad_file.
//   clang++ -std=c++20 -g -O1 -fsanitize=fuzzer,address,undefined -I. -Iruntime/include
//     tests/fuzz/safetensors_fuzz.cpp runtime/weights/safetensors_header.cpp
//     runtime/weights/foreign.cpp -o safetensors_fuzz
//   ./safetensors_fuzz -max_len=4096 -max_total_time=60
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "runtime/weights/safetensors_header.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace kintsugi;
  try {
    const weights::Header header =
        weights::parse_safetensors(std::as_bytes(std::span(data, size)), "fuzz");
    size_t described = 0;
    for (const weights::StoredTensor& tensor : header.tensors) {
      described += tensor.bytes.size();
      if (header.find(tensor.name) != &tensor) std::abort();
      if (!tensor.bytes.empty() &&
          (tensor.bytes.data() < std::as_bytes(std::span(data, size)).data() ||
           tensor.bytes.data() + tensor.bytes.size() >
               std::as_bytes(std::span(data, size)).data() + size)) {
        std::abort();
      }
    }
    if (described > size) std::abort();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::bad_file) std::abort();
    if (std::string_view(error.what()).find('\n') != std::string_view::npos) std::abort();
  }
  return 0;
}
