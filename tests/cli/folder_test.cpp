// SPDX-License-Identifier: MIT
//
// What counts as a picture's name, agrees with the library; which outputs stand for which inputs.
#include "runtime/cli/folder.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include <kintsugi/kintsugi.hpp>

namespace kintsugi::cli {
namespace {

using Paths = std::vector<std::filesystem::path>;

bool library_writes(const std::string& extension) {
  try {
    static_cast<void>(image_format("x." + extension));
    return true;
  } catch (const Error&) {
    return false;
  }
}

bool named_as_format(const std::string& extension) {
  try {
    check_format_name(extension);
    return true;
  } catch (const Error&) {
    return false;
  }
}

TEST(Folder, FormatsAreThoseOfTheLibrary) {
  for (const std::string extension : {"png", "jpg", "jpeg", "bmp", "tga", "ppm", "pgm", "pnm",
                                      "gif", "PNG", "webp", "tif", "tiff", "txt", "json"}) {
    EXPECT_EQ(named_as_format(extension), library_writes(extension)) << extension;
    if (library_writes(extension)) {
      EXPECT_TRUE(is_named_like_a_picture("x." + extension));
    }
  }
  for (const char* name : {"", ".", ".png", "x.png", "x/y.png", "png ", "/png"}) {
    EXPECT_FALSE(named_as_format(name)) << name;
  }
  EXPECT_TRUE(is_named_like_a_picture("x.GIF"));
  for (const char* name : {"x", "png", ".png", "x.", "x.png.txt"}) {
    EXPECT_FALSE(is_named_like_a_picture(name)) << name;
  }
}

TEST(Folder, OutputsKeepTheStemAndTheExtensionThatCanBeWritten) {
  const Paths inputs = {"in/a.png", "in/b.JPG", "in/c.gif", "in/d.e.pgm"};
  EXPECT_EQ(output_names(inputs, "out", ""),
            (Paths{"out/a.png", "out/b.JPG", "out/c.png", "out/d.e.pgm"}));
  EXPECT_EQ(output_names(inputs, "out", "bmp"),
            (Paths{"out/a.bmp", "out/b.bmp", "out/c.bmp", "out/d.e.bmp"}));
}

TEST(Folder, TwoOutputsOfOneNameAreRefused) {
  const Paths inputs = {"in/cat.jpg", "in/cat.png"};
  EXPECT_EQ(output_names(inputs, "out", "").size(), 2U);
  EXPECT_THROW(static_cast<void>(output_names(inputs, "out", "png")), Error);
  EXPECT_THROW(static_cast<void>(output_names({"in/cat.gif", "in/cat.png"}, "out", "")), Error);
}

}  // namespace
}  // namespace kintsugi::cli
