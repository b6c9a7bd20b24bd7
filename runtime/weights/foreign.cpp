// SPDX-License-Identifier: MIT
#include "runtime/weights/foreign.h"

#include <array>

namespace kintsugi::weights {
namespace {

using namespace std::string_view_literals;

struct Magic {
  std::string_view bytes;
  ForeignFormat format;
};

constexpr std::string_view kDownloadAgain = "download it again, following the link to the raw file";
constexpr std::string_view kIsPicture = "pictures go to the input, weights to --model";

constexpr auto kMagics = std::to_array<Magic>({
    {"PK\x03\x04"sv, {"a PyTorch checkpoint (zip)", {}, true}},
    {"PK\x05\x06"sv, {"an empty zip archive", {}, false}},
    {"\x80\x02"sv, {"a PyTorch checkpoint (pickle)", {}, true}},
    {"\x80\x03"sv, {"a PyTorch checkpoint (pickle)", {}, true}},
    {"\x80\x04"sv, {"a PyTorch checkpoint (pickle)", {}, true}},
    {"\x80\x05"sv, {"a PyTorch checkpoint (pickle)", {}, true}},
    // A Torch7 object (4) or table (3), the first of the file (1), little-endian.
    {"\x04\0\0\0\x01\0\0\0"sv, {"a Torch7 checkpoint (.t7)", {}, true}},
    {"\x03\0\0\0\x01\0\0\0"sv, {"a Torch7 checkpoint (.t7)", {}, true}},
    {"GGUF"sv, {"a GGUF file", "look for the PyTorch or safetensors original", false}},
    {"\x89HDF\r\n\x1a\n"sv,
     {"an HDF5 file (Keras)", "look for a PyTorch or safetensors original", false}},
    {"\x93NUMPY"sv, {"a NumPy array", "save the whole state dict as safetensors", false}},
    {"\x1f\x8b"sv, {"a gzip archive", "unpack it first", false}},
    {"version https://git-lfs"sv,
     {"a Git LFS pointer, not the file itself", "fetch the file with: git lfs pull", false}},
    {"<!DOCTYPE"sv, {"a web page", kDownloadAgain, false}},
    {"<!doctype"sv, {"a web page", kDownloadAgain, false}},
    {"<html"sv, {"a web page", kDownloadAgain, false}},
    {"\x89PNG"sv, {"a PNG picture", kIsPicture, false}},
    {"\xff\xd8\xff"sv, {"a JPEG picture", kIsPicture, false}},
});

}  // namespace

ForeignFormat recognise_foreign(std::span<const std::byte> file) {
  const std::string_view text(reinterpret_cast<const char*>(file.data()), file.size());
  for (const Magic& magic : kMagics) {
    if (text.starts_with(magic.bytes)) return magic.format;
  }
  return {};
}

}  // namespace kintsugi::weights
