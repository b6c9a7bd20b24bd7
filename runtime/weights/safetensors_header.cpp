// SPDX-License-Identifier: MIT
#include "runtime/weights/safetensors_header.h"

#include <algorithm>
#include <array>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>
#include <utility>

#include "kernels/core/error.h"
#include "runtime/weights/foreign.h"

namespace kintsugi::weights {
namespace {

constexpr size_t kLengthBytes = 8;
constexpr size_t kLongestQuote = 120;

struct FileDType {
  std::string_view name;
  int64_t bits;
  std::optional<DType> dtype;  // none: known to the format, not read here
};

constexpr auto kDTypes = std::to_array<FileDType>({
    {"F64", 64, DType::f64},   {"F32", 32, DType::f32}, {"F16", 16, DType::f16},
    {"BF16", 16, DType::bf16}, {"I64", 64, DType::i64}, {"I32", 32, DType::i32},
    {"U8", 8, DType::u8},      {"BOOL", 8, {}},         {"I8", 8, {}},
    {"I16", 16, {}},           {"U16", 16, DType::u16}, {"U32", 32, {}},
    {"U64", 64, {}},           {"C64", 64, {}},         {"F8_E4M3", 8, {}},
    {"F8_E5M2", 8, {}},        {"F8_E8M0", 8, {}},      {"F6_E2M3", 6, {}},
    {"F6_E3M2", 6, {}},        {"F4", 4, {}},
});

/// One sentence about one file, as bad_file.
class Complaint {
 public:
  explicit Complaint(std::string file_name) : file_name_(std::move(file_name)) {}

  [[noreturn]] void operator()(const std::string& what, std::string hint = {}) const {
    throw Error(ErrorCode::bad_file,
                "'" + file_name_ + "' is not a valid safetensors file: " + what, std::move(hint));
  }
  [[noreturn]] void cut_short(const std::string& what) const {
    throw Error(ErrorCode::bad_file, "'" + file_name_ + "' is cut short: " + what,
                "the download or copy may be incomplete; fetch the file again");
  }
  [[noreturn]] void foreign(std::span<const std::byte> file, const std::string& otherwise) const {
    const ForeignFormat format = recognise_foreign(file);
    if (format.what.empty()) (*this)(otherwise);
    std::string hint(format.advice);
    if (format.convertible) {
      hint = "convert it: PYTHONPATH=python_export python3 -m kintsugi_export convert NETWORK " +
             file_name_ + " -o model.safetensors";
    }
    throw Error(
        ErrorCode::bad_file,
        "'" + file_name_ + "' is not a safetensors file; it looks like " + std::string(format.what),
        std::move(hint));
  }

 private:
  std::string file_name_;
};

struct Entry {
  StoredTensor tensor;
  uint64_t begin = 0;
  uint64_t end = 0;
};

/// Receives the header's JSON token by token. Every token must be one the format has at that place,
/// so nesting is bounded by the format and nothing is built that a tensor does not need.
class HeaderReader {
 public:
  explicit HeaderReader(const Complaint& complain) : complain_(complain) {}

  std::vector<Entry> entries;
  std::map<std::string, std::string> metadata;

  bool start_object(size_t) {
    switch (place_) {
      case Place::file: place_ = Place::names; return true;
      case Place::name_value: place_ = is_metadata_ ? Place::metadata : Place::fields; return true;
      default: unexpected("an object");
    }
  }

  bool key(std::string& text) {
    switch (place_) {
      case Place::names:
        is_metadata_ = text == "__metadata__";
        if (is_metadata_ && std::exchange(has_metadata_, true)) {
          complain_("'__metadata__' appears twice");
        }
        if (!is_metadata_) {
          entries.emplace_back().tensor.name = text;
          has_dtype_ = has_shape_ = has_offsets_ = false;
        }
        place_ = Place::name_value;
        return true;
      case Place::metadata:
        if (metadata.contains(text)) complain_("__metadata__ has " + quote_name(text) + " twice");
        metadata_value_ = &metadata[text];
        place_ = Place::metadata_value;
        return true;
      case Place::fields:
        if (text == "dtype") {
          enter_field(Place::dtype, has_dtype_, text);
        } else if (text == "shape") {
          enter_field(Place::shape, has_shape_, text);
        } else if (text == "data_offsets") {
          enter_field(Place::offsets, has_offsets_, text);
        } else {
          complain_(subject() + " has an unknown field " + quote_name(text));
        }
        return true;
      default: unexpected("a key");
    }
  }

  bool string(std::string& text) {
    if (place_ == Place::metadata_value) {
      *metadata_value_ = std::move(text);
      place_ = Place::metadata;
      return true;
    }
    if (place_ != Place::dtype) unexpected("a string");
    const auto* const known = std::ranges::find(kDTypes, text, &FileDType::name);
    if (known == kDTypes.end()) complain_(subject() + " has the unknown dtype " + quote_name(text));
    current().dtype = known->dtype;
    current().dtype_name = known->name;
    bits_ = known->bits;
    place_ = Place::fields;
    return true;
  }

  bool start_array(size_t) {
    if (place_ != Place::shape && place_ != Place::offsets) unexpected("a list");
    place_ = place_ == Place::shape ? Place::extents : Place::offset_values;
    count_ = 0;
    return true;
  }

  bool number_unsigned(uint64_t value) {
    if (place_ == Place::extents) {
      if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
        complain_("the shape of " + subject() + " overflows");
      }
      if (count_ == Shape::kMaxRank) {
        complain_(subject() + " has more than the " + std::to_string(Shape::kMaxRank) +
                  " dimensions that are read here");
      }
      extents_[count_++] = static_cast<int64_t>(value);
      return true;
    }
    if (place_ != Place::offset_values) unexpected("a number");
    (count_++ == 0 ? entries.back().begin : entries.back().end) = value;
    return true;
  }

  bool end_array() {
    if (place_ == Place::extents) {
      current().shape = Shape(std::span<const int64_t>(extents_.data(), count_));
    } else if (count_ != 2) {
      complain_("data_offsets of " + subject() + " are not two numbers");
    }
    place_ = Place::fields;
    return true;
  }

  bool end_object() {
    if (place_ == Place::fields) {
      const char* const missing = !has_dtype_     ? "dtype"
                                  : !has_shape_   ? "shape"
                                  : !has_offsets_ ? "data_offsets"
                                                  : nullptr;
      if (missing != nullptr) complain_(subject() + " has no '" + missing + "'");
      check_size(entries.back());
    }
    place_ = place_ == Place::names ? Place::end : Place::names;
    return true;
  }

  bool number_integer(int64_t) { unexpected("a negative number"); }
  bool number_float(double, const std::string&) {
    unexpected("a number that is no 64-bit integer");
  }
  bool boolean(bool) { unexpected("true or false"); }
  bool null() { unexpected("null"); }
  bool binary(std::vector<uint8_t>&) { unexpected("binary data"); }
  bool parse_error(size_t position, const std::string&, const nlohmann::json::exception&) {
    complain_("its header is not JSON (at byte " + std::to_string(kLengthBytes + position) + ")");
  }

 private:
  enum class Place {
    file,            // before the outermost object
    names,           // in it: a tensor's name or __metadata__ comes next
    name_value,      // after that name
    metadata,        // in __metadata__
    metadata_value,  // after one of its keys
    fields,          // in a tensor's object
    dtype,
    shape,
    extents,
    offsets,
    offset_values,
    end,
  };

  [[nodiscard]] StoredTensor& current() { return entries.back().tensor; }
  [[nodiscard]] std::string subject() const {
    return "tensor " + quote_name(entries.back().tensor.name);
  }

  void enter_field(Place place, bool& seen, const std::string& name) {
    if (std::exchange(seen, true)) complain_(subject() + " has '" + name + "' twice");
    place_ = place;
  }

  [[noreturn]] void unexpected(const std::string& what) const {
    switch (place_) {
      case Place::metadata_value:
        complain_("__metadata__ has " + what + " where only strings are allowed",
                  "write every metadata value as a string");
      case Place::name_value:
        if (is_metadata_) complain_("__metadata__ is " + what + ", not an object");
        complain_(subject() + " is " + what + ", not an object");
      case Place::dtype: complain_("dtype of " + subject() + " is " + what + ", not a string");
      case Place::shape: complain_("shape of " + subject() + " is " + what + ", not a list");
      case Place::offsets:
        complain_("data_offsets of " + subject() + " are " + what + ", not a list");
      case Place::extents: complain_("shape of " + subject() + " has " + what + " in it");
      case Place::offset_values:
        complain_("data_offsets of " + subject() + " have " + what + " in them");
      default: complain_("its header has " + what + " where it cannot be");
    }
  }

  void check_size(const Entry& entry) const {
    const StoredTensor& tensor = entry.tensor;
    if (entry.end < entry.begin) complain_(subject() + " ends before it begins");
    int64_t bits = bits_;
    for (const int64_t extent : tensor.shape.extents()) {
      if (__builtin_mul_overflow(bits, extent, &bits)) {
        complain_("the shape of " + subject() + " overflows: " + tensor.shape.to_string());
      }
    }
    const uint64_t bytes = static_cast<uint64_t>(bits) / 8;
    if (bits % 8 != 0 || bytes != entry.end - entry.begin) {
      complain_(subject() + " spans " + std::to_string(entry.end - entry.begin) +
                " bytes, but shape " + tensor.shape.to_string() + " of " +
                std::string(tensor.dtype_name) + " takes " + std::to_string(bytes));
    }
  }

  const Complaint& complain_;
  Place place_ = Place::file;
  bool is_metadata_ = false;
  bool has_metadata_ = false;
  bool has_dtype_ = false, has_shape_ = false, has_offsets_ = false;
  int64_t bits_ = 0;
  size_t count_ = 0;
  std::array<int64_t, Shape::kMaxRank> extents_{};
  std::string* metadata_value_ = nullptr;
};

/// The data section is tiled by the tensors: no gap, no overlap, nothing before or behind.
void check_tiling(const std::vector<Entry>& entries, uint64_t data_bytes,
                  const Complaint& complain) {
  uint64_t described = 0;
  for (const Entry& entry : entries) described = std::max(described, entry.end);
  if (described > data_bytes) {
    complain.cut_short("its tensors take " + std::to_string(described) + " bytes, but only " +
                       std::to_string(data_bytes) + " follow the header");
  }
  uint64_t expected = 0;
  const Entry* previous = nullptr;
  for (const Entry& entry : entries) {
    const std::string name = quote_name(entry.tensor.name);
    if (entry.begin < expected) {
      complain("tensor " + name + " overlaps " + quote_name(previous->tensor.name));
    }
    if (entry.begin > expected) {
      complain("there is a hole of " + std::to_string(entry.begin - expected) +
               " bytes before tensor " + name);
    }
    expected = entry.end;
    previous = &entry;
  }
  if (expected != data_bytes) {
    complain(std::to_string(data_bytes - expected) + " bytes follow the last tensor");
  }
}

/// The bytes of the JSON header, after the checks that tell safetensors from everything else.
std::string_view header_text(std::span<const std::byte> file, const Complaint& complain) {
  if (file.size() < kLengthBytes) {
    complain.foreign(file, "it has only " + std::to_string(file.size()) + " bytes");
  }
  uint64_t length = 0;
  for (size_t i = kLengthBytes; i-- > 0;) length = length << 8 | std::to_integer<uint64_t>(file[i]);
  if (length > kLargestHeaderBytes) {
    complain.foreign(file, "it announces a header of " + std::to_string(length) +
                               " bytes, beyond the limit of " +
                               std::to_string(kLargestHeaderBytes));
  }
  const std::span<const std::byte> rest = file.subspan(kLengthBytes);
  if (length == 0 || (!rest.empty() && rest[0] != std::byte{'{'})) {
    complain.foreign(file, "its header does not start with '{'");
  }
  if (length > rest.size()) {
    complain.cut_short("its header takes " + std::to_string(length) + " bytes, but only " +
                       std::to_string(rest.size()) + " are there");
  }
  const std::string_view text(reinterpret_cast<const char*>(rest.data()),
                              static_cast<size_t>(length));
  // The JSON parser takes a zero byte for the end and would not look at what follows.
  if (const size_t zero = text.find('\0'); zero != std::string_view::npos) {
    complain("its header has a zero byte (at byte " + std::to_string(kLengthBytes + zero) + ")");
  }
  return text;
}

}  // namespace

const StoredTensor* Header::find(std::string_view name) const {
  const auto name_at = [this](uint32_t index) -> std::string_view { return tensors[index].name; };
  const auto found = std::ranges::lower_bound(by_name, name, {}, name_at);
  if (found == by_name.end() || name_at(*found) != name) return nullptr;
  return &tensors[*found];
}

Header parse_safetensors(std::span<const std::byte> file, const std::string& file_name) {
  const Complaint complain(file_name);
  const std::string_view text = header_text(file, complain);
  HeaderReader reader(complain);
  nlohmann::json::sax_parse(text.begin(), text.end(), &reader);

  const std::span<const std::byte> data = file.subspan(kLengthBytes + text.size());
  std::ranges::stable_sort(reader.entries, {},
                           [](const Entry& entry) { return std::pair(entry.begin, entry.end); });
  Header header{.tensors = {}, .by_name = {}, .metadata = std::move(reader.metadata)};
  const auto name_of = [&reader](uint32_t index) -> std::string_view {
    return reader.entries[index].tensor.name;
  };
  header.by_name.resize(reader.entries.size());
  std::iota(header.by_name.begin(), header.by_name.end(), 0u);
  std::ranges::sort(header.by_name, {}, name_of);
  const auto twice = std::ranges::adjacent_find(header.by_name, {}, name_of);
  if (twice != header.by_name.end()) {
    complain("tensor " + quote_name(name_of(*twice)) + " appears twice");
  }
  check_tiling(reader.entries, data.size(), complain);

  header.tensors.reserve(reader.entries.size());
  for (Entry& entry : reader.entries) {
    entry.tensor.bytes = data.subspan(entry.begin, entry.end - entry.begin);
    header.tensors.push_back(std::move(entry.tensor));
  }
  return header;
}

std::string quote_name(std::string_view text) {
  std::string result = "'";
  const bool too_long = text.size() > kLongestQuote;
  size_t length = too_long ? kLongestQuote : text.size();
  const auto is_continuation = [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
  };
  while (too_long && length > 0 && is_continuation(text[length])) --length;  // whole characters
  for (size_t i = 0; i < length; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    // The second block of control characters, U+0080 to U+009F, is two bytes in UTF-8.
    const bool c1 =
        byte == 0xc2 && i + 1 < length && static_cast<unsigned char>(text[i + 1]) < 0xa0;
    if (c1) ++i;
    result += byte < 0x20 || byte == 0x7f || c1 ? '?' : text[i];
  }
  return result + (too_long ? "...'" : "'");
}

}  // namespace kintsugi::weights
