// SPDX-License-Identifier: MIT
//
// The names that files of CycleGAN's generator give to its modules, beside those of net.cpp. PyTorch's
// are numbers in one nn.Sequential, which the number of blocks and a dropout layer shift; so its tables
// are counted here, not set by hand.
#include <deque>

#include "runtime/networks/cyclegan/cyclegan.h"

namespace kintsugi::networks::cyclegan {
namespace {

using weights::ModuleName;

/// A table that owns its names.
class Table {
 public:
  void add(std::string canonical, std::string stored) {
    names_.push_back(std::move(canonical));
    const std::string& first = names_.back();
    names_.push_back(std::move(stored));
    rows_.push_back({first, names_.back()});
  }
  [[nodiscard]] std::span<const ModuleName> rows() const { return rows_; }

 private:
  std::deque<std::string> names_;  // which do not move
  std::vector<ModuleName> rows_;
};

/// nn.Sequential's modules in order; `second` is the number of a block's second convolution.
Table pytorch(int64_t blocks, int64_t second) {
  Table table;
  int64_t next = 0;
  const auto number = [&](const std::string& module) {
    table.add(module, "model." + std::to_string(next++));
  };
  for (const char* module : {"in.pad", "in.conv", "in.norm", "in.act"}) number(module);
  for (const char* layer : {"down1", "down2"}) {
    for (const char* module : {".conv", ".norm", ".act"}) number(std::string(layer) + module);
  }
  for (int64_t i = 0; i < blocks; ++i) {
    const std::string block = "blocks." + std::to_string(i);
    const std::string stored = "model." + std::to_string(next) + ".conv_block.";
    number(block);
    const auto inside = [&](const char* module, int64_t at) {
      table.add(block + module, stored + std::to_string(at));
    };
    inside(".pad1", 0);
    inside(".conv1", 1);
    inside(".norm1", 2);
    inside(".act", 3);
    inside(".pad2", second - 1);
    inside(".conv2", second);
    inside(".norm2", second + 1);
  }
  for (const char* layer : {"up1", "up2"}) {
    for (const char* module : {".conv", ".norm", ".act"}) number(std::string(layer) + module);
  }
  for (const char* module : {"out.pad", "out.conv", "out.tanh"}) number(module);
  return table;
}

/// A layer of MindSpore's tutorial is a SequentialCell called `features`, its norm's weights have names
/// of their own.
Table mindspore() {
  Table table;
  const auto layer = [&](const std::string& conv, const std::string& norm, const std::string& act,
                         const std::string& stored) {
    table.add(conv, stored + ".features.0");
    table.add(norm, stored + ".features.1");
    constexpr const char* kLeaves[][2] = {{".weight", ".gamma"},
                                          {".bias", ".beta"},
                                          {".running_mean", ".moving_mean"},
                                          {".running_var", ".moving_variance"}};
    for (const auto& [canonical, own] : kLeaves) {
      table.add(norm + canonical, stored + ".features.1" + own);
    }
    if (!act.empty()) table.add(act, stored + ".features.2");
  };
  const auto outside = [&](const std::string& name, const std::string& stored) {
    layer(name + ".conv", name + ".norm", name + ".act", stored);
  };
  outside("in", "conv_in");
  outside("down1", "down_1");
  outside("down2", "down_2");
  for (int64_t i = 0; i < kMostBlocks; ++i) {
    const std::string number = std::to_string(i);
    const std::string block = "blocks." + number, stored = "residuals." + number;
    table.add(block, stored);
    layer(block + ".conv1", block + ".norm1", block + ".act", stored + ".conv1");
    layer(block + ".conv2", block + ".norm2", "", stored + ".conv2");
  }
  outside("up1", "up_2");
  outside("up2", "up_1");
  table.add("out.conv", "conv_out");
  table.add("out.tanh", "tanh");
  return table;
}

/// A layout and what every file of it has.
struct Known {
  weights::KeyLayout layout;
  int64_t blocks;
};

std::span<const Known> known() {
  static const Table r9 = pytorch(9, 5), r6 = pytorch(6, 5), r9d = pytorch(9, 6),
                     r6d = pytorch(6, 6), ms = mindspore();
  static const Known all[] = {
      {{"resnet9", "the authors' PyTorch, nine blocks", r9.rows()}, 9},
      {{"resnet6", "the authors' PyTorch, six blocks", r6.rows()}, 6},
      {{"resnet9_dropout", "the authors' PyTorch, nine blocks trained with dropout", r9d.rows()},
       9},
      {{"resnet6_dropout", "the authors' PyTorch, six blocks trained with dropout", r6d.rows()}, 6},
      {{"mindspore", "the tutorial of MindSpore", ms.rows()}, 1},
  };
  return all;
}

std::vector<std::string> required_keys(int64_t blocks) {
  std::vector<std::string> keys;
  for (const char* layer : {"in", "down1", "down2", "up1", "up2", "out"}) {
    keys.push_back(std::string(layer) + ".conv.weight");
  }
  for (int64_t i = 0; i < blocks; ++i) {
    for (const char* conv : {".conv1.weight", ".conv2.weight"}) {
      keys.push_back("blocks." + std::to_string(i) + conv);
    }
  }
  return keys;
}

}  // namespace

int64_t stored_blocks(const weights::Weights& weights, const weights::KeyMap& keys) {
  int64_t blocks = 1;
  while (blocks < kMostBlocks &&
         weights.has(keys.stored("blocks." + std::to_string(blocks) + ".conv1.weight"))) {
    ++blocks;
  }
  return blocks;
}

weights::Detection detect(const weights::Weights& weights) {
  weights::Detection best;
  for (const Known& one : known()) {
    const weights::Detection found =
        weights::detect(weights, {&one.layout, 1}, required_keys(one.blocks));
    if (found.complete()) return found;
    if (best.layout == nullptr || found.share() > best.share()) best = found;
  }
  return best;
}

}  // namespace kintsugi::networks::cyclegan
