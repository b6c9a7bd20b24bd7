// SPDX-License-Identifier: MIT
//
// cpu_worker THREADS: Kintsugi as one of the processes that compare_cpu.py drives in turn. It
// keeps one case loaded and warm, and does nothing between commands. Commands are lines on standard
// input, an answer is one line on standard output; comparison/worker.py says what they are and
// speaks the same for the baselines. Here an extra one, `peak`, measures the processor's
// multiply-adds.
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <sstream>
#include <vector>

#include "benchmarks/host_chain.h"
#include "kernels/conv2d/conv2d.h"
#include "kernels/simd/probe.h"
#include "kintsugi/kintsugi.hpp"

namespace kintsugi {
namespace {

/// What is loaded: `run` does the work once, `output` gives what the last run computed.
struct Case {
  int64_t flops = 0;
  std::string how;
  std::function<void()> run;
  std::function<Tensor()> output;
};

/// In the order of NHWC visit(place in NCHW, pixel, channel).
template <class Visit>
void for_each_place(const Shape& shape, const Visit& visit) {
  const int64_t plane = shape.h() * shape.w();
  for (int64_t pixel = 0; pixel < shape.pixels(); ++pixel) {
    for (int64_t c = 0; c < shape.c(); ++c) {
      const int64_t n = pixel / plane;
      visit(static_cast<size_t>((n * shape.c() + c) * plane + pixel % plane), pixel, c);
    }
  }
}

/// The raw door: tensors in, tensors out, as the PyTorch module has them.
Case load_network(const std::filesystem::path& folder, int threads) {
  Tensors inputs = read_tensors(folder / "input.safetensors");
  const Shape shape = inputs.at("input").shape;
  const Model model = Model::open(folder / "model.safetensors");
  const PlanSummary plan =
      model.plan({.batch = shape.n(), .height = shape.h(), .width = shape.w(), .threads = threads});
  const auto session = std::make_shared<Session>(model.session({.threads = threads}));
  const auto outputs = std::make_shared<Tensors>();
  return {plan.flops, session->device(),
          [=, inputs = std::move(inputs)] { *outputs = session->run(inputs); },
          [=] { return outputs->at("output"); }};
}

/// A convolution alone, in the kernels' order of memory: what it has in a network.
Case load_conv2d(const std::filesystem::path& folder, int64_t dilation, ThreadPool& pool) {
  const Tensors weights = read_tensors(folder / "model.safetensors");
  const Tensor input = read_tensors(folder / "input.safetensors").at("input");
  const Tensor& weight = weights.at("weight");
  const int64_t kernel = weight.shape[2];
  const conv2d::Desc desc{.in_channels = weight.shape[1],
                          .out_channels = weight.shape[0],
                          .kernel = kernel,
                          .dilation = dilation,
                          .padding = dilation * (kernel / 2),
                          .epilogue = {step::add(Extent::channel)}};
  const auto layer = std::make_shared<bench::HostChain>(desc, Shapes{input.shape}, pool.threads());
  const bench::OpCall& call = layer->call();
  const Shape in = input.shape, out = layer->chain().output().shape;
  std::vector<float> pixels;
  for_each_place(in,
                 [&](size_t place, int64_t, int64_t) { pixels.push_back(input.values[place]); });
  layer->write(call.inputs[0], pixels);
  layer->write(call.weights[0], weight.values);
  layer->write(call.operands[0], weights.at("bias").values);
  const auto output = [=] {
    Tensor made{out, std::vector<float>(static_cast<size_t>(out.elements()))};
    const auto* from = reinterpret_cast<const float*>(layer->place(call.outputs[0]));
    const int64_t pitch = layer->chain().output().pitch;
    for_each_place(out, [&](size_t place, int64_t pixel, int64_t c) {
      made.values[place] = from[pixel * pitch + c];
    });
    return made;
  };
  return {layer->chain().cost().flops, layer->chain().config(), [=, &pool] { layer->run(pool); },
          output};
}

/// "times" and the seconds of each run: one that does not count, then at least one, for `budget`.
std::string times_of(const std::function<void()>& run, double budget) {
  using Clock = std::chrono::steady_clock;
  const auto since = [](Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  run();
  std::string answer = "times";
  const auto start = Clock::now();
  do {
    const auto begin = Clock::now();
    run();
    std::array<char, 32> seconds{};
    std::snprintf(seconds.data(), seconds.size(), " %.9f", since(begin));
    answer += seconds.data();
  } while (since(start) < budget);
  return answer;
}

std::string obey(const std::string& line, Case& loaded, ThreadPool& pool) {
  std::istringstream words(line);
  std::string command, kind, path;
  words >> command;
  if (command == "peak") return "peak " + std::to_string(simd::fma_peak(pool));
  if (command == "load") {
    int64_t dilation = 1;
    words >> kind >> dilation >> std::ws;
    std::getline(words, path);
    loaded = {};
    loaded =
        kind == "network" ? load_network(path, pool.threads()) : load_conv2d(path, dilation, pool);
    return "loaded " + std::to_string(loaded.flops) + " " + loaded.how;
  }
  if (!loaded.run) return "failed nothing is loaded";
  if (command == "run") {
    double budget = 0;
    words >> budget;
    return times_of(loaded.run, budget);
  }
  if (command == "output") {
    words >> std::ws;
    std::getline(words, path);
    write_tensors(path, {{"output", loaded.output()}});
    return "written";
  }
  return "failed '" + command + "' is not known";
}

}  // namespace
}  // namespace kintsugi

int main(int argc, char** argv) {
  using namespace kintsugi;
  ThreadPool pool(argc > 1 ? std::atoi(argv[1]) : 2);
  std::cout << "ready " << version() << " " << to_string(simd::chosen()) << std::endl;
  Case loaded;
  for (std::string line; std::getline(std::cin, line);) {
    try {
      std::cout << obey(line, loaded, pool) << std::endl;
    } catch (const std::exception& error) {
      std::string sentence = error.what();
      for (char& c : sentence) c = c == '\n' ? ' ' : c;
      std::cout << "failed " << sentence << std::endl;
    }
  }
}
