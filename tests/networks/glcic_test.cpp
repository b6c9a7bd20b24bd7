// SPDX-License-Identifier: MIT
//
// GLCIC through the public header, against an eight-channel network whose every layer PyTorch
// computed (tests/data/README.md says how). The full width is compared in tests/networks/*.py.
#include <gtest/gtest.h>

#include <unistd.h>

#include <cmath>
#include <random>

#include "kintsugi/kintsugi.hpp"
#include "runtime/weights/safetensors.h"

namespace kintsugi {
namespace {

const std::filesystem::path kData = KINTSUGI_TEST_DATA;

Model model() { return Model::open(kData / "glcic_ch8.safetensors"); }

Tensors input_of(const Tensors& reference) { return {{"input", reference.at("input/input")}}; }

const Tensors& reference() {
  static const Tensors tensors = read_tensors(kData / "glcic_ch8_ref.safetensors");
  return tensors;
}

double relative_l2(const Tensor& a, const Tensor& b) {
  if (!(a.shape == b.shape)) return INFINITY;
  double difference = 0;
  double norm = 0;
  for (size_t i = 0; i < a.values.size(); ++i) {
    difference += std::pow(double(a.values[i]) - double(b.values[i]), 2);
    norm += std::pow(double(b.values[i]), 2);
  }
  return std::sqrt(difference / norm);
}

Tensor random_input(int64_t batch, int64_t height, int64_t width) {
  std::mt19937 engine(7);
  std::uniform_real_distribution<float> uniform(-0.5f, 0.5f);
  Tensor tensor{{batch, 4, height, width}, {}};
  tensor.values.resize(static_cast<size_t>(tensor.shape.elements()));
  for (float& value : tensor.values) value = uniform(engine);
  return tensor;
}

Image random_picture(int64_t width, int64_t height, int64_t channels) {
  std::mt19937 engine(11);
  Image image{width, height, channels, {}};
  image.pixels.resize(static_cast<size_t>(width * height * channels));
  for (uint8_t& value : image.pixels) value = static_cast<uint8_t>(engine() & 255);
  return image;
}

/// A grey picture, white inside [x0, x1) x [y0, y1).
Image box_mask(int64_t width, int64_t height, int64_t x0, int64_t y0, int64_t x1, int64_t y1) {
  Image mask{width, height, 1, std::vector<uint8_t>(static_cast<size_t>(width * height))};
  for (int64_t y = y0; y < y1; ++y) {
    for (int64_t x = x0; x < x1; ++x) mask.pixels[static_cast<size_t>(y * width + x)] = 255;
  }
  return mask;
}

template <class F>
Error error_of(F&& f) {
  try {
    f();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "nothing was thrown";
  return {ErrorCode::internal, ""};
}

TEST(Glcic, DescribesItself) {
  const Description d = model().describe();
  EXPECT_EQ(d.network, "glcic");
  EXPECT_EQ(d.title, "GLCIC completion network, 8 channels");
  EXPECT_NE(d.variant.find("'triples'"), std::string::npos) << d.variant;
  EXPECT_EQ(d.mask_polarity, "1 = hole");
  EXPECT_EQ(d.size_multiple, 4);
  EXPECT_TRUE(d.unused_keys.empty());
}

class OnDevice : public testing::TestWithParam<const char*> {};

TEST_P(OnDevice, AgreesWithPyTorchAtOutputsAndTaps) {
  Session session = model().session({.device = GetParam(), .check_memory = true});
  for (const bool keep_all : {false, true}) {
    const Tensors got = session.run(input_of(reference()), {.taps = true, .keep_all = keep_all});
    EXPECT_LT(relative_l2(got.at("output"), reference().at("output/output")), 1e-5);
    int compared = 0;
    for (const auto& [name, tensor] : reference()) {
      if (!name.starts_with("tap/") || !got.contains(name)) continue;
      EXPECT_LT(relative_l2(got.at(name), tensor), 1e-5) << name;
      ++compared;
    }
    // Fused, the last tap holds conv17 and its sigmoid; sixteen blocks end in a ReLU.
    EXPECT_EQ(compared, keep_all ? 17 : 16);
  }
}

TEST_P(OnDevice, LeavingAPassOutAgrees) {
  Session session = model().session({.device = GetParam(), .check_memory = true});
  for (const char* pass : {"fold", "fuse", "select", "layout", "place"}) {
    const Tensors got = session.run(input_of(reference()), {.without = {pass}});
    EXPECT_LT(relative_l2(got.at("output"), reference().at("output/output")), 1e-5) << pass;
  }
}

TEST_P(OnDevice, PlansItsMemoryToTheByte) {
  const Model m = model();
  const PlanSummary plan = m.plan({.height = 64, .width = 96, .device = GetParam()});
  Session session = m.session({.device = GetParam()});
  EXPECT_EQ(session.peak_allocated_bytes(), 0);
  (void)session.run(input_of(reference()));
  EXPECT_EQ(session.allocated_bytes(), plan.memory.peak());
  EXPECT_EQ(session.peak_allocated_bytes(), plan.memory.peak());
}

INSTANTIATE_TEST_SUITE_P(, OnDevice, testing::Values("cpu", "reference", "reference-f64"),
                         [](const auto& device) {
                           std::string name = device.param;
                           std::erase(name, '-');
                           return name;
                         });

TEST(Glcic, SameBitsForAnyThreadCountAndBatch) {
  const Tensor three = random_input(3, 41, 67);
  Tensor expected;
  for (const int threads : {1, 2, 3}) {
    Session session = model().session({.threads = threads});
    const Tensor got = session.run({{"input", three}}).at("output");
    if (threads == 1) expected = got;
    EXPECT_EQ(got.values, expected.values) << threads << " threads";
  }
  Session session = model().session();
  const size_t in = three.values.size() / 3;
  const size_t out = expected.values.size() / 3;
  for (size_t n = 0; n < 3; ++n) {
    const auto begin = three.values.begin() + static_cast<std::ptrdiff_t>(n * in);
    const Tensor one{{1, 4, 41, 67}, {begin, begin + static_cast<std::ptrdiff_t>(in)}};
    const Tensor got = session.run({{"input", one}}).at("output");
    EXPECT_TRUE(std::equal(got.values.begin(), got.values.end(),
                           expected.values.begin() + static_cast<std::ptrdiff_t>(n * out)))
        << "sample " << n;
  }
}

// Pictures so large that the convolutions of 32 channels run in Winograd's form.
constexpr int64_t kLarge[2] = {160, 128};

TEST(Glcic, WithWinogradItAgreesWithinItsToleranceAndWithoutClosely) {
  const Model m = model();
  const PlanSummary plan = m.plan({.height = kLarge[0], .width = kLarge[1]});
  EXPECT_EQ(plan.tolerance, 1e-4);
  EXPECT_EQ(m.plan({.height = 64, .width = 96}).tolerance, 1e-5);  // too few tiles
  EXPECT_NE(plan.table.find("winograd"), std::string::npos);
  const Tensors input{{"input", random_input(1, kLarge[0], kLarge[1])}};
  const Tensor right = m.session({.device = "reference-f64"}).run(input).at("output");
  Session session = m.session({.threads = 2, .check_memory = true});
  EXPECT_LT(relative_l2(session.run(input).at("output"), right), 1e-4);
  const Tensors direct = session.run(input, {.without = {"winograd"}});
  EXPECT_LT(relative_l2(direct.at("output"), right), 1e-5);
}

TEST(Glcic, WithWinogradTheBitsAreTheSameForAnyThreadCountAndMemoryIsPlanned) {
  const Model m = model();
  const Tensors input{{"input", random_input(2, kLarge[0], kLarge[1])}};
  Tensor expected;
  for (const int threads : {1, 2, 3}) {
    const PlanSummary plan =
        m.plan({.batch = 2, .height = kLarge[0], .width = kLarge[1], .threads = threads});
    Session session = m.session({.threads = threads});
    const Tensor got = session.run(input).at("output");
    if (threads == 1) expected = got;
    EXPECT_EQ(got.values, expected.values) << threads << " threads";
    EXPECT_EQ(session.peak_allocated_bytes(), plan.memory.peak()) << threads << " threads";
  }
}

TEST(Glcic, WinogradIsDroppedWhereMemoryIsShort) {
  const Model m = model();
  PlanOptions options{.height = kLarge[0], .width = kLarge[1], .without = {"winograd"}};
  const int64_t direct = m.plan(options).memory.peak();
  options.without = {};
  ASSERT_GT(m.plan(options).memory.peak(), direct);
  options.max_memory = direct;
  const PlanSummary plan = m.plan(options);
  EXPECT_EQ(plan.memory.peak(), direct);
  EXPECT_EQ(plan.tolerance, 1e-5);
  Session session = m.session({.max_memory = direct});
  const Tensors input{{"input", random_input(1, kLarge[0], kLarge[1])}};
  EXPECT_EQ(session.run(input).at("output").values,
            m.session().run(input, {.without = {"winograd"}}).at("output").values);
  EXPECT_EQ(session.peak_allocated_bytes(), direct);
  options.max_memory = direct - 1;
  EXPECT_EQ(error_of([&] { (void)m.plan(options); }).code(), ErrorCode::out_of_memory);
}

TEST(Glcic, TwoSessionsShareWeightsAndDisturbNobody) {
  const Model m = model();
  Session a = m.session();
  const Tensor before = a.run(input_of(reference())).at("output");
  Session b = m.session();
  (void)b.run({{"input", random_input(1, 20, 24)}});
  EXPECT_EQ(a.run(input_of(reference())).at("output").values, before.values);
}

TEST(Glcic, OutputsAreRoundedUpToMultiplesOfFour) {
  const Tensors got = model().session().run({{"input", random_input(1, 61, 66)}});
  EXPECT_EQ(got.at("output").shape, Shape({1, 3, 64, 68}));
}

TEST(Glcic, MendsAsTheOfficialCodeDoes) {
  const weights::SafetensorsFile official(kData / "glcic_ch8_pre_post.safetensors");
  const auto bytes = [&](const char* name, int64_t channels) {
    const weights::StoredTensor& tensor = *official.find(name);
    Image image{tensor.shape[1], tensor.shape[0], channels, {}};
    for (const std::byte value : tensor.bytes) image.pixels.push_back(static_cast<uint8_t>(value));
    return image;
  };
  const Image picture = bytes("picture", 3);
  Image mask = bytes("mask", 1);
  for (uint8_t& value : mask.pixels) value = value != 0 ? 255 : 0;
  const Image expected = bytes("composite_bytes", 3);
  const Image mended = model().session().inpaint(picture, mask);
  int64_t off_by_one = 0;
  for (size_t i = 0; i < expected.pixels.size(); ++i) {
    const int difference = std::abs(int{mended.pixels[i]} - int{expected.pixels[i]});
    ASSERT_LE(difference, 1) << "byte " << i;  // truncation turns a rounding error into one
    off_by_one += difference;
  }
  EXPECT_LT(off_by_one, 5);
}

TEST(Glcic, KnownPixelsAreBitExactAtAnySizeAndKind) {
  Session session = model().session();
  for (const auto& [width, height] :
       std::vector<std::pair<int64_t, int64_t>>{{1, 1}, {5, 3}, {33, 18}, {64, 64}}) {
    for (const int64_t channels : {1, 2, 3, 4}) {
      for (const int64_t max_side : {0, 16}) {
        const Image picture = random_picture(width, height, channels);
        const Image mask =
            box_mask(width, height, width / 4, height / 4, width / 2 + 1, height / 2 + 1);
        const Image mended = session.inpaint(picture, mask, {.max_side = max_side});
        ASSERT_EQ(mended.pixels.size(), picture.pixels.size());
        for (size_t i = 0; i < mended.pixels.size(); ++i) {
          const size_t pixel = i / static_cast<size_t>(channels);
          const bool alpha = channels % 2 == 0 &&
                             i % static_cast<size_t>(channels) == static_cast<size_t>(channels) - 1;
          if (mask.pixels[pixel] == 0 || alpha) {
            ASSERT_EQ(mended.pixels[i], picture.pixels[i]) << width << "x" << height;
          }
        }
      }
    }
  }
}

TEST(Glcic, TheHoleItselfDoesNotMatter) {
  Session session = model().session();
  Image picture = random_picture(40, 40, 3);
  const Image mask = box_mask(40, 40, 10, 10, 20, 20);
  const Image first = session.inpaint(picture, mask);
  for (int64_t y = 10; y < 20; ++y) {
    for (int64_t x = 10; x < 20; ++x) picture.pixels[static_cast<size_t>((y * 40 + x) * 3)] ^= 255;
  }
  EXPECT_EQ(session.inpaint(picture, mask).pixels, first.pixels);
}

TEST(Glcic, EmptyAndNearlyFullMasksWarn) {
  std::vector<std::string> warnings;
  Session session =
      model().session({.warn = [&](const std::string& sentence) { warnings.push_back(sentence); }});
  const Image picture = random_picture(16, 16, 3);
  EXPECT_EQ(session.inpaint(picture, box_mask(16, 16, 0, 0, 0, 0)).pixels, picture.pixels);
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_NE(warnings[0].find("selects nothing"), std::string::npos);
  (void)session.inpaint(picture, box_mask(16, 16, 0, 0, 16, 16));
  ASSERT_EQ(warnings.size(), 2u);
  EXPECT_NE(warnings[1].find("100 %"), std::string::npos);
  (void)session.inpaint(picture, box_mask(16, 16, 0, 0, 16, 16), {.invert_mask = true});
  EXPECT_EQ(warnings.size(), 3u);
}

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
  EXPECT_STREQ(error.what(),
               "the input 'input' holds a NaN or an infinity, first at sample 0, channel 1, row 0, "
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

TEST(Glcic, ProgressRisesAndCanStop) {
  std::vector<double> fractions;
  Session session = model().session({.progress = [&](double fraction, const std::string&) {
    fractions.push_back(fraction);
    return fractions.size() < 5;
  }});
  const Error error = error_of([&] { (void)session.run({{"input", random_input(1, 8, 8)}}); });
  EXPECT_EQ(error.code(), ErrorCode::cancelled);
  EXPECT_EQ(fractions.size(), 5u);
  EXPECT_TRUE(std::is_sorted(fractions.begin(), fractions.end()));
}

TEST(Glcic, ProfilesEveryStepAndTracesByKey) {
  Session session = model().session();
  const Profile profile = session.profile({.height = 32, .width = 32, .runs = 3});
  ASSERT_EQ(profile.rows.size(), 17u);
  EXPECT_EQ(profile.rows.front().name, "0.2");
  EXPECT_GT(profile.peaks.gflops, 0);
  EXPECT_NE(session.trace().find("\"15.2\""), std::string::npos);
  EXPECT_EQ(error_of([&] { (void)session.profile({.runs = 0}); }).code(), ErrorCode::usage);
}

}  // namespace
}  // namespace kintsugi
