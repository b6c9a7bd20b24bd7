// SPDX-License-Identifier: MIT
#include "runtime/image/probe.h"

#include <algorithm>
#include <string_view>

namespace kintsugi::image {
namespace {

using std::string_view_literals::operator""sv;

constexpr const char* kConvert = "convert it to PNG or JPEG first";

struct Magic {
  size_t offset;
  std::string_view bytes;
  Probed answer;
};

constexpr FileKind kForeign = FileKind::foreign;
constexpr Magic kMagics[] = {
    {0, "\x89PNG\r\n\x1a\n"sv, {FileKind::png, "a PNG", nullptr}},
    {0, "\xff\xd8\xff"sv, {FileKind::jpeg, "a JPEG", nullptr}},
    {0, "GIF87a"sv, {FileKind::gif, "a GIF", nullptr}},
    {0, "GIF89a"sv, {FileKind::gif, "a GIF", nullptr}},
    {0, "P5"sv, {FileKind::pnm, "a PGM", nullptr}},
    {0, "P6"sv, {FileKind::pnm, "a PPM", nullptr}},
    {8, "WEBP"sv, {kForeign, "a WebP picture", kConvert}},
    {4, "ftypheic"sv, {kForeign, "a HEIC picture", kConvert}},
    {4, "ftypheix"sv, {kForeign, "a HEIC picture", kConvert}},
    {4, "ftyphevc"sv, {kForeign, "a HEIC picture", kConvert}},
    {4, "ftypmif1"sv, {kForeign, "a HEIC picture", kConvert}},
    {4, "ftypmsf1"sv, {kForeign, "a HEIC picture", kConvert}},
    {4, "ftypavif"sv, {kForeign, "an AVIF picture", kConvert}},
    {4, "ftypavis"sv, {kForeign, "an AVIF picture", kConvert}},
    {4, "ftypcrx"sv, {kForeign, "a camera's raw file", kConvert}},
    {4, "ftyp"sv, {kForeign, "a video", "give one picture of it as PNG or JPEG"}},
    {0, "II*\0"sv, {kForeign, "a TIFF picture or a camera's raw file", kConvert}},
    {0, "MM\0*"sv, {kForeign, "a TIFF picture or a camera's raw file", kConvert}},
    {0, "II+\0"sv, {kForeign, "a BigTIFF picture", kConvert}},
    {0, "MM\0+"sv, {kForeign, "a BigTIFF picture", kConvert}},
    {0, "\xff\x0a"sv, {kForeign, "a JPEG XL picture", kConvert}},
    {0, "\0\0\0\x0cJXL "sv, {kForeign, "a JPEG XL picture", kConvert}},
    {0, "\0\0\0\x0cjP  "sv, {kForeign, "a JPEG 2000 picture", kConvert}},
    {0, "8BPS"sv, {kForeign, "a Photoshop document", kConvert}},
    {0, "gimp xcf"sv, {kForeign, "a GIMP document", kConvert}},
    {0, "v/1\x01"sv, {kForeign, "an OpenEXR picture", kConvert}},
    {0, "#?RADIANCE"sv, {kForeign, "a Radiance HDR picture", kConvert}},
    {0, "#?RGBE"sv, {kForeign, "a Radiance HDR picture", kConvert}},
    {0, "qoif"sv, {kForeign, "a QOI picture", kConvert}},
    {0, "\0\0\x01\0"sv, {kForeign, "an icon", kConvert}},
    {0, "%PDF"sv, {kForeign, "a PDF document", "export its page as PNG first"}},
    {0, "%!PS"sv, {kForeign, "a PostScript document", "export its page as PNG first"}},
    {0, "PK\x03\x04"sv, {kForeign, "a ZIP archive or a PyTorch checkpoint", nullptr}},
    {0, "\x1f\x8b"sv, {kForeign, "a gzip archive", "unpack it first"}},
};

constexpr Probed kBmp = {FileKind::bmp, "a BMP", nullptr};
constexpr Probed kTga = {FileKind::tga, "a TGA", nullptr};
constexpr Probed kSvg = {kForeign, "an SVG drawing", "export it as PNG first"};
constexpr Probed kHtml = {kForeign, "a web page", "download the picture itself"};
constexpr Probed kSafetensors = {kForeign, "a safetensors file", "models are given with -m"};
constexpr Probed kTextPnm = {kForeign, "a text, bitmap or PAM variant of PNM",
                             "only binary PGM (P5) and PPM (P6) are read: convert it first"};

bool is_bmp(std::string_view text) {
  // Two letters are little to go by; the size of the header that follows makes it certain.
  if (text.size() < 18 || text.substr(0, 2) != "BM") return false;
  const auto size = static_cast<uint8_t>(text[14]);
  return (size == 12 || size == 40 || size == 56 || size == 108 || size == 124) &&
         text.substr(15, 3) == "\0\0\0"sv;
}

bool is_tga(std::string_view text) {
  // TGA has no magic: every field that has few legal values is looked at.
  if (text.size() < 18) return false;
  const auto byte = [&text](size_t i) { return static_cast<uint8_t>(text[i]); };
  constexpr std::string_view kTypes = "\x01\x02\x03\x09\x0a\x0b"sv;
  constexpr std::string_view kDepths = "\x08\x0f\x10\x18\x20"sv;
  const bool palette = (byte(2) & 7) == 1;
  if (byte(1) > 1) return false;
  if (kTypes.find(text[2]) == kTypes.npos || kDepths.find(text[16]) == kDepths.npos) return false;
  if (palette && byte(1) != 1) return false;
  if ((byte(12) | byte(13)) == 0 || (byte(14) | byte(15)) == 0) return false;
  return (byte(17) & 0xc0) == 0 && (byte(17) & 0x0f) <= 8;
}

}  // namespace

Probed probe(std::span<const std::byte> bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()),
                              std::min(bytes.size(), kProbeBytes));
  for (const Magic& magic : kMagics) {
    if (text.size() >= magic.offset + magic.bytes.size() &&
        text.substr(magic.offset, magic.bytes.size()) == magic.bytes) {
      return magic.answer;
    }
  }
  if (is_bmp(text)) return kBmp;
  if (is_tga(text)) return kTga;
  if (text.size() > 2 && text[0] == 'P' && text[1] >= '1' && text[1] <= '7' &&
      (text[2] == '\n' || text[2] == ' ' || text[2] == '\r' || text[2] == '\t')) {
    return kTextPnm;
  }
  if (text.size() > 9 && text.substr(3, 5) == "\0\0\0\0\0"sv && text[8] == '{') {
    return kSafetensors;
  }
  if (text.find("<svg") != text.npos) return kSvg;
  if (text.find("<html") != text.npos || text.find("<!DOCTYPE html") != text.npos ||
      text.find("<!doctype html") != text.npos) {
    return kHtml;
  }
  return {};
}

}  // namespace kintsugi::image
