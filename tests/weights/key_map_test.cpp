// SPDX-License-Identifier: MIT
//
// One network, the names of several ports.
#include "runtime/weights/key_map.h"

#include <algorithm>
#include <string>
#include <vector>

#include "kintsugi/tensor.hpp"
#include "tests/weights/support.h"

namespace kintsugi::weights {
namespace {

using kintsugi::testing::Folder;
using Keys = std::vector<std::string>;

const Keys kRequired = {"conv1.weight", "conv1.bias", "bn1.weight", "conv2.weight"};

const KeyLayout kLayouts[] = {
    {"named", "a port with readable names", {}, kRequired},
    {"flat",
     "a flat Sequential",
     {{"conv1", "0"}, {"bn1", "1"}, {"relu1", "2"}, {"conv2", "3"}, {"conv10", "9"}},
     kRequired},
    {"blocks",
     "a Sequential of blocks",
     {{"conv1", "0.0"}, {"bn1", "0.1"}, {"conv2", "1.0"}},
     kRequired}};
const KeyLayout kNestedLayout = {
    "nested", "for this test", {{"encoder", "enc"}, {"encoder.conv1", "first"}, {"shell", ""}}, {}};

Weights file_with(const Folder& folder, const Keys& keys) {
  Tensors tensors;
  for (const std::string& key : keys) tensors[key] = {{1}, {1.0f}};
  write_tensors(folder.path() / "x.safetensors", tensors);
  return Weights(folder.path() / "x.safetensors");
}

TEST(KeyMap, TranslatesModulesAndWhatIsBelowThem) {
  const KeyMap map(kLayouts[1]);
  EXPECT_EQ(map.stored("conv1.weight"), "0.weight");
  EXPECT_EQ(map.stored("bn1.running_mean"), "1.running_mean");
  EXPECT_EQ(map.stored("conv10.weight"), "9.weight");  // not conv1 and a zero
  EXPECT_EQ(map.module("relu1"), "2");
  EXPECT_EQ(map.module("conv1"), "0");
  EXPECT_EQ(map.stored("conv11.weight"), "conv11.weight");  // not in the table
  EXPECT_EQ(map.stored(""), "");
  EXPECT_EQ(map.layout(), &kLayouts[1]);
}

TEST(KeyMap, TheLongestEntryDecides) {
  const KeyMap map(kNestedLayout);
  EXPECT_EQ(map.stored("encoder.conv1.weight"), "first.weight");
  EXPECT_EQ(map.stored("encoder.conv2.weight"), "enc.conv2.weight");
  EXPECT_EQ(map.stored("shell.conv.weight"), "conv.weight");
  EXPECT_EQ(map.stored("shell"), "");
}

TEST(KeyMap, APrefixStandsBeforeEverything) {
  const KeyMap map(kLayouts[1], "module.");
  EXPECT_EQ(map.stored("conv1.weight"), "module.0.weight");
  EXPECT_EQ(map.module("relu1"), "module.2");
  EXPECT_EQ(map.stored("other.weight"), "module.other.weight");
}

TEST(KeyMap, WithoutALayoutNamesStay) {
  EXPECT_EQ(KeyMap().stored("conv1.weight"), "conv1.weight");
  EXPECT_EQ(KeyMap().layout(), nullptr);
}

TEST(Detect, FindsTheLayoutWhoseKeysAllExist) {
  const Folder folder;
  for (const KeyLayout& layout : kLayouts) {
    for (const char* prefix : {"", "module.", "generator.", "netG.", "main.", "module.netG."}) {
      const KeyMap map(layout, prefix);
      Keys keys = {"unrelated.weight"};
      for (const std::string& key : kRequired) keys.push_back(map.stored(key));
      const Weights weights = file_with(folder, keys);
      const Detection found = detect(weights, kLayouts);
      EXPECT_TRUE(found.complete());
      EXPECT_EQ(found.layout, &layout);
      EXPECT_EQ(found.prefix, prefix);
      EXPECT_EQ(found.matched, 4u);
      EXPECT_TRUE(found.missing.empty());
      EXPECT_EQ(found.map().stored("conv1.weight"), keys[1]);
      EXPECT_EQ(weights.unused_keys().size(), keys.size());  // looking is not using
    }
  }
}

TEST(Detect, SaysWhatWasClosest) {
  const Folder folder;
  const Weights weights = file_with(folder, {"netG.0.weight", "netG.1.weight", "conv1.weight"});
  const Detection found = detect(weights, kLayouts);
  EXPECT_FALSE(found.complete());
  EXPECT_EQ(found.layout, &kLayouts[1]);
  EXPECT_EQ(found.missing, (Keys{"netG.0.bias", "netG.3.weight"}));
  EXPECT_EQ(found.to_string(),
            "layout 'flat' under 'netG.': 2 of 4 keys, missing 'netG.0.bias' and 'netG.3.weight'");
}

TEST(Detect, NamesOnlyTheFirstOfManyMissingKeys) {
  const Folder folder;
  const Detection found = detect(file_with(folder, {"a", "b"}), kLayouts);
  EXPECT_EQ(found.to_string(),
            "layout 'named': 0 of 4 keys, missing 'conv1.weight', 'conv1.bias', 'bn1.weight' "
            "and 1 more");
  EXPECT_FALSE(detect(file_with(folder, {"a"}), {}).complete());
  EXPECT_EQ(detect(file_with(folder, {"a"}), {}).to_string(), "no layouts");
  // Nothing proves nothing.
  EXPECT_FALSE(detect(file_with(folder, {"a"}), {&kNestedLayout, 1}).complete());
}

TEST(Detect, ComparesLayoutsByTheShareOfTheirKeys) {
  const Folder folder;
  const KeyLayout layouts[] = {{"deep", "for this test", {}, {"a", "b", "c", "d"}},
                               {"flat", "for this test", {}, {"a", "e"}}};
  EXPECT_EQ(detect(file_with(folder, {"a", "b"}), layouts).layout, &layouts[0]);  // a half of each
  EXPECT_EQ(detect(file_with(folder, {"a", "b", "c"}), layouts).layout, &layouts[0]);
  EXPECT_EQ(detect(file_with(folder, {"a"}), layouts).layout, &layouts[1]);
  EXPECT_EQ(detect(file_with(folder, {"a", "b", "c", "e"}), layouts).layout, &layouts[1]);
}

}  // namespace
}  // namespace kintsugi::weights
