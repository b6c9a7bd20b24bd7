// SPDX-License-Identifier: MIT
//
// Options that several verbs share, written once: the same name always means the same thing. A
// verb declares its arguments on a CLI::App and returns what runs when that verb was chosen.
#pragma once

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <kintsugi/kintsugi.hpp>

#include "console.h"

namespace kintsugi::cli {

/// The exit codes that scripts may rely on.
enum ExitCode : int {
  kOk = 0,
  kRunError = 1,
  kUsage = 2,
  kSomeFailed = 3,
  kVerificationFailed = 4,
  kNoDevice = 5,
  kInterrupted = 130,
};
[[nodiscard]] int exit_code_of(ErrorCode code);

struct Verb {
  CLI::App* app = nullptr;
  std::function<int()> run;
};

Verb add_inpaint(CLI::App& program, Console& console);
Verb add_translate(CLI::App& program, Console& console);
Verb add_upscale(CLI::App& program, Console& console);
Verb add_detect(CLI::App& program, Console& console);
Verb add_run(CLI::App& program, Console& console);
Verb add_verify(CLI::App& program, Console& console);
Verb add_bench(CLI::App& program, Console& console);
Verb add_plan(CLI::App& program, Console& console);
Verb add_info(CLI::App& program, Console& console);
Verb add_devices(CLI::App& program, Console& console);

/// What `kintsugi devices` and `kintsugi --list-devices` print.
void print_devices(Console& console, bool measure, int threads);

/// --json, -v and -q.
void add_common(CLI::App& verb, Console& console);

struct DeviceChoice {
  std::string device = "auto";
  std::string dtype = "f32";
  int threads = 0;
  std::string max_memory;

  /// Throws Error::usage on a name that means nothing, Error::device_unavailable on one that
  /// does but is not here.
  void check() const;
  [[nodiscard]] int64_t memory_limit() const;
  /// What the library warns of goes to `console`, which must outlive the session.
  [[nodiscard]] SessionOptions session(Console& console, Progress progress) const;
};
/// -d, --dtype, -j and --max-memory.
void add_device(CLI::App& verb, DeviceChoice& choice);
void add_threads(CLI::App& verb, int& threads);

/// --set key=value, as often as there are settings.
void add_settings(CLI::App& verb, std::vector<std::string>& settings);
[[nodiscard]] Settings parse_settings(const std::vector<std::string>& settings);

/// --without fold,fuse
void add_without(CLI::App& verb, std::vector<std::string>& without);

/// --max-side N
void add_max_side(CLI::App& verb, int64_t& max_side);

struct TileChoice {
  std::string size;                // empty: not given
  std::optional<int64_t> overlap;  // pixels

  /// Throws Error::usage on a size that means nothing.
  [[nodiscard]] TileOptions options() const;
};
/// --tile and --tile-overlap.
void add_tiles(CLI::App& verb, TileChoice& choice);

struct CropChoice {
  std::string mode;               // empty: not given
  std::optional<int64_t> margin;  // pixels

  /// Throws Error::usage on a mode that means nothing.
  [[nodiscard]] CropOptions options() const;
};
/// --crop and --crop-margin.
void add_crop(CLI::App& verb, CropChoice& choice);

struct InputSize {
  std::string size;  // empty: not given
  int64_t batch = 1;

  struct Extents {
    int64_t height = 0, width = 0;
  };
  /// Throws Error::usage where `size` is no such thing, or is given to a network of its own size.
  [[nodiscard]] Extents extents(const Description& network) const;
  /// Fills in height, width and batch of PlanOptions or ProfileOptions.
  template <class Options>
  void apply(Options& options, const Description& network) const {
    const Extents found = extents(network);
    options.height = found.height;
    options.width = found.width;
    options.batch = batch;
  }
};
/// --size HxW and --batch N.
void add_size(CLI::App& verb, InputSize& size);
/// A range that an option must lie in; not spelled out in the help, only where it is broken.
template <class Number>
[[nodiscard]] CLI::Validator within(Number low, Number high) {
  return CLI::Range(low, high).description("");
}

/// "1x256x64x64"; throws Error::usage naming `option`.
[[nodiscard]] Shape parse_shape(const std::string& value, const std::string& option);

/// The name nearest to what was typed, or nothing where none is near.
[[nodiscard]] std::string nearest(const std::string& typed, const std::vector<std::string>& names);
/// "did you mean '--mask'? ", or nothing where there is nothing near.
[[nodiscard]] std::string did_you_mean(const std::string& close);
[[nodiscard]] std::vector<std::string> names_of(const std::vector<Task>& tasks);
/// "a, b and c"
[[nodiscard]] std::string enumerate(const std::vector<std::string>& names);

}  // namespace kintsugi::cli
