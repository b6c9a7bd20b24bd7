// SPDX-License-Identifier: MIT
//
// kintsugi inpaint of a folder: which mask belongs to which picture, what the outputs are called,
// and what the manifest says. How a folder is run is folder_run.h, how a picture is mended mend.h.
#include "inpaint_folder.h"

#include <memory>
#include <system_error>
#include <utility>

#include "files.h"
#include "folder.h"
#include "folder_run.h"
#include "format.h"
#include "picture.h"

namespace kintsugi::cli {
namespace {

namespace fs = std::filesystem;

void check_options(const InpaintArguments& a) {
  const std::pair<const fs::path&, const char*> of_one[] = {{a.side_by_side, "--side-by-side"},
                                                            {a.baseline, "--baseline"}};
  for (const auto& [path, option] : of_one) {
    if (path.empty()) continue;
    throw Error(ErrorCode::usage, std::string(option) + " is for one picture, not for a folder");
  }
  if (!a.compare_to.empty() && !is_folder(a.compare_to)) {
    throw Error(ErrorCode::usage, "--compare-to must be a folder, as the input is");
  }
  if (!a.format.empty()) check_format_name(a.format);
  for (const fs::path& weights : {a.model, a.score}) {
    if (weights.empty()) continue;
    if (is_stream(weights)) {
      throw Error(ErrorCode::usage, "a model is not read from standard input");
    }
    check_input(weights);
  }
  std::error_code ignored;
  if (fs::equivalent(a.mask, a.input, ignored)) {
    throw Error(ErrorCode::usage, "the masks are in the same folder as the pictures",
                "give another folder to --mask, or one mask for all pictures");
  }
  if (!is_folder(a.mask)) check_input(a.mask);
}

Json head_of(const InpaintArguments& a, const Mender& mender) {
  Json head = {{"kintsugi", version()},       {"verb", "inpaint"},
               {"input", a.input.string()},   {"mask", a.mask.string()},
               {"output", a.output.string()}, {"method", a.method},
               {"device", mender.device()},   {"invert_mask", a.invert_mask}};
  if (!a.score.empty()) head["score_model"] = a.score.string();
  if (mender.model()) {
    head["model"] = a.model.string();
    head["network"] = mender.model()->describe().network;
    head["settings"] = parse_settings(a.settings);
    head["blend"] = a.blend;
    head["max_side"] = a.max_side;
  } else {
    head["radius"] = radius_of(a);
  }
  return head;
}

/// The work on each picture; here from the time that it is read until it is done.
class Mendings {
 public:
  Mendings(const InpaintArguments& arguments, const std::vector<FolderFile>& files, Mender& mender,
           Console& console)
      : arguments_(arguments), files_(files), mender_(mender), console_(console) {
    if (is_folder(arguments.mask))
      masks_.emplace(arguments.mask, "mask");
    else
      mask_ = read_picture(arguments.mask, console);
    if (!arguments.compare_to.empty())
      truths_.emplace(arguments.compare_to, "picture to compare to");
    under_way_.resize(files.size());
  }
  FolderWork work();
  /// The masks and truths of their folders.
  [[nodiscard]] std::vector<fs::path> files() const;

  /// Pictures for which there is a number of dB, and the mean over them.
  [[nodiscard]] int64_t compared() const { return compared_; }
  [[nodiscard]] double mean_psnr() const {
    return compared_ > 0 ? psnr_sum_ / static_cast<double>(compared_) : NAN;
  }

 private:
  void read(size_t i);
  Json finish(size_t i);

  const InpaintArguments& arguments_;
  const std::vector<FolderFile>& files_;
  Mender& mender_;
  Console& console_;
  std::optional<ByStem> masks_, truths_;
  std::optional<Image> mask_;  // of all pictures
  std::vector<std::unique_ptr<Mending>> under_way_;
  double psnr_sum_ = 0;
  int64_t compared_ = 0;
};

void Mendings::read(size_t i) {
  under_way_[i] = std::make_unique<Mending>();
  Mending& m = *under_way_[i];
  m.input = files_[i].input;
  m.output = files_[i].output;
  m.name = "'" + m.input.string() + "'";
  if (mask_) m.mask_of_all = &*mask_;
  m.mask = mask_ ? arguments_.mask : masks_->find(m.input);
  if (truths_) m.compare_to = truths_->find(m.input);
  read_mending(m, arguments_, console_);
}

Json Mendings::finish(size_t i) {
  const std::unique_ptr<Mending> m = std::move(under_way_[i]);
  Json facts = Json::object();
  facts["mask"] = m->mask.empty() ? Json(nullptr) : Json(m->mask.string());
  facts.update(facts_of(*m));
  if (std::isfinite(m->psnr)) {
    psnr_sum_ += m->psnr;
    ++compared_;
  }
  return facts;
}

std::vector<fs::path> Mendings::files() const {
  std::vector<fs::path> all;
  for (const std::optional<ByStem>* folder : {&masks_, &truths_}) {
    if (!*folder) continue;
    const std::vector<fs::path> files = (*folder)->files();
    all.insert(all.end(), files.begin(), files.end());
  }
  return all;
}

FolderWork Mendings::work() {
  return {.done = "mended",
          .read = [this](size_t i) { read(i); },
          .run = [this](size_t i) { mender_.mend(*under_way_[i]); },
          .write = [this](size_t i) { write_mending(*under_way_[i], console_); },
          .finish = [this](size_t i) { return finish(i); },
          .totals =
              [this] {
                Json totals = {{"peak_bytes", mender_.peak_bytes()}};
                if (truths_) totals["psnr_hole_db_mean"] = decibels(mean_psnr());
                return totals;
              }};
}

}  // namespace

int inpaint_folder(const InpaintArguments& a, Console& console) {
  check_options(a);
  const FolderListing listing = list_pictures(a.input);
  const std::vector<fs::path> outputs = output_names(listing.pictures, a.output, a.format);
  std::vector<fs::path> read = {a.input, a.mask};
  for (const fs::path& path : {a.model, a.compare_to, a.score}) {
    if (!path.empty()) read.push_back(path);
  }
  check_output_folder(a.output, outputs, read);
  const fs::path manifest = a.manifest.empty() ? a.output / "manifest.json" : a.manifest;
  check_manifest(manifest, a.output, outputs, read);
  std::vector<FolderFile> files;
  for (size_t i = 0; i < outputs.size(); ++i) files.push_back({listing.pictures[i], outputs[i]});

  Mender mender(a, console);
  mender.check_settings();
  Mendings mendings(a, files, mender, console);
  std::vector<fs::path> written = outputs;
  written.push_back(manifest);
  const std::vector<fs::path> others = mendings.files();
  read.insert(read.end(), others.begin(), others.end());
  read.insert(read.end(), listing.pictures.begin(), listing.pictures.end());
  check_apart(written, read);
  FolderRun run(files, listing.skipped, manifest, console);
  mender.start(run.progress());
  for (const fs::path& output : outputs) {
    if (tell_of_jpeg(output, console)) break;
  }

  create_folder(a.output);
  const int code = run.run(mendings.work(), head_of(a, mender));
  if (!a.compare_to.empty() && !console.json()) {
    console.print("PSNR inside the hole, mean of " + format_count(mendings.compared()) + ": " +
                  print_decibels(mendings.mean_psnr()) + "\n");
  }
  return code;
}

}  // namespace kintsugi::cli
