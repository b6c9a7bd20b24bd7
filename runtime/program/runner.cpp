// SPDX-License-Identifier: MIT
#include "runtime/program/runner.h"

#include "runtime/image/pixel.h"

namespace kintsugi::program {

Shapes input_shapes(std::span<const Port> ports, const Letters& letters, const Images& images) {
  Shapes shapes;
  for (const Port& port : ports) {
    if (port.optional) continue;
    const auto image = images.inputs.find(port.name);
    shapes[port.name] = image == images.inputs.end()
                            ? shape_of(port, letters)
                            : shape_of(port, letters, image->second.desc.count);
  }
  return shapes;
}

Images images_of(const Sources& sources, const Sinks& sinks) {
  Images images;
  for (const auto& [port, from] : sources) {
    const auto* source = std::get_if<ImageSource>(&from);
    if (source == nullptr) continue;
    Images::In& in = images.inputs[port];
    in = {source->desc, image::colours(source->image.channels)};
    in.desc.bits = static_cast<int>(source->image.bits);
    in.desc.masked = source->holes != nullptr;
  }
  for (const auto& [port, to] : sinks) {
    const auto* sink = std::get_if<ImageSink>(&to);
    if (sink == nullptr) continue;
    to_image::Desc& desc = images.outputs[port];
    desc = sink->desc;
    desc.bits = static_cast<int>(sink->image->bits);
    desc.grey = image::is_grey(sink->image->channels);
  }
  return images;
}

}  // namespace kintsugi::program
