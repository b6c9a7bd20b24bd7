// SPDX-License-Identifier: MIT
//
// That an op and a network are a folder and a line each. The toys of this folder are in the lists beside
// it, which are added to those of the product; nothing else names them.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <thread>

#include "kernels/contract/ops.h"
#include "kernels/emulator/emulator.h"
#include "kernels/norm/norm.h"
#include "kintsugi/kintsugi.hpp"
#include "runtime/networks/network.h"
#include "runtime/plan/plan.h"
#include "tests/house/ops/duel/duel.h"

namespace kintsugi {
namespace {

class Toy : public testing::Test {
 protected:
  static std::filesystem::path weights() {
    const auto file = std::filesystem::temp_directory_path() / "kintsugi_house.safetensors";
    write_tensors(file, {{"factor.weight", {{3}, {1, 2, -1}}},
                         {"blur.weight", {{3, 3, 3, 3}, numbers(81)}},
                         {"up.weight", {{3, 3, 4, 4}, numbers(144)}}});
    return file;
  }
  static std::vector<float> numbers(int count) {
    std::vector<float> all;
    for (int i = 0; i < count; ++i) all.push_back(0.02f * static_cast<float>(i * 37 % 11 - 4));
    return all;
  }
  static Image photo(int64_t width, int64_t height) {
    Image image{width, height, 3, {}};
    for (int64_t i = 0; i < 3 * width * height; ++i) {
      image.pixels.push_back(static_cast<uint8_t>(i * i * 7 + i * 31));
    }
    return image;
  }
#ifdef KINTSUGI_TEST_EMULATED
  static constexpr bool kEmulated = true;
  static emulator::Crossings crossings() { return emulator::take_crossings(); }
#else
  static constexpr bool kEmulated = false;
  static emulator::Crossings crossings() { return {}; }
#endif
  static Tensor image(float value) { return {{1, 3, 2, 2}, std::vector<float>(12, value)}; }
};

TEST_F(Toy, OpIsOneOfTheList) {
  const OpTable& op = op_named("duel");
  EXPECT_FALSE(has_cuda(op));
  Fields fields(std::map<std::string, std::string>{{"handicap", "2"}});
  EXPECT_EQ(to_string(AnyOp(op, op.read({}, fields))), "duel, handicap 2.000000");
}

TEST_F(Toy, OpIsBenchedByName) {
  const OpBench bench = bench_op({.op = "duel", .input = {1, 5, 8, 8}, .device = "cpu", .runs = 1});
  EXPECT_EQ(bench.op, "duel, handicap 0.000000");
  EXPECT_EQ(bench.flops, 5 * 64);
}

// Its second output is no moments: a norm of either reads what was stored.
TEST_F(Toy, OpLeavesNoMoments) {
  for (const int32_t output : {0, 1}) {
    graph::Graph graph;
    const graph::Value a = graph.input("a", {1, 4, 3, 3}), b = graph.input("b", {1, 4, 3, 3});
    const graph::Value winner =
        graph.record({.does = duel::Desc{}, .inputs = {a, b}, .names = {"duel"}});
    const graph::Value normed{winner.node, output};
    const graph::Value scale = graph.record({.does = norm::Desc{.groups = graph.shape(normed).c()},
                                             .inputs = {normed},
                                             .names = {"norm"}});
    graph.output("scale", scale);
    const plan::Plan plan = plan::make(graph, {});
    EXPECT_EQ(plan.steps[1].inputs[0].region,
              plan.steps[0].outputs[static_cast<size_t>(output)].region);
    EXPECT_EQ(plan.steps[1].inputs[0].shape, (Shape{1, output == 0 ? 4 : 1, 3, 3}));
    EXPECT_EQ(plan.steps[1].work.op().as<norm::Desc>()->moments_of, 0);
  }
}

TEST_F(Toy, NetworkIsRecognisedAndItsStateCounts) {
  for (const char* device : {"cpu", "reference", "reference-f64"}) {
    const Model model = Model::open(weights());
    EXPECT_EQ(model.describe().network, "toy");
    const PlanSummary plan = model.plan({.height = 2, .width = 2, .device = device});
    EXPECT_GT(plan.memory.persistent, 0);
    ASSERT_EQ(plan.graphs.size(), 3u);
    EXPECT_EQ(plan.graphs[1].name, "grow");
    EXPECT_EQ(plan.memory.arena,
              std::max({plan.graphs[0].arena, plan.graphs[1].arena, plan.graphs[2].arena}));
    Session session = model.session({.device = device});
    const float fed[] = {1, 3, -2};
    const float best[] = {2, 6, 6};  // of twice the image
    for (int i = 0; i < 3; ++i) {
      const Tensors out = session.run({{"input", image(fed[i])}});
      EXPECT_EQ(out.at("count").values[0], static_cast<float>(i + 1)) << device;
      EXPECT_EQ(out.at("output").values[4], best[i]) << device << " " << i;  // channel 1
    }
    EXPECT_EQ(session.allocated_bytes(),
              plan.memory.persistent + plan.graphs[0].arena + plan.graphs[0].packed)
        << device;
  }
}

TEST_F(Toy, EachGraphHasARawDoor) {
  const Model model = Model::open(weights());
  ASSERT_EQ(model.describe().graphs.size(), 3u);
  Session session = model.session({.device = "reference-f64"});
  const Tensor image{{1, 3, 4, 2}, numbers(24)};
  const Tensors out = session.run({{"image", image}}, {.graph = "enlarge"});
  EXPECT_EQ(out.at("image").shape, (Shape{1, 3, 8, 4}));
  try {
    (void)session.run({}, {.graph = "shrink"});
    ADD_FAILURE() << "ran";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "toy has no graph named 'shrink'");
    EXPECT_EQ(error.hint(), "its graphs are: meet, grow, enlarge");
  }
}

TEST_F(Toy, TilesGiveTheBitsOfTheWholeImageAtEverySize) {
  const Model model = Model::open(weights());
  EXPECT_EQ(model.describe().tasks,
            (std::vector<Task>{Task::upscale, Task::translate, Task::detect}));
  for (const char* device : {"cpu", "reference", "emulated"}) {
    if (std::string(device) == "emulated" && !kEmulated) continue;
    Session session = model.session({.device = device});
    for (const auto& [width, height] : {std::pair(37, 22), std::pair(9, 64)}) {
      const Image image = photo(width, height);
      const Image whole = session.upscale(image);
      EXPECT_EQ(whole.width, 2 * width);
      EXPECT_EQ(whole.height, 2 * height);
      EXPECT_GT(std::ranges::count_if(whole.pixels, [](uint8_t v) { return v > 0 && v < 255; }),
                whole.width * whole.height);
      for (const int64_t tile : {8, 12, 30}) {
        EXPECT_EQ(session.upscale(image, {.tiles = {.size = tile}}).pixels, whole.pixels)
            << device << " " << width << "x" << height << " by tiles of " << tile;
      }
      // Three pixels less than the field: blended, and near.
      const Image blended = session.upscale(image, {.tiles = {.size = 12, .overlap = 1}});
      EXPECT_NE(blended.pixels, whole.pixels);
    }
  }
}

TEST_F(Toy, ATileTooSmallIsRefused) {
  Session session = Model::open(weights()).session({.device = "cpu"});
  try {
    (void)session.upscale(photo(40, 40), {.tiles = {.size = 2}});
    ADD_FAILURE() << "tiled";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "a tile of 2 pixels is too small");
  }
}

/// x = x / 2 + 16 fifty times: 32, whatever the image was.
TEST_F(Toy, AReplayThatCrossesNothingCopiesNothingAndWaitsForNothing) {
  const Model model = Model::open(weights());
  for (const char* device : {"cpu", "emulated"}) {
    if (std::string(device) == "emulated" && !kEmulated) continue;
    Session session = model.session({.device = device});
    for (int time = 0; time < 2; ++time) {
      (void)crossings();
      const Image made = session.translate(photo(5, 3));
      EXPECT_EQ(made.pixels, std::vector<uint8_t>(45, 32));
      if (std::string(device) != "emulated") continue;
      const auto [uploads, downloads, waits] = crossings();
      EXPECT_EQ(uploads, 1) << "weights are there, the image goes over once";
      EXPECT_EQ(downloads, 1);
      EXPECT_EQ(waits, 1);
    }
  }
}

TEST_F(Toy, ASessionRefusesASecondCallWhileItIsBusy) {
  const Model model = Model::open(weights());
  std::string refusal;
  std::optional<Session> session;
  session.emplace(model.session({.device = "cpu", .progress = [&](double, const std::string&) {
                                   std::thread([&] {
                                     try {
                                       (void)session->translate(photo(5, 3));
                                     } catch (const Error& error) {
                                       refusal = error.what();
                                     }
                                   }).join();
                                   return true;
                                 }}));
  EXPECT_EQ(session->translate(photo(5, 3)).pixels, std::vector<uint8_t>(45, 32));
  EXPECT_EQ(refusal, "a session does one thing at a time, and this one is busy");
  EXPECT_EQ(session->translate(photo(5, 3)).pixels.size(), 45u);
}

TEST_F(Toy, AnOpWithoutACudaKernelIsRefusedByName) {
  const Model model = Model::open(weights());
  try {
    (void)model.plan({.height = 2, .width = 2, .device = "emulated"});
    ADD_FAILURE() << "planned";
  } catch (const Error& error) {
    if (error.code() == ErrorCode::device_unavailable) GTEST_SKIP() << error.what();
    EXPECT_STREQ(error.what(), "duel (duel, handicap 0.000000) has no CUDA kernel");
  }
}

}  // namespace
}  // namespace kintsugi
