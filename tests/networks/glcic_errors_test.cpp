// SPDX-License-Identifier: MIT
//
// What GLCIC refuses, and in which words.
#include <unistd.h>

#include "tests/networks/support.h"

namespace kintsugi {
namespace {

using namespace test;

TEST(Glcic, RefusesWithOneSentence) {
  Session session = model().session();
  const Image picture = random_picture(16, 16, 3);
  Error error = error_of([&] { (void)session.inpaint(picture, box_mask(8, 16, 0, 0, 4, 4)); });
  EXPECT_EQ(error.code(), ErrorCode::mismatch);
  EXPECT_STREQ(error.what(), "the mask is 8x16, the picture 16x16; they must have one size");

  error = error_of([&] {
    (void)session.run({{"input", {{1, 3, 8, 8}, std::vector<float>(192)}}});
  });
  EXPECT_STREQ(error.what(), "the input 'input' is [1, 3, 8, 8], expected [N, 4, H, W]");

  error = error_of([&] { (void)session.run({{"x", random_input(1, 8, 8)}}); });
  EXPECT_STREQ(error.what(), "there is no input named 'x'");

  error = error_of([&] { (void)session.run({}); });
  EXPECT_STREQ(error.what(), "the input 'input' [N, 4, H, W] is missing");

  error = error_of([&] {
    (void)session.run({{"input", random_input(1, 8, 8)}}, {.settings = {{"psi", "1"}}});
  });
  EXPECT_EQ(error.code(), ErrorCode::usage);
  EXPECT_STREQ(error.what(), "unknown setting 'psi'");

  Tensor with_nan = random_input(1, 8, 8);
  with_nan.values[70] = NAN;
  error = error_of([&] { (void)session.run({{"input", with_nan}}); });
  EXPECT_EQ(error.code(), ErrorCode::not_finite);
  EXPECT_STREQ(
      error.what(),
      "the input 'input' holds a NaN or an infinity, first at batch item 0, channel 1, row 0, "
      "column 6");

  error = error_of([&] { (void)model().session({.device = "cuda"}); });
  EXPECT_EQ(error.code(), ErrorCode::device_unavailable);

  error = error_of([&] {
    Session tight = model().session({.max_memory = 1000});
    (void)tight.run({{"input", random_input(1, 8, 8)}});
  });
  EXPECT_EQ(error.code(), ErrorCode::out_of_memory);
}

TEST(Glcic, AnImageMustHoldItsPixels) {
  Session session = model().session();
  Image short_of_pixels{4000, 4000, 3, {1, 2, 3}};
  const Error error =
      error_of([&] { (void)session.inpaint(short_of_pixels, box_mask(16, 16, 0, 0, 4, 4)); });
  EXPECT_EQ(error.code(), ErrorCode::mismatch);
  EXPECT_STREQ(error.what(), "an image says 4000x4000 pixels of 3 channels and holds 3 bytes");
  short_of_pixels.width = short_of_pixels.height = int64_t{1} << 31;
  EXPECT_EQ(error_of([&] { ImageView{short_of_pixels}; }).code(), ErrorCode::mismatch);
}

TEST(Glcic, AViewMustBeOfSomethingKnown) {
  Session session = model().session();
  const Image mask = box_mask(4, 4, 0, 0, 2, 2);
  const uint8_t pixels[64] = {};
  Error error = error_of([&] { (void)session.inpaint({4, 4, 3, pixels, 12}, mask); });
  EXPECT_STREQ(error.what(), "a picture has 8 or 16 bits a channel, not 12");
  error = error_of([&] { (void)session.inpaint({4, 4, 5, pixels}, mask); });
  EXPECT_STREQ(error.what(), "a picture has 1 to 4 channels, not 5");
}

// One plan fits the limit; what the others packed is given back before a new one is refused.
TEST(Glcic, AMemoryLimitHoldsForSeveralPlans) {
  const Model m = model();
  int64_t limit = 0;
  const std::vector<std::vector<std::string>> plans = {{}, {"fold"}, {"fuse"}, {"select"}};
  for (const auto& without : plans) {
    limit = std::max(limit, m.plan({.height = 64, .width = 96, .without = without}).memory.peak());
  }
  Session session = m.session({.max_memory = limit});
  for (int round = 0; round < 2; ++round) {
    for (const auto& without : plans) {
      const Tensors got = session.run(input_of(reference()), {.without = without});
      EXPECT_LT(relative_l2(got.at("output"), reference().at("output/output")), 1e-5);
      EXPECT_LE(session.allocated_bytes(), limit);
    }
  }
}

TEST(Glcic, AMisfitNamesItsRowOfTheTable) {
  const Error error = error_of([&] {
    (void)model().session().run({{"input", Tensor{{1, 4, 0, 8}, {}}}});
  });
  EXPECT_EQ(error.code(), ErrorCode::mismatch);  // empty: refused before recording
  // Every layer states its own line: no two convolutions share one.
  std::vector<std::string> lines;
  for (const char* key : {"0.0.weight", "7.0.weight", "12.0.weight"}) {
    const weights::SafetensorsFile file(kData / "glcic_ch8.safetensors");
    Tensors tensors = read_tensors(kData / "glcic_ch8.safetensors");
    Tensor& weight = tensors.at(key);
    weight.shape = Shape{weight.shape[0], weight.shape[1], weight.shape[2] * weight.shape[3], 1};
    const auto path = std::filesystem::temp_directory_path() /
                      ("kintsugi_line_" + std::to_string(getpid()) + ".safetensors");
    write_tensors(path, tensors);
    const std::string sentence = error_of([&] { (void)Model::open(path); }).what();
    std::filesystem::remove(path);
    const size_t at = sentence.find("net.cpp:");
    ASSERT_NE(at, std::string::npos) << sentence;
    lines.push_back(sentence.substr(at, sentence.find(' ', at) - at));
  }
  EXPECT_NE(lines[0], lines[1]);
  EXPECT_NE(lines[1], lines[2]);
}

TEST(Glcic, AnOverflowNamesItsLayer) {
  Tensor huge = random_input(1, 8, 8);
  for (float& value : huge.values)
    value = value * 2 * 3e38f;  // up to 3e38: finite, but no sum of them is
  const Error error = error_of([&] { (void)model().session().run({{"input", huge}}); });
  EXPECT_EQ(error.code(), ErrorCode::not_finite);
  EXPECT_TRUE(std::string(error.what()).starts_with("the output of layer '0.2' holds a NaN"))
      << error.what();
}

// A view of pixels that nobody checked: every task refuses what is no image before it reads one.
TEST(Session, TasksRefuseViewsThatAreNoImages) {
  const std::vector<uint8_t> pixels(32 * 32 * 5 * 4);
  const auto view = [&](int64_t channels, int64_t bits) {
    return ImageView(32, 32, channels, pixels.data(), bits);
  };
  const Image mask = box_mask(32, 32, 4, 4, 9, 9);
  Session mends = model().session();
  Session translates = Model::open(kData / "cyclegan_resnet6_k8.safetensors").session();
  for (const auto& [channels, bits] : {std::pair{3, 32}, {3, 12}, {5, 8}, {0, 8}}) {
    SCOPED_TRACE(std::to_string(channels) + " channels of " + std::to_string(bits) + " bits");
    const ImageView wrong = view(channels, bits);
    EXPECT_EQ(error_of([&] { (void)translates.translate(wrong); }).code(), ErrorCode::usage);
    EXPECT_EQ(error_of([&] { (void)mends.inpaint(wrong, mask); }).code(), ErrorCode::usage);
  }
  EXPECT_EQ(translates.translate(view(4, 16)).bits, 16);
}

}  // namespace
}  // namespace kintsugi
