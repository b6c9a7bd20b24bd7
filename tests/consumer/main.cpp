// SPDX-License-Identifier: MIT
//
// An embedder's whole program: opens a model, says what it is and what it will need, sends a tensor
// through it and mends a grey picture with a hole. Built by tests/consumer against the installed
// library, so it includes nothing but the public header.
#include <kintsugi/kintsugi.hpp>

#include <algorithm>
#include <cstdio>

int main(int argc, char** argv) try {
  if (argc != 2) return 2;
  const auto model = kintsugi::Model::open(argv[1]);
  const auto& about = model.describe();
  std::printf("%s: %s\n", about.network.c_str(), about.title.c_str());

  const auto plan = model.plan({.height = 32, .width = 48});
  std::printf("%zu steps, %lld bytes at most\n", plan.graphs[0].steps.size(),
              static_cast<long long>(plan.memory.peak()));

  auto session = model.session({.threads = 1});
  kintsugi::Tensor input{.shape = {1, 4, 32, 48}, .values = std::vector<float>(4 * 32 * 48, 0.1f)};
  const auto outputs = session.run({{"input", input}});
  std::printf("output %s\n", outputs.at("output").shape.to_string().c_str());

  kintsugi::Image photo{.width = 45, .height = 31, .channels = 3};
  photo.pixels.assign(45 * 31 * 3, 128);
  kintsugi::Image mask{.width = 45, .height = 31, .channels = 1};
  mask.pixels.assign(45 * 31, 0);
  std::fill_n(mask.pixels.begin() + 15 * 45 + 20, 5, uint8_t{255});
  const kintsugi::Image mended = session.inpaint(photo, mask);

  size_t changed = 0;
  for (size_t i = 0; i < mended.pixels.size(); ++i) {
    if (mask.pixels[i / 3] == 0 && mended.pixels[i] != photo.pixels[i]) ++changed;
  }
  std::printf("%zu known values changed\n", changed);
  return changed == 0 ? 0 : 1;
} catch (const kintsugi::Error& error) {
  std::fprintf(stderr, "%s\n%s\n", error.what(), error.hint().c_str());
  return 1;
}
