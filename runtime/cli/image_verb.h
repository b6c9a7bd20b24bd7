// SPDX-License-Identifier: MIT
//
// The verbs that take images through a network: inpaint, translate, upscale and detect, each for one
// image or for every image of a folder. Here is what they share: checks of paths and options, weights
// and device, the judge of --score, tiles, progress, the report and the manifest. A verb describes
// itself in an ImageVerb, and what it does with one image in a class of ImageJob.
//
// Files are checked before weights are opened, and weights before an image is read. The three steps of
// a job come in order, but from different threads, while its neighbours are in theirs (batch.h).
#pragma once

#include <cmath>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <kintsugi/kintsugi.hpp>

#include "console.h"
#include "options.h"

namespace kintsugi::cli {

/// What the command line says to each of these verbs.
struct ImageArguments {
  std::filesystem::path input, model, output;
  std::filesystem::path side_by_side, score, manifest;  // empty: not given
  std::string format;  // the same; of a folder alone, as the manifest
  int64_t max_side = 0;
  TileChoice tiles;
  CropChoice crop;
  DeviceChoice device;
  std::vector<std::string> settings, without;

  // Set by the verb, not by the command line.
  bool needs_model = true;
  bool needs_output = true;  // of one image; a folder has one always
};

/// What the help of a verb says of the options that it shares with others; null: it has no such option.
struct ImageHelp {
  const char* verb;
  const char* side_by_side;
  const char* score = nullptr;
};

/// Declares a verb, the options that are the same for all and, in their midst, those of `own`.
CLI::App* add_image_verb(CLI::App& program, Task task, ImageArguments& arguments,
                         const ImageHelp& help, Console& console,
                         const std::function<void(CLI::App& verb)>& own);

/// One image, its files, and what became of it so far.
class ImageJob {
 public:
  std::filesystem::path input;
  std::filesystem::path output, side_by_side;  // empty: not written
  std::string name;  // put before what is said of it; empty where it is the only one

  Image image;      // after read
  TaskOutput made;  // after the run
  double seconds = 0;
  double score = NAN;  // where it was asked for

  virtual ~ImageJob() = default;
  /// The image, and what belongs to it. Throws where the formats of the outputs cannot hold the result.
  virtual void read(Console& console);
  /// An image of the result's channels and bits, for questions about formats before there is a result.
  [[nodiscard]] virtual ImageView like_result() const { return image; }
  /// What the task takes beside the image and the options of all verbs.
  virtual void fill(TaskInput&) const {}
  /// Where there is no network.
  [[nodiscard]] virtual TaskOutput run_without_network(Console&) { return {}; }
  /// Before the result is written.
  virtual void measure(Console&) {}

  [[nodiscard]] virtual const Image& result() const { return made.images.at("image"); }
  /// Of the image, for a result that shows the same.
  [[nodiscard]] virtual ImageMetadata metadata() const { return image.metadata; }
  [[nodiscard]] virtual Image panels() const;
  /// As JSON and manifest have it, of what is known so far.
  [[nodiscard]] virtual Json facts() const;
  /// What is printed below the line that names the output.
  [[nodiscard]] virtual std::vector<std::string> lines() const;

 protected:
  /// console.warn, with the image's name where there are several.
  void warn(Console& console, const std::string& sentence) const;
};

/// What a verb does for a folder as a whole.
struct FolderHooks {
  /// Throws Error::usage for what is not for folders.
  std::function<void()> check = [] {};
  /// Finds what belongs to the images; returns the files of which one each is read.
  std::function<std::vector<std::filesystem::path>()> open = [] {
    return std::vector<std::filesystem::path>{};
  };
  /// In the manifest's totals, and printed below the summary where it is not empty.
  std::function<Json()> totals = [] { return Json::object(); };
  std::function<std::string()> closing = [] { return std::string(); };
};

struct ImageVerb {
  Task task;
  const char* done;   // "mended"
  const char* judge;  // the network that --score takes; null where there is no such option
  std::function<std::unique_ptr<ImageJob>()> job;
  /// What was asked for beside the options of all verbs: in the manifest, and in the JSON of one image.
  Json head = Json::object(), head_of_one = Json::object();
  /// Files that are read beside images and weights, in the order of their checks; "" where not given.
  std::vector<std::filesystem::path> inputs = {};
  FolderHooks folder = {};
};

/// Does it; the exit code. `arguments` without a model: run_without_network does the work.
[[nodiscard]] int run_image_verb(const ImageVerb& verb, const ImageArguments& arguments,
                                 Console& console);

}  // namespace kintsugi::cli
