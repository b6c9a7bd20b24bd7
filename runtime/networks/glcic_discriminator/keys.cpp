// SPDX-License-Identifier: MIT
//
// The names that ports of GLCIC give to the modules of its discriminators, beside those of net.cpp.
#include "runtime/networks/glcic_discriminator/glcic_discriminator.h"

namespace kintsugi::networks::glcic_discriminator {
namespace {

using weights::ModuleName;

// A row is a layer, as set by hand.
// clang-format off

// The linear layer is numbered after the convolutions before it: six, or five in the CelebA form.
constexpr ModuleName kOtenim[] = {
    {"local", "model_ld"},
    {"local.relu1", "model_ld.act1"}, {"local.relu2", "model_ld.act2"}, {"local.relu3", "model_ld.act3"},
    {"local.relu4", "model_ld.act4"}, {"local.relu5", "model_ld.act5"},
    {"local.fc", "model_ld.linear6"}, {"local.fc_relu", "model_ld.act6"},
    {"global", "model_gd"},
    {"global.relu1", "model_gd.act1"}, {"global.relu2", "model_gd.act2"}, {"global.relu3", "model_gd.act3"},
    {"global.relu4", "model_gd.act4"}, {"global.relu5", "model_gd.act5"}, {"global.relu6", "model_gd.act6"},
    {"global.fc", "model_gd.linear7"}, {"global.fc_relu", "model_gd.act7"},
    {"fc", "linear1"}, {"sigmoid", "act1"},
};

constexpr ModuleName kOtenimCelebA[] = {
    {"local", "model_ld"},
    {"local.relu1", "model_ld.act1"}, {"local.relu2", "model_ld.act2"}, {"local.relu3", "model_ld.act3"},
    {"local.relu4", "model_ld.act4"}, {"local.relu5", "model_ld.act5"},
    {"local.fc", "model_ld.linear6"}, {"local.fc_relu", "model_ld.act6"},
    {"global", "model_gd"},
    {"global.relu1", "model_gd.act1"}, {"global.relu2", "model_gd.act2"}, {"global.relu3", "model_gd.act3"},
    {"global.relu4", "model_gd.act4"}, {"global.relu5", "model_gd.act5"},
    {"global.fc", "model_gd.linear6"}, {"global.fc_relu", "model_gd.act6"},
    {"fc", "linear1"}, {"sigmoid", "act1"},
};

constexpr ModuleName kMmEditing[] = {
    {"local.conv1", "local_disc.conv1.conv"}, {"local.bn1", "local_disc.conv1.bn"}, {"local.relu1", "local_disc.conv1.activate"},
    {"local.conv2", "local_disc.conv2.conv"}, {"local.bn2", "local_disc.conv2.bn"}, {"local.relu2", "local_disc.conv2.activate"},
    {"local.conv3", "local_disc.conv3.conv"}, {"local.bn3", "local_disc.conv3.bn"}, {"local.relu3", "local_disc.conv3.activate"},
    {"local.conv4", "local_disc.conv4.conv"}, {"local.bn4", "local_disc.conv4.bn"}, {"local.relu4", "local_disc.conv4.activate"},
    {"local.conv5", "local_disc.conv5.conv"}, {"local.bn5", "local_disc.conv5.bn"}, {"local.relu5", "local_disc.conv5.activate"},
    {"local.fc", "local_disc.fc.linear"}, {"local.fc_relu", "local_disc.fc.activate"},
    {"global.conv1", "global_disc.conv1.conv"}, {"global.bn1", "global_disc.conv1.bn"}, {"global.relu1", "global_disc.conv1.activate"},
    {"global.conv2", "global_disc.conv2.conv"}, {"global.bn2", "global_disc.conv2.bn"}, {"global.relu2", "global_disc.conv2.activate"},
    {"global.conv3", "global_disc.conv3.conv"}, {"global.bn3", "global_disc.conv3.bn"}, {"global.relu3", "global_disc.conv3.activate"},
    {"global.conv4", "global_disc.conv4.conv"}, {"global.bn4", "global_disc.conv4.bn"}, {"global.relu4", "global_disc.conv4.activate"},
    {"global.conv5", "global_disc.conv5.conv"}, {"global.bn5", "global_disc.conv5.bn"}, {"global.relu5", "global_disc.conv5.activate"},
    {"global.conv6", "global_disc.conv6.conv"}, {"global.bn6", "global_disc.conv6.bn"}, {"global.relu6", "global_disc.conv6.activate"},
    {"global.fc", "global_disc.fc.linear"}, {"global.fc_relu", "global_disc.fc.activate"},
};

constexpr ModuleName kLiruilong[] = {
    {"local.conv1", "local_conv1.conv"}, {"local.bn1", "local_conv1.bn"}, {"local.relu1", "local_conv1.relu"},
    {"local.conv2", "local_conv2.conv"}, {"local.bn2", "local_conv2.bn"}, {"local.relu2", "local_conv2.relu"},
    {"local.conv3", "local_conv3.conv"}, {"local.bn3", "local_conv3.bn"}, {"local.relu3", "local_conv3.relu"},
    {"local.conv4", "local_conv4.conv"}, {"local.bn4", "local_conv4.bn"}, {"local.relu4", "local_conv4.relu"},
    {"local.conv5", "local_conv5.conv"}, {"local.bn5", "local_conv5.bn"}, {"local.relu5", "local_conv5.relu"},
    {"local.fc", "local_fc"},
    {"global.conv1", "global_conv1.conv"}, {"global.bn1", "global_conv1.bn"}, {"global.relu1", "global_conv1.relu"},
    {"global.conv2", "global_conv2.conv"}, {"global.bn2", "global_conv2.bn"}, {"global.relu2", "global_conv2.relu"},
    {"global.conv3", "global_conv3.conv"}, {"global.bn3", "global_conv3.bn"}, {"global.relu3", "global_conv3.relu"},
    {"global.conv4", "global_conv4.conv"}, {"global.bn4", "global_conv4.bn"}, {"global.relu4", "global_conv4.relu"},
    {"global.conv5", "global_conv5.conv"}, {"global.bn5", "global_conv5.bn"}, {"global.relu5", "global_conv5.relu"},
    {"global.conv6", "global_conv6.conv"}, {"global.bn6", "global_conv6.bn"}, {"global.relu6", "global_conv6.relu"},
    {"global.fc", "global_fc"},
};

// clang-format on

constexpr weights::KeyLayout kLayouts[] = {
    {.name = "otenim", .source = "the port of otenim, for Places2", .modules = kOtenim},
    {.name = "otenim_celeba", .source = "the port of otenim, for CelebA", .modules = kOtenimCelebA},
    {.name = "mmediting", .source = "the GL model of MMEditing", .modules = kMmEditing},
    {.name = "liruilong", .source = "the port of liruilong940607", .modules = kLiruilong},
};

/// What every port has; biases and a sixth convolution are not among it.
std::vector<std::string> required_keys() {
  std::vector<std::string> keys = {"fc.weight", "fc.bias"};
  for (const std::string view : {"local.", "global."}) {
    for (int64_t i = 1; i <= kLocalLayers; ++i) {
      const std::string number = std::to_string(i);
      keys.push_back(view + "conv" + number + ".weight");
      for (const char* leaf : {".weight", ".bias", ".running_mean", ".running_var"}) {
        keys.push_back(view + "bn" + number + leaf);
      }
    }
    keys.push_back(view + "fc.weight");
    keys.push_back(view + "fc.bias");
  }
  return keys;
}

}  // namespace

weights::Detection detect(const weights::Weights& weights) {
  return weights::detect(weights, kLayouts, required_keys());
}

}  // namespace kintsugi::networks::glcic_discriminator
