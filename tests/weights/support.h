// SPDX-License-Identifier: MIT
//
// What the weight tests share: a folder that cleans up, files made from bytes, expected errors.
// It is not a safetensors writer: headers are given as text so that they can be wrong.
// Each test owns its folder. Called by the tests of this folder only.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <string_view>

#include "kernels/core/error.h"

namespace kintsugi::testing {

class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "kintsugi-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
    path_ = name;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::filesystem::path file(std::string_view name, std::string_view bytes) const {
    std::ofstream(path_ / name, std::ios::binary).write(bytes.data(), std::ssize(bytes));
    return path_ / name;
  }
  [[nodiscard]] size_t entries() const {
    return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(path_), {}));
  }

 private:
  std::filesystem::path path_;
};

inline std::string contents(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// Length, header, data: a file as the format lays it out.
inline std::string framed(std::string_view header, std::string_view data = {}) {
  std::string bytes(8, '\0');
  for (size_t i = 0; i < 8; ++i) bytes[i] = static_cast<char>(header.size() >> (8 * i) & 0xff);
  return bytes.append(header).append(data);
}

template <class T>
std::string bytes_of(std::initializer_list<T> values) {
  std::string bytes(values.size() * sizeof(T), '\0');
  std::memcpy(bytes.data(), std::data(values), bytes.size());
  return bytes;
}

/// Runs `action`, which must throw `code` in one line that contains `fragment`; returns the error.
template <class Action>
Error expect_error(ErrorCode code, std::string_view fragment, Action action) {
  try {
    action();
  } catch (const Error& error) {
    const std::string_view sentence = error.what();
    EXPECT_EQ(static_cast<int>(error.code()), static_cast<int>(code)) << sentence;
    EXPECT_NE(sentence.find(fragment), std::string_view::npos)
        << "expected: " << fragment << "\nfound:    " << sentence;
    EXPECT_EQ(sentence.find('\n'), std::string_view::npos);
    return error;
  }
  ADD_FAILURE() << "nothing was thrown; expected: " << fragment;
  return Error(ErrorCode::internal, "");
}

/// Root may do everything; while this lives the process is somebody else.
class WithoutPrivileges {
 public:
  WithoutPrivileges() {
    if (was_root_ && ::seteuid(65534) != 0) throw std::runtime_error("seteuid failed");
  }
  WithoutPrivileges(const WithoutPrivileges&) = delete;
  WithoutPrivileges& operator=(const WithoutPrivileges&) = delete;
  ~WithoutPrivileges() {
    if (was_root_ && ::seteuid(0) != 0) std::terminate();
  }

 private:
  bool was_root_ = ::geteuid() == 0;
};

}  // namespace kintsugi::testing
