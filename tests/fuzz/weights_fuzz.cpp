// SPDX-License-Identifier: MIT
//
// Any bytes as a file of weights. They parse or throw Error::bad_file; those that parse are opened
// as a model (detection, description, recording, a plan) and read as tensors: each works or throws
// one of the errors that stand for a file that does not fit.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <span>

#include "kintsugi/kintsugi.hpp"
#include "kintsugi/tensor.hpp"
#include "runtime/weights/safetensors_header.h"
#include "tests/fuzz/fuzz.h"

namespace kintsugi {
namespace {

using Bytes = std::span<const std::byte>;
using fuzz::require;

/// Whether `action` went through; ends the process on an error that a bad file is no reason for.
bool works(std::initializer_list<ErrorCode> allowed, const std::function<void()>& action) {
  try {
    action();
    return true;
  } catch (const Error& error) {
    bool is_allowed = false;
    for (const ErrorCode code : allowed) is_allowed = is_allowed || code == error.code();
    require(is_allowed, std::string("an error of the wrong kind: ") + error.what());
    require(fuzz::is_one_line(error.what()),
            std::string("a sentence that is not one line: ") + error.what());
    return false;
  }
}

void parse(Bytes file) {
  const weights::Header header = weights::parse_safetensors(file, "fuzz");
  size_t described = 0;
  for (const weights::StoredTensor& tensor : header.tensors) {
    described += tensor.bytes.size();
    require(header.find(tensor.name) == &tensor, "a tensor is not found by its own name");
    require(tensor.bytes.empty() ||
                (tensor.bytes.data() >= file.data() &&
                 tensor.bytes.data() + tensor.bytes.size() <= file.data() + file.size()),
            "a tensor lies outside its file");
  }
  require(described <= file.size(), "tensors are larger than their file");
}

/// The bytes as a file that has no name on any disk.
class MemoryFile {
 public:
  explicit MemoryFile(Bytes bytes) : descriptor_(::memfd_create("fuzz", MFD_CLOEXEC)) {
    require(descriptor_ >= 0, "there is no memory file");
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    require(written == std::ssize(bytes), "the memory file was not written");
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile() { ::close(descriptor_); }
  [[nodiscard]] std::filesystem::path path() const {
    return "/proc/self/fd/" + std::to_string(descriptor_);
  }

 private:
  int descriptor_;
};

void open(const std::filesystem::path& path) {
  const Model model = Model::open(path);
  const Description& found = model.describe();
  require(!found.network.empty() && !found.reason.empty() && found.size_multiple > 0,
          "an opened model does not say what it is");
  const PlanSummary plan = model.plan({.height = 16, .width = 16});
  require(!plan.graphs.empty() && !plan.graphs[0].steps.empty() && plan.memory.arena > 0,
          "an opened model has an empty plan");
}

}  // namespace
}  // namespace kintsugi

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace kintsugi;
  const auto bytes = std::as_bytes(std::span(data, size));
  if (!works({ErrorCode::bad_file}, [&] { parse(bytes); })) return 0;
  const MemoryFile file(bytes);
  works({ErrorCode::bad_file, ErrorCode::mismatch, ErrorCode::unsupported, ErrorCode::not_finite},
        [&] { open(file.path()); });
  works({ErrorCode::bad_file, ErrorCode::unsupported}, [&] { (void)read_tensors(file.path()); });
  return 0;
}
