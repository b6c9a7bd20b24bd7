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

// Names as in net.cpp, but for the activations.
constexpr ModuleName kOtenim[] = {
    {"relu1", "act1"}, {"relu2", "act2"}, {"relu3", "act3"}, {"relu4", "act4"},
    {"relu5", "act5"}, {"relu6", "act6"}, {"relu7", "act7"}, {"relu8", "act8"},
    {"relu9", "act9"}, {"relu10", "act10"}, {"relu11", "act11"}, {"relu12", "act12"},
    {"relu13", "act13"}, {"relu14", "act14"}, {"relu15", "act15"}, {"relu16", "act16"},
    {"sigmoid", "act17"},
};

// Three parts; a layer is a module of its own, without biases but for the last.
constexpr ModuleName kMmEditing[] = {
    {"conv1", "encoder.enc1.conv"}, {"bn1", "encoder.enc1.bn"}, {"relu1", "encoder.enc1.activate"},
    {"conv2", "encoder.enc2.conv"}, {"bn2", "encoder.enc2.bn"}, {"relu2", "encoder.enc2.activate"},
    {"conv3", "encoder.enc3.conv"}, {"bn3", "encoder.enc3.bn"}, {"relu3", "encoder.enc3.activate"},
    {"conv4", "encoder.enc4.conv"}, {"bn4", "encoder.enc4.bn"}, {"relu4", "encoder.enc4.activate"},
    {"conv5", "encoder.enc5.conv"}, {"bn5", "encoder.enc5.bn"}, {"relu5", "encoder.enc5.activate"},
    {"conv6", "encoder.enc6.conv"}, {"bn6", "encoder.enc6.bn"}, {"relu6", "encoder.enc6.activate"},
    {"conv7", "dilation_neck.dilation_convs.0.conv"}, {"bn7", "dilation_neck.dilation_convs.0.bn"}, {"relu7", "dilation_neck.dilation_convs.0.activate"},
    {"conv8", "dilation_neck.dilation_convs.1.conv"}, {"bn8", "dilation_neck.dilation_convs.1.bn"}, {"relu8", "dilation_neck.dilation_convs.1.activate"},
    {"conv9", "dilation_neck.dilation_convs.2.conv"}, {"bn9", "dilation_neck.dilation_convs.2.bn"}, {"relu9", "dilation_neck.dilation_convs.2.activate"},
    {"conv10", "dilation_neck.dilation_convs.3.conv"}, {"bn10", "dilation_neck.dilation_convs.3.bn"}, {"relu10", "dilation_neck.dilation_convs.3.activate"},
    {"conv11", "decoder.dec1.conv"}, {"bn11", "decoder.dec1.bn"}, {"relu11", "decoder.dec1.activate"},
    {"conv12", "decoder.dec2.conv"}, {"bn12", "decoder.dec2.bn"}, {"relu12", "decoder.dec2.activate"},
    {"deconv13", "decoder.dec3.conv"}, {"bn13", "decoder.dec3.bn"}, {"relu13", "decoder.dec3.activate"},
    {"conv14", "decoder.dec4.conv"}, {"bn14", "decoder.dec4.bn"}, {"relu14", "decoder.dec4.activate"},
    {"deconv15", "decoder.dec5.conv"}, {"bn15", "decoder.dec5.bn"}, {"relu15", "decoder.dec5.activate"},
    {"conv16", "decoder.dec6.conv"}, {"bn16", "decoder.dec6.bn"}, {"relu16", "decoder.dec6.activate"},
    {"conv17", "decoder.dec7.conv"}, {"clamp", "decoder.dec7.clamp"},
};

// A layer is a module of its own.
constexpr ModuleName kLiruilong[] = {
    {"conv1", "conv1_1.conv"}, {"bn1", "conv1_1.bn"}, {"relu1", "conv1_1.relu"},
    {"conv2", "conv1_2.conv"}, {"bn2", "conv1_2.bn"}, {"relu2", "conv1_2.relu"},
    {"conv3", "conv1_3.conv"}, {"bn3", "conv1_3.bn"}, {"relu3", "conv1_3.relu"},
    {"conv4", "conv2_1.conv"}, {"bn4", "conv2_1.bn"}, {"relu4", "conv2_1.relu"},
    {"conv5", "conv2_2.conv"}, {"bn5", "conv2_2.bn"}, {"relu5", "conv2_2.relu"},
    {"conv6", "conv2_3.conv"}, {"bn6", "conv2_3.bn"}, {"relu6", "conv2_3.relu"},
    {"conv7", "conv3_1.conv"}, {"bn7", "conv3_1.bn"}, {"relu7", "conv3_1.relu"},
    {"conv8", "conv3_2.conv"}, {"bn8", "conv3_2.bn"}, {"relu8", "conv3_2.relu"},
    {"conv9", "conv3_3.conv"}, {"bn9", "conv3_3.bn"}, {"relu9", "conv3_3.relu"},
    {"conv10", "conv3_4.conv"}, {"bn10", "conv3_4.bn"}, {"relu10", "conv3_4.relu"},
    {"conv11", "conv4_1.conv"}, {"bn11", "conv4_1.bn"}, {"relu11", "conv4_1.relu"},
    {"conv12", "conv4_2.conv"}, {"bn12", "conv4_2.bn"}, {"relu12", "conv4_2.relu"},
    {"deconv13", "decoder1_1.conv"}, {"bn13", "decoder1_1.bn"}, {"relu13", "decoder1_1.relu"},
    {"conv14", "decoder1_2.conv"}, {"bn14", "decoder1_2.bn"}, {"relu14", "decoder1_2.relu"},
    {"deconv15", "decoder2_1.conv"}, {"bn15", "decoder2_1.bn"}, {"relu15", "decoder2_1.relu"},
    {"conv16", "decoder2_2.conv"}, {"bn16", "decoder2_2.bn"}, {"relu16", "decoder2_2.relu"},
    {"conv17", "decoder2_3.conv"}, {"sigmoid", "decoder2_3.sigmoid"},
};

// clang-format on

constexpr weights::KeyLayout kLayouts[] = {
    {.name = "flat", .source = "the official file, module by module", .modules = kFlat},
    {.name = "triples", .source = "the official file, grouped by layer", .modules = kTriples},
    {.name = "otenim", .source = "the port of otenim", .modules = kOtenim},
    {.name = "mmediting", .source = "the GL model of MMEditing", .modules = kMmEditing},
    {.name = "liruilong", .source = "the port of liruilong940607", .modules = kLiruilong},
};

}  // namespace

std::span<const weights::KeyLayout> layouts() { return kLayouts; }

std::vector<std::string> normed_convolutions() {
  std::vector<std::string> names;
  for (const ModuleName& module : kFlat) {
    const std::string name(module.canonical);
    if (name.find("conv") != std::string::npos && name != "conv17") names.push_back(name);
  }
  return names;
}

std::vector<std::string> required_keys() {
  std::vector<std::string> keys = {"conv17.weight", "conv17.bias"};
  for (const std::string& convolution : normed_convolutions()) {
    const std::string norm = "bn" + convolution.substr(convolution.find_first_of("123456789"));
    keys.push_back(convolution + ".weight");
    for (const char* leaf : {".weight", ".bias", ".running_mean", ".running_var"}) {
      keys.push_back(norm + leaf);
    }
  }
  return keys;
}

weights::Detection detect(const weights::Weights& weights) {
  return weights::detect(weights, layouts(), required_keys());
}

}  // namespace kintsugi::networks::glcic
