// SPDX-License-Identifier: MIT
#include "tests/house/networks/toy/toy.h"

#include <algorithm>
#include <array>
#include <utility>

#include "kernels/elementwise/elementwise.h"
#include "runtime/graph/nn.h"
#include "runtime/image/pixel.h"
#include "runtime/program/cuts.h"
#include "tests/house/ops/duel/duel.h"

namespace kintsugi::networks::toy {
namespace {

using graph::Value;

Value elementwise_node(const Recording& r, const std::string& name, Value x, Steps steps,
                       std::vector<graph::Operand> operands = {}) {
  return r.m.graph().record({.does = elementwise::Desc{.steps = std::move(steps)},
                             .inputs = {x},
                             .operands = std::move(operands),
                             .names = {name},
                             .where = r.m.where()});
}

void meet(const Recording& r) {
  const Value x = r.input("input");
  const graph::ConstantId scale = r.m["scale"].weight("weight", {3});
  const Value scaled = elementwise_node(r, "scale", x, {step::mul(Extent::channel)}, {scale});
  const Value winner = r.m.graph().record({.does = duel::Desc{},
                                           .inputs = {r.read("best"), scaled},
                                           .names = {"duel"},
                                           .where = r.m.where()});
  const Value more = elementwise_node(r, "count", r.read("count"), {step::add(1.0f)});
  r.write("best", winner);
  r.write("count", more);
  r.output("output", winner);
  r.output("share", {winner.node, 1});
  r.output("count", more);
}

void grow(const Recording& r) {
  r.write("x", elementwise_node(r, "grow", r.read("x"), {step::affine(0.5f, 16.0f)}));
}

void enlarge(const Recording& r) {
  Value x = r.input("image");
  x = nn::conv2d(r.m["blur"], x, {.channels = 3, .kernel = 3, .padding = 1, .bias = false});
  r.output("image", nn::conv_transpose2d(
                        r.m["up"], x,
                        {.channels = 3, .kernel = 4, .stride = 2, .padding = 1, .bias = false}));
}

constexpr ImageGraph kEnlarge{
    .graph = "enlarge", .input = "image", .output = "image", .multiple = 2, .scale = 2};

to_tensor::Desc input_desc() {
  using to_tensor::From;
  return {{.from = From::red}, {.from = From::green}, {.from = From::blue}};
}

TaskOutput upscale(const TaskInput& input, Runner& runner) {
  Image made = image::black(2 * input.image.width, 2 * input.image.height, 3, input.image.bits);
  each_cut(runner, kEnlarge, input, input_desc(), to_image::Desc{}, made);
  return image_output(std::move(made));
}

/// A loop that nothing crosses but the image at either end.
TaskOutput translate(const TaskInput& input, Runner& runner) {
  const Letters letters{.h = input.image.height, .w = input.image.width};
  runner.fill("grow", letters, "x", [&](int64_t, int64_t y, std::span<float> row) {
    for (int64_t i = 0; i < static_cast<int64_t>(row.size()); ++i) {
      row[static_cast<size_t>(i)] =
          static_cast<float>(image::sample_at(input.image, y, i / 3, i % 3));
    }
  });
  for (int i = 0; i < kSteps; ++i) {
    runner.part(i / static_cast<double>(kSteps), (i + 1) / static_cast<double>(kSteps));
    runner.replay("grow", letters);
  }
  Image made = image::black(input.image.width, input.image.height, 3, 8);
  int64_t next = 0;
  runner.take("grow", letters, "x", [&](int64_t, int64_t, std::span<const float> row) {
    for (const float value : row) image::put_sample(made, next++, static_cast<int32_t>(value));
  });
  return image_output(std::move(made));
}

/// Without a graph: the reds of an image, and the box around those that are full.
TaskOutput inspect(const TaskInput& input, Runner&) {
  const ImageView& view = input.image;
  Image heat = image::black(view.width, view.height, 1, view.bits);
  Detection box{.x0 = view.width, .y0 = view.height, .score = 1, .label = "red"};
  int64_t found = 0;
  for (int64_t y = 0; y < view.height; ++y) {
    for (int64_t x = 0; x < view.width; ++x) {
      const int32_t red = image::sample_at(view, y, x, 0);
      image::put_sample(heat, y * view.width + x, red);
      if (red != image::white_of(view.bits)) continue;
      ++found;
      box = {.x0 = std::min(box.x0, x),
             .y0 = std::min(box.y0, y),
             .x1 = std::max(box.x1, x + 1),
             .y1 = std::max(box.y1, y + 1),
             .score = box.score,
             .label = box.label};
    }
  }
  TaskOutput output;
  output.numbers["score"] =
      static_cast<double>(found) / static_cast<double>(view.width * view.height);
  output.images["heatmap"] = std::move(heat);
  if (found > 0) output.detections.push_back(box);
  return output;
}

}  // namespace

Program open(const weights::Weights&, const weights::Detection& detection) {
  Program program{.keys = detection.map()};
  program.description.title = "toy";
  program.graphs = {{.name = "meet",
                     .inputs = {{"input", "[N, 3, H, W]", "anything"}},
                     .outputs = {{"output", "[N, 3, H, W]", "the best so far"},
                                 {"share", "[N, 1, H, W]", "of channels in which the past wins"},
                                 {"count", "[N, 1, 1, 1]", "replays"}},
                     .record = meet},
                    {.name = "grow", .record = grow},
                    {.name = "enlarge",
                     .inputs = {{"image", "[N, 3, H, W]", "RGB in [0, 1]"}},
                     .outputs = {{"image", "[N, 3, 2*H, 2*W]", "RGB in [0, 1]"}},
                     .record = enlarge}};
  program.states = {{{"best", "[N, 3, H, W]", ""}},
                    {{"count", "[N, 1, 1, 1]", ""}},
                    {{"x", "[N, 3, H, W]", ""}, /*exact=*/true}};
  program.tasks = {
      {.task = Task::upscale,
       .graphs = {{"enlarge", {.inputs = {{"image", {input_desc()}}}, .outputs = {{"image", {}}}}}},
       .run = upscale},
      {.task = Task::translate, .graphs = {{"grow", {}}}, .run = translate},
      {.task = Task::detect, .graphs = {}, .run = inspect}};
  return program;
}

}  // namespace kintsugi::networks::toy
