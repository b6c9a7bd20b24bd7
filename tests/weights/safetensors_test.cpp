// SPDX-License-Identifier: MIT
//
// Files as the format allows them, also its rare corners.
#include "runtime/weights/safetensors.h"

#include <cmath>
#include <string>
#include <vector>

#include "tests/weights/support.h"

namespace kintsugi::weights {
namespace {

using kintsugi::testing::bytes_of;
using kintsugi::testing::expect_error;
using kintsugi::testing::Folder;
using kintsugi::testing::framed;

/// A file of one tensor "t".
std::string one(const char* dtype, const char* shape, const std::string& data) {
  return framed(std::string(R"({"t":{"dtype":")") + dtype + R"(","shape":)" + shape +
                    R"(,"data_offsets":[0,)" + std::to_string(data.size()) + "]}}",
                data);
}

TEST(Safetensors, NamesShapesMetadataInTheOrderOfTheirBytes) {
  const Folder folder;
  const auto path =
      folder.file("x", framed(R"({"__metadata__":{"format":"pt","note":"naïve \"x\""},)"
                              R"("late":{"data_offsets":[8,12],"shape":[2,1],"dtype":"BF16"},)"
                              R"("early":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}      )",
                              bytes_of<float>({1.5f, -2.0f}) + std::string(4, '\0')));
  const SafetensorsFile file(path);
  EXPECT_EQ(file.path(), path);
  EXPECT_EQ(file.mapped_bytes(), static_cast<int64_t>(std::filesystem::file_size(path)));
  EXPECT_EQ(file.metadata().at("format"), "pt");
  EXPECT_EQ(file.metadata().at("note"), "naïve \"x\"");
  ASSERT_EQ(file.tensors().size(), 2u);
  EXPECT_EQ(file.tensors()[0].name, "early");
  EXPECT_EQ(file.tensors()[1].name, "late");
  EXPECT_EQ(file.find("late"), &file.tensors()[1]);
  EXPECT_EQ(file.find("lat"), nullptr);
  EXPECT_EQ(file.find(""), nullptr);
  EXPECT_EQ(file.tensors()[1].shape, Shape({2, 1}));
  EXPECT_EQ(file.tensors()[1].dtype, DType::bf16);
  EXPECT_EQ(file.tensors()[1].dtype_name, "BF16");
  EXPECT_EQ(file.values<float>(file.tensors()[0]), (std::vector<float>{1.5f, -2.0f}));
}

TEST(Safetensors, EmptyFilesAreFiles) {
  const Folder folder;
  EXPECT_TRUE(SafetensorsFile(folder.file("a", framed("{}"))).tensors().empty());
  EXPECT_TRUE(SafetensorsFile(folder.file("b", framed("{}   \n"))).tensors().empty());
  const SafetensorsFile file(folder.file("c", framed(R"({"__metadata__":{}})")));
  EXPECT_TRUE(file.tensors().empty());
  EXPECT_TRUE(file.metadata().empty());
}

TEST(Safetensors, ScalarsAndExtentsOfZero) {
  const Folder folder;
  const SafetensorsFile file(
      folder.file("x", framed(R"({"full":{"dtype":"F32","shape":[],"data_offsets":[0,4]},)"
                              R"("none":{"dtype":"F32","shape":[3,0,2],"data_offsets":[0,0]},)"
                              R"("last":{"dtype":"F64","shape":[0],"data_offsets":[4,4]}})",
                              bytes_of<float>({7.0f}))));
  EXPECT_EQ(file.find("full")->shape, Shape());
  EXPECT_EQ(file.values<double>(*file.find("full")), std::vector<double>{7.0});
  EXPECT_EQ(file.find("none")->shape, Shape({3, 0, 2}));
  EXPECT_TRUE(file.values<float>(*file.find("none")).empty());
  EXPECT_TRUE(file.values<float>(*file.find("last")).empty());
}

TEST(Safetensors, DataNeedNoAlignment) {
  const Folder folder;
  const SafetensorsFile file(
      folder.file("x", framed(R"({"b":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                              R"("d":{"dtype":"F64","shape":[2],"data_offsets":[1,17]}} )",
                              std::string("\5") + bytes_of<double>({1e-300, 0.1}))));
  EXPECT_EQ(file.values<float>(*file.find("b")), std::vector<float>{5.0f});
  EXPECT_EQ(file.values<double>(*file.find("d")), (std::vector<double>{1e-300, 0.1}));
}

TEST(Safetensors, EveryDtypeIsWidened) {
  const Folder folder;
  const auto widened = [&](const char* dtype, const char* shape, const std::string& data) {
    const SafetensorsFile file(folder.file("x", one(dtype, shape, data)));
    const std::vector<float> narrow = file.values<float>(file.tensors()[0]);
    const std::vector<double> wide = file.values<double>(file.tensors()[0]);
    for (size_t i = 0; i < wide.size(); ++i) {
      EXPECT_EQ(narrow[i], static_cast<float>(wide[i])) << dtype;
    }
    return wide;
  };
  using Doubles = std::vector<double>;
  EXPECT_EQ(widened("F64", "[2]", bytes_of<double>({0.1, -1e300 * 0})), (Doubles{0.1, -0.0}));
  EXPECT_EQ(widened("F32", "[2]", bytes_of<float>({0.1f, 1e-45f})), (Doubles{0.1f, 1e-45f}));
  // 1, -2, the largest, the smallest subnormal, 1/3
  EXPECT_EQ(widened("F16", "[5]", bytes_of<uint16_t>({0x3c00, 0xc000, 0x7bff, 0x0001, 0x3555})),
            (Doubles{1.0, -2.0, 65504.0, 0x1p-24, 0.333251953125}));
  EXPECT_EQ(widened("BF16", "[3]", bytes_of<uint16_t>({0x3f80, 0xc049, 0x7f7f})),
            (Doubles{1.0, -3.140625, 0x1.fep127}));
  EXPECT_EQ(widened("I64", "[2]", bytes_of<int64_t>({-3, int64_t{1} << 40})),
            (Doubles{-3.0, 0x1p40}));
  EXPECT_EQ(widened("I32", "[2]", bytes_of<int32_t>({-3, 1 << 20})), (Doubles{-3.0, 0x1p20}));
  EXPECT_EQ(widened("U8", "[2]", std::string("\x00\xff", 2)), (Doubles{0.0, 255.0}));
}

TEST(Safetensors, InfinitiesAndNansPassThroughUnchecked) {
  const Folder folder;
  const SafetensorsFile file(
      folder.file("x", one("F16", "[2]", bytes_of<uint16_t>({0xfc00, 0x7e00}))));
  const std::vector<float> values = file.values<float>(file.tensors()[0]);
  EXPECT_EQ(values[0], -INFINITY);
  EXPECT_TRUE(std::isnan(values[1]));
}

TEST(Safetensors, OtherDtypesOpenAndOnlyReadingThemFails) {
  const Folder folder;
  for (const char* dtype : {"BOOL", "I8", "F8_E4M3", "F8_E5M2"}) {
    const SafetensorsFile file(folder.file("x", one(dtype, "[3]", "abc")));
    EXPECT_EQ(file.tensors()[0].dtype, std::nullopt);
    EXPECT_EQ(file.tensors()[0].dtype_name, dtype);
    EXPECT_EQ(file.tensors()[0].bytes.size(), 3u);
    expect_error(ErrorCode::unsupported,
                 "x': tensor 't' is stored as " + std::string(dtype) + ", which is not read",
                 [&] { (void)file.values<float>(file.tensors()[0]); });
  }
  const SafetensorsFile packed(folder.file("x", one("F4", "[2,3]", "abc")));
  EXPECT_EQ(packed.tensors()[0].shape, Shape({2, 3}));
}

/// Resident bytes of this process, from the system's own account.
int64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  int64_t total = 0;
  int64_t resident = 0;
  statm >> total >> resident;
  return resident * ::sysconf(_SC_PAGESIZE);
}

TEST(Safetensors, OpeningReadsNoDataAndPagesCanBeReleased) {
  constexpr int64_t kBytes = 64 << 20;
  const Folder folder;
  const auto path = folder.file(
      "x", framed(R"({"t":{"dtype":"U8","shape":[67108864],"data_offsets":[0,67108864]}})"));
  std::filesystem::resize_file(path, std::filesystem::file_size(path) + kBytes);  // sparse
  const int64_t before = resident_bytes();
  const SafetensorsFile file(path);
  EXPECT_LT(resident_bytes() - before, kBytes / 8);
  const auto touch = [&] {
    uint64_t sum = 0;
    for (const std::byte byte : file.tensors()[0].bytes) sum += std::to_integer<uint64_t>(byte);
    return sum;
  };
  EXPECT_EQ(touch(), 0u);
  EXPECT_GT(resident_bytes() - before, kBytes / 2);
  file.release_pages(file.tensors()[0]);
  EXPECT_LT(resident_bytes() - before, kBytes / 8);
  EXPECT_EQ(touch(), 0u);  // and may be read again
  file.release_pages(std::span<const std::byte>());
}

TEST(Safetensors, AFileReplacedByRenameStaysReadable) {
  const Folder folder;
  const auto path = folder.file("x", one("F32", "[1]", bytes_of<float>({1.0f})));
  const SafetensorsFile file(path);
  std::filesystem::rename(folder.file("y", "something else"), path);
  EXPECT_EQ(file.values<float>(file.tensors()[0]), std::vector<float>{1.0f});
}

}  // namespace
}  // namespace kintsugi::weights
