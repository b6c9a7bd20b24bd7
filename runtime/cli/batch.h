// SPDX-License-Identifier: MIT
//
// A batch: many items through three stages, decode, run and encode, so that the next picture is
// read and the last one written while one is computed. Of what is decoded, and of what was run, at
// most two items wait: memory is bounded, however many there are. Order is kept from end to end.
//
// It knows items by their numbers and nothing else: what a stage does, and where its data is, is the
// caller's; the stages of one item are called one after the other, and each sees what the one before
// has written. It does not retry, and prints nothing.
#pragma once

#include <cstddef>
#include <exception>
#include <functional>

namespace kintsugi::cli {

/// Thrown by a stage: not this item alone but the whole batch ends, and run_batch throws `reason`.
struct BatchStop {
  std::exception_ptr reason;
};

/// What a stage throws is the end of its item: later stages are not called, `done` is.
struct BatchStages {
  std::function<void(size_t item)> decode;  // on a thread of its own
  std::function<void(size_t item)> run;     // on the caller's thread
  std::function<void(size_t item)> encode;  // on another thread of its own
  /// Told of each item, in order, what became of it: nothing, or what a stage threw. On encode's
  /// thread. What it throws ends the batch.
  std::function<void(size_t item, const std::exception_ptr& error)> done;
  /// Called before each stage, on its thread; what it throws ends the batch.
  std::function<void()> check;
};

/// Returns when every item is done; both threads have ended then. Where the batch ends early, the
/// stages under way end first; items that were on their way are dropped without a `done`.
void run_batch(size_t count, const BatchStages& stages);

}  // namespace kintsugi::cli
