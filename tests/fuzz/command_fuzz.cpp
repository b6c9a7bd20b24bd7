// SPDX-License-Identifier: MIT
//
// Any bytes as a command line, an argument a line. It is parsed without running anything; then the
// verbs run as the program runs them, in a folder of their own that holds two small pictures, a
// file of weights that is none, and a folder with a picture and one that is broken. Left out are the verbs that measure the machine, and every command
// with a slash in it: no other folder can be named. The exit code is one that is documented; a failure
// is one sentence, and leaves standard output empty and no temporary file behind; where some pictures of
// a folder fail, each has its sentence.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <vector>

#include "kintsugi/image.hpp"
#include "runtime/cli/options.h"
#include "runtime/cli/program.h"
#include "tests/fuzz/fuzz.h"

namespace kintsugi::cli {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMostArguments = 64;
constexpr const char* kPicture = "p.png";
constexpr const char* kMask = "m.png";
constexpr const char* kWeights = "w";
constexpr const char* kPictures = "d";
constexpr int64_t kFound = 6;  // with the two pictures in the folder

/// libFuzzer's and the sanitizers' own; the program's is caught.
std::FILE* const terminal = stderr;

void require(bool holds, const std::string& sentence) { fuzz::require(holds, sentence, terminal); }

void save(const fs::path& file, std::span<const std::byte> bytes) {
  std::ofstream(file, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), std::ssize(bytes));
}

/// The folder that everything happens in, the process within it while this lives; libFuzzer ends
/// without destroying what is static, so each command has its own.
class Folder {
 public:
  Folder() : before_(fs::current_path()) {
    // In memory where there is such a folder: what is written is flushed, which takes a disk long.
    std::error_code ignored;
    const fs::path memory = "/dev/shm";
    const bool in_memory =
        fs::is_directory(memory, ignored) && ::access(memory.c_str(), W_OK | X_OK) == 0;
    std::string name =
        ((in_memory ? memory : fs::temp_directory_path()) / "kintsugi-fuzz-XXXXXX").string();
    require(::mkdtemp(name.data()) != nullptr, "there is no temporary folder");
    path_ = name;
    fs::current_path(path_);
    save(kPicture, picture());
    save(kMask, mask());
    save(kWeights, std::as_bytes(std::span("this is no file of weights")));
    fs::create_directory(kPictures);
    save(fs::path(kPictures) / "p.png", picture());
    save(fs::path(kPictures) / "x.png", std::span(picture()).first(20));
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    fs::current_path(before_, ignored);
    fs::remove_all(path_, ignored);
  }

  static const std::vector<std::byte>& picture() {
    static const std::vector<std::byte> file = encode_image(
        ImageFormat::png,
        Image{3, 2, 3, {9, 8, 7, 200, 100, 0, 1, 2, 3, 250, 251, 252, 60, 70, 80, 5, 5, 5}});
    return file;
  }
  static const std::vector<std::byte>& mask() {
    static const std::vector<std::byte> file =
        encode_image(ImageFormat::png, Image{3, 2, 1, {0, 255, 0, 0, 0, 0}});
    return file;
  }

  /// How many files a command wrote beside those that it found; none of them half.
  [[nodiscard]] int64_t written() const {
    int64_t files = 0;
    for (const auto& entry : fs::recursive_directory_iterator(path_)) {
      const std::string name = entry.path().filename().string();
      require(!name.starts_with(".kintsugi-") || !name.ends_with(".tmp"),
              "a temporary file was left behind");
      ++files;
    }
    return files - kFound;
  }

 private:
  fs::path path_, before_;
};

/// Settings of this process, because the program reads them.
void forget_environment() {
  for (const char* name : {"KINTSUGI_DEVICE", "KINTSUGI_LOG_LEVEL", "KINTSUGI_CPU_ISA"}) {
    ::unsetenv(name);
  }
  ::setenv("NO_COLOR", "1", 1);
}

struct Outcome {
  int code = 0;
  std::string out, err;
};

/// One of the standard streams, caught or fed while this lives.
class Redirected {
 public:
  Redirected(std::FILE*& stream, std::FILE* by) : stream_(stream), before_(stream), by_(by) {
    require(by != nullptr, "there is no stream in memory");
    stream_ = by;
  }
  Redirected(const Redirected&) = delete;
  Redirected& operator=(const Redirected&) = delete;
  ~Redirected() {
    stream_ = before_;
    std::fclose(by_);
  }

 private:
  std::FILE*& stream_;
  std::FILE *before_, *by_;
};

/// `input` is what standard input holds.
Outcome run(const std::vector<const char*>& arguments, std::vector<std::byte> input,
            const Dispatch& dispatch) {
  std::array<char*, 2> texts{};
  std::array<size_t, 2> sizes{};
  Outcome outcome;
  {
    input.resize(std::max<size_t>(input.size(), 1));  // a stream in memory has a byte at least
    const Redirected in(stdin, ::fmemopen(input.data(), input.size(), "r"));
    const Redirected out(stdout, ::open_memstream(&texts[0], &sizes[0]));
    const Redirected err(stderr, ::open_memstream(&texts[1], &sizes[1]));
    Console console;
    outcome.code =
        run_program(static_cast<int>(arguments.size()), arguments.data(), console, dispatch);
  }
  outcome.out.assign(texts[0], sizes[0]);
  outcome.err.assign(texts[1], sizes[1]);
  for (char* text : texts) std::free(text);
  return outcome;
}

/// What holds for every command, run or not.
void check(const Outcome& outcome) {
  const std::string what = "exit code " + std::to_string(outcome.code) + ", " + outcome.err;
  switch (outcome.code) {
    case kOk:
    case kRunError:
    case kUsage:
    case kSomeFailed:
    case kNoDevice: break;
    default: require(false, "a code that nothing here is a reason for: " + what);
  }
  size_t sentences = 0;
  for (size_t at = 0; at < outcome.err.size();) {
    const size_t end = outcome.err.find('\n', at);
    require(end != std::string::npos, "a line does not end: " + what);
    const std::string line = outcome.err.substr(at, end - at);
    require(fuzz::is_one_line(line), "a line that a terminal should not see: " + what);
    sentences += line.starts_with("kintsugi: ") ? 1 : 0;
    at = end + 1;
  }
  if (outcome.code == kSomeFailed) {
    require(sentences >= 1, "nothing is said of what failed: " + what);
    require(!outcome.out.empty(), "no result of what did not fail: " + what);
    return;
  }
  require(sentences == (outcome.code == kOk ? 0 : 1), "not one sentence: " + what);
  require(outcome.code == kOk || outcome.out.empty(), "a failure prints a result: " + what);
}

/// The texts that options hold are read after parsing, by these.
void read_as_values(const std::string& text) {
  const auto only_usage = [&text](const auto& read) {
    try {
      read();
    } catch (const Error& error) {
      require(error.code() == ErrorCode::usage || error.code() == ErrorCode::device_unavailable,
              "'" + text + "': " + error.what());
    }
  };
  only_usage([&] { (void)parse_shape(text, "--shape"); });
  only_usage([&] { (void)InputSize{.size = text}.extents({}); });
  only_usage([&] { (void)parse_settings({text}); });
  only_usage([&] { (void)TileChoice{.size = text}.options(); });
  only_usage([&] { (void)CropChoice{.mode = text}.options(); });
  only_usage([&] { DeviceChoice{.device = text}.check(); });
  only_usage([&] { (void)DeviceChoice{.max_memory = text}.memory_limit(); });
}

int run_what_is_harmless(const Verb& verb) {
  const std::string name = verb.app->get_name();
  return name == "bench" || name == "devices" ? static_cast<int>(kOk) : verb.run();
}

}  // namespace
}  // namespace kintsugi::cli

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace kintsugi::cli;
  forget_environment();
  std::vector<std::string> lines(1);
  for (size_t i = 0; i < size; ++i) {
    if (data[i] != '\n' && data[i] != '\0') {
      lines.back() += static_cast<char>(data[i]);
    } else if (i + 1 < size) {
      lines.emplace_back();
    }
  }
  if (lines.size() > kMostArguments) return 0;
  bool leaves_the_folder = false;
  std::vector<const char*> arguments = {"kintsugi"};
  for (const std::string& line : lines) {
    arguments.push_back(line.c_str());
    leaves_the_folder = leaves_the_folder || line.find('/') != std::string::npos;
  }
  read_as_values(lines.back());

  const Folder folder;
  const Outcome parsed = run(arguments, {}, [](const Verb&) { return static_cast<int>(kOk); });
  check(parsed);
  require(parsed.code == kOk || parsed.code == kUsage, "parsing fails: " + parsed.err);
  require(folder.written() == 0, "parsing wrote a file");
  if (leaves_the_folder) return 0;
  check(run(arguments, Folder::picture(), run_what_is_harmless));
  (void)folder.written();
  return 0;
}
