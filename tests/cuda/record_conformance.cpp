// SPDX-License-Identifier: MIT
//
// Records on a GPU what the kernels of tests/emulator/conformance.cu give, for the emulator to be
// held against: record_conformance FOLDER. tests/cuda/README.md says how it is built.
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "kernels/core/error.h"
#include "kernels/device/api.h"
#include "tests/emulator/conformance.h"

int main(int argc, char** argv) {
  using namespace kintsugi;
  if (argc != 2) {
    std::fprintf(stderr, "usage: record_conformance FOLDER\n");
    return 2;
  }
  if (device::count() == 0) {
    std::fprintf(stderr, "there is no CUDA device here to record from\n");
    return 5;
  }
  try {
    std::printf("recording on %s\n", device::info().name.c_str());
    std::vector<conformance::Case> cases(conformance::cases().begin(), conformance::cases().end());
    if (device::info().compute == 90) {
      cases.insert(cases.end(), conformance::hopper_cases().begin(),
                   conformance::hopper_cases().end());
    }
    for (const conformance::Case& c : cases) {
      const std::vector<uint32_t> words = conformance::output(c);
      std::ofstream file(std::string(argv[1]) + "/" + c.name + ".bin", std::ios::binary);
      file.write(reinterpret_cast<const char*>(words.data()),
                 static_cast<std::streamsize>(words.size() * sizeof(uint32_t)));
      if (!file) {
        std::fprintf(stderr, "%s cannot be written in %s\n", c.name, argv[1]);
        return 1;
      }
    }
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
