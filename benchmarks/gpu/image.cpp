// SPDX-License-Identifier: MIT
//
// image: a picture with its mask to the four channels of an inpainting network, and the network's
// three back into the whole picture.
#include "benchmarks/gpu/problem.h"
#include "kernels/contract/fields.h"
#include "kernels/image/cuda.h"

namespace kintsugi::gpu_bench {
namespace {

const image::ToTensor kToTensor{{.from = image::From::red, .mean = 0.456f},
                                {.from = image::From::green, .mean = 0.447f},
                                {.from = image::From::blue, .mean = 0.416f},
                                {.hole = 1}};
const image::ToPicture kToPicture{};

template <class S>
std::vector<S> random_samples(int64_t count) {
  std::vector<S> samples;
  for (const float value : random_values(count, 3)) {
    samples.push_back(static_cast<S>((value + 1) / 2 * static_cast<float>(image::kWhite<S>)));
  }
  return samples;
}

/// The tensor, the picture, its mask, what was no number.
template <class S, class T>
std::vector<Buffer> filled(const Shape& picture, const Shape& tensor, uint8_t hole) {
  std::vector<uint8_t> mask(static_cast<size_t>(picture.pixels()), hole);
  if (hole == 0) std::fill_n(mask.begin(), mask.size() / 2, uint8_t{1});
  std::vector<Buffer> buffers;
  buffers.emplace_back(stored<T>(random_values(tensor.elements(), 1), tensor.c()));
  buffers.emplace_back(random_samples<S>(picture.elements()));
  buffers.emplace_back(mask);
  buffers.emplace_back(std::vector<int64_t>{image::kNoPixel});
  return buffers;
}

template <class S>
image::PictureView<S> picture_of(const std::vector<Buffer>& buffers, const Shape& picture) {
  return {buffers[1].template data<S>(), picture, picture.w() * picture.c()};
}
image::MaskView mask_of(const std::vector<Buffer>& buffers, const Shape& picture) {
  return {buffers[2].data<uint8_t>(), picture.w()};
}

/// Half of the mask are holes.
template <class S, class T>
Problem to_tensor(const Shape& picture) {
  const Shape tensor{picture.n(), kToTensor.count, picture.h(), picture.w()};
  const auto args_of = [=](const std::vector<Buffer>& buffers) {
    return image::ToTensorArgs<S, T>{
        picture_of<S>(buffers, picture),
        mask_of(buffers, picture),
        {buffers[0].template data<T>(), tensor, bench::pitch_of<T>(4)}};
  };
  const auto fill = [=] { return filled<S, T>(picture, tensor, 0); };
  const auto bind = [=](const std::vector<Buffer>& buffers) -> Launch {
    return
        [args = args_of(buffers)](device::Stream& stream) { image::cuda(kToTensor, args, stream); };
  };
  return {.description = to_string(kToTensor),
          .config = "",
          .flops = flops(kToTensor, picture, tensor),
          .bytes = bytes(kToTensor, picture, tensor, sizeof(S), sizeof(T)),
          .traffic = traffic(kToTensor, picture, tensor, sizeof(S), sizeof(T), true),
          .runnable = {.fill = fill,
                       .bind = bind,
                       .output = tensor,
                       .output_pitch = bench::pitch_of<T>(4)},
          .convolution = nullptr,
          .definition = {}};
}

/// Every pixel is filled.
template <class S, class T>
Problem to_picture(const Shape& picture) {
  const Shape tensor{picture.n(), 3, picture.h(), picture.w()};
  const auto args_of = [=](const std::vector<Buffer>& buffers) {
    return image::ToPictureArgs<S, T>{
        {buffers[0].template data<T>(), tensor, bench::pitch_of<T>(3)},
        mask_of(buffers, picture),
        picture_of<S>(buffers, picture),
        buffers[3].template data<int64_t>()};
  };
  const auto fill = [=] { return filled<S, T>(picture, tensor, 1); };
  const auto bind = [=](const std::vector<Buffer>& buffers) -> Launch {
    return [args = args_of(buffers)](device::Stream& stream) {
      image::cuda(kToPicture, args, stream);
    };
  };
  return {.description = to_string(kToPicture),
          .config = "",
          .flops = flops(kToPicture, tensor, picture),
          .bytes = bytes(kToPicture, tensor, picture, sizeof(S), sizeof(T)),
          .traffic = traffic(kToPicture, picture, sizeof(S), true, picture.pixels()),
          .runnable = {.fill = fill,
                       .bind = bind,
                       .output = tensor,
                       .output_pitch = bench::pitch_of<T>(3)},
          .convolution = nullptr,
          .definition = {}};
}

}  // namespace

Problem image_problem(const Layer& layer, Type type) {
  bool from_image = false, bytes = false;
  try {
    Fields fields(layer.ops[0].settings);
    from_image = fields.choice("to", {"tensor", "picture"}) == 0;
    bytes = fields.choice("bits", {"8", "16"}) == 0;
    fields.finish();
  } catch (const Error& error) {
    throw Error(ErrorCode::usage, layer.name + ": " + error.what());
  }
  return with_storage(type, [&]<class T>(T) {
    const auto of = [&]<class S>(S) {
      Problem made = from_image ? to_tensor<S, T>(layer.input) : to_picture<S, T>(layer.input);
      made.runnable.output_dtype = dtype_of(type);
      return made;
    };
    return bytes ? of(uint8_t{}) : of(uint16_t{});
  });
}

}  // namespace kintsugi::gpu_bench
