// SPDX-License-Identifier: MIT
//
// GLCIC on a GPU: emulated in every test run, a real one in the preset `cuda`. Numbers against
// PyTorch in every dtype, bits of replay against launching step by step, memory, sessions beside each
// other. The ports and the discriminators are compared by the scripts here.
#include <algorithm>

#include "kernels/device/api.h"
#include "kernels/to_image/to_image.h"
#include "kernels/to_tensor/to_tensor.h"
#include "runtime/image/pixel.h"
#include "runtime/networks/glcic/glcic.h"
#include "tests/networks/support.h"

namespace kintsugi {
namespace {

using namespace test;

const std::string& gpu() {
  static const std::string name = [] {
    for (const DeviceInfo& device : devices()) {
      if (device.name == "emulated" || device.name == "cuda:0") return device.name;
    }
    return std::string();
  }();
  return name;
}

/// 20 log10(peak / rms error): of outputs in [0, 1] the peak is 1.
double psnr(const Tensor& a, const Tensor& b) {
  double squares = 0;
  for (size_t i = 0; i < a.values.size(); ++i) {
    squares += std::pow(double(a.values[i]) - double(b.values[i]), 2);
  }
  return -10 * std::log10(squares / static_cast<double>(a.values.size()));
}

struct OnGpu : testing::TestWithParam<const char*> {
  void SetUp() override {
    if (gpu().empty() && device::why_none() == "no NVIDIA GPU was found") GTEST_SKIP();
    ASSERT_FALSE(gpu().empty());
  }
  [[nodiscard]] SessionOptions options() const { return {.device = gpu(), .dtype = GetParam()}; }
};

TEST_P(OnGpu, AgreesWithPyTorchAtOutputsAndTaps) {
  SessionOptions poisoned = options();
  poisoned.check_memory = true;
  const double tolerance = model().plan({.device = gpu(), .dtype = GetParam()}).tolerance;
  const double decibels = tolerance > 1e-2 ? 38 : 50;
  const bool exact = std::string(GetParam()) == "f32";
  for (const bool keep_all : {false, true}) {
    Session session = model().session(poisoned);
    const Tensors got = session.run(input_of(reference()), {.taps = true, .keep_all = keep_all});
    EXPECT_LT(relative_l2(got.at("output"), reference().at("output/output")), tolerance);
    if (!exact) {  // it is not f32 under another name
      EXPECT_GT(relative_l2(got.at("output"), reference().at("output/output")), 1e-5);
    }
    EXPECT_GT(psnr(got.at("output"), reference().at("output/output")), decibels);
    int compared = 0;
    for (const auto& [name, tensor] : reference()) {
      if (!name.starts_with("tap/") || !got.contains(name)) continue;
      EXPECT_LT(relative_l2(got.at(name), tensor), tolerance) << name;
      ++compared;
    }
    EXPECT_EQ(compared, keep_all ? 17 : 16);
  }
}

TEST_P(OnGpu, AReplayedGraphGivesTheBitsOfSingleLaunches) {
  int asked = 0;
  SessionOptions counting = options();
  counting.progress = [&](double, const std::string&) { return ++asked > 0; };
  Session session = model().session(counting);
  const Tensor replayed = session.run(input_of(reference())).at("output");
  const Tensor again = session.run(input_of(reference())).at("output");
  EXPECT_EQ(asked, 4) << "a graph is asked about before its first step, and told of its end";
  const Tensor launched = session.run(input_of(reference()), {.taps = true}).at("output");
  EXPECT_GT(asked, 20) << "launched one by one, steps are asked about each";
  EXPECT_EQ(replayed.values, again.values);
  EXPECT_EQ(replayed.values, launched.values);
}

TEST_P(OnGpu, SameBitsInABatchAsAlone) {
  const Tensor two = random_input(2, 21, 34);
  Session session = model().session(options());
  const Tensor both = session.run({{"input", two}}).at("output");
  const auto half = static_cast<std::ptrdiff_t>(two.values.size() / 2);
  for (const std::ptrdiff_t n : {0, 1}) {
    const auto begin = two.values.begin() + n * half;
    const Tensor one{{1, 4, 21, 34}, {begin, begin + half}};
    const Tensor got = session.run({{"input", one}}).at("output");
    const auto size = static_cast<std::ptrdiff_t>(got.values.size());
    EXPECT_TRUE(std::equal(got.values.begin(), got.values.end(), both.values.begin() + n * size));
  }
}

/// Filled by the device, and by the reference around a run of the same session in tensors.
TEST_P(OnGpu, ConvertsImagesToTheBitOfTheReference) {
  Session session = model().session(options());
  ThreadPool threads(2);
  for (const int64_t channels : {1, 2, 3, 4}) {
    for (const bool wide : {false, true}) {
      SCOPED_TRACE(std::to_string(channels) + (wide ? " of 16 bits" : " of 8 bits"));
      Image picture = random_picture(13, 9, channels * (wide ? 2 : 1));
      picture.channels = channels;
      picture.bits = wide ? 16 : 8;
      const Image mask = box_mask(13, 9, 3, 2, 11, 8);
      // Samples of colours alone, with the border that the network's size asks for.
      const auto by_reference = [&]<class S>(S) {
        using to_tensor::From;
        const networks::glcic::Config config;
        to_tensor::Desc in{{.from = From::red, .mean = config.mean[0]},
                           {.from = From::green, .mean = config.mean[1]},
                           {.from = From::blue, .mean = config.mean[2]},
                           {.hole = 1}};
        in.bits = 8 * sizeof(S);
        in.masked = true;
        const int64_t colours = image::colours(channels);
        const Shape input{1, 4, 12, 16};
        std::vector<S> samples;
        std::vector<uint8_t> holes;
        for (int64_t i = 0; i < input.pixels(); ++i) {
          const int64_t pixel = std::min(i / 16, int64_t{8}) * 13 + std::min(i % 16, int64_t{12});
          holes.push_back(mask.pixels[static_cast<size_t>(pixel)]);
          for (int64_t c = 0; c < colours; ++c) {
            samples.push_back(static_cast<S>(
                image::sample_at(picture.pixels.data(), picture.bits, pixel * channels + c)));
          }
        }
        std::vector<float> numbers(static_cast<size_t>(input.elements()));
        to_tensor::reference<S, float>(in,
                                       {{samples.data(), {1, colours, 12, 16}, colours},
                                        {holes.data(), {1, 1, 12, 16}, 1},
                                        {numbers.data(), input, 4}},
                                       threads);
        Tensor tensor{input, std::vector<float>(numbers.size())};
        const auto swap_order = [&](const Shape& shape, const auto& visit) {
          const auto pixels = static_cast<size_t>(shape.h() * shape.w());
          for (size_t c = 0; c < static_cast<size_t>(shape.c()); ++c) {
            for (size_t i = 0; i < pixels; ++i) visit(c * pixels + i, 4 * i + c);
          }
        };
        swap_order(input, [&](size_t nchw, size_t nhwc) { tensor.values[nchw] = numbers[nhwc]; });
        const Tensor made = session.run({{"input", tensor}}).at("output");
        swap_order(made.shape,
                   [&](size_t nchw, size_t nhwc) { numbers[nhwc] = made.values[nchw]; });
        std::vector<float> first_bad(4 * 12);
        to_image::reference<S, float>({.grey = colours == 1, .bits = in.bits},
                                      {{numbers.data(), made.shape, 4},
                                       {samples.data(), {1, colours, 12, 16}, colours},
                                       {first_bad.data(), {1, 1, 12, 1}, 4}},
                                      threads);
        Image out = picture;
        for (int64_t i = 0; i < 9 * 13; ++i) {
          if (mask.pixels[static_cast<size_t>(i)] == 0) continue;
          for (int64_t c = 0; c < colours; ++c) {
            const auto from = static_cast<size_t>((i / 13 * 16 + i % 13) * colours + c);
            image::put_sample(out, i * channels + c, samples[from]);
          }
        }
        return out;
      };
      const Image expected = wide ? by_reference(uint16_t{}) : by_reference(uint8_t{});
      EXPECT_NE(expected.pixels, picture.pixels);
      EXPECT_EQ(session.inpaint(picture, mask).pixels, expected.pixels);
    }
  }
}

// Of a cut the splits of a sum may be others; at this size they are not.
TEST_P(OnGpu, ACutOfAHoleHasTheBitsOfTheWholeImage) {
  const Model m = model();
  const Image photo = random_picture(344, 172, 3), mask = box_mask(344, 172, 0, 0, 6, 5);
  Session cut = m.session({.device = gpu(), .dtype = GetParam()});
  Session whole = m.session({.device = gpu(), .dtype = GetParam()});
  const Image right = whole.inpaint(photo, mask, {.crop = {.enabled = false}});
  EXPECT_EQ(cut.inpaint(photo, mask).pixels, right.pixels);
  EXPECT_LT(cut.peak_allocated_bytes(), whole.peak_allocated_bytes());
}

TEST_P(OnGpu, PlansTheMemoryOfTheDeviceToTheByte) {
  const Model m = model();
  const size_t before = device::allocated_bytes();
  {
    const PlanSummary plan =
        m.plan({.height = 64, .width = 96, .device = gpu(), .dtype = GetParam()});
    EXPECT_EQ(device::allocated_bytes(), before);
    EXPECT_GT(plan.memory.staging, 0);
    const MemoryPlan wide = m.plan({.height = 64, .width = 96, .device = gpu()}).memory;
    if (std::string(GetParam()).ends_with("16")) {
      EXPECT_LE(plan.memory.staging, wide.staging);
      EXPECT_LT(10 * plan.memory.packed, 7 * wide.packed);
    }
    Session session = m.session(options());
    (void)session.run(input_of(reference()));
    (void)session.inpaint(random_picture(96, 64, 4), box_mask(96, 64, 9, 9, 40, 30));
    EXPECT_EQ(session.allocated_bytes(), plan.memory.peak());
    EXPECT_EQ(session.peak_allocated_bytes(), plan.memory.peak());
    EXPECT_EQ(device::allocated_bytes() - before, static_cast<size_t>(plan.memory.peak()));
  }
  {  // an image of 8 bits in colour takes less than the numbers that are made of it
    const PlanOptions wanted{
        .height = 64, .width = 96, .device = gpu(), .dtype = GetParam(), .task = Task::inpaint};
    const PlanSummary plan = m.plan(wanted);
    Session session = m.session(options());
    (void)session.inpaint(random_picture(96, 64, 3), box_mask(96, 64, 9, 9, 40, 30));
    EXPECT_EQ(session.peak_allocated_bytes(), plan.memory.peak());
    EXPECT_EQ(device::allocated_bytes() - before, static_cast<size_t>(plan.memory.peak()));
    EXPECT_LE(
        plan.memory.peak(),
        m.plan({.height = 64, .width = 96, .device = gpu(), .dtype = GetParam()}).memory.peak());
  }
  EXPECT_EQ(device::allocated_bytes(), before);
}

INSTANTIATE_TEST_SUITE_P(, OnGpu, testing::Values("f32", "tf32", "f16", "bf16"),
                         [](const auto& dtype) { return std::string(dtype.param); });

struct Gpu : testing::Test {
  void SetUp() override {
    if (gpu().empty() && device::why_none() == "no NVIDIA GPU was found") GTEST_SKIP();
    ASSERT_FALSE(gpu().empty());
  }
};

TEST_F(Gpu, LeavingAPassOutAgrees) {
  Session session = model().session({.device = gpu(), .dtype = "f16", .check_memory = true});
  for (const char* pass : {"fold", "fuse", "select", "layout", "place"}) {
    const Tensors got = session.run(input_of(reference()), {.without = {pass}});
    EXPECT_LT(relative_l2(got.at("output"), reference().at("output/output")), 1e-2) << pass;
  }
}

TEST_F(Gpu, SessionsOnTheirOwnStreamsShareWeightsAndDisturbNobody) {
  const Model m = model();
  Session a = m.session({.device = gpu(), .dtype = "f16"});
  const Tensor before = a.run(input_of(reference())).at("output");
  const PlanSummary plan = m.plan({.height = 64, .width = 96, .device = gpu(), .dtype = "f16"});
  const size_t with_one = device::allocated_bytes();
  Session b = m.session({.device = gpu(), .dtype = "f16"});
  EXPECT_EQ(b.run(input_of(reference())).at("output").values, before.values);
  EXPECT_EQ(device::allocated_bytes() - with_one, static_cast<size_t>(plan.memory.arena));
  Session c = m.session({.device = gpu(), .dtype = "bf16"});
  (void)c.run({{"input", random_input(1, 20, 24)}});
  EXPECT_EQ(a.run(input_of(reference())).at("output").values, before.values);
}

TEST_F(Gpu, PlansOfOneSessionTakeTurns) {
  Session session = model().session({.device = gpu(), .dtype = "f16"});
  const Tensors small{{"input", random_input(1, 16, 20)}};
  const Tensor first = session.run(small).at("output");
  (void)session.run(input_of(reference()));  // a larger arena: what was captured is of no use
  EXPECT_EQ(session.run(small).at("output").values, first.values);
}

TEST_F(Gpu, ANaNIsFoundAndTheRunAfterItIsWhole) {
  Session session = model().session({.device = gpu(), .dtype = "f16"});
  const Tensor right = session.run(input_of(reference())).at("output");
  Tensor with_nan = random_input(1, 8, 8);
  with_nan.values[70] = NAN;
  const Error error = error_of([&] { (void)session.run({{"input", with_nan}}); });
  EXPECT_EQ(error.code(), ErrorCode::not_finite);
  EXPECT_STREQ(
      error.what(),
      "the input 'input' holds a NaN or an infinity, first at batch item 0, channel 1, row 0, "
      "column 6");
  EXPECT_EQ(session.run(input_of(reference())).at("output").values, right.values);
}

TEST_F(Gpu, ProgressCanStopARun) {
  bool go_on = false;
  Session session = model().session(
      {.device = gpu(), .dtype = "f16", .progress = [&](double, const std::string&) {
         return go_on;
       }});
  EXPECT_EQ(error_of([&] { (void)session.run(input_of(reference())); }).code(),
            ErrorCode::cancelled);
  go_on = true;
  EXPECT_LT(
      relative_l2(session.run(input_of(reference())).at("output"), reference().at("output/output")),
      1e-2);
}

TEST_F(Gpu, MendsAPictureAsTheProcessorDoes) {
  const Image picture = random_picture(70, 45, 3);
  const Image mask = box_mask(70, 45, 20, 10, 50, 30);
  const Image expected = model().session({.device = "cpu"}).inpaint(picture, mask);
  const Image got = model().session({.device = gpu()}).inpaint(picture, mask);
  for (size_t i = 0; i < expected.pixels.size(); ++i) {
    EXPECT_NEAR(got.pixels[i], expected.pixels[i], 1) << i;
  }
}

TEST_F(Gpu, WhatIsNotThereIsSaid) {
  Error error = error_of([&] { (void)model().session({.device = "cpu", .dtype = "f16"}); });
  EXPECT_EQ(error.code(), ErrorCode::usage);
  EXPECT_NE(std::string(error.what()).find("dtype f16 needs a GPU"), std::string::npos);
  error = error_of([&] { (void)model().session({.device = gpu(), .dtype = "f8"}); });
  EXPECT_EQ(error.code(), ErrorCode::usage);
  error = error_of([&] { (void)model().session({.device = "cuda:99"}); });
  EXPECT_EQ(error.code(), ErrorCode::device_unavailable);
  error = error_of([&] {
    (void)model().session({.device = gpu(), .max_memory = 1000}).run(input_of(reference()));
  });
  EXPECT_EQ(error.code(), ErrorCode::out_of_memory);
}

}  // namespace
}  // namespace kintsugi
