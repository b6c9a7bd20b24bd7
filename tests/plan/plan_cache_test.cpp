// SPDX-License-Identifier: MIT
//
// Which plans a session gives back: many sizes of a small network stay, second copies of weights do not.
#include "runtime/session/plan_cache.h"

#include "tests/plan/support.h"

namespace kintsugi {
namespace {

using session::CacheBounds;
using session::to_give_back;
using test::Toy;
using Numbers = std::vector<size_t>;

/// Two convolutions whose filters are named from `first` on.
plan::Plan plan_of(int64_t side, bool winograd, int first = 1) {
  Toy t({1, 32, side, side});
  while (static_cast<int>(t.graph.constants.size()) + 1 < first) (void)t.random({1});
  const conv2d::Desc desc{.out_channels = 32, .kernel = 3, .padding = 1};
  t.graph.output("y", t.conv(t.relu(t.conv(t.x, "a", desc), "relu"), "b", desc));
  plan::Options options{.isa = simd::chosen()};
  options.passes.winograd = winograd;
  return plan::make(t.graph, options);
}

/// A list as the session has it, and what stays of it.
struct Cache {
  std::vector<plan::Plan> plans;

  [[nodiscard]] Numbers back(const CacheBounds& bounds = {}) const {
    std::vector<const plan::Plan*> pointers;
    for (const plan::Plan& plan : plans) pointers.push_back(&plan);
    return to_give_back(pointers, bounds);
  }
};

/// Bytes of the filters alone: biases are in the same order in every plan.
int64_t filter_bytes(const plan::Plan& plan) {
  int64_t bytes = 0;
  for (const plan::Packed& packed : plan.packed) bytes += packed.by_kernel ? packed.bytes : 0;
  return bytes;
}

TEST(PlanCache, ManySizesOfASmallNetworkStay) {
  Cache cache;
  for (int64_t side = 8; side < 56; ++side) cache.plans.push_back(plan_of(side, true));
  EXPECT_EQ(cache.back(), Numbers());
}

TEST(PlanCache, ASecondOrderOfTheWeightsIsACopy) {
  const Cache cache{{plan_of(64, true), plan_of(64, false)}};
  const int64_t copies = filter_bytes(cache.plans[1]);
  ASSERT_GT(copies, 0);
  EXPECT_EQ(cache.back({.copies = copies}), Numbers());
  EXPECT_EQ(cache.back({.copies = copies - 1}), Numbers{1});
  // The bytes are those that the store gives back.
  execute::PackedStore store({});
  ThreadPool pool(1);
  const execute::PackedWeights kept = store.pack(cache.plans[0], pool);
  const int64_t alone = store.meter().held();
  const execute::PackedWeights both = store.pack(cache.plans[1], pool);
  EXPECT_EQ(store.meter().held() - alone, copies);
}

TEST(PlanCache, PlansWithTheSameCopyCountItOnce) {
  const Cache cache{{plan_of(64, true), plan_of(64, false), plan_of(60, false)}};
  const int64_t copies = filter_bytes(cache.plans[1]);
  EXPECT_EQ(cache.back({.copies = copies}), Numbers());
  EXPECT_EQ(cache.back({.copies = copies - 1}), (Numbers{1, 2}));  // one alone would free nothing
}

TEST(PlanCache, AnOlderPlanThatSharesItsWeightsOutlivesANewerOne) {
  const Cache cache{{plan_of(64, true), plan_of(60, false), plan_of(60, true)}};
  EXPECT_EQ(cache.back({.copies = 0}), Numbers{1});
}

TEST(PlanCache, PartsOfAModelDoNotDriveEachOtherOut) {
  const Cache cache{{plan_of(64, true), plan_of(64, false, 5), plan_of(64, true, 9)}};
  EXPECT_EQ(cache.back({.copies = 0}), Numbers());
}

TEST(PlanCache, TheOldestListsGoAndTheNewestStays) {
  const Cache cache{{plan_of(64, true), plan_of(60, true), plan_of(56, true)}};
  const int64_t lists = session::list_bytes(cache.plans[0]);
  EXPECT_EQ(lists, session::list_bytes(cache.plans[1]));  // not by the size of images
  EXPECT_EQ(cache.back({.lists = 3 * lists}), Numbers());
  EXPECT_EQ(cache.back({.lists = 3 * lists - 1}), Numbers{2});
  EXPECT_EQ(cache.back({.lists = 0, .copies = 0}), (Numbers{1, 2}));
}

}  // namespace
}  // namespace kintsugi
