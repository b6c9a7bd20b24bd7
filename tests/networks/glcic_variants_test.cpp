// SPDX-License-Identifier: MIT
//
// What the ports of GLCIC do to pictures: what goes into the network, and which bytes come out of
// it. Module by module they are compared with PyTorch in glcic_variants_test.py.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>

#include "kintsugi/kintsugi.hpp"
#include "runtime/image/pixel.h"
#include "runtime/weights/safetensors.h"

namespace kintsugi {
namespace {

const std::filesystem::path kData = KINTSUGI_TEST_DATA;

/// A file of this process, gone with the test.
struct TemporaryFile {
  std::filesystem::path path = std::filesystem::temp_directory_path() /
                               ("glcic_variants_" + std::to_string(getpid()) + ".safetensors");
  ~TemporaryFile() { std::filesystem::remove(path); }
};

struct Pair {
  Image picture, mask;
};

const Pair& carried() {
  static const Pair pair = [] {
    const weights::SafetensorsFile file(kData / "glcic_otenim_k8_picture.safetensors");
    const auto image = [&](const char* name, int64_t channels, uint8_t factor) {
      const weights::StoredTensor& tensor = *file.find(name);
      Image result{tensor.shape[1], tensor.shape[0], channels, {}};
      for (const std::byte value : tensor.bytes) {
        result.pixels.push_back(static_cast<uint8_t>(factor * static_cast<uint8_t>(value)));
      }
      return result;
    };
    return Pair{image("picture", 3, 1), image("mask", 1, 255)};
  }();
  return pair;
}

/// The raw input for a picture: `colour(c, byte)` for known pixels, `hole[c]` elsewhere, c being
/// the channel of the tensor and `order[c]` that of the picture.
Tensor input_of(const Pair& pair, const std::array<int, 3>& order,
                const std::function<double(size_t, double)>& colour,
                const std::array<double, 3>& hole) {
  const auto [w, h] = std::pair(pair.picture.width, pair.picture.height);
  Tensor tensor{{1, 4, h, w}, {}};
  for (size_t c = 0; c < 4; ++c) {
    for (size_t i = 0; i < static_cast<size_t>(w * h); ++i) {
      const bool filled = pair.mask.pixels[i] != 0;
      if (c == 3) {
        tensor.values.push_back(filled ? 1.0f : 0.0f);
      } else {
        const double byte = pair.picture.pixels[3 * i + static_cast<size_t>(order[c])];
        tensor.values.push_back(static_cast<float>(filled ? hole[c] : colour(c, byte)));
      }
    }
  }
  return tensor;
}

/// The picture with `byte(value)` of the network's output in its holes.
Image composite(const Pair& pair, const Tensor& output, const std::array<int, 3>& order,
                const std::function<double(double)>& byte) {
  Image result = pair.picture;
  const size_t plane = pair.mask.pixels.size();
  for (size_t i = 0; i < plane; ++i) {
    if (pair.mask.pixels[i] == 0) continue;
    for (size_t c = 0; c < 3; ++c) {
      const double value = std::clamp(byte(double(output.values[c * plane + i])), 0.0, 255.0);
      result.pixels[3 * i + static_cast<size_t>(order[c])] = static_cast<uint8_t>(value);
    }
  }
  return result;
}

/// Known bytes are the picture's; of the others a few may be one off, at the edge of rounding.
void expect_same(const Image& got, const Image& expected) {
  ASSERT_EQ(got.pixels.size(), expected.pixels.size());
  int64_t off_by_one = 0;
  for (size_t i = 0; i < got.pixels.size(); ++i) {
    const int difference = std::abs(int{got.pixels[i]} - int{expected.pixels[i]});
    ASSERT_LE(difference, 1) << "byte " << i;
    off_by_one += difference;
  }
  EXPECT_LT(off_by_one, 5);
}

/// The weights of the carried otenim network under other names, as a file without metadata.
void write_renamed(const std::filesystem::path& path,
                   const std::function<std::string(const std::string&)>& rename) {
  Tensors renamed;
  for (auto& [key, tensor] : read_tensors(kData / "glcic_otenim_k8.safetensors")) {
    const std::string name = rename(key);
    if (!name.empty()) renamed[name] = tensor;
  }
  write_tensors(path, renamed);
}

/// "conv7.weight" -> {"conv", 7, ".weight"}
struct Key {
  std::string kind, leaf;
  int layer = 0;
  explicit Key(const std::string& key) {
    const size_t digit = key.find_first_of("123456789");
    const size_t dot = key.find('.');
    kind = key.substr(0, digit);
    layer = std::stoi(key.substr(digit, dot - digit));
    leaf = key.substr(dot);
  }
};

std::string in_mmediting(const std::string& name) {
  const Key key(name);
  const bool norm = key.kind == "bn";
  if (!norm && key.leaf == ".bias" && key.layer != 17) return {};
  const std::string number = std::to_string(key.layer <= 6    ? key.layer
                                            : key.layer <= 10 ? key.layer - 7
                                                              : key.layer - 10);
  const std::string part = key.layer <= 6    ? "encoder.enc"
                           : key.layer <= 10 ? "dilation_neck.dilation_convs."
                                             : "decoder.dec";
  return "generator." + part + number + (norm ? ".bn" : ".conv") + key.leaf;
}

std::string in_flat(const std::string& name) {
  const Key key(name);
  return std::to_string(3 * (key.layer - 1) + (key.kind == "bn" ? 1 : 0)) + key.leaf;
}

TEST(GlcicPorts, OtenimHasItsMeanInTheHoleAndSubtractsNothing) {
  const Model model = Model::open(kData / "glcic_otenim_k8.safetensors");
  EXPECT_EQ(model.describe().value_range,
            "RGB in [0, 1]; the mean colour of the training set inside the hole (mean 0.5063 "
            "0.4258 0.3832)");
  const Tensors vector = read_tensors(kData / "glcic_otenim_k8_ref.safetensors");
  const Tensor input =
      input_of(carried(), {0, 1, 2}, [](size_t, double byte) { return byte / 255; },
               {0.5063, 0.4258, 0.3832});
  for (size_t i = 0; i < input.values.size(); ++i) {
    ASSERT_NEAR(input.values[i], vector.at("input/input").values[i], 1e-6) << i;
  }
  const Image mended = model.session().inpaint(carried().picture, carried().mask);
  expect_same(mended, composite(carried(), vector.at("output/output"), {0, 1, 2},
                                [](double v) { return std::floor(v * 255); }));
}

TEST(GlcicPorts, OtenimWithoutMetadataTakesTheMeanOfPlaces2) {
  const TemporaryFile file;
  write_renamed(file.path, [](const std::string& key) { return key; });
  const Model model = Model::open(file.path);
  EXPECT_TRUE(model.describe().value_range.ends_with("(mean 0.456 0.4472 0.4155, that of Places2)"))
      << model.describe().value_range;
  Session session = model.session();
  const Tensor input =
      input_of(carried(), {0, 1, 2}, [](size_t, double byte) { return byte / 255; },
               {0.4560, 0.4472, 0.4155});
  expect_same(session.inpaint(carried().picture, carried().mask),
              composite(carried(), session.run({{"input", input}}).at("output"), {0, 1, 2},
                        [](double v) { return std::floor(v * 255); }));
}

TEST(GlcicPorts, MmEditingTakesAndGivesBgrFromMinusOneToOneAndRounds) {
  const TemporaryFile file;
  write_renamed(file.path, in_mmediting);
  const Model model = Model::open(file.path);
  EXPECT_EQ(model.describe().value_range, "BGR in [-1, 1]; 0 inside the hole");
  EXPECT_NE(model.describe().variant.find("no convolution biases"), std::string::npos);
  EXPECT_TRUE(model.describe().unused_keys.empty());
  Session session = model.session();
  const Tensor input = input_of(
      carried(), {2, 1, 0}, [](size_t, double byte) { return (byte - 127.5) / 127.5; }, {0, 0, 0});
  const Tensor output = session.run({{"input", input}}).at("output");
  EXPECT_TRUE(std::ranges::all_of(output.values, [](float v) { return v >= -1 && v <= 1; }));
  EXPECT_LT(*std::ranges::min_element(output.values), 0) << "no sigmoid";
  expect_same(session.inpaint(carried().picture, carried().mask),
              composite(carried(), output, {2, 1, 0},
                        [](double v) { return std::floor((v + 1) / 2 * 255 + 0.5); }));
}

TEST(GlcicPorts, MmEditingIsCutAsTheOthersAre) {
  const TemporaryFile file;
  write_renamed(file.path, in_mmediting);
  const Model model = Model::open(file.path);
  Image photo{480, 242, 3, {}}, mask{480, 242, 1, std::vector<uint8_t>(480 * 242)};
  for (uint32_t i = 0; i < 480 * 242 * 3; ++i) photo.pixels.push_back(static_cast<uint8_t>(i * i));
  for (size_t i = 0; i < 12; ++i) std::fill_n(mask.pixels.begin() + 480 * i + 210, 9, uint8_t{255});
  Session cut = model.session(), whole = model.session();
  const Image right =
      whole.inpaint(photo, mask, {.crop = {.enabled = false}, .without = {"winograd"}});
  expect_same(cut.inpaint(photo, mask, {.without = {"winograd"}}), right);
  EXPECT_LT(cut.peak_allocated_bytes(), whole.peak_allocated_bytes());
}

TEST(GlcicPorts, TheOfficialNamesMeanTheOfficialOrder) {
  const TemporaryFile file;
  write_renamed(file.path, in_flat);
  const Model official = Model::open(file.path);
  const Model otenim = Model::open(kData / "glcic_otenim_k8.safetensors");
  EXPECT_TRUE(official.describe().variant.starts_with("official order (convolution, batch norm"));
  EXPECT_TRUE(otenim.describe().variant.starts_with("otenim order (convolution, ReLU, batch norm"));
  const Tensors vector = read_tensors(kData / "glcic_otenim_k8_ref.safetensors");
  const Tensors input = {{"input", vector.at("input/input")}};
  const Tensor a = official.session().run(input).at("output");
  const Tensor b = otenim.session().run(input).at("output");
  double furthest = 0;
  for (size_t i = 0; i < a.values.size(); ++i) {
    furthest = std::max(furthest, std::abs(double(a.values[i]) - double(b.values[i])));
  }
  EXPECT_GT(furthest, 0.01) << "the same weights, another network";
}

/// The same picture at 16 bits a channel: 257 times each byte, the same number in [0, 1].
Image widened(const Image& narrow) {
  Image wide = image::black(narrow.width, narrow.height, narrow.channels, 16);
  for (size_t i = 0; i < narrow.pixels.size(); ++i) {
    image::put_sample(wide, static_cast<int64_t>(i), 257 * narrow.pixels[i]);
  }
  return wide;
}

TEST(GlcicPorts, SixteenBitsAreTheSameValuesCutLater) {
  const TemporaryFile file;
  write_renamed(file.path, in_mmediting);
  // What is a byte's part of the numbers of 16 bits: above it where a port truncates, around it
  // where it rounds.
  struct Case {
    Model model;
    int32_t least, most;
  };
  const std::vector<Case> cases = {{Model::open(kData / "glcic_ch8.safetensors"), 0, 257},
                                   {Model::open(file.path), -129, 129}};
  for (const Case& port : cases) {
    Session session = port.model.session();
    for (const int64_t max_side : {0, 40}) {
      const Image narrow =
          session.inpaint(carried().picture, carried().mask, {.max_side = max_side});
      const Image wide =
          session.inpaint(widened(carried().picture), carried().mask, {.max_side = max_side});
      ASSERT_EQ(wide.bits, 16);
      int64_t between = 0;
      for (size_t i = 0; i < narrow.pixels.size(); ++i) {
        const int32_t sample = image::sample_at(wide.pixels.data(), 16, static_cast<int64_t>(i)) -
                               257 * narrow.pixels[i];
        if (carried().mask.pixels[i / 3] == 0) {
          ASSERT_EQ(sample, 0) << i;
        } else {
          ASSERT_GE(sample, port.least) << i;
          ASSERT_LE(sample, port.most) << i;
          between += sample != 0 ? 1 : 0;
        }
      }
      EXPECT_GT(between, 100);
    }
  }
}

TEST(GlcicPorts, ScaledAndGreyPicturesKeepTheirKnownPixels) {
  const TemporaryFile file;
  write_renamed(file.path, in_mmediting);
  Session session = Model::open(file.path).session();
  const auto [w, h] = std::pair(carried().picture.width, carried().picture.height);
  Image grey{w, h, 1, {}};
  for (size_t i = 0; i < carried().mask.pixels.size(); ++i) {
    grey.pixels.push_back(carried().picture.pixels[3 * i]);
  }
  for (const int64_t max_side : {0, 40}) {
    for (const Image* picture : {&carried().picture, static_cast<const Image*>(&grey)}) {
      const Image mended = session.inpaint(*picture, carried().mask, {.max_side = max_side});
      const auto channels = static_cast<size_t>(picture->channels);
      bool changed = false;
      for (size_t i = 0; i < mended.pixels.size(); ++i) {
        const bool known = carried().mask.pixels[i / channels] == 0;
        if (known) {
          ASSERT_EQ(mended.pixels[i], picture->pixels[i]) << i;
        }
        changed = changed || mended.pixels[i] != picture->pixels[i];
      }
      EXPECT_TRUE(changed);
    }
  }
}

}  // namespace
}  // namespace kintsugi
