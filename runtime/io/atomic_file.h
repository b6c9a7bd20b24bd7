// SPDX-License-Identifier: MIT
//
// AtomicFile writes a file that is either whole or not there: bytes go to a temporary in the
// target's folder, and commit() flushes them to the disk and gives it the name. The temporary has no
// name until then where the file system allows it, so that a process that is killed leaves nothing;
// elsewhere it is .kintsugi-*.tmp. It is not a stream: nothing
// is buffered, sought or read back. Whoever writes owns it and must call commit(); destroyed before
// that, or when a write fails, it removes the temporary and leaves what stood at the target alone.
// Called by everything that leaves a file behind: tensors, pictures, traces.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <span>
#include <string_view>

namespace kintsugi {

class AtomicFile {
 public:
  /// Creates the temporary. A target that is a link is followed; the link stays. A target that
  /// exists and is not an ordinary file (/dev/stdout, a pipe) cannot be renamed over and is written
  /// directly. Throws Error::io in one sentence naming `target`, as every function here does.
  explicit AtomicFile(const std::filesystem::path& target);
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile();

  void write(std::span<const std::byte> bytes);
  void write(std::string_view text) { write(std::as_bytes(std::span(text.data(), text.size()))); }

  /// Makes the file appear under its name, whole. Nothing may be written after it.
  void commit();

 private:
  [[noreturn]] void fail(int error);  // removes the temporary and throws
  void discard() noexcept;
  [[nodiscard]] int take_name(const std::function<bool(const char* name)>& make);

  std::filesystem::path target_;     // as the user wrote it: what sentences name
  std::filesystem::path resolved_;   // where the rename goes
  std::filesystem::path temporary_;  // empty while there is none
  bool replaces_ = false;            // not written directly
  int descriptor_ = -1;
};

}  // namespace kintsugi
