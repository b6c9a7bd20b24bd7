// SPDX-License-Identifier: MIT
//
// fused_cpu [milliseconds a case] [threads] [part of a name]: convolutions with a gate or a prologue fused
// into them, against the same as ops of their own. Both run in turn, so that what else runs on the
// machine weighs on both; the ratio is that of medians, by wall-clock and by processor time.
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>

#include "benchmarks/measure.h"
#include "kernels/conv2d/conv2d.h"
#include "kernels/conv_transpose2d/conv_transpose2d.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/resample/resample.h"

namespace kintsugi {
namespace {

/// A picture, and the room that a kernel may touch.
struct Picture {
  Shape shape;
  std::vector<float> data;

  explicit Picture(const Shape& s)
      : shape(s), data(numbers(s.pixels() * storage_channels(s.c()))) {}
  [[nodiscard]] TensorView<float> view() {
    return {data.data(), shape, storage_channels(shape.c())};
  }
};

/// A convolution ready to run. Every operand has the room of a whole picture.
template <class Desc, class Config>
struct Ready {
  Desc desc;
  Config config;
  Shape in;
  std::vector<float> packed, scratch, operand;
  std::vector<Operand<float>> operands;
  size_t skip = 0;  // packed weights start at a cache line, as a plan places them

  Ready(const Desc& d, const Config& c, const Shape& input, int threads)
      : desc(d),
        config(c),
        in(input),
        packed(static_cast<size_t>(packed_elements(d, c)) + 16),
        scratch(static_cast<size_t>(workspace_elements(d, c, input, threads))),
        operand(numbers(std::max(input.elements(), output_shape(d, input).elements()) * 4)),
        operands(static_cast<size_t>(d.prologue.steps.operand_count() + d.epilogue.operand_count()),
                 Operand<float>{operand.data(), storage_channels(input.c())}) {
    skip = (64 - reinterpret_cast<uintptr_t>(packed.data()) % 64) % 64 / sizeof(float);
    pack(desc, config, numbers(desc.weight_shape().elements()), weight());
  }
  std::span<float> weight() { return std::span(packed).subspan(skip, packed.size() - 16); }
  void run(Picture& input, Picture& output, Parallel& parallel) {
    cpu(desc, config, {input.view(), weight(), operands, output.view(), scratch}, parallel);
  }
};

template <class Desc, class Choose>
void compare(const std::string& name, const Desc& desc, const Shape& shape, double budget_seconds,
             Parallel& parallel, const Choose& choose_for) {
  const int64_t up = desc.prologue.upsample;
  const Shape read{shape.n(), shape.c(), shape.h() * up, shape.w() * up};
  Desc bare = desc;  // its epilogue ends before the gate
  bare.prologue = {};
  bare.epilogue = {};
  Steps behind;
  for (const Step& step : desc.epilogue) {
    const bool gated = step.kind == Step::Kind::gate || !behind.empty();
    (gated ? behind : bare.epilogue).append(step);
  }
  using Config = decltype(choose_for(desc, shape));
  Ready<Desc, Config> fused(desc, choose_for(desc, shape), shape, parallel.threads());
  Ready<Desc, Config> conv(bare, choose_for(bare, read), read, parallel.threads());
  Picture input(shape), changed(shape), large(read), sums(output_shape(bare, read)),
      output(output_shape(desc, shape));
  const std::vector<Operand<float>> operands(
      2 * Steps::kMaxSteps, fused.operands.empty() ? Operand<float>{} : fused.operands[0]);
  const auto transform = [&](const Steps& steps, Picture& from, Picture& to) {
    const auto count = static_cast<size_t>(steps.operand_count());
    elementwise::cpu({.steps = steps}, simd::chosen(),
                     {from.view(), Operands<float>(operands).first(count), to.view()}, parallel);
  };
  const auto apart = [&] {
    Picture* at = &input;
    if (!desc.prologue.steps.empty()) {
      transform(desc.prologue.steps, *at, changed);
      at = &changed;
    }
    if (up != 1) {
      resample::cpu({.size = {read.h(), read.w()}}, simd::chosen(), {at->view(), large.view()},
                    parallel);
      at = &large;
    }
    conv.run(*at, behind.empty() ? output : sums, parallel);
    if (!behind.empty()) transform(behind, sums, output);
  };
  const auto together = [&] { fused.run(input, output, parallel); };
  together();
  const double start = time_of(apart).wall;
  const auto repeats = std::max<int64_t>(7, static_cast<int64_t>(budget_seconds / (2 * start)));
  std::vector<double> walls[2], busys[2];
  for (int64_t i = 0; i < repeats; ++i) {
    const Time one = time_of(together), parts = time_of(apart);
    walls[0].push_back(one.wall);
    walls[1].push_back(parts.wall);
    busys[0].push_back(one.busy);
    busys[1].push_back(parts.busy);
  }
  std::printf("%-40s %9.3f %9.3f %8.2f %8.2f   %s\n", name.c_str(), median(walls[0]) * 1e3,
              median(walls[1]) * 1e3, median(walls[1]) / median(walls[0]),
              median(busys[1]) / median(busys[0]), to_string(fused.config).c_str());
  std::fflush(stdout);
}

}  // namespace
}  // namespace kintsugi

int main(int argc, char** argv) {
  using namespace kintsugi;
  const double budget_seconds = (argc > 1 ? std::atof(argv[1]) : 1000) * 1e-3;
  ThreadPool pool(argc > 2 ? std::atoi(argv[2]) : 2);
  const std::string wanted = argc > 3 ? argv[3] : "";
  std::printf("%s, %d threads\n", to_string(simd::chosen()), pool.threads());
  std::printf("%-40s %9s %9s %8s %8s   %s\n", "case", "fused ms", "apart ms", "ratio", "busy",
              "config");
  const Step gate = step::gate(Function::elu, Function::sigmoid);
  const Prologue norm{
      .steps = {step::affine(Extent::sample_channel), step::activate(Function::relu)}};
  const auto conv = [](int64_t c, int64_t k, int64_t kernel, int64_t dilation) {
    return conv2d::Desc{.in_channels = c,
                        .out_channels = k,
                        .kernel = kernel,
                        .dilation = dilation,
                        .padding = dilation * (kernel / 2),
                        .epilogue = {step::add(Extent::channel)}};
  };
  const auto gated = [&](conv2d::Desc desc) {
    desc.epilogue.append(gate);
    return desc;
  };
  const auto behind = [&](const Prologue& prologue, conv2d::Desc desc) {
    desc.prologue = prologue;
    return desc;
  };
  const struct {
    std::string name;
    conv2d::Desc desc;
    Shape input;
  } cases[] = {
      {"gate_3x3_96_2x96_dilated2_64px", gated(conv(96, 192, 3, 2)), {1, 96, 64, 64}},
      {"gate_3x3_24_2x24_256px", gated(conv(24, 48, 3, 1)), {1, 24, 256, 256}},
      {"gate_5x5_5_2x24_256px", gated(conv(5, 48, 5, 1)), {1, 5, 256, 256}},
      {"norm_relu_3x3_256_256_64px", behind(norm, conv(256, 256, 3, 1)), {1, 256, 64, 64}},
      {"norm_relu_3x3_128_128_128px", behind(norm, conv(128, 128, 3, 1)), {1, 128, 128, 128}},
      {"mask_3x3_128_128_128px",
       behind({.steps = {step::mul(Extent::pixel)}}, conv(128, 128, 3, 1)),
       {1, 128, 128, 128}},
      {"nearest_3x3_128_128_64px", behind({.upsample = 2}, conv(128, 128, 3, 1)), {1, 128, 64, 64}},
  };
  for (const auto& c : cases) {
    for (const bool winograd : {true, false}) {
      const std::string name = c.name + (winograd ? "" : "_direct");
      if (name.find(wanted) == std::string::npos) continue;
      const auto choose_for = [&](const conv2d::Desc& desc, const Shape& shape) {
        return choose(desc, shape, simd::chosen(), winograd);
      };
      if (winograd &&
          choose_for(c.desc, c.input) == choose(c.desc, c.input, simd::chosen(), false)) {
        continue;
      }
      compare(name, c.desc, c.input, budget_seconds, pool, choose_for);
    }
  }
  const conv_transpose2d::Desc up{.in_channels = 256,
                                  .out_channels = 128,
                                  .kernel = 4,
                                  .stride = 2,
                                  .padding = 1,
                                  .prologue = norm};
  const std::string name = "norm_relu_up_4x4_256_128_64px";
  if (name.find(wanted) == std::string::npos) return 0;
  compare(name, up, {1, 256, 64, 64}, budget_seconds, pool,
          [&](const conv_transpose2d::Desc& desc, const Shape& shape) {
            return choose(desc, shape, simd::chosen());
          });
}
