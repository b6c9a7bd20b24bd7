// SPDX-License-Identifier: MIT
#include "folder_run.h"

#include <chrono>
#include <new>
#include <utility>

#include "batch.h"
#include "files.h"
#include "format.h"
#include "interrupt.h"
#include "options.h"
#include "printable.h"

namespace kintsugi::cli {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Calls it, and notes how long it took, however it ended.
void timed(const std::function<void(size_t)>& stage, size_t i, double& seconds) {
  const auto start = Clock::now();
  try {
    stage(i);
  } catch (...) {
    seconds = seconds_since(start);
    throw;
  }
  seconds = seconds_since(start);
}

/// Not the fault of a picture: the next one would meet it too.
bool concerns_all(const Error& error) {
  return error.code() == ErrorCode::cancelled || error.code() == ErrorCode::usage ||
         error.code() == ErrorCode::device_unavailable;
}

struct Complaint {
  std::string sentence, hint;
};

/// One sentence that names the picture.
Complaint complaint_of(const std::exception_ptr& error, const std::filesystem::path& input) {
  Complaint complaint;
  try {
    std::rethrow_exception(error);
  } catch (const Error& known) {
    complaint = {known.what(), known.hint()};
  } catch (const std::bad_alloc&) {
    complaint = {"there is not enough memory", {}};
  } catch (const std::exception& other) {
    complaint = {other.what(), {}};
  }
  const std::string name = "'" + input.string() + "'";
  if (complaint.sentence.find(name) == std::string::npos) {
    complaint.sentence = name + ": " + complaint.sentence;
  }
  return complaint;
}

}  // namespace

FolderRun::FolderRun(std::vector<FolderFile> files, int64_t skipped, std::filesystem::path manifest,
                     Console& console)
    : files_(std::move(files)),
      skipped_(skipped),
      manifest_(std::move(manifest)),
      console_(console),
      bar_(console),
      seconds_(files_.size()) {}

Progress FolderRun::progress() {
  return [this](double fraction, const std::string&) {
    draw(fraction);
    return !interrupted();
  };
}

void FolderRun::draw(double fraction) {
  const auto count = static_cast<double>(files_.size());
  bar_.update((static_cast<double>(current_) + fraction) / count,
              std::to_string(current_ + 1) + " of " + std::to_string(files_.size()) + "  " +
                  files_[current_].input.filename().string());
}

int FolderRun::run(const FolderWork& work, const Json& head) {
  const auto start = Clock::now();
  std::exception_ptr ended;
  try {
    run_batch(files_.size(),
              {.decode = [&](size_t i) { timed(work.read, i, seconds_[i][0]); },
               .run =
                   [&](size_t i) {
                     current_ = i;
                     draw(0);
                     try {
                       timed(work.run, i, seconds_[i][1]);
                     } catch (const Error& error) {
                       if (concerns_all(error)) throw BatchStop{std::current_exception()};
                       throw;
                     }
                   },
               .encode = [&](size_t i) { timed(work.write, i, seconds_[i][2]); },
               .done = [&](size_t i, const std::exception_ptr& error) { take(i, work, error); },
               .check = stop_if_interrupted});
  } catch (...) {
    ended = std::current_exception();
  }
  const double seconds = seconds_since(start);
  bar_.clear();
  const bool interrupted = cli::interrupted() && records_.size() < files_.size();
  // A mistake in the command, found by the first picture, is no run to be remembered.
  if (ended && records_.empty() && !interrupted) std::rethrow_exception(ended);

  const Json all = manifest(work, head, seconds, interrupted);
  std::exception_ptr unwritten;
  try {
    write_text(manifest_, to_text(all));
  } catch (const Error& error) {
    unwritten = std::current_exception();
    if (ended) console_.warn(error.what());  // the other reason is the one to end with
  }
  if (ended) {
    console_.info(summary(work, seconds));
    std::rethrow_exception(ended);
  }
  if (console_.json())
    console_.print_json(all);
  else
    console_.print(one_line(summary(work, seconds)) + "\n");
  if (unwritten) std::rethrow_exception(unwritten);
  return failed_ == 0 ? kOk : kSomeFailed;
}

void FolderRun::take(size_t i, const FolderWork& work, const std::exception_ptr& error) {
  const FolderFile& file = files_[i];
  Json record = {{"input", file.input.string()},
                 {"output", error ? Json(nullptr) : Json(file.output.string())},
                 {"status", error ? "failed" : work.done}};
  if (error) {
    const Complaint complaint = complaint_of(error, file.input);
    ++failed_;
    console_.error(complaint.sentence, "");
    record["error"] = complaint.sentence;
    if (!complaint.hint.empty()) record["hint"] = complaint.hint;
  } else {
    console_.debug(file.output.string() + "  " + format_seconds(seconds_[i][1]));
  }
  record["seconds"] = {
      {"decode", seconds_[i][0]}, {"run", seconds_[i][1]}, {"encode", seconds_[i][2]}};
  record.update(work.finish(i));
  records_.push_back(std::move(record));
}

Json FolderRun::manifest(const FolderWork& work, Json head, double seconds,
                         bool interrupted) const {
  const auto done = static_cast<int64_t>(records_.size()) - failed_;
  Json totals = {{"pictures", files_.size()},
                 {work.done, done},
                 {"failed", failed_},
                 {"not_done", files_.size() - records_.size()},
                 {"skipped", skipped_},
                 {"seconds", seconds},
                 {"pictures_per_second", seconds > 0 ? static_cast<double>(done) / seconds : 0},
                 {"process_peak_bytes", process_peak_bytes()}};
  totals.update(work.totals());
  head["interrupted"] = interrupted;
  head["totals"] = std::move(totals);
  head["files"] = records_;
  return head;
}

std::string FolderRun::summary(const FolderWork& work, double seconds) const {
  const auto done = static_cast<int64_t>(records_.size()) - failed_;
  const auto left = static_cast<int64_t>(files_.size() - records_.size());
  std::string line = format_count(done) + " of " +
                     format_count(static_cast<int64_t>(files_.size())) + " " + work.done;
  if (failed_ > 0) line += ", " + format_count(failed_) + " failed";
  if (left > 0) line += ", " + format_count(left) + " not done";
  if (skipped_ > 0) line += ", " + plural(skipped_, "other file") + " skipped";
  line += "  " + format_seconds(seconds);
  if (done > 0) line += text("  %.3g pictures/s", static_cast<double>(done) / seconds);
  return line + "  process " + format_bytes(process_peak_bytes());
}

}  // namespace kintsugi::cli
