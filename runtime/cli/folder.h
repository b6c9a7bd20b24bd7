// SPDX-License-Identifier: MIT
//
// Folders of pictures, as every verb takes them: what is in one, what belongs together by stem (the
// name without its extension), and how the outputs are called. Everything is found and checked
// before the first picture is read; nothing is read here.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace kintsugi::cli {

struct FolderListing {
  std::vector<std::filesystem::path> pictures;  // sorted by name
  int64_t skipped = 0;                          // hidden, a folder, or not named like a picture
};

[[nodiscard]] bool is_folder(const std::filesystem::path& path);

/// By its extension, which says nothing about what is inside.
[[nodiscard]] bool is_named_like_a_picture(const std::filesystem::path& path);

/// Throws Error::io where the folder cannot be read. A link that leads nowhere, or round in a
/// loop, counts as a picture: it fails when it is read, and is not lost without a word.
[[nodiscard]] FolderListing list_pictures(const std::filesystem::path& folder);

/// A folder whose pictures belong to others of the same stem: masks, truths.
class ByStem {
 public:
  /// `what` one of them is, for sentences: "mask".
  ByStem(const std::filesystem::path& folder, std::string what);

  /// Throws Error::mismatch where there is none, or more than one.
  [[nodiscard]] std::filesystem::path find(const std::filesystem::path& picture) const;
  /// All that are there, whether they belong to a picture or not.
  [[nodiscard]] std::vector<std::filesystem::path> files() const;

 private:
  std::filesystem::path folder_;
  std::string what_;
  std::map<std::string, std::vector<std::filesystem::path>> by_stem_;
};

/// Throws Error::usage where pictures are not written in this format: "png", "jpg".
void check_format_name(const std::string& format);

/// Throws Error::usage where an option of folders is given for one picture.
void refuse_folder_options(const std::filesystem::path& manifest, const std::string& format);

/// One name in `folder` for each picture: its stem, and `format`; or, where that is empty, its own
/// extension if such files are written, else png. Throws Error::usage where two would be one file.
[[nodiscard]] std::vector<std::filesystem::path> output_names(
    const std::vector<std::filesystem::path>& pictures, const std::filesystem::path& folder,
    const std::string& format);

/// Throws Error::usage where the output cannot be a folder, is one of `inputs` (folders or files),
/// or holds a link of an output's name that leads into one of them.
void check_output_folder(const std::filesystem::path& folder,
                         const std::vector<std::filesystem::path>& outputs,
                         const std::vector<std::filesystem::path>& inputs);

/// Throws Error::usage where one of `written` is, by whatever links, one of `read`.
void check_apart(const std::vector<std::filesystem::path>& written,
                 const std::vector<std::filesystem::path>& read);

/// Before anything is created. Throws Error::usage where the manifest is no file of its own: a
/// stream, a folder, in one of `read` (folders or files), or one of these or of `outputs`; and
/// Error::io where it cannot be written, unless its folder is yet to be created with `output`.
void check_manifest(const std::filesystem::path& manifest, const std::filesystem::path& output,
                    const std::vector<std::filesystem::path>& outputs,
                    const std::vector<std::filesystem::path>& read);

/// With the folders above it; throws Error::io where it cannot be made or written to.
void create_folder(const std::filesystem::path& folder);

}  // namespace kintsugi::cli
