// SPDX-License-Identifier: MIT
#include "kernels/emulator/place.h"

#include <cxxabi.h>
#include <dlfcn.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>

namespace kintsugi::emulator {

namespace {

constexpr uint64_t kCode = uint64_t{1} << 63;

/// Compilers are called from build folders; messages speak of the tree.
std::string from_root(const std::string& path) {
  std::string file = std::filesystem::path(path).lexically_normal().string();
  while (file.starts_with("../")) file.erase(0, 3);
  return file;
}

// "file:line" of an address by binutils, the frame nearest to the kernel: what the compiler inlined
// from the emulator's own headers is not what its author wants to hear.
std::string line_of_code(const void* return_address) {
  const char* address = static_cast<const char*>(return_address) - 1;  // in the call, not after it
  Dl_info info{};
  if (dladdr(address, &info) == 0) return "an unknown place";
  std::array<char, 64> offset{};
  std::snprintf(offset.data(), offset.size(), "0x%tx",
                address - static_cast<const char*>(info.dli_fbase));
  std::array<char, 4096> program{};
  if (readlink("/proc/self/exe", program.data(), program.size() - 1) <= 0) return offset.data();
  const std::string command =
      "addr2line -i -e '" + std::string(program.data()) + "' " + offset.data() + " 2>/dev/null";
  std::string found;
  if (FILE* output = popen(command.c_str(), "r")) {
    std::array<char, 4096> line{};
    while (std::fgets(line.data(), static_cast<int>(line.size()), output) != nullptr) {
      std::string text(line.data(), std::strcspn(line.data(), "\n"));
      text = text.substr(0, text.find(" ("));  // "(discriminator 2)"
      if (text.starts_with("?")) continue;
      const bool ours = text.find("kernels/emulator/") != std::string::npos ||
                        text.find("kernels/device/") != std::string::npos ||
                        text.find("/include/c++/") != std::string::npos;
      if (!ours && found.empty()) found = text;
    }
    pclose(output);
  }
  if (found.empty()) return "address " + std::string(offset.data()) + " of the program";
  return from_root(found);
}

}  // namespace

static_assert(sizeof(Where) == sizeof(uint64_t) && sizeof(void*) == sizeof(uint64_t));

Place::Place(const Where& where) : bits_(std::bit_cast<uint64_t>(where)) {}

Place Place::of_code(const void* return_address) {
  Place place;
  place.bits_ = reinterpret_cast<uint64_t>(return_address) | kCode;
  return place;
}

std::string Place::text() const {
  if (bits_ == 0) return "an unknown place";
  if ((bits_ & kCode) != 0) {
    return line_of_code(std::bit_cast<const void*>(bits_ & ~kCode));
  }
  return emulator::text(std::bit_cast<Where>(bits_));
}

std::string text(const Where& where) {
  return from_root(where.file_name()) + ":" + std::to_string(where.line()) + ":" +
         std::to_string(where.column());
}

bool same(const Where& a, const Where& b) {
  return a.line() == b.line() && a.column() == b.column() &&
         (a.file_name() == b.file_name() || std::strcmp(a.file_name(), b.file_name()) == 0);
}

std::string type_name(const char* mangled) {
  int status = 0;
  char* demangled = abi::__cxa_demangle(mangled, nullptr, nullptr, &status);
  std::string name = status == 0 && demangled != nullptr ? demangled : mangled;
  std::free(demangled);
  for (const char* noise : {"(anonymous namespace)::", "kintsugi::"}) {
    for (auto at = name.find(noise); at != std::string::npos; at = name.find(noise)) {
      name.erase(at, std::strlen(noise));
    }
  }
  return name;
}

}  // namespace kintsugi::emulator
