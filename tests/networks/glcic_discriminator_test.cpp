// SPDX-License-Identifier: MIT
//
// GLCIC's discriminators through the public header, on a file of four channels that the test makes:
// what their two views of a picture are, and what raw inputs of several shapes must be. Their numbers
// are compared in tests/networks/glcic_discriminator_test.py.
#include "runtime/image/pixel.h"
#include "runtime/image/resize.h"
#include "tests/networks/support.h"
#include "tests/weights/support.h"

namespace kintsugi {
namespace {

using namespace test;

constexpr int64_t kLocal = 32;
constexpr int64_t kGlobal = 64;

enum class Port : uint8_t { otenim, mmediting, liruilong };

/// Where a port keeps a convolution, its norm, a view's linear layer and the last one.
struct Names {
  std::string conv, norm, linear, last;
};
Names names_of(Port port, const std::string& view, int i) {
  const std::string number = std::to_string(i);
  switch (port) {
    case Port::otenim: {
      const std::string model = view == "local" ? "model_ld." : "model_gd.";
      return {model + "conv" + number, model + "bn" + number, model + "linear" + number, "linear1"};
    }
    case Port::mmediting: {
      const std::string block = view + "_disc.conv" + number;
      return {block + ".conv", block + ".bn", view + "_disc.fc.linear", "fc"};
    }
    case Port::liruilong: {
      const std::string block = view + "_conv" + number;
      return {block + ".conv", block + ".bn", view + "_fc", "fc"};
    }
  }
  return {};
}

Tensors random_weights(Port port = Port::liruilong) {
  std::mt19937 engine(3);
  std::uniform_real_distribution<float> uniform(-0.3f, 0.3f);
  Tensors all;
  const auto add = [&](const std::string& key, const Shape& shape, float base = 0) {
    Tensor& tensor = all[key];
    tensor.shape = shape;
    tensor.values.resize(static_cast<size_t>(shape.elements()));
    for (float& value : tensor.values) value = base + uniform(engine);
  };
  for (const auto& [view, layers] : {std::pair{"local", 5}, std::pair{"global", 6}}) {
    int64_t channels = 3;
    for (int i = 1; i <= layers; ++i) {
      const int64_t out = 4 * std::min(1 << (i - 1), 8);
      const Names names = names_of(port, view, i);
      add(names.conv + ".weight", {out, channels, 5, 5});
      if (port != Port::mmediting) add(names.conv + ".bias", {out});
      for (const char* leaf : {".bias", ".running_mean"}) add(names.norm + leaf, {out});
      for (const char* leaf : {".weight", ".running_var"}) add(names.norm + leaf, {out}, 1);
      channels = out;
    }
    const std::string linear = names_of(port, view, layers + 1).linear;
    add(linear + ".weight", {8, channels});
    add(linear + ".bias", {8});
  }
  add(names_of(port, "local", 1).last + ".weight", {1, 16});
  add(names_of(port, "local", 1).last + ".bias", {1});
  return all;
}

class Discriminators : public ::testing::Test {
 protected:
  Discriminators() {
    write_tensors(folder_.path() / "d.safetensors", random_weights());
    model_.emplace(Model::open(folder_.path() / "d.safetensors"));
  }

  testing::Folder folder_;
  std::optional<Model> model_;
};

/// The view as the port takes it.
Tensor as_taken(Port port, const Tensor& rgb) {
  if (port != Port::mmediting) return rgb;
  Tensor bgr = rgb;
  const size_t plane = rgb.values.size() / 3;
  for (size_t i = 0; i < rgb.values.size(); ++i) {
    bgr.values[i] = 2 * rgb.values[(2 - i / plane) * plane + i % plane] - 1;
  }
  return bgr;
}

/// The patch whose first pixel is (y0, x0), border pixels repeated, as [1, 3, size, size].
Tensor patch(const Image& picture, int64_t y0, int64_t x0) {
  Tensor tensor{{1, 3, kLocal, kLocal}, {}};
  for (int64_t c = 0; c < 3; ++c) {
    for (int64_t y = y0; y < y0 + kLocal; ++y) {
      for (int64_t x = x0; x < x0 + kLocal; ++x) {
        const int64_t row = std::min(y, picture.height - 1);
        const int64_t column = std::min(x, picture.width - 1);
        tensor.values.push_back(image::rgb_at(picture, row, column)[static_cast<size_t>(c)]);
      }
    }
  }
  return tensor;
}

Tensor whole(const Image& picture) {
  const image::FloatImage scaled = image::resize(picture, {kGlobal, kGlobal});
  Tensor tensor{{1, 3, kGlobal, kGlobal}, {}};
  for (size_t c = 0; c < 3; ++c) {
    for (size_t i = 0; i < kGlobal * kGlobal; ++i) {
      const size_t channel = picture.channels <= 2 ? 0 : c;
      tensor.values.push_back(scaled.values[i * static_cast<size_t>(picture.channels) + channel]);
    }
  }
  return tensor;
}

double sigmoid(double logit) { return 1 / (1 + std::exp(-logit)); }

TEST_F(Discriminators, DescribeTheirViews) {
  const Description d = model_->describe();
  EXPECT_EQ(d.network, "glcic-discriminator");
  ASSERT_EQ(d.inputs.size(), 2u);
  EXPECT_EQ(d.inputs[0].shape, "[N, 3, 32, 32]");
  EXPECT_EQ(d.inputs[1].shape, "[N, 3, 64, 64]");
  EXPECT_TRUE(d.unused_keys.empty());
}

class DiscriminatorPorts : public Discriminators, public ::testing::WithParamInterface<Port> {};

TEST_P(DiscriminatorPorts, LookAtAPatchAroundTheHoleAndAtTheWhole) {
  const Port port = GetParam();
  write_tensors(folder_.path() / "port.safetensors", random_weights(port));
  Session session = Model::open(folder_.path() / "port.safetensors").session();
  const auto probability = [&](const Tensors& views) {
    const double score = double(session.run(views).at("score").values[0]);
    return port == Port::otenim ? score : sigmoid(score);
  };
  struct Case {
    int64_t width, height, channels;
    int64_t x0, y0, x1, y1;    // the hole
    int64_t patch_y, patch_x;  // where the patch must begin
  };
  for (const Case& c : {Case{100, 80, 3, 40, 30, 61, 41, 19, 34},   // around its middle
                        Case{100, 80, 4, 0, 0, 9, 9, 0, 0},         // moved inside the picture
                        Case{100, 80, 1, 90, 70, 100, 80, 48, 68},  // at the other corner
                        Case{20, 50, 3, 3, 40, 9, 45, 18, 0}}) {    // narrower than the patch
    const Image picture = random_picture(c.width, c.height, c.channels);
    const Image mask = box_mask(c.width, c.height, c.x0, c.y0, c.x1, c.y1);
    Tensors views{{"local", as_taken(port, patch(picture, c.patch_y, c.patch_x))},
                  {"global", as_taken(port, whole(picture))}};
    const double expected = probability(views);
    EXPECT_NEAR(session.score(picture, mask), expected, 1e-6) << c.width << " " << c.x0;
    views["local"] = as_taken(port, patch(picture, c.patch_y, c.patch_x > 0 ? c.patch_x - 1 : 1));
    EXPECT_GT(std::abs(probability(views) - expected), 1e-5) << "a patch beside it is told apart";
  }
}

INSTANTIATE_TEST_SUITE_P(Ports, DiscriminatorPorts,
                         ::testing::Values(Port::otenim, Port::mmediting, Port::liruilong));

TEST_F(Discriminators, JudgeAnInvertedMaskLikeTheMask) {
  Session session = model_->session();
  const Image picture = random_picture(90, 70, 3);
  const Image mask = box_mask(90, 70, 50, 40, 60, 60);
  Image inverted = mask;
  for (uint8_t& value : inverted.pixels) value = static_cast<uint8_t>(255 - value);
  EXPECT_EQ(session.score(picture, mask), session.score(picture, inverted, {.invert_mask = true}));
}

TEST_F(Discriminators, PlanTheirMemoryToTheByte) {
  Session session = model_->session({.check_memory = true});
  (void)session.score(random_picture(64, 64, 3), box_mask(64, 64, 8, 8, 20, 20));
  EXPECT_EQ(session.peak_allocated_bytes(), model_->plan().memory.peak());
}

TEST_F(Discriminators, RefuseInputsThatDoNotBelongTogether) {
  Session session = model_->session();
  const Image picture = random_picture(64, 64, 3);
  const Tensors good{{"local", patch(picture, 0, 0)}, {"global", whole(picture)}};
  EXPECT_EQ(session.run(good).at("score").shape, Shape({1, 1}));

  Tensors bad = good;
  bad.erase("global");
  EXPECT_STREQ(error_of([&] { (void)session.run(bad); }).what(),
               "the input 'global' [N, 3, 64, 64] is missing");
  bad = good;
  bad["local"].shape = {1, 3, 64, 16};
  EXPECT_STREQ(error_of([&] { (void)session.run(bad); }).what(),
               "the input 'local' is [1, 3, 64, 16], expected [N, 3, 32, 32]");
  bad = good;
  bad["global"].shape = {2, 3, 64, 64};
  bad["global"].values.resize(2 * good.at("global").values.size());
  EXPECT_STREQ(error_of([&] { (void)session.run(bad); }).what(),
               "the input 'global' is [2, 3, 64, 64], expected [N, 3, 64, 64] with N = 1");
  bad = good;
  bad["both"] = good.at("local");
  EXPECT_STREQ(error_of([&] { (void)session.run(bad); }).what(), "there is no input named 'both'");
  bad = good;
  bad["local"].values.pop_back();
  EXPECT_EQ(error_of([&] { (void)session.run(bad); }).code(), ErrorCode::mismatch);
}

TEST_F(Discriminators, DoNotFillHolesAndGlcicDoesNotJudge) {
  const Image picture = random_picture(64, 64, 3);
  const Image mask = box_mask(64, 64, 8, 8, 20, 20);
  Session judge = model_->session();
  Session fill = model().session();
  EXPECT_STREQ(error_of([&] { (void)judge.inpaint(picture, mask); }).what(),
               "glcic-discriminator does not inpaint");
  EXPECT_STREQ(error_of([&] { (void)fill.score(picture, mask); }).what(), "glcic does not score");
  EXPECT_EQ(error_of([&] { (void)judge.score(picture, random_picture(3, 3, 1)); }).code(),
            ErrorCode::mismatch);
}

TEST_F(Discriminators, WarnOfNothing) {
  std::string warned;
  Session session = model_->session({.warn = [&](const std::string& text) { warned += text; }});
  (void)session.score(random_picture(64, 64, 3), box_mask(64, 64, 8, 8, 20, 20));
  EXPECT_EQ(warned, "");  // one number is no constant picture
}

TEST_F(Discriminators, AFileWhoseLinearLayerFitsNoSquareIsRefused) {
  Tensors weights = random_weights();
  weights["local_fc.weight"] = {{8, 70}, std::vector<float>(8 * 70, 0.5f)};
  write_tensors(folder_.path() / "odd.safetensors", weights);
  const Error error = error_of([&] { (void)Model::open(folder_.path() / "odd.safetensors"); });
  EXPECT_EQ(error.code(), ErrorCode::mismatch);
  EXPECT_NE(std::string(error.what()).find("local_fc.weight"), std::string::npos) << error.what();
}

}  // namespace
}  // namespace kintsugi
