// SPDX-License-Identifier: MIT
//
// keys.txt as C++ reads it: the cases that Python is held to as well, and the files of the networks.
#include "runtime/weights/key_layouts.h"

#include <algorithm>
#include <string>
#include <vector>

#include "runtime/networks/cyclegan/cyclegan.h"
#include "runtime/networks/cyclegan_discriminator/cyclegan_discriminator.h"
#include "runtime/networks/glcic/glcic.h"
#include "runtime/networks/glcic_discriminator/glcic_discriminator.h"
#include "tests/weights/support.h"

namespace kintsugi::weights {
namespace {

struct Case {
  std::string title, text, expected;
};

/// Returns the text before the first `mark`; `rest` keeps the text after it.
std::string cut(std::string& rest, const std::string& mark) {
  const size_t at = std::min(rest.find(mark), rest.size());
  std::string before = rest.substr(0, at);
  rest.erase(0, at + mark.size());
  return before;
}

std::vector<Case> cases() {
  std::vector<Case> all;
  std::string rest = testing::contents(KINTSUGI_KEY_LAYOUTS_CASES);
  cut(rest, "\n=== ");
  while (!rest.empty()) {
    std::string one = cut(rest, "\n=== ") + "\n";
    const std::string title = cut(one, "\n");
    const std::string text = cut(one, "---\n");
    one.erase(one.find_last_not_of('\n') + 1);
    all.push_back({title, text, one});
  }
  return all;
}

std::string shown(const std::vector<KeyLayout>& layouts) {
  std::string text;
  for (const KeyLayout& layout : layouts) {
    text += (text.empty() ? "" : "\n") + layout.name + ": " + layout.source;
    for (const ModuleName& row : layout.modules)
      text += "\n  " + row.canonical + " = " + row.stored;
    for (const std::string& key : layout.required) text += "\n  require " + key;
  }
  return text;
}

TEST(KeyLayouts, Cases) {
  EXPECT_GT(cases().size(), 30u);
  for (const Case& one : cases()) {
    std::string found;
    try {
      found = shown(parse_key_layouts("f", one.text));
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::internal);
      found = error.what();
      EXPECT_EQ(cut(found, ":"), "f");
    }
    EXPECT_EQ(found, one.expected) << one.title;
  }
}

TEST(KeyLayouts, OfTheNetworksAreReadOnceAndKnown) {
  const auto names = [](std::span<const KeyLayout> layouts) {
    std::vector<std::string> found;
    for (const KeyLayout& layout : layouts) found.push_back(layout.name);
    return found;
  };
  using Names = std::vector<std::string>;
  EXPECT_EQ(names(networks::glcic::key_layouts()),
            (Names{"flat", "triples", "otenim", "mmediting", "liruilong"}));
  EXPECT_EQ(names(networks::glcic_discriminator::key_layouts()),
            (Names{"otenim", "otenim_celeba", "mmediting", "liruilong"}));
  EXPECT_EQ(names(networks::cyclegan::key_layouts()),
            (Names{"resnet9", "resnet6", "resnet9_dropout", "resnet6_dropout", "mindspore"}));
  EXPECT_EQ(names(networks::cyclegan_discriminator::key_layouts()),
            (Names{"patchgan", "mindspore"}));
  EXPECT_EQ(networks::glcic::key_layouts().data(), networks::glcic::key_layouts().data());
}

// What code asks of them beyond names.
TEST(KeyLayouts, HoldAsManyBlocksAndConvolutionsAsTheCodeExpects) {
  EXPECT_EQ(networks::glcic::normed_convolutions().size(), 16u);
  for (const KeyLayout& layout : networks::glcic::key_layouts()) {
    EXPECT_EQ(layout.required, networks::glcic::key_layouts().front().required);
  }
  const KeyMap map(networks::cyclegan::key_layouts().back());
  const auto block = [&](int64_t i) { return map.module("blocks." + std::to_string(i)); };
  EXPECT_EQ(block(networks::cyclegan::kMostBlocks - 1), "residuals.63");
  EXPECT_EQ(block(networks::cyclegan::kMostBlocks), "blocks.64");
}

}  // namespace
}  // namespace kintsugi::weights
