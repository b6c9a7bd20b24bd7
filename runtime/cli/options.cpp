// SPDX-License-Identifier: MIT
#include "options.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "format.h"

namespace kintsugi::cli {
namespace {

constexpr int kMostThreads = 1024;
constexpr int64_t kLongestSide = int64_t{1} << 20;
constexpr int64_t kLargestBatch = 65536;
constexpr int64_t kLargestExtent = int64_t{1} << 31;

/// "12x34x5" to its numbers; empty when it is anything else.
std::vector<int64_t> parse_extents(const std::string& value) {
  std::vector<int64_t> extents;
  const char* at = value.data();
  const char* const end = at + value.size();
  while (at != end) {
    int64_t extent = 0;
    const auto [next, error] = std::from_chars(at, end, extent);
    if (error != std::errc() || extent < 1 || extent > kLargestExtent) return {};
    extents.push_back(extent);
    if (next == end) return extents;
    if (*next != 'x' && *next != 'X') return {};
    at = next + 1;
  }
  return {};
}

/// A whole number of pixels, zero included; nothing where it is anything else.
std::optional<int64_t> parse_pixels(const std::string& value) {
  int64_t pixels = 0;
  const char* const end = value.data() + value.size();
  const auto [next, error] = std::from_chars(value.data(), end, pixels);
  if (error != std::errc() || next != end || pixels < 0 || pixels > kLongestSide) return {};
  return pixels;
}

/// The name of a device of some build of this program.
bool means_a_device(const std::string& name) {
  for (const char* known : {"auto", "cpu", "reference", "reference-f64", "cuda", "emulated"}) {
    if (name == known) return true;
  }
  return name.starts_with("cuda:") && name.size() > 5 &&
         std::all_of(name.begin() + 5, name.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

int exit_code_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::usage: return kUsage;
    case ErrorCode::device_unavailable: return kNoDevice;
    case ErrorCode::cancelled: return kInterrupted;
    default: return kRunError;
  }
}

void add_common(CLI::App& verb, Console& console) {
  verb.add_flag_callback(
      "--json", [&console] { console.set_json(true); },
      "print the result as JSON on standard output");
  verb.add_flag_callback(
      "-v,--verbose", [&console] { console.set_level(Level::debug); },
      "say more on standard error");
  verb.add_flag_callback(
      "-q,--quiet", [&console] { console.set_level(Level::warning); },
      "say nothing but warnings and errors");
}

void DeviceChoice::check() const {
  if (means_a_device(device)) return require_device(device, dtype);
  std::vector<std::string> names = {"auto"};
  for (const DeviceInfo& found : devices()) {
    if (found.available) names.push_back(found.name);
  }
  throw Error(ErrorCode::usage, "there is no device '" + device + "'",
              did_you_mean(nearest(device, names)) + "the devices are " + enumerate(names));
}

int64_t DeviceChoice::memory_limit() const {
  return max_memory.empty() ? 0 : parse_bytes(max_memory, "--max-memory");
}

SessionOptions DeviceChoice::session(Console& console, Progress progress) const {
  SessionOptions options;
  options.device = device;
  options.dtype = dtype;
  options.threads = threads;
  options.max_memory = memory_limit();
  options.progress = std::move(progress);
  options.warn = [&console](const std::string& sentence) { console.warn(sentence); };
  return options;
}

void add_threads(CLI::App& verb, int& threads) {
  verb.add_option("-j,--threads", threads, "threads; 0: one for each processor")
      ->type_name("N")
      ->check(within(0, kMostThreads));
}

void add_device(CLI::App& verb, DeviceChoice& choice) {
  verb.add_option("-d,--device", choice.device,
                  "auto, cpu, cuda, ...; `kintsugi devices` lists them")
      ->type_name("NAME")
      ->envname("KINTSUGI_DEVICE");
  verb.add_option("--dtype", choice.dtype, "what a GPU stores and multiplies: f32, tf32, f16, bf16")
      ->type_name("TYPE")
      ->check(CLI::IsMember({"f32", "tf32", "f16", "bf16"}).description(""));
  add_threads(verb, choice.threads);
  verb.add_option("--max-memory", choice.max_memory, "refuse to use more than this, such as 2G")
      ->type_name("BYTES");
}

void add_max_side(CLI::App& verb, int64_t& max_side) {
  verb.add_option("--max-side", max_side,
                  "let the network see at most so many pixels a side; 0: all")
      ->type_name("N")
      ->check(within(int64_t{0}, kLongestSide));
}

TileOptions TileChoice::options() const {
  TileOptions options{.overlap = overlap.value_or(TileOptions::kAuto)};
  if (size.empty() || size == "auto") return options;
  if (size == "off") {
    options.size = TileOptions::kOff;
  } else if (const std::optional<int64_t> side = parse_pixels(size)) {
    options.size = *side;
  } else {
    throw Error(ErrorCode::usage, "--tile: '" + size + "' is not the side of a tile in pixels",
                "write a number, auto or off: --tile 512");
  }
  return options;
}

void add_tiles(CLI::App& verb, TileChoice& choice) {
  verb.add_option("--tile", choice.size,
                  "the side of the tiles that the network sees in turn; auto: by --max-memory; off")
      ->type_name("N");
  verb.add_option("--tile-overlap", choice.overlap, "of neighbouring tiles, in pixels")
      ->type_name("N")
      ->check(within(int64_t{0}, kLongestSide));
}

CropOptions CropChoice::options() const {
  if (!mode.empty() && mode != "auto" && mode != "off") {
    throw Error(ErrorCode::usage, "--crop: '" + mode + "' is not known",
                "write auto, for the holes and what they need of the picture around them, or off");
  }
  return {.enabled = mode != "off", .margin = margin.value_or(CropOptions::kAuto)};
}

void add_crop(CLI::App& verb, CropChoice& choice) {
  verb.add_option("--crop", choice.mode,
                  "auto: the network sees the holes and what they need around them; off: all")
      ->type_name("NAME");
  verb.add_option("--crop-margin", choice.margin, "around the holes, in pixels")
      ->type_name("N")
      ->check(within(int64_t{0}, kLongestSide));
}

void add_settings(CLI::App& verb, std::vector<std::string>& settings) {
  verb.add_option("--set", settings, "a setting; `kintsugi info` lists those a model has")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
}

Settings parse_settings(const std::vector<std::string>& settings) {
  Settings parsed;
  for (const std::string& setting : settings) {
    const size_t equals = setting.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw Error(ErrorCode::usage, "--set: '" + setting + "' is not of the form key=value");
    }
    const std::string key = setting.substr(0, equals);
    if (!parsed.emplace(key, setting.substr(equals + 1)).second) {
      throw Error(ErrorCode::usage, "--set: '" + key + "' is set twice");
    }
  }
  return parsed;
}

void add_without(CLI::App& verb, std::vector<std::string>& without) {
  verb.add_option("--without", without,
                  "passes to leave out: fold, fuse, select, layout, place; or winograd")
      ->type_name("PASS,...")
      ->delimiter(',')
      ->allow_extra_args(false);
}

constexpr const char* kDefaultSize = "256x256";

void add_size(CLI::App& verb, InputSize& size) {
  verb.add_option("--size", size.size, "of the network's input, height first")
      ->type_name("HxW")
      ->default_str(kDefaultSize);
  verb.add_option("--batch", size.batch, "pictures at once")
      ->type_name("N")
      ->check(within(int64_t{1}, kLargestBatch))
      ->capture_default_str();
}

InputSize::Extents InputSize::extents(const Description& network) const {
  if (!size.empty() && network.own_size) {
    throw Error(ErrorCode::usage,
                "--size: the inputs of " + network.network + " have a size of their own",
                "kintsugi info shows it");
  }
  const std::vector<int64_t> found = parse_extents(size.empty() ? kDefaultSize : size);
  const bool sound = found.size() == 1 || found.size() == 2;
  if (!sound || found[0] > kLongestSide || found.back() > kLongestSide) {
    throw Error(ErrorCode::usage, "--size: '" + size + "' is not a height and a width",
                "write --size 480x640 for 480 rows of 640 pixels");
  }
  return {.height = found[0], .width = found.back()};
}

Shape parse_shape(const std::string& value, const std::string& option) {
  const std::vector<int64_t> extents = parse_extents(value);
  if (extents.size() != 4) {
    throw Error(ErrorCode::usage, option + ": '" + value + "' is not a shape of four extents",
                "write N x C x H x W: " + option + " 1x256x64x64");
  }
  return Shape(std::span<const int64_t>(extents));
}

std::vector<std::string> names_of(const std::vector<Task>& tasks) {
  std::vector<std::string> names;
  for (const Task task : tasks) names.emplace_back(to_string(task));
  return names;
}

std::string enumerate(const std::vector<std::string>& names) {
  std::string out;
  for (size_t i = 0; i < names.size(); ++i) {
    if (i > 0) out += i + 1 == names.size() ? " and " : ", ";
    out += names[i];
  }
  return out;
}

}  // namespace kintsugi::cli
