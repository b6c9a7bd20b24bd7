// SPDX-License-Identifier: MIT
#include "folder.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <system_error>
#include <utility>

#include <kintsugi/kintsugi.hpp>

#include "files.h"
#include "format.h"

namespace kintsugi::cli {
namespace {

namespace fs = std::filesystem;

struct Extension {
  std::string_view name;
  bool written = true;
};

constexpr std::array<Extension, 9> kExtensions = {
    {{"png"}, {"jpg"}, {"jpeg"}, {"bmp"}, {"tga"}, {"ppm"}, {"pgm"}, {"pnm"}, {"gif", false}}};

constexpr int kLongestChain = 40;  // of links, as the kernel has it

std::string quoted(const fs::path& path) { return "'" + path.string() + "'"; }

/// "png", in either case; null where it is not a picture's.
const Extension* extension_named(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  const auto* const found = std::ranges::find(kExtensions, name, &Extension::name);
  return found == kExtensions.end() ? nullptr : found;
}

/// Of a file's name.
const Extension* extension_of(const fs::path& path) {
  const std::string extension = path.extension().string();
  return extension.empty() ? nullptr : extension_named(extension.substr(1));
}

std::string extensions(bool written) {
  std::string list;
  for (const Extension& extension : kExtensions) {
    if (written && !extension.written) continue;
    list.append(list.empty() ? "" : ", ").append(extension.name);
  }
  return list;
}

[[noreturn]] void refuse(const std::string& what, const fs::path& path, int error) {
  throw Error(ErrorCode::io, "cannot " + what + " the folder " + quoted(path) + ": " +
                                 std::generic_category().message(error));
}

/// Where a file of this name would be written; without a slash at its end, which makes another path
/// of it. A link may lead to nothing yet.
fs::path resolved(fs::path path) {
  std::error_code ignored;
  for (int depth = 0; depth < kLongestChain && fs::is_symlink(path, ignored); ++depth) {
    const fs::path target = fs::read_symlink(path, ignored);
    path = path.parent_path() / target;  // which is `target` where that is absolute
  }
  const fs::path whole = fs::weakly_canonical(path.has_filename() ? path : path / ".", ignored);
  return whole.has_filename() ? whole : whole.parent_path();
}

/// Both resolved; a folder holds itself.
bool holds(const fs::path& folder, const fs::path& path) {
  return std::ranges::mismatch(folder, path).in1 == folder.end();
}

/// Something that a picture could be read from, or that should be complained of when it cannot: a
/// link that leads nowhere, round in a loop, or where nobody may look. A pipe or a device is neither:
/// reading it may not end.
bool is_readable_entry(const fs::directory_entry& entry) {
  std::error_code error;
  const fs::file_type type = entry.status(error).type();
  if (type == fs::file_type::regular) return true;
  return (error || type == fs::file_type::not_found) && entry.is_symlink(error);
}

}  // namespace

bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

bool is_named_like_a_picture(const fs::path& path) { return extension_of(path) != nullptr; }

FolderListing list_pictures(const fs::path& folder) {
  FolderListing listing;
  std::error_code error;
  fs::directory_iterator at(folder, error);
  for (; !error && at != fs::directory_iterator(); at.increment(error)) {
    const fs::path& path = at->path();
    const bool hidden = path.filename().string().starts_with('.');
    if (!hidden && is_named_like_a_picture(path) && is_readable_entry(*at)) {
      listing.pictures.push_back(path);
    } else {
      ++listing.skipped;
    }
  }
  if (error) refuse("read", folder, error.value());
  if (listing.pictures.empty()) {
    throw Error(ErrorCode::usage,
                "there is no picture in the folder " + quoted(folder) +
                    (listing.skipped > 0 ? ", only " + plural(listing.skipped, "other file")
                                         : ": it is empty"),
                "pictures are known by their extensions: " + extensions(false));
  }
  std::ranges::sort(listing.pictures, {}, [](const fs::path& path) { return path.filename(); });
  return listing;
}

ByStem::ByStem(const fs::path& folder, std::string what) : folder_(folder), what_(std::move(what)) {
  for (fs::path& path : list_pictures(folder).pictures) {
    by_stem_[path.stem().string()].push_back(std::move(path));
  }
}

fs::path ByStem::find(const fs::path& picture) const {
  const auto found = by_stem_.find(picture.stem().string());
  if (found == by_stem_.end()) {
    throw Error(ErrorCode::mismatch, quoted(picture) + " has no " + what_ + " in " +
                                         quoted(folder_) + " of the same name before the dot");
  }
  if (found->second.size() > 1) {
    throw Error(ErrorCode::mismatch, quoted(picture) + " has more than one " + what_ + " in " +
                                         quoted(folder_) + ": " +
                                         found->second[0].filename().string() + " and " +
                                         found->second[1].filename().string());
  }
  return found->second.front();
}

std::vector<fs::path> ByStem::files() const {
  std::vector<fs::path> all;
  for (const auto& [stem, files] : by_stem_) all.insert(all.end(), files.begin(), files.end());
  return all;
}

void refuse_folder_options(const fs::path& manifest, const std::string& format) {
  const std::pair<bool, const char*> of_folders[] = {{!manifest.empty(), "--manifest"},
                                                     {!format.empty(), "--format"}};
  for (const auto& [given, option] : of_folders) {
    if (!given) continue;
    throw Error(ErrorCode::usage, std::string(option) + " is for a folder of pictures, not for one",
                "the format of one picture is that of its output's name");
  }
}

void check_format_name(const std::string& format) {
  const Extension* const found = extension_named(format);
  if (found != nullptr && found->written) return;
  throw Error(ErrorCode::usage, "--format: '" + format + "' is not a format that is written",
              "the formats are " + extensions(true));
}

std::vector<fs::path> output_names(const std::vector<fs::path>& pictures, const fs::path& folder,
                                   const std::string& format) {
  std::vector<fs::path> outputs;
  std::map<fs::path, fs::path> taken;
  for (const fs::path& picture : pictures) {
    const Extension* const own = extension_of(picture);
    std::string extension = "." + format;
    if (format.empty()) {
      extension = own != nullptr && own->written ? picture.extension().string() : ".png";
    }
    fs::path output = folder / (picture.stem().string() + extension);
    const auto [at, free] = taken.emplace(output, picture);
    if (!free) {
      throw Error(ErrorCode::usage,
                  quoted(at->second) + " and " + quoted(picture) + " would both be written as " +
                      quoted(output),
                  "rename one of them, or give another --format or none");
    }
    outputs.push_back(std::move(output));
  }
  return outputs;
}

void check_output_folder(const fs::path& folder, const std::vector<fs::path>& outputs,
                         const std::vector<fs::path>& inputs) {
  if (folder.empty()) throw Error(ErrorCode::usage, "the name of the output is empty");
  if (folder == "-") {
    throw Error(ErrorCode::usage, "the pictures of a folder cannot go to standard output",
                "give a folder to -o");
  }
  std::error_code ignored;
  if (!is_folder(folder)) {
    if (fs::exists(folder, ignored) || is_named_like_a_picture(folder)) {
      throw Error(ErrorCode::usage,
                  "the input is a folder, so the output must be one: " + quoted(folder) +
                      (fs::exists(folder, ignored) ? " is a file" : " is the name of a picture"));
    }
    return;  // it will be created; nothing is in it
  }
  const auto refuse_same = [&](const fs::path& input) {
    throw Error(ErrorCode::usage,
                "the output folder " + quoted(folder) + " must not be " + quoted(input),
                "nothing is ever overwritten that is also read; choose another folder");
  };
  for (const fs::path& input : inputs) {
    if (fs::equivalent(folder, input, ignored)) refuse_same(input);
  }
  for (const fs::path& output : outputs) {
    if (!fs::is_symlink(output, ignored)) continue;
    const fs::path target = resolved(output);
    for (const fs::path& input : inputs) {
      if (!fs::equivalent(target, input, ignored) &&
          !fs::equivalent(target.parent_path(), input, ignored)) {
        continue;
      }
      throw Error(ErrorCode::usage,
                  "the output " + quoted(output) + " is a link to " + quoted(target) +
                      ", which is also read",
                  "nothing is ever overwritten that is also read; remove the link");
    }
  }
}

void check_apart(const std::vector<fs::path>& written, const std::vector<fs::path>& read) {
  std::map<std::pair<dev_t, ino_t>, const fs::path*> known;
  struct stat found = {};
  for (const fs::path& path : read) {
    if (::stat(path.c_str(), &found) == 0)
      known.emplace(std::pair(found.st_dev, found.st_ino), &path);
  }
  for (const fs::path& path : written) {
    if (::stat(path.c_str(), &found) != 0) continue;
    const auto same = known.find({found.st_dev, found.st_ino});
    if (same == known.end()) continue;
    throw Error(ErrorCode::usage,
                quoted(path) + " would be written, and is the same file as " +
                    quoted(*same->second) + ", which is read",
                "nothing is ever overwritten that is also read; remove the link between them");
  }
}

void check_manifest(const fs::path& manifest, const fs::path& output,
                    const std::vector<fs::path>& outputs, const std::vector<fs::path>& read) {
  if (is_stream(manifest)) {
    throw Error(ErrorCode::usage, "--manifest needs the name of a file",
                "--json prints the same on standard output");
  }
  const fs::path file = resolved(manifest);
  const fs::path above = manifest.has_parent_path() ? manifest.parent_path() : fs::path(".");
  std::error_code ignored;
  for (const fs::path& path : read) {
    if (!is_folder(path)) continue;
    if (!fs::equivalent(above, path, ignored) &&
        !fs::equivalent(file.parent_path(), path, ignored)) {
      continue;
    }
    throw Error(ErrorCode::usage,
                "the manifest " + quoted(manifest) + " would be in " + quoted(path) +
                    ", which is also read",
                "give the name of a file in another folder");
  }
  const fs::path folder = resolved(output);
  if (holds(file, folder)) {
    throw Error(ErrorCode::usage, "the manifest " + quoted(manifest) + " is a folder",
                "give the name of a file");
  }
  if (!fs::exists(above, ignored) && holds(file.parent_path(), folder)) {
    // It is created with the output, so that only the names can be compared.
    const auto same =
        std::ranges::find(outputs, file, [](const fs::path& path) { return resolved(path); });
    if (same == outputs.end()) return;
    throw Error(ErrorCode::usage,
                "the manifest " + quoted(manifest) + " is the same file as " + quoted(*same),
                "choose another name");
  }
  std::vector<fs::path> taken = outputs;
  taken.insert(taken.end(), read.begin(), read.end());
  check_output(manifest, taken);
}

void create_folder(const fs::path& folder) {
  std::error_code error;
  // A name that ends in a slash would be created twice over.
  fs::create_directories(folder.has_filename() ? folder : folder.parent_path(), error);
  if (error) refuse("create", folder, error.value());
  if (::access(folder.c_str(), W_OK | X_OK) != 0) refuse("write to", folder, errno);
}

}  // namespace kintsugi::cli
