// SPDX-License-Identifier: MIT
//
// A file appears whole or not at all, whatever the disk does.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <thread>
#include <vector>

#include "runtime/io/atomic_file.h"
#include "tests/weights/support.h"

namespace kintsugi {
namespace {

namespace fs = std::filesystem;
using kintsugi::testing::contents;
using kintsugi::testing::expect_error;
using kintsugi::testing::Folder;
using kintsugi::testing::WithoutPrivileges;

void save(const fs::path& path, std::string_view text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

/// While this lives no file of this process may grow beyond `bytes`.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    handler_ = std::signal(SIGXFSZ, SIG_IGN);
    rlimit limit = before_;
    limit.rlim_cur = bytes;
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  void (*handler_)(int) = SIG_DFL;
};

TEST(AtomicFile, AppearsOnlyWhenCommitted) {
  const Folder folder;
  const fs::path path = folder.path() / "out";
  AtomicFile file(path);
  file.write("one ");
  file.write("two");
  EXPECT_FALSE(fs::exists(path));
  file.commit();
  EXPECT_EQ(contents(path), "one two");
  EXPECT_EQ(folder.entries(), 1u);
  expect_error(ErrorCode::internal, "committed twice", [&] { file.commit(); });
  expect_error(ErrorCode::internal, "written after its end", [&] { file.write("x"); });
}

// What a process that is killed would leave behind.
TEST(AtomicFile, ATemporaryHasNoNameWhereTheFileSystemAllowsIt) {
  const Folder folder;
  const int descriptor = ::open(folder.path().c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
  if (descriptor < 0) GTEST_SKIP() << "not here";
  ::close(descriptor);
  AtomicFile file(folder.path() / "out");
  file.write("half");
  EXPECT_EQ(folder.entries(), 0u);
  file.commit();
  EXPECT_EQ(contents(folder.path() / "out"), "half");
  AtomicFile again(folder.path() / "out");
  again.write("new");
  EXPECT_EQ(folder.entries(), 1u);
  again.commit();
  EXPECT_EQ(contents(folder.path() / "out"), "new");
  EXPECT_EQ(folder.entries(), 1u);
}

TEST(AtomicFile, LeavesTheOldFileWhenNotCommitted) {
  const Folder folder;
  const fs::path path = folder.file("out", "old");
  {
    AtomicFile file(path);
    file.write("new");
  }
  EXPECT_EQ(contents(path), "old");
  EXPECT_EQ(folder.entries(), 1u);
}

TEST(AtomicFile, KeepsPermissionsAndLinks) {
  const Folder folder;
  const fs::path path = folder.file("out", "old");
  fs::permissions(path, fs::perms{0640});
  fs::create_symlink("out", folder.path() / "link");
  save(folder.path() / "link", "new");
  EXPECT_TRUE(fs::is_symlink(folder.path() / "link"));
  EXPECT_EQ(contents(path), "new");
  EXPECT_EQ(fs::status(path).permissions(), fs::perms{0640});
}

TEST(AtomicFile, ADanglingLinkIsCreatedBehind) {
  const Folder folder;
  fs::create_symlink("target", folder.path() / "link");
  save(folder.path() / "link", "new");
  EXPECT_EQ(contents(folder.path() / "target"), "new");
}

TEST(AtomicFile, ARelativeNameAndTheLongestName) {
  const Folder folder;
  const fs::path before = fs::current_path();
  fs::current_path(folder.path());
  save("plain", "x");
  fs::current_path(before);
  EXPECT_EQ(contents(folder.path() / "plain"), "x");
  save(folder.path() / std::string(255, 'n'), "y");
  EXPECT_EQ(folder.entries(), 2u);
}

TEST(AtomicFile, PathsThatCannotBeWritten) {
  const Folder folder;
  const auto cannot = [](const fs::path& path, const char* fragment, const char* hint = "") {
    const Error error = expect_error(ErrorCode::io, fragment, [&] { save(path, "x"); });
    EXPECT_NE(error.hint().find(hint), std::string::npos) << error.hint();
  };
  cannot(folder.path() / "no" / "out", "out': No such file or directory", "create the folder");
  cannot(folder.path(), "Is a directory");
  cannot(folder.path() / "", "Is a directory");
  cannot("", "cannot write ''");
  cannot(folder.file("file", "") / "out", "Not a directory");
  cannot(folder.path() / std::string(256, 'n'), "File name too long");
  fs::create_symlink("loop", folder.path() / "loop");
  cannot(folder.path() / "loop", "symbolic links");
  EXPECT_EQ(folder.entries(), 2u);

  const fs::path kept = folder.file("kept", "old");
  fs::permissions(kept, fs::perms{0444});
  fs::permissions(folder.path(), fs::perms{0555});
  {
    const WithoutPrivileges nobody;
    cannot(folder.path() / "out", "Permission denied", "choose a folder");
    cannot(kept, "Permission denied");
  }
  fs::permissions(folder.path(), fs::perms{0777});
  {
    const WithoutPrivileges nobody;  // the folder would allow it; the file says no
    cannot(kept, "Permission denied");
  }
  EXPECT_EQ(contents(kept), "old");
  EXPECT_EQ(folder.entries(), 3u);
  fs::permissions(folder.path(), fs::perms{0700});
}

TEST(AtomicFile, AFileThatGrowsTooLargeLeavesTheOldOne) {
  const Folder folder;
  const fs::path path = folder.file("out", "old");
  {
    const FileSizeLimit limit(4096);
    expect_error(ErrorCode::io, "out': File too large",
                 [&] { save(path, std::string(10'000, 'x')); });
  }
  EXPECT_EQ(contents(path), "old");
  EXPECT_EQ(folder.entries(), 1u);
}

TEST(AtomicFile, AFullDeviceIsAnError) {
  const Error error = expect_error(ErrorCode::io, "'/dev/full': No space left on device",
                                   [] { save("/dev/full", "x"); });
  EXPECT_NE(error.hint().find("free some space"), std::string::npos);
  EXPECT_TRUE(fs::is_character_file("/dev/full"));  // written to, never replaced
}

TEST(AtomicFile, AFullDiskLeavesTheOldFile) {
  const Folder folder;
  if (::mount("tmpfs", folder.path().c_str(), "tmpfs", 0, "size=64k") != 0) {
    GTEST_SKIP() << "no right to mount a small disk";
  }
  const fs::path path = folder.file("out", "old");
  expect_error(ErrorCode::io, "out': No space left on device",
               [&] { save(path, std::string(100'000, 'x')); });
  EXPECT_EQ(contents(path), "old");
  EXPECT_EQ(folder.entries(), 1u);
  ::umount(folder.path().c_str());
}

TEST(AtomicFile, PipesAreWrittenDirectly) {
  const Folder folder;
  const fs::path path = folder.path() / "pipe";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  std::string received;
  std::thread reader([&] { received = contents(path); });
  save(path, "through");
  reader.join();
  EXPECT_EQ(received, "through");
  EXPECT_TRUE(fs::is_fifo(path));
}

TEST(AtomicFile, WritersOfOneTargetDoNotMeet) {
  const Folder folder;
  const fs::path path = folder.path() / "out";
  std::vector<std::thread> writers;
  for (char letter = 'a'; letter < 'e'; ++letter) {
    writers.emplace_back([&path, letter] {
      for (int i = 0; i < 10; ++i) save(path, std::string(10'000, letter));
    });
  }
  for (std::thread& writer : writers) writer.join();
  const std::string text = contents(path);
  EXPECT_EQ(text, std::string(10'000, text.at(0)));
  EXPECT_EQ(folder.entries(), 1u);
}

}  // namespace
}  // namespace kintsugi
