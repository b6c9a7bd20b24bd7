// SPDX-License-Identifier: MIT
#include "runtime/io/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <string>
#include <system_error>

#include "kernels/core/error.h"

namespace kintsugi {
namespace {

namespace fs = std::filesystem;

constexpr size_t kLargestWrite = size_t{1} << 30;  // the kernel refuses more than 2 GB at once
constexpr int kNameAttempts = 100;

std::string hint_for(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT: return "free some space or write to another disk; nothing was overwritten";
    case EFBIG: return "the file would exceed the size limit set for this process (ulimit -f)";
    case ENOENT:
    case ENOTDIR: return "create the folder first";
    case EACCES:
    case EPERM:
    case EROFS: return "choose a folder that you may write to";
    default: return {};
  }
}

/// Follows links at the target, so that a rename does not replace the link by a file.
fs::path resolve_links(fs::path target) {
  std::error_code ignored;
  for (int depth = 0; depth < 40 && fs::is_symlink(target, ignored); ++depth) {
    const fs::path link = fs::read_symlink(target, ignored);
    if (ignored) break;
    target = link.is_absolute() ? link : target.parent_path() / link;
  }
  return target;
}

fs::path folder_of(const fs::path& file) {
  return file.has_parent_path() ? file.parent_path() : fs::path(".");
}

/// The file behind a descriptor, as a path to link from.
std::string link_of(int descriptor) { return "/proc/self/fd/" + std::to_string(descriptor); }

/// A file without a name is gone with the process, however that ends. -1 where the file system has
/// none, or it could not be given a name later.
int open_nameless(const fs::path& folder) {
  const int descriptor = ::open(folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
  if (descriptor < 0 || ::access(link_of(descriptor).c_str(), F_OK) == 0) return descriptor;
  ::close(descriptor);
  return -1;
}

/// Makes the rename itself durable. A folder that cannot be opened or flushed is no reason to fail:
/// the file is whole under either name.
void flush_folder(const fs::path& file) {
  const int descriptor = ::open(folder_of(file).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::close(descriptor);
}

}  // namespace

AtomicFile::AtomicFile(const fs::path& target) : target_(target), resolved_(resolve_links(target)) {
  if (!resolved_.has_filename()) fail(resolved_.empty() ? ENOENT : EISDIR);
  struct stat found = {};
  const bool exists = ::stat(resolved_.c_str(), &found) == 0;
  if (!exists && errno != ENOENT) fail(errno);
  if (exists && S_ISDIR(found.st_mode)) fail(EISDIR);
  if (exists && !S_ISREG(found.st_mode)) {
    descriptor_ = ::open(resolved_.c_str(), O_WRONLY | O_CLOEXEC);
    if (descriptor_ < 0) fail(errno);
    return;
  }
  // A rename asks only the folder's permission; a file made read-only must stay protected.
  if (exists && ::faccessat(AT_FDCWD, resolved_.c_str(), W_OK, AT_EACCESS) != 0) fail(errno);

  replaces_ = true;
  descriptor_ = open_nameless(folder_of(resolved_));
  if (descriptor_ < 0) {
    const int error = take_name([this](const char* name) {
      descriptor_ = ::open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
      return descriptor_ >= 0;
    });
    if (error != 0) fail(error);
  }
  // A replaced file keeps its permissions; a file system without them is fine too.
  if (exists && ::fchmod(descriptor_, found.st_mode & 0777) != 0) errno = 0;
}

AtomicFile::~AtomicFile() { discard(); }

void AtomicFile::write(std::span<const std::byte> bytes) {
  if (descriptor_ < 0) {
    throw Error(ErrorCode::internal, "'" + target_.string() + "' was written after its end");
  }
  while (!bytes.empty()) {
    const ssize_t written =
        ::write(descriptor_, bytes.data(), std::min(bytes.size(), kLargestWrite));
    if (written < 0) {
      if (errno == EINTR) continue;
      fail(errno);
    }
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
}

void AtomicFile::commit() {
  if (descriptor_ < 0) {
    throw Error(ErrorCode::internal, "'" + target_.string() + "' was committed twice");
  }
  // A pipe or a terminal cannot be flushed, and says EINVAL; so do some network file systems.
  if (::fsync(descriptor_) != 0 && errno != EINVAL && errno != EROFS && errno != ENOTSUP) {
    fail(errno);
  }
  const bool nameless = replaces_ && temporary_.empty();
  if (nameless) {
    const std::string file = link_of(descriptor_);
    const auto link_as = [&file](const char* name) {
      return ::linkat(AT_FDCWD, file.c_str(), AT_FDCWD, name, AT_SYMLINK_FOLLOW) == 0;
    };
    // A link cannot replace what is there: then it has another name until the rename, a moment.
    if (!link_as(resolved_.c_str())) {
      const int error = errno == EEXIST ? take_name(link_as) : errno;
      if (error != 0) fail(error);
    }
  }
  const bool appeared = nameless && temporary_.empty();
  const int descriptor = descriptor_;
  descriptor_ = -1;
  if (::close(descriptor) != 0 && errno != EINTR && !appeared) fail(errno);
  if (!replaces_) return;
  if (!temporary_.empty() && std::rename(temporary_.c_str(), resolved_.c_str()) != 0) fail(errno);
  temporary_.clear();
  flush_folder(resolved_);
}

/// A name beside the target for which `make` returns true is `temporary_` then; else why not.
int AtomicFile::take_name(const std::function<bool(const char* name)>& make) {
  static std::atomic<unsigned> counter{0};
  for (int attempt = 0; attempt < kNameAttempts; ++attempt) {
    // The name does not contain the target's own, which may already be as long as names can be.
    const fs::path name =
        resolved_.parent_path() / (".kintsugi-" + std::to_string(::getpid()) + "-" +
                                   std::to_string(counter.fetch_add(1)) + ".tmp");
    if (make(name.c_str())) {
      temporary_ = name;
      return 0;
    }
    if (errno != EEXIST) return errno;
  }
  return EEXIST;
}

void AtomicFile::fail(int error) {
  discard();
  throw Error(ErrorCode::io,
              "cannot write '" + target_.string() + "': " + std::generic_category().message(error),
              hint_for(error));
}

void AtomicFile::discard() noexcept {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
  temporary_.clear();
}

}  // namespace kintsugi
