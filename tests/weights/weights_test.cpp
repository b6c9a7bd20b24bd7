// SPDX-License-Identifier: MIT
//
// Typed lookup: what a network expects, what it finds, and what it is told when they differ.
#include "runtime/weights/weights.h"

#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "runtime/weights/source_line.h"
#include "tests/weights/support.h"

namespace kintsugi::weights {
namespace {

using kintsugi::testing::bytes_of;
using kintsugi::testing::expect_error;
using kintsugi::testing::Folder;
using kintsugi::testing::framed;
using Keys = std::vector<std::string>;

/// The file every test looks at: a convolution, its batch norm, one more tensor.
std::filesystem::path sample(const Folder& folder) {
  return folder.file(
      "net.safetensors",
      framed(R"({"conv1.weight":{"dtype":"F16","shape":[1,3,2,2],"data_offsets":[0,24]},)"
             R"("conv1.bias":{"dtype":"F32","shape":[1],"data_offsets":[24,28]},)"
             R"("bn1.running_mean":{"dtype":"F32","shape":[1],"data_offsets":[28,32]},)"
             R"("bn1.num_batches_tracked":{"dtype":"I64","shape":[],"data_offsets":[32,40]},)"
             R"("conv2.weight":{"dtype":"F32","shape":[1,1,1,1],"data_offsets":[40,44]}})",
             std::string(24, '\0') + bytes_of<float>({0.5f, 0.25f}) + bytes_of<int64_t>({9}) +
                 bytes_of<float>({2.0f})));
}

TEST(Weights, ReadsWhatIsExpected) {
  const Folder folder;
  const Weights weights(sample(folder));
  EXPECT_TRUE(weights.has("conv1.bias"));
  EXPECT_FALSE(weights.has("conv1"));
  EXPECT_EQ(weights.shape_of("conv1.weight"), Shape({1, 3, 2, 2}));
  EXPECT_EQ(weights.read<double>("conv1.bias", {1}), std::vector<double>{0.5});
  EXPECT_EQ(weights.read<float>("conv2.weight", {1, 1, 1, 1}), std::vector<float>{2.0f});
  EXPECT_EQ(weights.expect("conv1.weight", {1, 3, 2, 2}).bytes.size(), 24u);
  weights.release_pages("conv1.weight", 0, 16);
  weights.release_pages("no such key", 0, 1);
}

TEST(Weights, AMisfitNamesFileKeyBothShapesAndTheLine) {
  const Folder folder;
  const Weights weights(sample(folder));
  const auto line = std::source_location::current().line() + 3;
  const std::string here = "tests/weights/weights_test.cpp:" + std::to_string(line);
  const Error error = expect_error(ErrorCode::mismatch, "has shape [1, 3, 2, 2]", [&] {
    (void)weights.read<double>("conv1.weight", {1, 4, 2, 2});
  });
  EXPECT_EQ(std::string(error.what()), "'" + (folder.path() / "net.safetensors").string() +
                                           "': 'conv1.weight' has shape [1, 3, 2, 2], but " + here +
                                           " expects [1, 4, 2, 2]");
  expect_error(ErrorCode::mismatch, "'conv1.bias' has shape [1], but", [&] {
    weights.expect("conv1.bias", {1, 1});
  });
}

TEST(Weights, AMissingKeyNamesTheClosest) {
  const Folder folder;
  const Weights weights(sample(folder));
  const Error error = expect_error(ErrorCode::mismatch, "'conv3.weight' [1, 1, 1, 1], which ", [&] {
    weights.expect("conv3.weight", {1, 1, 1, 1});
  });
  const std::string sentence = error.what();
  EXPECT_NE(sentence.find("tests/weights/weights_test.cpp:"), std::string::npos);
  EXPECT_TRUE(
      sentence.ends_with(" expects, is missing; the closest keys are 'conv1.weight', "
                         "'conv2.weight' and 'conv1.bias'"))
      << sentence;
  expect_error(ErrorCode::mismatch, "'entirely.different', which ",
               [&] { (void)weights.shape_of("entirely.different"); });
}

TEST(Weights, ClosestKeysPreferTheSameNameInOtherModules) {
  const auto closest = [](std::string_view wanted, const Keys& names) {
    std::vector<StoredTensor> tensors(names.size());
    for (size_t i = 0; i < names.size(); ++i) tensors[i].name = names[i];
    return closest_keys(wanted, tensors);
  };
  EXPECT_EQ(closest("conv1.weight", {"conv1.bias", "module.netG.conv1.weight", "x"}),
            (Keys{"module.netG.conv1.weight", "conv1.bias"}));
  EXPECT_EQ(closest("module.conv1.weight", {"conv1.weight", "bn"}), Keys{"conv1.weight"});
  EXPECT_EQ(closest("0.weight", {"0.bias", "1.weight", "10.weight", "2.weight", "zzz"}),
            (Keys{"1.weight", "10.weight", "2.weight"}));
  EXPECT_EQ(closest("conv1.weight", {"xconv1.weight"}), Keys{"xconv1.weight"});
  EXPECT_EQ(closest("conv1.weight", {}), Keys{});
  EXPECT_EQ(closest("conv1.weight", {"absolutely.nothing.alike"}), Keys{});
  EXPECT_EQ(closest(std::string(100'000, 'a'), {std::string(100'000, 'b')}), Keys{});
}

TEST(Weights, UnusedKeysAreThoseNeverExpected) {
  const Folder folder;
  const Weights weights(sample(folder));
  const Weights copy = weights;
  EXPECT_EQ(weights.unused_keys(),
            (Keys{"bn1.running_mean", "conv1.bias", "conv1.weight", "conv2.weight"}));
  EXPECT_TRUE(weights.has("conv1.bias"));  // looking is not using
  EXPECT_THROW(weights.expect("conv2.weight", {7}), Error);
  copy.expect("conv1.weight", {1, 3, 2, 2});
  (void)weights.read<float>("bn1.running_mean", {1});
  EXPECT_EQ(weights.unused_keys(), (Keys{"conv1.bias", "conv2.weight"}));
}

TEST(Weights, MayBeAskedFromManyThreads) {
  const Folder folder;
  const Weights weights(sample(folder));
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&weights] {
      for (int round = 0; round < 200; ++round) {
        EXPECT_EQ(weights.read<double>("conv1.bias", {1}), std::vector<double>{0.5});
        weights.release_pages("conv1.bias", 0, 1);
        (void)weights.unused_keys();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(weights.unused_keys().size(), 3u);
}

TEST(Weights, CountsParametersAsPyTorchDoes) {
  const Folder folder;
  const Weights weights(sample(folder));
  EXPECT_EQ(weights.parameter_count(), 12 + 1 + 1);
  EXPECT_EQ(weights.stored_dtype(), "f16");
  const Weights none(folder.file("none", framed("{}")));
  EXPECT_EQ(none.parameter_count(), 0);
  EXPECT_EQ(none.stored_dtype(), "none");
}

TEST(Weights, NumbersThatAreNoneAreRefusedWithTheirPlace) {
  const Folder folder;
  const auto refuses = [&](const char* dtype, const std::string& data, const char* fragment) {
    const Weights weights(folder.file(
        "bad.safetensors",
        framed(R"({"conv1.weight":{"dtype":")" + std::string(dtype) +
                   R"(","shape":[2,3],"data_offsets":[0,)" + std::to_string(data.size()) + "]}}",
               data)));
    weights.expect("conv1.weight", {2, 3});  // reads no data
    const Error error = expect_error(ErrorCode::not_finite, fragment, [&] {
      (void)weights.read<float>("conv1.weight", {2, 3});
    });
    EXPECT_NE(std::string(error.what()).find("bad.safetensors': 'conv1.weight' holds "),
              std::string::npos);
  };
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  refuses("F32", bytes_of<float>({0, 1, 2, 3, nan, infinity}), "holds a NaN at index [1, 1]");
  refuses("F32", bytes_of<float>({0, 1, -infinity, 3, nan, 5}),
          "holds an infinity at index [0, 2]");
  refuses("F16", bytes_of<uint16_t>({0x7c00, 0, 0, 0, 0, 0}), "holds an infinity at index [0, 0]");
  refuses("BF16", bytes_of<uint16_t>({0, 0, 0, 0, 0, 0x7fc0}), "holds a NaN at index [1, 2]");
  refuses("F64", bytes_of<double>({0, 0, 0, 1e300, 0, 0}), "holds an infinity at index [1, 0]");
}

TEST(Weights, OnlyFloatingDtypesAreWeights) {
  const Folder folder;
  const Weights weights(
      folder.file("x", framed(R"({"q":{"dtype":"F8_E4M3","shape":[2],"data_offsets":[0,2]},)"
                              R"("n":{"dtype":"I64","shape":[1],"data_offsets":[2,10]}})",
                              "ab12345678")));
  expect_error(ErrorCode::unsupported, "'q' is stored as F8_E4M3, but weights are",
               [&] { weights.expect("q", {2}); });
  expect_error(ErrorCode::unsupported, "'n' is stored as I64, but weights are",
               [&] { (void)weights.read<float>("n", {1}); });
}

TEST(SourceLine, StartsAtTheRepositoryRoot) {
  const auto here = std::source_location::current();
  EXPECT_EQ(source_line(here), "tests/weights/weights_test.cpp:" + std::to_string(here.line()));
}

}  // namespace
}  // namespace kintsugi::weights
