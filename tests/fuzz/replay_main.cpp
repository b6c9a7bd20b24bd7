// SPDX-License-Identifier: MIT
//
// A main for fuzzers where libFuzzer is not: hands each file of the folders and files it is given to
// LLVMFuzzerTestOneInput, as an ordinary test. It mutates nothing and finds nothing new.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

namespace fs = std::filesystem;

std::vector<fs::path> files_of(const fs::path& given) {
  if (!fs::is_directory(given)) return {given};
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(given)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

int replay(int argc, char** argv) {
  size_t replayed = 0;
  for (int i = 1; i < argc; ++i) {
    for (const fs::path& file : files_of(fs::absolute(argv[i]))) {
      std::ifstream stream(file, std::ios::binary);
      const std::vector<char> text{std::istreambuf_iterator<char>(stream), {}};
      if (!stream.is_open() || stream.bad()) {
        std::fprintf(stderr, "replay: cannot read '%s'\n", file.c_str());
        return 1;
      }
      // Said before, because what fails here ends the process.
      std::printf("%s\n", file.filename().c_str());
      std::fflush(stdout);
      const std::vector<uint8_t> bytes(text.begin(), text.end());
      LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
      ++replayed;
    }
  }
  std::printf("replayed %zu files\n", replayed);
  return replayed == 0 ? 1 : 0;  // an empty corpus is a test that tests nothing
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return replay(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "replay: %s\n", error.what());
    return 1;
  }
}
