// SPDX-License-Identifier: MIT
//
// GLCIC through the public header: layers and outputs against PyTorch, bits, memory. The full width is
// compared in tests/networks/*.py.
#include <algorithm>

#include "tests/networks/support.h"

namespace kintsugi {
namespace {

using namespace test;

TEST(Glcic, DescribesItself) {
  const Description d = model().describe();
  EXPECT_EQ(d.network, "glcic");
  EXPECT_EQ(d.title, "GLCIC completion network, 8 channels");
  EXPECT_NE(d.variant.find("'triples'"), std::string::npos) << d.variant;
  EXPECT_EQ(d.mask_polarity, "1 = hole");
  EXPECT_EQ(d.size_multiple, 4);
  EXPECT_TRUE(d.unused_keys.empty());
}

class OnDevice : public testing::TestWithParam<const char*> {};

TEST_P(OnDevice, AgreesWithPyTorchAtOutputsAndTaps) {
  Session session = model().session({.device = GetParam(), .check_memory = true});
  for (const bool keep_all : {false, true}) {
    const Tensors got = session.run(input_of(reference()), {.taps = true, .keep_all = keep_all});
    EXPECT_LT(relative_l2(got.at("output"), reference().at("output/output")), 1e-5);
    int compared = 0;
    for (const auto& [name, tensor] : reference()) {
      if (!name.starts_with("tap/") || !got.contains(name)) continue;
      EXPECT_LT(relative_l2(got.at(name), tensor), 1e-5) << name;
      ++compared;
    }
    // Fused, the last tap holds conv17 and its sigmoid; sixteen blocks end in a ReLU.
    EXPECT_EQ(compared, keep_all ? 17 : 16);
  }
}

TEST_P(OnDevice, LeavingAPassOutAgrees) {
  Session session = model().session({.device = GetParam(), .check_memory = true});
  for (const char* pass : {"fold", "fuse", "select", "layout", "place"}) {
    const Tensors got = session.run(input_of(reference()), {.without = {pass}});
    EXPECT_LT(relative_l2(got.at("output"), reference().at("output/output")), 1e-5) << pass;
  }
}

TEST_P(OnDevice, PlansItsMemoryToTheByte) {
  const Model m = model();
  const PlanSummary plan = m.plan({.height = 64, .width = 96, .device = GetParam()});
  Session session = m.session({.device = GetParam()});
  EXPECT_EQ(session.peak_allocated_bytes(), 0);
  (void)session.run(input_of(reference()));
  EXPECT_EQ(session.allocated_bytes(), plan.memory.peak());
  EXPECT_EQ(session.peak_allocated_bytes(), plan.memory.peak());

  PlanOptions options{.height = 64, .width = 96, .device = GetParam(), .task = Task::inpaint};
  Session mends = m.session({.device = GetParam()});
  (void)mends.inpaint(random_picture(96, 64, 3), box_mask(96, 64, 9, 9, 40, 30));
  EXPECT_EQ(mends.peak_allocated_bytes(), m.plan(options).memory.peak());
  options.task = Task::translate;
  const Error error = error_of([&] { (void)m.plan(options); });
  EXPECT_EQ(error.code(), ErrorCode::usage);
  EXPECT_EQ(std::string(error.what()), "glcic does not translate");
}

INSTANTIATE_TEST_SUITE_P(, OnDevice, testing::Values("cpu", "reference", "reference-f64"),
                         [](const auto& device) {
                           std::string name = device.param;
                           std::erase(name, '-');
                           return name;
                         });

TEST(Glcic, SameBitsForAnyThreadCountAndBatch) {
  const Tensor three = random_input(3, 41, 67);
  Tensor expected;
  for (const int threads : {1, 2, 3}) {
    Session session = model().session({.threads = threads});
    const Tensor got = session.run({{"input", three}}).at("output");
    if (threads == 1) expected = got;
    EXPECT_EQ(got.values, expected.values) << threads << " threads";
  }
  Session session = model().session();
  const size_t in = three.values.size() / 3;
  const size_t out = expected.values.size() / 3;
  for (size_t n = 0; n < 3; ++n) {
    const auto begin = three.values.begin() + static_cast<std::ptrdiff_t>(n * in);
    const Tensor one{{1, 4, 41, 67}, {begin, begin + static_cast<std::ptrdiff_t>(in)}};
    const Tensor got = session.run({{"input", one}}).at("output");
    EXPECT_TRUE(std::equal(got.values.begin(), got.values.end(),
                           expected.values.begin() + static_cast<std::ptrdiff_t>(n * out)))
        << "sample " << n;
  }
}

// Pictures so large that the convolutions of 32 channels run in Winograd's form.
constexpr int64_t kLarge[2] = {160, 128};

TEST(Glcic, WithWinogradItAgreesWithinItsToleranceAndWithoutClosely) {
  const Model m = model();
  const PlanSummary plan = m.plan({.height = kLarge[0], .width = kLarge[1]});
  EXPECT_EQ(plan.tolerance, 1e-4);
  EXPECT_EQ(m.plan({.height = 64, .width = 96}).tolerance, 1e-5);  // too few tiles
  EXPECT_NE(plan.graphs[0].table.find("winograd"), std::string::npos);
  const Tensors input{{"input", random_input(1, kLarge[0], kLarge[1])}};
  const Tensor right = m.session({.device = "reference-f64"}).run(input).at("output");
  Session session = m.session({.threads = 2, .check_memory = true});
  EXPECT_LT(relative_l2(session.run(input).at("output"), right), 1e-4);
  const Tensors direct = session.run(input, {.without = {"winograd"}});
  EXPECT_LT(relative_l2(direct.at("output"), right), 1e-5);
}

TEST(Glcic, WithWinogradTheBitsAreTheSameForAnyThreadCountAndMemoryIsPlanned) {
  const Model m = model();
  const Tensors input{{"input", random_input(2, kLarge[0], kLarge[1])}};
  Tensor expected;
  for (const int threads : {1, 2, 3}) {
    const PlanSummary plan =
        m.plan({.batch = 2, .height = kLarge[0], .width = kLarge[1], .threads = threads});
    Session session = m.session({.threads = threads});
    const Tensor got = session.run(input).at("output");
    if (threads == 1) expected = got;
    EXPECT_EQ(got.values, expected.values) << threads << " threads";
    EXPECT_EQ(session.peak_allocated_bytes(), plan.memory.peak()) << threads << " threads";
  }
}

TEST(Glcic, WinogradIsDroppedWhereMemoryIsShort) {
  const Model m = model();
  PlanOptions options{.height = kLarge[0], .width = kLarge[1], .without = {"winograd"}};
  const int64_t direct = m.plan(options).memory.peak();
  options.without = {};
  ASSERT_GT(m.plan(options).memory.peak(), direct);
  options.max_memory = direct;
  const PlanSummary plan = m.plan(options);
  EXPECT_EQ(plan.memory.peak(), direct);
  EXPECT_EQ(plan.tolerance, 1e-5);
  Session session = m.session({.max_memory = direct});
  const Tensors input{{"input", random_input(1, kLarge[0], kLarge[1])}};
  EXPECT_EQ(session.run(input).at("output").values,
            m.session().run(input, {.without = {"winograd"}}).at("output").values);
  EXPECT_EQ(session.peak_allocated_bytes(), direct);
  options.max_memory = direct - 1;
  EXPECT_EQ(error_of([&] { (void)m.plan(options); }).code(), ErrorCode::out_of_memory);
}

TEST(Glcic, SomeLayersKeepWinogradWhereThereIsMemoryForThem) {
  const Model m = model();
  PlanOptions options{.height = kLarge[0], .width = kLarge[1], .without = {"winograd"}};
  const int64_t direct = m.plan(options).memory.peak();
  options.without = {};
  const PlanSummary all = m.plan(options);
  const auto in_form = [](const PlanSummary& plan) {
    return std::ranges::count_if(plan.graphs[0].steps, [](const PlanStep& step) {
      return step.config.find("winograd") != std::string::npos;
    });
  };
  options.max_memory = (direct + all.memory.peak()) / 2;
  const PlanSummary plan = m.plan(options);
  EXPECT_LE(plan.memory.peak(), options.max_memory);
  EXPECT_GT(in_form(plan), 0);
  EXPECT_LT(in_form(plan), in_form(all));
  EXPECT_EQ(plan.tolerance, 1e-4);
  Session session = m.session({.max_memory = options.max_memory, .check_memory = true});
  const Tensors input{{"input", random_input(1, kLarge[0], kLarge[1])}};
  const Tensor got = session.run(input).at("output");
  EXPECT_EQ(session.peak_allocated_bytes(), plan.memory.peak());  // the model's alone, until here
  const Tensor expected = m.session().run(input, {.without = {"winograd"}}).at("output");
  EXPECT_NE(got.values, expected.values);
  EXPECT_LT(relative_l2(got, expected), 1e-5);
}

TEST(Glcic, TwoSessionsShareWeightsAndDisturbNobody) {
  const Model m = model();
  Session a = m.session();
  const Tensor before = a.run(input_of(reference())).at("output");
  Session b = m.session();
  (void)b.run({{"input", random_input(1, 20, 24)}});
  EXPECT_EQ(a.run(input_of(reference())).at("output").values, before.values);
}

TEST(Glcic, OutputsAreRoundedUpToMultiplesOfFour) {
  const Tensors got = model().session().run({{"input", random_input(1, 61, 66)}});
  EXPECT_EQ(got.at("output").shape, Shape({1, 3, 64, 68}));
}

TEST(Glcic, ProgressRisesAndCanStop) {
  std::vector<double> fractions;
  Session session = model().session({.progress = [&](double fraction, const std::string&) {
    fractions.push_back(fraction);
    return fractions.size() < 5;
  }});
  const Error error = error_of([&] { (void)session.run({{"input", random_input(1, 8, 8)}}); });
  EXPECT_EQ(error.code(), ErrorCode::cancelled);
  EXPECT_EQ(fractions.size(), 5u);
  EXPECT_TRUE(std::is_sorted(fractions.begin(), fractions.end()));
}

TEST(Glcic, ProfilesEveryStepAndTracesByKey) {
  Session session = model().session();
  const Profile profile = session.profile({.height = 32, .width = 32, .runs = 3});
  ASSERT_EQ(profile.rows.size(), 17u);
  EXPECT_EQ(profile.rows.front().name, "0.2");
  EXPECT_GT(profile.peaks.gflops, 0);
  EXPECT_NE(session.trace().find("\"15.2\""), std::string::npos);
  EXPECT_EQ(error_of([&] { (void)session.profile({.runs = 0}); }).code(), ErrorCode::usage);
}

}  // namespace
}  // namespace kintsugi
