// SPDX-License-Identifier: MIT
//
// One picture's way through `kintsugi inpaint`: read, mend, write, the same for a single picture and
// for each of a folder. The three steps of one picture are called in this order, but may be called
// from different threads, and meanwhile those of its neighbours. Where files are called what, and
// whether they may be written, was checked before; what is printed of it is the caller's.
#pragma once

#include <cmath>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <kintsugi/kintsugi.hpp>

#include "console.h"
#include "options.h"

namespace kintsugi::cli {

/// What the command line said.
struct InpaintArguments {
  std::string method = "network";
  std::string blend = "off";
  int64_t radius = 0;  // 0: not given
  std::filesystem::path input, mask, model, output;
  std::filesystem::path side_by_side, compare_to, baseline;  // empty: not given
  std::filesystem::path manifest;                            // the same; and of a folder alone
  std::string format;                                        // the same
  std::filesystem::path score;                               // weights of discriminators, the same
  bool invert_mask = false;
  int64_t max_side = 0;
  DeviceChoice device;
  std::vector<std::string> settings;
};

/// Throws Error::usage on a name that means nothing.
[[nodiscard]] Blend blend_of(const std::string& name);

[[nodiscard]] int64_t radius_of(const InpaintArguments& arguments);

/// One picture, its files, and what became of it so far.
struct Mending {
  std::filesystem::path input, mask, output;
  std::filesystem::path side_by_side, compare_to, baseline;  // empty: not asked for
  const Image* mask_of_all = nullptr;                        // in the place of `mask`: read before
  std::string name;  // put before what is said of it; empty where it is the only one

  // After read_mending.
  Image picture, mask_picture, hole;
  std::optional<Image> truth, other;
  int64_t hole_pixels = 0;
  // After Mender::mend.
  Image mended;
  double seconds = 0;
  double score = NAN;  // where it was asked for
  // After write_mending.
  int64_t known_pixels_changed = 0;
  double psnr = NAN, baseline_psnr = NAN;
};

/// Fills holes, by a network or without one, and lets another network judge what was filled.
class Mender {
 public:
  /// Opens the models, where there are any.
  Mender(const InpaintArguments& arguments, Console& console);
  /// Throws Error::usage on settings that the network does not know, before a picture is read.
  void check_settings() const;
  /// Chooses the device, and says which. Both arguments of the constructor must outlive this.
  void start(Progress progress);
  void mend(Mending& mending);

  [[nodiscard]] const std::optional<Model>& model() const { return model_; }
  [[nodiscard]] std::string device() const { return session_ ? session_->device() : "cpu"; }
  [[nodiscard]] int64_t peak_bytes() const {
    return (session_ ? session_->peak_allocated_bytes() : 0) +
           (judge_ ? judge_->peak_allocated_bytes() : 0);
  }

 private:
  const InpaintArguments& arguments_;
  Console& console_;
  std::optional<Model> model_;
  std::optional<Session> session_;
  std::optional<Model> judge_model_;
  std::optional<Session> judge_;
  std::string name_;  // of the picture that is mended
};

void read_mending(Mending& mending, const InpaintArguments& arguments, Console& console);
/// Measures the result too: known pixels, and what the truth says.
void write_mending(Mending& mending, Console& console);

/// As JSON and reports have it, of what is known so far.
[[nodiscard]] Json facts_of(const Mending& mending);
/// In dB; null where there is no such number.
[[nodiscard]] Json decibels(double value);
[[nodiscard]] std::string print_decibels(double value);

}  // namespace kintsugi::cli
