// SPDX-License-Identifier: MIT
//
// Tasks: what a Session can do with images, as data. Every network takes the same input and gives the same
// output; which tasks a file of weights is for, Description::tasks says.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "kintsugi/api.hpp"
#include "kintsugi/image.hpp"

namespace kintsugi {

/// What weights can be for, beside Session::run.
enum class Task : uint8_t {
  inpaint,    ///< fill the holes of an image
  translate,  ///< take an image to another domain
  upscale,    ///< the same image, larger
  detect,     ///< find defects in an image
  score,      ///< judge an image
};
[[nodiscard]] KINTSUGI_API const char* to_string(Task task);
/// Throws Error::usage for a word that names none, listing those that do.
[[nodiscard]] KINTSUGI_API Task task_named(const std::string& name);

/// Of a network, by name: "norm" = "instance".
using Settings = std::map<std::string, std::string>;

/// How what a network made meets the picture. Known pixels are bit-exact in every case.
enum class Blend : uint8_t {
  off,       ///< the network's pixels as they are
  poisson,   ///< their gradients, inside the holes alone: a hole meets its edge without a step
  official,  ///< the post-processing of GLCIC's release: Telea, then seamlessClone around the holes
};

/// How a task cuts an image into tiles. Where the overlap covers the network's field, the tiled result is the
/// untiled one: bit for bit without Winograd, within 1e-5 with it. Else neighbours are blended.
struct TileOptions {
  static constexpr int64_t kAuto = 0, kOff = -1;
  int64_t size =
      kAuto;  ///< side of a tile in pixels; kAuto: the whole image, or what max_memory allows
  int64_t overlap =
      kAuto;  ///< of neighbours in pixels; kAuto: the field, or 64 where it is unbounded
};

/// How inpaint cuts out what its holes need, and leaves the rest of the image alone.
struct CropOptions {
  static constexpr int64_t kAuto = -1;
  bool enabled = true;
  int64_t margin =
      kAuto;  ///< around the holes in pixels; kAuto: the field, no crop where it is unbounded
};

/// What a task is done with. Fields that the task does not know are not looked at.
struct TaskInput {
  ImageView image = {};
  ImageView mask = {};     ///< of inpaint, and of score where the network looks at what was filled
  Settings settings = {};  ///< of the network
  bool invert_mask = false;  ///< black = hole
  int64_t max_side = 0;      ///< scale down so that the longer side is at most this; 0 = never
  Blend blend = Blend::off;
  bool round =
      false;  ///< to the nearest sample; else as the official program of the network does it
  TileOptions tiles = {};
  CropOptions crop = {};
  std::vector<std::string> without = {};  ///< passes to leave out, as in PlanOptions
};

/// A part of an image that a network points at.
struct Detection {
  int64_t x0 = 0, y0 = 0, x1 = 0, y1 = 0;  ///< pixels, x1 and y1 behind the last
  double score = 0;
  std::string label = {};
};

/// What a task made: images and numbers by name.
struct TaskOutput {
  std::map<std::string, Image> images = {};    ///< "image"; of detect also "heatmap", "mask"
  std::map<std::string, double> numbers = {};  ///< "score"
  std::vector<Detection> detections = {};
};

struct InpaintOptions {
  Settings settings = {};
  bool invert_mask = false;  ///< black = hole
  int64_t max_side = 0;      ///< scale down so that the longer side is at most this; 0 = never
  Blend blend = Blend::off;
  TileOptions tiles = {};
  CropOptions crop = {};
  std::vector<std::string> without = {};  ///< passes to leave out, as in PlanOptions
};

struct TranslateOptions {
  Settings settings = {};
  int64_t max_side = 0;  ///< as in InpaintOptions; what the network made is scaled back up
  bool round = false;    ///< to the nearest sample; else truncated, as the official programs do it
  TileOptions tiles = {};
};

struct UpscaleOptions {
  Settings settings = {};
  TileOptions tiles = {};
};

struct DetectOptions {
  Settings settings = {};
};

struct ScoreOptions {
  Settings settings = {};
  bool invert_mask = false;  ///< black = hole
};

}  // namespace kintsugi
