// SPDX-License-Identifier: MIT
//
// Images at the ends of a graph, on every backend: the bits are those of the graph on numbers that the
// reference of to_tensor makes, run twice, with each pass left out, dead memory poisoned. A NaN behind an
// image is found, and its place.
#include "runtime/session/images.h"

#include "runtime/image/pixel.h"
#include "runtime/image/samples.h"
#include "tests/plan/support.h"

namespace kintsugi {
namespace {

using execute::Executor;
using graph::Value;
using session::Images;
using test::Bound;
using test::Toy;
using to_tensor::From;

constexpr int64_t kHeight = 9, kWidth = 13;
const Shape kInput{1, 4, 12, 16}, kMask{1, 1, 12, 16};

graph::Graph two_inputs() {
  Toy t(kInput);
  const Value mask = t.graph.input("mask", kMask);
  const conv2d::Desc conv{.out_channels = 8, .kernel = 3, .padding = 1};
  const Value sum = t.add(t.conv(t.x, "a", conv), t.conv(mask, "b", conv), "sum");
  t.graph.output("y", t.conv(sum, "c", {.out_channels = 3, .kernel = 3, .padding = 1}));
  t.graph.output("sum", sum);
  return t.graph;
}

Images images_of(int64_t channels, int bits) {
  to_tensor::Desc colours{{.from = From::blue, .mean = 0.3f, .scale = 1.7f},
                          {.from = From::green, .mean = 0.4f, .hole = 0.5f},
                          {.from = From::red, .mean = 0.5f, .scale = 2},
                          {.hole = 1}};
  to_tensor::Desc known{{.known = 1}};
  colours.bits = known.bits = bits;
  colours.masked = known.masked = true;
  const bool grey = image::is_grey(channels);
  return {.inputs = {{"input", {colours, grey ? 1 : 3}}, {"mask", {known, grey ? 1 : 3}}},
          .outputs = {{"y",
                       {.rgb = {{{2, 1, 0.5f}, {1, 1, 0.4f}, {0, 1, 0.3f}}},
                        .rounds = true,
                        .grey = grey,
                        .bits = bits}}}};
}

std::vector<plan::Options> every_backend() {
  std::vector<plan::Options> out{{.backend = plan::Backend::cpu, .isa = simd::chosen()},
                                 {.backend = plan::Backend::reference_f32},
                                 {.backend = plan::Backend::reference_f64}};
  if (!test::has_gpu()) return out;
  for (const auto precision :
       {plan::Precision::f32, plan::Precision::tf32, plan::Precision::f16, plan::Precision::bf16}) {
    out.push_back({.backend = plan::Backend::gpu, .precision = precision, .gpu = device::info()});
  }
  return out;
}

struct Given {
  Image image;
  image::Mask holes{kHeight, kWidth, {}};

  Given(int64_t channels, int64_t bits)
      : image{.width = kWidth, .height = kHeight, .channels = channels, .bits = bits} {
    std::mt19937 random(1);
    image.pixels.resize(static_cast<size_t>(kWidth * kHeight * channels * bits / 8));
    for (uint8_t& byte : image.pixels) byte = static_cast<uint8_t>(random());
    for (int64_t i = 0; i < kWidth * kHeight; ++i) holes.holes.push_back(random() % 3 == 0);
  }
};

Parallel& threads() {
  static ThreadPool pool(2);
  return pool;
}

const plan::Placed& port(std::span<const plan::Port> ports, const std::string& name) {
  return std::ranges::find(ports, name, &plan::Port::name)->value;
}

std::vector<float> rows(const Executor& executor, const plan::Placed& value) {
  std::vector<float> all;
  executor.read(value, [&](int64_t, int64_t, std::span<const float> row) {
    all.insert(all.end(), row.begin(), row.end());
  });
  return all;
}

void write_images(Executor& executor, const Given& given) {
  for (const char* name : {"input", "mask"}) {
    const auto inputs = std::span<const plan::Port>(executor.plan().inputs);
    image::write_samples(executor.writable(port(inputs, name)), given.image, 0, 0, threads());
    image::write_samples(executor.writable(port(inputs, session::mask_port(name))), given.holes, 0,
                         0, threads());
  }
}

/// The image with what the graph makes of numbers in it, and those numbers.
struct Expected {
  Image image;
  std::vector<float> sum;
};
Expected by_numbers(const plan::Options& options, const Given& given, const Images& images) {
  Bound bound(plan::make(two_inputs(), options));
  Executor& executor = *bound.executor;
  const auto convert = [&]<class S>(S) -> Expected {
    const int64_t colours = image::colours(given.image.channels);
    const Shape shape{1, colours, kInput.h(), kInput.w()};
    std::vector<S> samples(static_cast<size_t>(shape.elements()));
    std::vector<uint8_t> holes(static_cast<size_t>(kMask.elements()));
    const AnyView view{reinterpret_cast<std::byte*>(samples.data()), kDType<S>, shape, colours};
    const AnyView mask{reinterpret_cast<std::byte*>(holes.data()), DType::u8, kMask, 1};
    image::write_samples(view, given.image, 0, 0, threads());
    image::write_samples(mask, given.holes, 0, 0, threads());
    for (const auto& [name, in] : images.inputs) {
      const Shape tensor{1, in.desc.count, kInput.h(), kInput.w()};
      std::vector<float> numbers(static_cast<size_t>(4 * tensor.pixels()));
      to_tensor::reference<S, float>(
          in.desc, {view.as<const S>(), mask.as<const uint8_t>(), {numbers.data(), tensor, 4}},
          threads());
      executor.write_input(port(executor.plan().inputs, name),
                           [&](int64_t, int64_t y, std::span<float> row) {
                             const auto channels = static_cast<size_t>(tensor.c());
                             for (size_t i = 0; i < row.size(); ++i) {
                               const size_t pixel = static_cast<size_t>(y) * 16 + i / channels;
                               row[i] = numbers[4 * pixel + i % channels];
                             }
                           });
    }
    executor.run({});
    std::vector<float> stored;
    for (const float v : rows(executor, port(executor.plan().outputs, "y"))) {
      stored.push_back(v);
      if (stored.size() % 4 == 3) stored.push_back(0);
    }
    std::vector<float> first_bad(4 * 12);
    to_image::reference<S, float>(
        images.outputs.at("y"),
        {{stored.data(), {1, 3, 12, 16}, 4}, view.as<S>(), {first_bad.data(), {1, 1, 12, 1}, 4}},
        threads());
    Expected made{given.image, rows(executor, port(executor.plan().outputs, "sum"))};
    image::read_samples(view, made.image, {.selected = &given.holes}, threads());
    return made;
  };
  return given.image.bits == 8 ? convert(uint8_t{}) : convert(uint16_t{});
}

void expect_the_bits(const plan::Options& options, const Given& given, const Images& images) {
  const Expected expected = by_numbers(options, given, images);
  Bound bound(plan::make(session::with_images(two_inputs(), images), options));
  Executor& executor = *bound.executor;
  const auto outputs = std::span<const plan::Port>(executor.plan().outputs);
  write_images(executor, given);
  for (int time = 0; time < 2; ++time) {  // inputs survive a run
    executor.run({});
    EXPECT_FALSE(session::first_bad(executor, port(outputs, session::first_bad_port("y"))));
    Image made = given.image;
    image::read_samples(executor.readable(port(outputs, "y")), made, {.selected = &given.holes},
                        threads());
    EXPECT_EQ(made.pixels, expected.image.pixels);
    EXPECT_NE(made.pixels, given.image.pixels);
    EXPECT_EQ(rows(executor, port(outputs, "sum")), expected.sum);
  }
}

TEST(Images, AreTheirNumbersOnEveryBackend) {
  for (plan::Options options : every_backend()) {
    for (const int64_t channels : {1, 2, 3, 4}) {
      for (const int bits : {8, 16}) {
        SCOPED_TRACE(std::to_string(static_cast<int>(options.backend) * 10 +
                                    static_cast<int>(options.precision)) +
                     ", " + std::to_string(channels) + " channels of " + std::to_string(bits));
        expect_the_bits(options, Given(channels, bits), images_of(channels, bits));
      }
    }
    for (bool plan::Passes::*pass :
         {&plan::Passes::fuse, &plan::Passes::fold, &plan::Passes::layout, &plan::Passes::place}) {
      options.passes = {};
      options.passes.*pass = false;
      expect_the_bits(options, Given(4, 8), images_of(4, 8));
    }
  }
}

TEST(Images, SayWhereTheFirstNaNIs) {
  Images images = images_of(3, 8);
  images.inputs.at("input").desc.channels[0].hole = NAN;
  Given given(3, 8);
  std::ranges::fill(given.holes.holes, uint8_t{0});
  given.holes.holes[5 * kWidth + 7] = 1;  // the 5x5 around it is none
  for (const plan::Options& options : every_backend()) {
    Bound bound(plan::make(session::with_images(two_inputs(), images), options));
    Executor& executor = *bound.executor;
    write_images(executor, given);
    executor.run({});
    const auto outputs = std::span<const plan::Port>(executor.plan().outputs);
    const auto at = session::first_bad(executor, port(outputs, session::first_bad_port("y")));
    ASSERT_TRUE(at);
    EXPECT_EQ(*at, (std::array<int64_t, 4>{0, 0, 3, 5}));
  }
}

TEST(Images, KnowThePortsOfTheGraph) {
  const graph::Graph graph = session::with_images(two_inputs(), images_of(3, 8));
  std::vector<std::string> names;
  for (const graph::Port& p : graph.inputs) names.push_back(p.name);
  for (const graph::Port& p : graph.outputs) names.push_back(p.name);
  EXPECT_EQ(names, (std::vector<std::string>{"input", "input.mask", "mask", "mask.mask", "y", "sum",
                                             "y.first_bad"}));
  const auto refusal = [](const Images& images) -> std::string {
    try {
      (void)session::with_images(two_inputs(), images);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  Images wrong = images_of(3, 8);
  wrong.inputs["inputs"] = wrong.inputs["input"];
  EXPECT_EQ(refusal(wrong), "an image is for the port 'inputs', which is not there");
  wrong = images_of(3, 8);
  wrong.outputs["x"] = {};
  EXPECT_EQ(refusal(wrong), "an image is for the port 'x', which is not there");
  wrong = images_of(3, 8);
  std::swap(wrong.inputs["input"], wrong.inputs["mask"]);
  EXPECT_EQ(refusal(wrong), "the input 'input' has 4 channels, an image makes 1");
}

}  // namespace
}  // namespace kintsugi
