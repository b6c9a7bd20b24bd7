// SPDX-License-Identifier: MIT
//
// The names that ports of GLCIC give to its modules, beside those of net.cpp.
#include "runtime/networks/glcic/glcic.h"

namespace kintsugi::networks::glcic {
namespace {

using weights::ModuleName;

// A row is a layer, as set by hand.
// clang-format off

// The published nn.Sequential of fifty modules, converted as it stands.
constexpr ModuleName kFlat[] = {
    {"conv1", "0"}, {"bn1", "1"}, {"relu1", "2"},
    {"conv2", "3"}, {"bn2", "4"}, {"relu2", "5"},
    {"conv3", "6"}, {"bn3", "7"}, {"relu3", "8"},
    {"conv4", "9"}, {"bn4", "10"}, {"relu4", "11"},
    {"conv5", "12"}, {"bn5", "13"}, {"relu5", "14"},
    {"conv6", "15"}, {"bn6", "16"}, {"relu6", "17"},
    {"conv7", "18"}, {"bn7", "19"}, {"relu7", "20"},
    {"conv8", "21"}, {"bn8", "22"}, {"relu8", "23"},
    {"conv9", "24"}, {"bn9", "25"}, {"relu9", "26"},
    {"conv10", "27"}, {"bn10", "28"}, {"relu10", "29"},
    {"conv11", "30"}, {"bn11", "31"}, {"relu11", "32"},
    {"conv12", "33"}, {"bn12", "34"}, {"relu12", "35"},
    {"deconv13", "36"}, {"bn13", "37"}, {"relu13", "38"},
    {"conv14", "39"}, {"bn14", "40"}, {"relu14", "41"},
    {"deconv15", "42"}, {"bn15", "43"}, {"relu15", "44"},
    {"conv16", "45"}, {"bn16", "46"}, {"relu16", "47"},
    {"conv17", "48"}, {"sigmoid", "49"},
};

// A Sequential of sixteen triples (conv, norm, ReLU), then the last convolution.
constexpr ModuleName kTriples[] = {
    {"conv1", "0.0"}, {"bn1", "0.1"}, {"relu1", "0.2"},
    {"conv2", "1.0"}, {"bn2", "1.1"}, {"relu2", "1.2"},
    {"conv3", "2.0"}, {"bn3", "2.1"}, {"relu3", "2.2"},
    {"conv4", "3.0"}, {"bn4", "3.1"}, {"relu4", "3.2"},
    {"conv5", "4.0"}, {"bn5", "4.1"}, {"relu5", "4.2"},
    {"conv6", "5.0"}, {"bn6", "5.1"}, {"relu6", "5.2"},
    {"conv7", "6.0"}, {"bn7", "6.1"}, {"relu7", "6.2"},
    {"conv8", "7.0"}, {"bn8", "7.1"}, {"relu8", "7.2"},
    {"conv9", "8.0"}, {"bn9", "8.1"}, {"relu9", "8.2"},
    {"conv10", "9.0"}, {"bn10", "9.1"}, {"relu10", "9.2"},
    {"conv11", "10.0"}, {"bn11", "10.1"}, {"relu11", "10.2"},
    {"conv12", "11.0"}, {"bn12", "11.1"}, {"relu12", "11.2"},
    {"deconv13", "12.0"}, {"bn13", "12.1"}, {"relu13", "12.2"},
    {"conv14", "13.0"}, {"bn14", "13.1"}, {"relu14", "13.2"},
    {"deconv15", "14.0"}, {"bn15", "14.1"}, {"relu15", "14.2"},
    {"conv16", "15.0"}, {"bn16", "15.1"}, {"relu16", "15.2"},
    {"conv17", "16"}, {"sigmoid", "17"},
};

// clang-format on

constexpr weights::KeyLayout kLayouts[] = {
    {.name = "flat", .source = "the official file, module by module", .modules = kFlat},
    {.name = "triples", .source = "the official file, grouped by layer", .modules = kTriples},
};

}  // namespace

std::span<const weights::KeyLayout> layouts() { return kLayouts; }

std::vector<std::string> required_keys() {
  std::vector<std::string> keys;
  for (const ModuleName& module : kFlat) {
    const std::string name(module.canonical);
    if (name.starts_with("relu") || name == "sigmoid") continue;
    keys.push_back(name + ".weight");
    keys.push_back(name + ".bias");
    if (!name.starts_with("bn")) continue;
    keys.push_back(name + ".running_mean");
    keys.push_back(name + ".running_var");
  }
  return keys;
}

weights::Detection detect(const weights::Weights& weights) {
  return weights::detect(weights, layouts(), required_keys());
}

}  // namespace kintsugi::networks::glcic
