// SPDX-License-Identifier: MIT
//
// The facade on the emulator: streams that do nothing before they are synchronised, graphs, events,
// the meter, and what is refused.
#include "kernels/device/api.h"

#include <gtest/gtest.h>

#include "kernels/emulator/launch.h"
#include "tests/emulator/specimens.h"
#include "tests/emulator/support.h"

namespace kintsugi::specimen {
namespace {

const std::vector<float> kOnes(128, 1.0f);

void pass(device::Stream& stream, const float* in, float* out) {
  static_cast<void>(faultless(stream, 2, in, out));
}

TEST(Facade, HasOneEmulatedDevice) {
  ASSERT_EQ(device::count(), 1);
  EXPECT_TRUE(device::info().emulated);
  EXPECT_EQ(device::info().shared_bytes, 227U * 1024U);
  EXPECT_THROW(device::select(1), Error);
}

TEST(Facade, CountsWhatIsAllocated) {
  const std::size_t before = device::allocated_bytes();
  void* buffer = device::allocate(1000);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(buffer) % 256, 0U);
  EXPECT_EQ(device::allocated_bytes(), before + 1000);
  device::release(buffer);
  EXPECT_EQ(device::allocated_bytes(), before);
  EXPECT_EQ(device::allocate(0), nullptr);
}

TEST(Facade, SaysWhenMemoryIsOut) {
  try {
    static_cast<void>(device::allocate(std::size_t{1} << 60));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::out_of_memory);
  }
}

TEST(Facade, DoesNothingBeforeItIsSynchronised) {
  OnDevice<float> in(kOnes);
  OnDevice<float> out(std::vector<float>(128, 5.0f));
  const auto stream = device::make_stream();
  pass(*stream, in.data(), out.data());
  EXPECT_EQ(out.values(), std::vector<float>(128, 5.0f));
  device::synchronize(*stream);
  EXPECT_EQ(out.values(), kOnes);
}

TEST(Facade, CopiesAndFillsInOrder) {
  OnDevice<float> a(kOnes);
  OnDevice<float> b(128);
  const auto stream = device::make_stream();
  std::vector<float> host(128, 3.0f);
  device::upload(*stream, a.data(), host.data(), a.bytes());
  device::copy(*stream, b.data(), a.data(), a.bytes());
  device::fill(*stream, a.data(), 0, a.bytes());
  std::vector<float> back(128);
  device::download(*stream, back.data(), b.data(), b.bytes());
  device::synchronize();
  EXPECT_EQ(back, host);
  EXPECT_EQ(a.values(), std::vector<float>(128, 0.0f));
}

TEST(Facade, StreamsWaitForEvents) {
  OnDevice<float> in(kOnes);
  OnDevice<float> middle(std::vector<float>(128, 0.0f));
  OnDevice<float> out(std::vector<float>(128, 0.0f));
  const auto first = device::make_stream();
  const auto second = device::make_stream();
  const auto begun = device::make_event();
  const auto event = device::make_event();
  device::record(*first, *begun);
  pass(*first, in.data(), middle.data());
  device::record(*first, *event);
  device::wait(*second, *event);
  pass(*second, middle.data(), out.data());
  device::synchronize(*second);  // brings the first stream as far as the event
  EXPECT_EQ(out.values(), kOnes);
  device::synchronize(*event);
  EXPECT_GE(device::elapsed_ms(*begun, *event), 0.0f);
}

TEST(Facade, ReplaysGraphs) {
  OnDevice<float> in(kOnes);
  OnDevice<float> out(std::vector<float>(128, 0.0f));
  const auto stream = device::make_stream();
  device::begin_capture(*stream);
  pass(*stream, in.data(), out.data());
  device::fill(*stream, in.data(), 0, in.bytes());
  const auto graph = device::end_capture(*stream);
  device::synchronize(*stream);
  EXPECT_EQ(out.values(), std::vector<float>(128, 0.0f));  // recorded, not done
  EXPECT_EQ(device::node_count(*graph), 2U);
  const auto executable = device::instantiate(*graph);
  device::replay(*stream, *executable);
  device::synchronize(*stream);
  EXPECT_EQ(out.values(), kOnes);
  device::replay(*stream, *executable);
  device::synchronize(*stream);
  EXPECT_EQ(out.values(), std::vector<float>(128, 0.0f));  // the fill ran too
  device::begin_capture(*stream);
  EXPECT_THROW(device::synchronize(*stream), Error);
  static_cast<void>(device::end_capture(*stream));
  EXPECT_THROW(static_cast<void>(device::end_capture(*stream)), Error);
}

TEST(Facade, RefusesCopiesPastTheEnd) {
  OnDevice<float> a(kOnes);
  std::vector<float> host(129);
  try {
    device::upload(a.data(), host.data(), 129 * sizeof(float));
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("straddle the end of a device buffer of 512 bytes"),
              std::string::npos)
        << error.what();
  }
  EXPECT_THROW(device::download(host.data(), host.data(), 4), Error);
}

TEST(Facade, KeepsTheSentenceOfABrokenLaunch) {
  static_cast<void>(device::last_error());
  OnDevice<float> in(kOnes);
  OnDevice<float> out(128);
  const std::string said = sentence_of([&](device::Stream& stream) {
    faulty(stream, Fault::divergent_barriers, in.data(), out.data());
  });
  EXPECT_NE(said, "");
  EXPECT_EQ(device::last_error(), said);
  EXPECT_EQ(device::last_error(), "");
}

TEST(Facade, RefusesLaunchesBeyondTheLimits) {
  OnDevice<float> x(kOnes);
  OnDevice<float> sum(4);
  const auto stream = device::make_stream();
  EXPECT_THROW(row_sum<float>(*stream, x.data(), sum.data(), 0, 1), Error);  // an empty grid
  const auto refused = [](unsigned threads, std::size_t shared_bytes, device::Grid grid = {}) {
    try {
      emulator::check_limits({.kernel = "K",
                              .grid = grid,
                              .threads = threads,
                              .shared_bytes = shared_bytes,
                              .body = {}});
    } catch (const Error& error) {
      return std::string(error.what()).starts_with("kernel K cannot be launched: ");
    }
    return false;
  };
  EXPECT_FALSE(refused(1024, 227 * 1024));
  EXPECT_TRUE(refused(0, 0));
  EXPECT_TRUE(refused(48, 0));
  EXPECT_TRUE(refused(1056, 0));
  EXPECT_TRUE(refused(32, 227 * 1024 + 1));
  EXPECT_TRUE(refused(32, 0, {.y = 65536}));
  EXPECT_THROW(static_cast<void>(device::make_tensor_map(
                   {.data = x.data(), .rows = 4, .columns = 9, .pitch_bytes = 18, .box_rows = 1})),
               Error);
}

}  // namespace
}  // namespace kintsugi::specimen
