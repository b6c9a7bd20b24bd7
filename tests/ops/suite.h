// SPDX-License-Identifier: MIT
//
// One body of tests for every op and every device: a case (kernels/<op>/cases.h) is drawn, rounded to a
// storage type, and called through the contract alone; what it makes is held against the reference in
// double on the same numbers. Buffers are of exact size. They hold NaN between pixels, in outputs and in
// scratch before a call: what was not to be read, or was not written, shows.
#pragma once

#include <gtest/gtest.h>

#include <functional>

#include "kernels/contract/cases.h"
#include "tests/kernels/support.h"

namespace kintsugi {
inline void PrintTo(const OpCases& op, std::ostream* to) { *to << op.op; }
}  // namespace kintsugi

namespace kintsugi::test {

/// Numbers of a tensor, dense [N, H, W, C]; of a weight as it is stored.
struct Values {
  Shape shape;
  std::vector<double> numbers;
};

/// The numbers that a case reads, each such that its type holds it.
struct Drawn {
  std::vector<Values> inputs, weights, operands;

  /// `count` batch items from `first` on; weights and what all items share stay whole.
  [[nodiscard]] Drawn items(int64_t first, int64_t count) const;
};

/// Where memory is, and how a call is made. What was allocated lives as long as the machine.
class Machine {
 public:
  virtual ~Machine() = default;
  virtual std::byte* allocate(int64_t bytes) = 0;
  virtual void upload(std::byte* to, const std::vector<std::byte>& from) = 0;
  virtual void download(std::vector<std::byte>& to, const std::byte* from) = 0;
  virtual void call(const Work& work, const Call& call) = 0;
};

/// The host's memory; the reference or the CPU's kernels.
class Host final : public Machine {
 public:
  explicit Host(KernelSet kernels, Parallel& parallel = threads())
      : kernels_(kernels), parallel_(parallel) {}
  std::byte* allocate(int64_t bytes) override;
  void upload(std::byte* to, const std::vector<std::byte>& from) override;
  void download(std::vector<std::byte>& to, const std::byte* from) override;
  void call(const Work& work, const Call& call) override;

 private:
  KernelSet kernels_;
  Parallel& parallel_;
  std::vector<std::unique_ptr<std::byte[]>> memory_;
};

struct How {
  bool gaps = false;      // the channels stand in wider pixels, behind other channels
  int times = 1;          // with the same scratch and tickets
  bool in_place = false;  // the first input is the first output, which has its shape and type
};

struct Result {
  std::vector<Values> outputs;                 // moments left out
  std::vector<std::vector<std::byte>> memory;  // of each output, gaps and moments included
  std::vector<Values> moments;                 // [N, elements of a record, tiles, 1]
};

/// The numbers for an op whose kernels run in `target.dtype`.
[[nodiscard]] Drawn draw(const OpCase& c, const Target& target);

/// Calls `op` on numbers drawn for it, or for one that reads the same. Fails the test where a pad channel
/// is not zero, a gap was written or a ticket was not put back.
[[nodiscard]] Result run(const AnyOp& op, const Drawn& drawn, const Target& target,
                         Machine& machine, const How& how = {});

/// As it is stored.
[[nodiscard]] double rounded(DType dtype, double value);
[[nodiscard]] DType output_type(const AnyOp& op, int output, const Target& target);

/// By the reference, in f64 or f32.
[[nodiscard]] std::vector<Values> by_reference(const AnyOp& op, const Drawn& drawn,
                                               DType dtype = DType::f64);

/// The relative L2 error that is promised of an output.
[[nodiscard]] double promised(const Work& work, int output, const Target& target);
/// Computed once for all configurations of a case.
struct Expected {
  std::vector<Values> outputs;  // by the reference in f64
  std::vector<Values> exact;    // of an exact case, in f32
};
[[nodiscard]] Expected expect(const OpCase& c, const Drawn& drawn);
/// Whether every output of `result` is within what is promised; of an exact case it is the f32
/// reference's, rounded to its type.
[[nodiscard]] testing::AssertionResult agrees(const Expected& expected, const Work& work,
                                              const Target& target, const Result& result);
[[nodiscard]] testing::AssertionResult close(const Values& actual, const Values& expected,
                                             double tolerance);
/// Moments together are those of the first output, as it was stored: every pixel counted once.
[[nodiscard]] testing::AssertionResult moments_agree(const Result& result);

/// Each item of a batch has the bits that it has in `together`.
void expect_items(const OpCase& c, const Drawn& drawn, const Target& target, Machine& machine,
                  const std::vector<std::vector<std::byte>>& together);
/// Wrong descriptions, and numbers of which one is another, are not taken for right.
void expect_mistakes_seen(const std::vector<Mistakes>& mistakes, const Target& target,
                          Machine& machine);

/// What norms of several groups gather from the moments is right for the image that was stored.
/// `counted(work, shapes)` is told of each call.
void expect_norms_gathered(
    const Result& result, const Target& target, Machine& machine,
    const std::function<void(const Work&, const Shapes&)>& counted = [](const auto&, const auto&) {
    });
/// A NaN among the inputs is one in every result that the reference has it in, and in no other; of a
/// transformed sum in more.
void expect_nan_kept(const OpCase& c, const Target& target, Machine& machine);

/// Whether the kernels of an op run in the plan's storage type: not where all that it reads is exact.
[[nodiscard]] bool runs_in_storage_type(const OpCase& c);
/// Whether there is such a case on `target`.
[[nodiscard]] inline bool is_for(const OpCase& c, const Target& target) {
  return c.element_bytes == 0 || c.element_bytes == target.element_bytes();
}
[[nodiscard]] Work work_of(const AnyOp& op, const Drawn& drawn, const Target& target);
[[nodiscard]] Shapes shapes_of(const Drawn& drawn);

/// For a trace: the case and its steps.
[[nodiscard]] std::string described(const OpCase& c);

}  // namespace kintsugi::test
