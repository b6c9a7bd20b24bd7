// SPDX-License-Identifier: MIT
#include "batch.h"

#include <array>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

namespace kintsugi::cli {
namespace {

constexpr size_t kWaiting = 2;

struct Ticket {
  size_t item = 0;
  std::exception_ptr error = nullptr;
};

/// Between two stages. Whoever is stopped while it waits goes away empty-handed. It asks for no
/// memory: a thread that got none here could tell nobody.
class Belt {
 public:
  /// False where nobody takes any more.
  bool put(Ticket ticket) noexcept {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return stopped_ || waiting_ < kWaiting; });
    if (stopped_) return false;
    tickets_[(first_ + waiting_) % kWaiting] = std::move(ticket);
    ++waiting_;
    changed_.notify_all();
    return true;
  }

  /// Nothing where nothing comes any more.
  std::optional<Ticket> take() noexcept {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return stopped_ || ended_ || waiting_ > 0; });
    if (stopped_ || waiting_ == 0) return std::nullopt;
    Ticket ticket = std::move(tickets_[first_]);
    first_ = (first_ + 1) % kWaiting;
    --waiting_;
    changed_.notify_all();
    return ticket;
  }

  /// What was put is still taken.
  void end() {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    changed_.notify_all();
  }

  /// What was put is dropped.
  void stop() {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::array<Ticket, kWaiting> tickets_;  // a ring
  size_t first_ = 0, waiting_ = 0;
  bool ended_ = false, stopped_ = false;
};

class Line {
 public:
  explicit Line(const BatchStages& stages) : stages_(stages) {}

  void decode(size_t count) {
    for (size_t item = 0; item < count; ++item) {
      Ticket ticket{.item = item};
      if (!attempt(stages_.decode, ticket) || !decoded_.put(std::move(ticket))) return;
    }
    decoded_.end();
  }

  void run() {
    while (std::optional<Ticket> ticket = decoded_.take()) {
      if (!attempt(stages_.run, *ticket) || !ran_.put(std::move(*ticket))) return;
    }
    ran_.end();
  }

  void encode() {
    while (std::optional<Ticket> ticket = ran_.take()) {
      if (!attempt(stages_.encode, *ticket)) return;
      try {
        stages_.done(ticket->item, ticket->error);
      } catch (...) {
        return stop(std::current_exception());
      }
    }
  }

  /// The first reason is the one that counts.
  void stop(const std::exception_ptr& reason) {
    {
      const std::lock_guard lock(mutex_);
      if (!reason_) reason_ = reason;
    }
    decoded_.stop();
    ran_.stop();
  }

  void rethrow() const {
    if (reason_) std::rethrow_exception(reason_);
  }

 private:
  /// False where the batch is over.
  bool attempt(const std::function<void(size_t)>& stage, Ticket& ticket) {
    try {
      stages_.check();
    } catch (...) {
      stop(std::current_exception());
      return false;
    }
    if (ticket.error) return true;
    try {
      stage(ticket.item);
    } catch (const BatchStop& all) {
      stop(all.reason);
      return false;
    } catch (...) {
      ticket.error = std::current_exception();
    }
    return true;
  }

  const BatchStages& stages_;
  Belt decoded_, ran_;
  std::mutex mutex_;
  std::exception_ptr reason_;
};

}  // namespace

void run_batch(size_t count, const BatchStages& stages) {
  Line line(stages);
  {
    std::jthread decoder, encoder;
    try {
      decoder = std::jthread([&line, count] { line.decode(count); });
      encoder = std::jthread([&line] { line.encode(); });
    } catch (...) {
      line.stop(std::current_exception());  // the system has no thread to give
    }
    line.run();
  }  // both have ended
  line.rethrow();
}

}  // namespace kintsugi::cli
