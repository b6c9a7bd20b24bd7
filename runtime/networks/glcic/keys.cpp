// SPDX-License-Identifier: MIT
//
// What is asked of the keys beyond keys.txt.
#include "runtime/networks/glcic/glcic.h"

namespace kintsugi::networks::glcic {

std::vector<std::string> normed_convolutions() {
  constexpr std::string_view kLeaf = ".weight";
  std::vector<std::string> names;
  for (const std::string_view key : key_layouts().front().required) {  // the same of every layout
    if (!key.ends_with(kLeaf) || key.find("conv") == std::string_view::npos) continue;
    const std::string_view name = key.substr(0, key.size() - kLeaf.size());
    if (name != "conv17") names.emplace_back(name);
  }
  return names;
}

}  // namespace kintsugi::networks::glcic
