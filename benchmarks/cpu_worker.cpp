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

/// Everything a convolution alone needs, in the kernels' order of memory: what it has in a network.
struct Layer {
  conv2d::Desc desc;
  conv2d::CpuConfig config;
  Shape in, out;
  std::vector<float> input, output, bias, packed, workspace;
  std::vector<Operand<float>> operands;
  size_t skip = 0;  // packed weights start at a cache line, as a plan places them

  [[nodiscard]] conv2d::Args<float> args() {
    return {{input.data(), in, storage_channels(in.c())},
            std::span(packed).subspan(skip),
            operands,
            {output.data(), out, storage_channels(out.c())},
            workspace};
  }
};

Case load_conv2d(const std::filesystem::path& folder, int64_t dilation, ThreadPool& pool) {
  const Tensors weights = read_tensors(folder / "model.safetensors");
  const Tensor input = read_tensors(folder / "input.safetensors").at("input");
  const Tensor& weight = weights.at("weight");
  const int64_t kernel = weight.shape[2];
  const auto layer = std::make_shared<Layer>();
  layer->desc = {.in_channels = weight.shape[1],
                 .out_channels = weight.shape[0],
                 .kernel = kernel,
                 .dilation = dilation,
                 .padding = dilation * (kernel / 2),
                 .epilogue = {step::add(Extent::channel)}};
  layer->in = input.shape;
  layer->out = output_shape(layer->desc, layer->in);
  layer->config = choose(layer->desc, layer->in, simd::chosen());
  const auto elements = [](const Shape& s) {
    return static_cast<size_t>(s.pixels() * storage_channels(s.c()));
  };
  layer->input.resize(elements(layer->in));
  layer->output.resize(elements(layer->out));
  const int64_t plane = layer->in.h() * layer->in.w(), pitch = storage_channels(layer->in.c());
  for (int64_t i = 0; i < input.shape.elements(); ++i) {
    const int64_t n = i / (plane * layer->in.c()), c = i / plane % layer->in.c();
    layer->input[static_cast<size_t>((n * plane + i % plane) * pitch + c)] =
        input.values[static_cast<size_t>(i)];
  }
  layer->bias = weights.at("bias").values;
  layer->bias.resize(static_cast<size_t>(storage_channels(layer->out.c())));
  layer->operands = {{layer->bias.data(), storage_channels(layer->out.c())}};
  layer->packed.resize(static_cast<size_t>(packed_elements(layer->desc, layer->config)) + 16);
  layer->skip = (64 - reinterpret_cast<uintptr_t>(layer->packed.data()) % 64) % 64 / sizeof(float);
  pack(layer->desc, layer->config, weight.values, std::span(layer->packed).subspan(layer->skip));
  layer->workspace.resize(static_cast<size_t>(
      workspace_elements(layer->desc, layer->config, layer->in, pool.threads())));
  return {flops(layer->desc, layer->in), to_string(layer->config),
          [=, &pool] { conv2d::cpu(layer->desc, layer->config, layer->args(), pool); },
          [=] {
            Tensor out{layer->out, {}};
            const Shape& s = layer->out;
            for (int64_t n = 0; n < s.n(); ++n) {
              for (int64_t c = 0; c < s.c(); ++c) {
                for (int64_t p = 0; p < s.h() * s.w(); ++p) {
                  out.values.push_back(layer->output[static_cast<size_t>(
                      (n * s.h() * s.w() + p) * storage_channels(s.c()) + c)]);
                }
              }
            }
            return out;
          }};
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
