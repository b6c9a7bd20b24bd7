// SPDX-License-Identifier: MIT
//
// conv2d on CUDA against its definition, on the device that the program was linked with: the emulator
// everywhere, a GPU where there is one. What is fed is rounded to the storage type first.
#include "kernels/conv2d/cuda.h"
#include "kernels/emulator/emulator.h"
#include "tests/kernels/conv2d_cases.h"
#include "tests/kernels/device_support.h"

namespace kintsugi::conv2d {
namespace {

using namespace test;

/// Storage and arithmetic of a run, and the promised relative L2 error.
enum class Type : uint8_t { f32, tf32, f16, bf16 };
constexpr Type kTypes[] = {Type::f32, Type::tf32, Type::f16, Type::bf16};

double tolerance(Type type) {
  switch (type) {
    case Type::f32: return 2e-6;
    case Type::tf32: return 1e-3;
    case Type::f16: return 6e-4;
    case Type::bf16: return 4e-3;
  }
  return 0;
}

const char* name_of(Type type) {
  switch (type) {
    case Type::f32: return "f32";
    case Type::tf32: return "tf32";
    case Type::f16: return "f16";
    case Type::bf16: return "bf16";
  }
  return "";
}

template <class F>
auto with_storage(Type type, const F& f) {
  if (type == Type::f16) return f(f16{});
  if (type == Type::bf16) return f(bf16{});
  return f(float{});
}

/// A device of few multiprocessors, so that small pictures are not all split.
device::DeviceInfo small_device(int multiprocessors = 1) {
  device::DeviceInfo info = device::info();
  info.multiprocessors = multiprocessors;
  return info;
}

/// A convolution on random data of one type.
template <class T>
struct Trial {
  Desc desc;
  Tensor<float> input;
  std::vector<float> weight;
  DeviceOperands<T> operands;
  CudaConfig config;

  Trial(const Desc& d, const Shape& shape, Type type, int multiprocessors = 1)
      : Trial(d, shape, type, multiprocessors, Random(1)) {}

  [[nodiscard]] Tensor<float> reference() const {
    const Tensor<double> in = input.as<double>();
    const std::vector<double> w(weight.begin(), weight.end());
    Tensor<double> out(output_shape(desc, input.shape()));
    const auto bound = operands.on_host();
    conv2d::reference<double>(desc, {in.view(), w, bound, out.view()}, threads());
    return out.as<float>();
  }

  /// The whole output buffer too, for comparing bits.
  struct Result {
    Tensor<float> values;
    std::vector<T> bits;
  };
  [[nodiscard]] Result cuda(int64_t gap = 0, int times = 1) const {
    constexpr auto kSize = static_cast<int64_t>(sizeof(T));
    const DeviceTensor<T> in(input, gap);
    const DeviceTensor<T> out(output_shape(desc, input.shape()), gap);
    std::vector<T> packed(static_cast<size_t>(packed_elements(desc, config, kSize)));
    pack<T>(desc, config, weight, packed);
    const DeviceBuffer weights(packed);
    const Scratch needed = scratch(desc, config, input.shape());
    const DeviceBuffer workspace(needed.bytes);
    const auto stream = device::make_stream();
    if (needed.ticket_bytes > 0) {
      device::fill(*stream, workspace.data(), 0, static_cast<size_t>(needed.ticket_bytes));
    }
    for (int i = 0; i < times; ++i) {
      conv2d::cuda<T>(desc, config,
                      {.input = in.view(),
                       .weight = weights.data<T>(),
                       .operands = operands.on_device(),
                       .output = out.view(),
                       .workspace = workspace.data()},
                      *stream);
    }
    device::synchronize(*stream);
    return {out.download(), out.buffer().template values<T>()};
  }

 private:
  Trial(const Desc& d, const Shape& shape, Type type, int multiprocessors, Random random)
      : desc(d),
        input(Tensor<float>::random(shape, random)),
        weight(random.values(d.weight_shape().elements())),
        operands(d.epilogue, output_shape(d, shape), random),
        config(choose_cuda(d, shape, static_cast<int64_t>(sizeof(T)),
                           type == Type::tf32 ? FloatMath::tf32 : FloatMath::exact,
                           small_device(multiprocessors))) {
    round_to<T>(input);
    for (float& v : weight) v = as_float(narrow<T>(v));
  }
};

class Cuda : public testing::TestWithParam<Type> {};

TEST_P(Cuda, AgreesWithReferenceAndMovesWhatItSays) {
  const Type type = GetParam();
  for (const Case& c : test_cases()) {
    SCOPED_TRACE(c.name);
    with_storage(type, [&]<class T>(T) {
      const Trial<T> run(c.desc, c.input, type);
      (void)emulator::take_reports();
      const auto got = run.cuda(1);
      EXPECT_TRUE(close(got.values.view(), run.reference().view(), tolerance(type)));
      const auto reports = emulator::take_reports();
      ASSERT_EQ(reports.size(), 1u);
      if (c.desc.epilogue.operand_count() > 0) return;
      const Traffic moved{reports[0].bytes_read, reports[0].bytes_written};
      EXPECT_EQ(moved, traffic(c.desc, run.config, c.input, sizeof(T)))
          << moved.read << " read, " << moved.written << " written";
      EXPECT_EQ(reports[0].ldmatrix.ratio(), 1.0) << "banks meet";
    });
  }
}

/// Deep enough that every stage of the pipeline is used three times and more, ragged at all edges.
std::vector<Case> pipelined() {
  return {{"ragged",
           {.in_channels = 72,
            .out_channels = 70,
            .kernel = 3,
            .dilation = 2,
            .padding = 2,
            .epilogue = {step::add(Extent::channel), step::activate(Function::relu)}},
           {1, 72, 13, 11}},
          {"narrow", {.in_channels = 100, .out_channels = 24, .kernel = 3, .padding = 1},
           {2, 100, 7, 9}},
          {"wide", {.in_channels = 72, .out_channels = 130, .kernel = 3, .stride = 2, .padding = 1},
           {1, 72, 24, 23}}};
}

TEST_P(Cuda, TheBitsAreTheSameInEverySchedule) {
  const Type type = GetParam();
  using emulator::Order;
  for (const Case& c : pipelined()) {
    for (const int multiprocessors : {1, 40}) {  // whole, and with its depth split
      SCOPED_TRACE(c.name + ", " + std::to_string(multiprocessors) + " multiprocessors");
      with_storage(type, [&]<class T>(T) {
        const Trial<T> run(c.desc, c.input, type, multiprocessors);
        EXPECT_EQ(run.config.splits > 1, multiprocessors > 1);
        std::vector<T> expected;
        for (const emulator::Settings& settings :
             {emulator::Settings{.order = Order::forward}, {.order = Order::reverse},
              {.order = Order::random, .seed = 1}, {.order = Order::random, .seed = 2},
              {.order = Order::random, .seed = 3}}) {
          emulator::set(settings);
          const auto got = run.cuda();
          if (expected.empty()) {
            EXPECT_TRUE(close(got.values.view(), run.reference().view(), tolerance(type)));
            expected = got.bits;
          }
          EXPECT_EQ(std::memcmp(got.bits.data(), expected.data(), expected.size() * sizeof(T)), 0);
        }
        emulator::set({});
      });
    }
  }
}

TEST_P(Cuda, SplitsMoveWhatTheySayAndLeaveTheirTicketsForTheNextLaunch) {
  const Type type = GetParam();
  const Case c = pipelined()[1];
  with_storage(type, [&]<class T>(T) {
    const Trial<T> run(c.desc, c.input, type, 8);
    ASSERT_GT(run.config.splits, 1);
    (void)emulator::take_reports();
    const auto once = run.cuda();
    const auto reports = emulator::take_reports();
    const Traffic moved{reports[0].bytes_read, reports[0].bytes_written};
    EXPECT_EQ(moved, traffic(c.desc, run.config, c.input, sizeof(T)))
        << moved.read << " read, " << moved.written << " written";
    const auto thrice = run.cuda(0, 3);
    EXPECT_EQ(std::memcmp(once.bits.data(), thrice.bits.data(), once.bits.size() * sizeof(T)), 0);
  });
}

TEST_P(Cuda, EveryStepOfAnEpilogue) {
  const Type type = GetParam();
  const std::vector<Step> steps = every_step();
  // Eight at a time, in the order they stand in; a mul by a random pixel goes before the clamp.
  for (size_t first = 0; first < steps.size(); first += 4) {
    Epilogue epilogue;
    for (size_t i = first; i < std::min(first + 4, steps.size()); ++i) epilogue.append(steps[i]);
    SCOPED_TRACE(kintsugi::to_string(epilogue));
    with_storage(type, [&]<class T>(T) {
      const Trial<T> run({.in_channels = 9, .out_channels = 21, .kernel = 3, .padding = 1,
                        .epilogue = epilogue},
                       {2, 9, 6, 11}, type);
      EXPECT_TRUE(close(run.cuda(1).values.view(), run.reference().view(), tolerance(type)));
    });
  }
}

TEST_P(Cuda, ASampleOfABatchHasTheBitsItHasAlone) {
  const Type type = GetParam();
  with_storage(type, [&]<class T>(T) {
    const Desc desc{.in_channels = 48, .out_channels = 40, .kernel = 3, .padding = 1};
    const Trial<T> batch(desc, {3, 48, 9, 13}, type, 8);
    const auto all = batch.cuda();
    Trial<T> one(desc, {1, 48, 9, 13}, type, 8);
    EXPECT_EQ(one.config, batch.config);
    for (int64_t n = 0; n < 3; ++n) {
      one.weight = batch.weight;
      one.input.for_each([&](int64_t, int64_t c, int64_t y, int64_t x, float& v) {
        v = batch.input.view().at(n, c, y, x);
      });
      const auto alone = one.cuda();
      const size_t count = alone.bits.size();
      EXPECT_EQ(std::memcmp(alone.bits.data(), &all.bits[static_cast<size_t>(n) * count],
                            count * sizeof(T)),
                0)
          << n;
    }
  });
}

TEST_P(Cuda, AMissingTapOrAMissingStepOfTheDepthIsSeen) {
  const Type type = GetParam();
  const Case c = pipelined()[0];
  with_storage(type, [&]<class T>(T) {
    Trial<T> run(c.desc, c.input, type);
    const Tensor<float> right = run.reference();
    const std::vector<float> weight = run.weight;
    run.weight.back() = 0;  // one product at a corner of the last filter
    run.weight[run.weight.size() - 9] = 0;
    EXPECT_GT(difference(run.cuda().values.view(), right.view()).relative_l2, tolerance(type));
    run.weight = weight;
    run.desc.padding = {2, 1};  // a border tap in the wrong place
    run.desc.kernel = 3;
    const Trial<T> moved(run.desc, c.input, type);
    EXPECT_NE(moved.cuda().values.shape(), right.shape());
  });
}

INSTANTIATE_TEST_SUITE_P(Conv2d, Cuda, testing::ValuesIn(kTypes),
                         [](const auto& type) { return std::string(name_of(type.param)); });

TEST(Conv2dCuda, ThePolicySeesOnePictureAndSplitsSmallOnes) {
  device::DeviceInfo h200;
  h200.multiprocessors = 132;
  const Desc body{.in_channels = 256, .out_channels = 256, .kernel = 3, .padding = 1};
  const auto told = [&](const Desc& desc, const Shape& input, int64_t bytes, FloatMath math) {
    return to_string(choose_cuda(desc, input, bytes, math, h200));
  };
  EXPECT_EQ(told(body, {1, 256, 128, 128}, 2, FloatMath::exact), "tensor cores, tile 128x128");
  EXPECT_EQ(told(body, {1, 256, 64, 64}, 2, FloatMath::exact),
            "tensor cores, tile 128x128, depth in 2");
  EXPECT_EQ(told(body, {16, 256, 64, 64}, 2, FloatMath::exact),
            "tensor cores, tile 128x128, depth in 2");
  EXPECT_EQ(told(body, {1, 256, 128, 128}, 4, FloatMath::tf32), "tensor cores, tile 128x128");
  EXPECT_EQ(told(body, {1, 256, 128, 128}, 4, FloatMath::exact), "simt, tile 128x64");
  Desc narrow = body;
  narrow.out_channels = 3;
  EXPECT_EQ(told(narrow, {1, 256, 512, 512}, 2, FloatMath::exact), "tensor cores, tile 128x32");
  narrow.out_channels = 33;
  EXPECT_EQ(told(narrow, {1, 256, 512, 512}, 2, FloatMath::exact), "tensor cores, tile 128x64");
  // A shallow one is not split, however small: a part would not fill the pipeline twice.
  EXPECT_EQ(told({.in_channels = 64, .out_channels = 64}, {1, 64, 8, 8}, 2, FloatMath::exact),
            "tensor cores, tile 128x64");
}

TEST(Conv2dCuda, WhatIsTooLargeIsRefused) {
  const auto stream = device::make_stream();
  const Desc desc{.in_channels = 8, .out_channels = 8};
  const Shape shape{1, 8, 65536, 65536};
  EXPECT_EQ(error_of([&] {
              cuda<float>(desc, {},
                          {.input = {nullptr, shape, 8},
                           .weight = nullptr,
                           .operands = {},
                           .output = {nullptr, shape, 8},
                           .workspace = nullptr},
                          *stream);
            }),
            "conv2d on CUDA: 4294967424 pixels are beyond its 32 bits");
}

}  // namespace
}  // namespace kintsugi::conv2d
