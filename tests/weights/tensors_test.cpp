// SPDX-License-Identifier: MIT
//
// The raw door's files: written whole, padded, sorted; read back bit for bit.
#include "kintsugi/tensor.hpp"

#include <cmath>
#include <limits>
#include <string>

#include "runtime/weights/safetensors.h"
#include "tests/weights/support.h"

namespace kintsugi {
namespace {

using kintsugi::testing::bytes_of;
using kintsugi::testing::contents;
using kintsugi::testing::expect_error;
using kintsugi::testing::Folder;
using kintsugi::testing::framed;

TEST(Tensors, WhatIsWrittenIsRead) {
  const Folder folder;
  const auto path = folder.path() / "x.safetensors";
  Tensors tensors;
  tensors["output/b"] = {{2, 1, 1, 2}, {1.0f, -0.0f, 1e-45f, 3e38f}};
  tensors["input/a"] = {{}, {0.1f}};
  tensors["tap/näme \"x\""] = {{0, 3}, {}};
  write_tensors(path, tensors, {{"format", "pt"}});
  const Tensors found = read_tensors(path);
  ASSERT_EQ(found.size(), 3u);
  for (const auto& [name, tensor] : tensors) {
    EXPECT_EQ(found.at(name).shape, tensor.shape);
    EXPECT_EQ(found.at(name).values, tensor.values);
  }
  EXPECT_TRUE(std::signbit(found.at("output/b").values[1]));
  EXPECT_EQ(weights::SafetensorsFile(path).metadata().at("format"), "pt");
}

TEST(Tensors, TheHeaderIsSortedAndPadded) {
  const Folder folder;
  const auto path = folder.path() / "x";
  write_tensors(path, {{"b", {{1}, {2.0f}}}, {"a", {{1}, {1.0f}}}}, {{"k", "v"}});
  std::string header =
      R"({"__metadata__":{"k":"v"},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
      R"("b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})";
  header.resize((header.size() + 7) / 8 * 8, ' ');
  EXPECT_EQ(contents(path), framed(header, bytes_of<float>({1.0f, 2.0f})));
  write_tensors(path, {});
  EXPECT_EQ(contents(path), framed("{}      "));
}

TEST(Tensors, FloatingDtypesAreWidenedAndIntegersSkipped) {
  const Folder folder;
  const auto path = folder.file(
      "x", framed(R"({"h":{"dtype":"F16","shape":[1],"data_offsets":[0,2]},)"
                  R"("i":{"dtype":"I64","shape":[],"data_offsets":[2,10]},)"
                  R"("m":{"dtype":"BOOL","shape":[1],"data_offsets":[10,11]},)"
                  R"("d":{"dtype":"F64","shape":[1],"data_offsets":[11,19]}})",
                  bytes_of<uint16_t>({0x3c00}) + std::string(9, '\1') + bytes_of<double>({0.5})));
  const Tensors found = read_tensors(path);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found.at("h").values, std::vector<float>{1.0f});
  EXPECT_EQ(found.at("d").values, std::vector<float>{0.5f});
  const auto f8 = folder.file(
      "y", framed(R"({"q":{"dtype":"F8_E5M2","shape":[1],"data_offsets":[0,1]}})", "a"));
  expect_error(ErrorCode::unsupported, "y': tensor 'q' is stored as F8_E5M2",
               [&] { (void)read_tensors(f8); });
}

TEST(Tensors, MistakesOfTheCallerAreRefusedBeforeWriting) {
  const Folder folder;
  const auto path = folder.file("x", "old");
  expect_error(ErrorCode::mismatch, "tensor 'a' has 3 values, but its shape is [2]", [&] {
    write_tensors(path, {{"a", {{2}, {1, 2, 3}}}});
  });
  expect_error(ErrorCode::usage, "cannot be called '__metadata__'", [&] {
    write_tensors(path, {{"__metadata__", {{}, {1}}}});
  });
  expect_error(ErrorCode::usage, "not UTF-8", [&] { write_tensors(path, {{"\xff", {{}, {1}}}}); });
  expect_error(ErrorCode::usage, "not UTF-8", [&] { write_tensors(path, {}, {{"k", "\xff"}}); });
  EXPECT_EQ(contents(path), "old");
  EXPECT_EQ(folder.entries(), 1u);
}

TEST(Tensors, ADiskThatIsFullIsOneSentence) {
  expect_error(ErrorCode::io, "cannot write '/dev/full': No space left on device", [] {
    write_tensors("/dev/full", {{"a", {{1}, {1.0f}}}});
  });
  expect_error(ErrorCode::io, "x.safetensors': No such file or directory",
               [] { write_tensors("/nowhere/x.safetensors", {}); });
}

}  // namespace
}  // namespace kintsugi
