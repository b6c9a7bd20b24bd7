// SPDX-License-Identifier: MIT
#include "kernels/norm/norm.h"
#include "tests/ops/suite.h"

namespace kintsugi::test {

double promised(const Work& work, int output, const Target& target) {
  if (work.loses_a_digit()) return 2e-5;
  if (work.op().makes(output) == Stored::exact) return kTolerance;
  switch (target.dtype) {
    case DType::f16: return 6e-4;
    case DType::bf16: return 4e-3;
    default: return target.tf32 ? 1e-3 : kTolerance;
  }
}

testing::AssertionResult close(const Values& actual, const Values& expected, double tolerance) {
  if (!(actual.shape == expected.shape)) {
    return testing::AssertionFailure()
           << "shape " << actual.shape.to_string() << " is not " << expected.shape.to_string();
  }
  double error = 0, norm = 0, largest = 0;
  size_t where = 0;
  for (size_t i = 0; i < expected.numbers.size(); ++i) {
    // A NaN is no result, not even where both have it: it stays in the sums.
    const double apart = actual.numbers[i] - expected.numbers[i];
    error += apart * apart;
    norm += expected.numbers[i] * expected.numbers[i];
    if (!std::isnan(largest) && !(std::abs(apart) <= largest)) largest = std::abs(apart), where = i;
  }
  const double relative = error == 0 ? 0 : std::sqrt(error / norm);
  testing::AssertionResult result =
      relative <= tolerance ? testing::AssertionSuccess() : testing::AssertionFailure();
  return result << "relative L2 " << relative << " (allowed " << tolerance << "), largest error "
                << largest << " at element " << where << " of " << actual.shape.to_string();
}

Expected expect(const OpCase& c, const Drawn& drawn) {
  Expected expected{by_reference(c.op, drawn), {}};
  if (c.exact) expected.exact = by_reference(c.op, drawn, DType::f32);
  return expected;
}

testing::AssertionResult agrees(const Expected& expected, const Work& work, const Target& target,
                                const Result& result) {
  for (size_t i = 0; i < expected.outputs.size(); ++i) {
    const int output = static_cast<int>(i);
    auto right = close(result.outputs[i], expected.outputs[i], promised(work, output, target));
    if (!right) return right << ", output " << i;
    if (expected.exact.empty()) continue;
    Values stored = expected.exact[i];
    const DType dtype = output_type(work.op(), output, target);
    for (double& v : stored.numbers) v = rounded(dtype, v);
    auto same = close(result.outputs[i], stored, 0);
    if (!same) return same << ", output " << i;
  }
  return testing::AssertionSuccess();
}

testing::AssertionResult moments_agree(const Result& result) {
  const Values& image = result.outputs[0];
  const Values& records = result.moments[0];
  const int64_t channels = image.shape.c(), pixels = image.shape.h() * image.shape.w();
  const int64_t width = records.shape.c(), tiles = records.shape.h();
  const int64_t header = MomentsView<float>::kHeader, stored = (width - header) / 2;
  for (int64_t n = 0; n < image.shape.n(); ++n) {
    const auto record = [&](int64_t t, int64_t i) {
      return records.numbers[static_cast<size_t>((n * tiles + t) * width + i)];
    };
    double count = 0;
    for (int64_t t = 0; t < tiles; ++t) count += record(t, 0);
    if (count != static_cast<double>(pixels)) {
      return testing::AssertionFailure() << count << " pixels are counted of " << pixels;
    }
    for (int64_t c = 0; c < stored; ++c) {
      double mean = 0, squares = 0, right_mean = 0, right_squares = 0;
      for (int64_t t = 0; t < tiles; ++t) mean += record(t, 0) * record(t, header + c) / count;
      for (int64_t t = 0; t < tiles; ++t) {
        const double apart = record(t, header + c) - mean;
        squares += record(t, header + stored + c) + record(t, 0) * apart * apart;
        const bool empty = record(t, 0) == 0 || c >= channels;
        if (empty && (record(t, header + c) != 0 || record(t, header + stored + c) != 0)) {
          return testing::AssertionFailure() << "tile " << t << " has no pixel or no channel " << c;
        }
      }
      const auto at = [&](int64_t pixel) {
        return image.numbers[static_cast<size_t>((n * pixels + pixel) * channels + c)];
      };
      for (int64_t p = 0; c < channels && p < pixels; ++p) right_mean += at(p) / count;
      for (int64_t p = 0; c < channels && p < pixels; ++p) {
        right_squares += (at(p) - right_mean) * (at(p) - right_mean);
      }
      if (!(std::abs(mean - right_mean) <= kTolerance * (1 + std::abs(right_mean))) ||
          !(std::abs(squares - right_squares) <=
            kTolerance * (count + right_squares + std::abs(right_mean)))) {
        return testing::AssertionFailure()
               << "channel " << c << " of item " << n << ": mean " << mean << " is not "
               << right_mean << ", or squares " << squares << " not " << right_squares;
      }
    }
  }
  return testing::AssertionSuccess();
}

void expect_norms_gathered(const Result& result, const Target& target, Machine& machine,
                           const std::function<void(const Work&, const Shapes&)>& counted) {
  const Values& image = result.outputs[0];
  const int64_t channels = image.shape.c();
  for (const int64_t groups : {int64_t{1}, channels, channels % 4 == 0 ? channels / 4 : 1,
                               channels % 3 == 0 ? channels / 3 : 1}) {
    SCOPED_TRACE("norm of " + std::to_string(groups) + " groups");
    const AnyOp gather = norm::Desc{.groups = groups, .moments_of = channels};
    const Drawn records{{result.moments[0]}, {}, {}};
    const Result got = run(gather, records, target, machine);
    counted(work_of(gather, records, target), shapes_of(records));
    const auto right = by_reference(norm::Desc{.groups = groups}, {{image}, {}, {}});
    EXPECT_TRUE(close(got.outputs[0], right[0], kTolerance)) << "scale";
    EXPECT_TRUE(close(got.outputs[1], right[1], kTolerance)) << "shift";
  }
}

void expect_nan_kept(const OpCase& c, const Target& target, Machine& machine) {
  const Drawn drawn = draw(c, target);
  const bool spreads = work_of(c.op, drawn, target).loses_a_digit();
  const size_t size = drawn.inputs[0].numbers.size();
  for (const size_t at : {size_t{0}, size / 2, size - 1}) {
    Drawn bad = drawn;
    bad.inputs[0].numbers[at] = std::numeric_limits<double>::quiet_NaN();
    const std::vector<Values> expected = by_reference(c.op, bad);
    const Result result = run(c.op, bad, target, machine);
    for (size_t i = 0; i < expected.size(); ++i) {
      for (size_t k = 0; k < expected[i].numbers.size(); ++k) {
        const bool wanted = std::isnan(expected[i].numbers[k]);
        const bool got = std::isnan(result.outputs[i].numbers[k]);
        ASSERT_TRUE(got == wanted || (spreads && got)) << "output " << i << ", element " << k;
      }
    }
    if (size > 3000) break;
  }
}

void expect_items(const OpCase& c, const Drawn& drawn, const Target& target, Machine& machine,
                  const std::vector<std::vector<std::byte>>& together) {
  const int64_t batch = c.inputs[0].n();
  for (int64_t n = 0; n < batch; ++n) {
    const auto alone = run(c.op, drawn.items(n, 1), target, machine).memory;
    for (size_t i = 0; i < together.size(); ++i) {
      const auto item = static_cast<std::ptrdiff_t>(together[i].size()) / batch;
      const auto from = together[i].begin() + n * item;
      EXPECT_EQ(alone[i], std::vector<std::byte>(from, from + item)) << "item " << n;
    }
  }
}

void expect_mistakes_seen(const std::vector<Mistakes>& mistakes, const Target& target,
                          Machine& machine) {
  for (const Mistakes& m : mistakes) {
    if (!runs_in_storage_type(m.right) && target.dtype != DType::f32) continue;
    SCOPED_TRACE(described(m.right));
    const Drawn drawn = draw(m.right, target);
    const Expected expected = expect(m.right, drawn);
    const Work work = work_of(m.right.op, drawn, target);
    const auto right = [&](const AnyOp& op, const Drawn& numbers) {
      return static_cast<bool>(agrees(expected, work, target, run(op, numbers, target, machine)));
    };
    EXPECT_TRUE(right(m.right.op, drawn));
    for (const AnyOp& op : m.wrong) EXPECT_FALSE(right(op, drawn)) << to_string(op);
    // The last number of each tensor, which nothing but its own place is near to.
    const auto change = [&](std::vector<Values> Drawn::*which, double change_by) {
      for (size_t i = 0; i < (drawn.*which).size(); ++i) {
        Drawn other = drawn;
        double& last = (other.*which)[i].numbers.back();
        const bool flips = m.right.fill == Fill::binary ||
                           (which == &Drawn::inputs &&
                            sample_type(m.right.op.reads(static_cast<int>(i))).has_value());
        last = last == 0 ? 1 : flips ? 0 : last + change_by;
        EXPECT_FALSE(right(m.right.op, other)) << "the last number of tensor " << i;
      }
    };
    change(&Drawn::inputs, 4);
    change(&Drawn::weights, 0.75);
    change(&Drawn::operands, 4);
  }
}

std::string described(const OpCase& c) {
  const Steps* steps = c.op.steps();
  return std::string(c.op.table().name) + ": " + c.name +
         (steps == nullptr || steps->empty() ? "" : ", steps: " + to_string(*steps));
}

}  // namespace kintsugi::test
