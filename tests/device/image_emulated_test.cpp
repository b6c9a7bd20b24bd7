// SPDX-License-Identifier: MIT
//
// What only the emulator can say of image on CUDA: the same bits in every order in which threads may run,
// bytes moved to the byte.
#include "kernels/emulator/emulator.h"
#include "tests/device/image_trial.h"
#include "tests/emulator/support.h"

namespace kintsugi::image {
namespace {

template <class K>
class ImageEmulated : public testing::Test {
 protected:
  void TearDown() override { emulator::set({}); }
};
TYPED_TEST_SUITE(ImageEmulated, Kinds);

TYPED_TEST(ImageEmulated, MovesWhatItSays) {
  for (const Case& c : cases()) {
    SCOPED_TRACE(c.name);
    const Trial<TypeParam> trial(c);
    static_cast<void>(emulator::take_reports());
    static_cast<void>(trial.tensor_by_cuda());
    static_cast<void>(trial.picture_by_cuda());
    const auto reports = emulator::take_reports();
    ASSERT_EQ(reports.size(), 2u);
    EXPECT_EQ((Traffic{reports[0].bytes_read, reports[0].bytes_written}),
              trial.traffic_to_tensor());
    EXPECT_EQ((Traffic{reports[1].bytes_read, reports[1].bytes_written}),
              trial.traffic_to_picture());
  }
}

TYPED_TEST(ImageEmulated, TheBitsAreTheSameInEveryOrder) {
  for (const Case& c : cases()) {
    SCOPED_TRACE(c.name);
    Trial<TypeParam> trial(c);
    trial.numbers.view().at(0, 0, 0, 0) = NAN;  // two that race for the first
    trial.numbers.view().at(c.tensor.n() - 1, 0, c.picture.h() - 1, 0) = INFINITY;
    std::vector<std::byte> tensor;
    std::vector<typename TypeParam::S> picture;
    for (const emulator::Settings& settings : specimen::schedules()) {
      emulator::set(settings);
      const auto got = trial.tensor_by_cuda(1).buffer().template values<std::byte>();
      if (tensor.empty()) tensor = got;
      EXPECT_EQ(got, tensor);
      const auto made = trial.picture_by_cuda(1);
      if (picture.empty()) picture = made.samples;
      EXPECT_EQ(made.samples, picture);
      EXPECT_EQ(made.first_bad, 0);  // the mask always has the first pixel
    }
  }
}

}  // namespace
}  // namespace kintsugi::image
