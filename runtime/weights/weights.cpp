// SPDX-License-Identifier: MIT
#include "runtime/weights/weights.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <numeric>
#include <ranges>
#include <utility>

#include "kernels/core/error.h"
#include "runtime/weights/source_line.h"

namespace kintsugi::weights {
namespace {

constexpr size_t kClosestKeys = 3;
constexpr size_t kLongestCompared = 200;  // characters: an edit distance takes their product
constexpr size_t kMostCompared = 20'000;  // keys

bool is_floating(const StoredTensor& tensor) {
  return tensor.dtype == DType::f64 || tensor.dtype == DType::f32 || tensor.dtype == DType::f16 ||
         tensor.dtype == DType::bf16;
}

/// The last part of a key: "running_mean" of "bn1.running_mean".
std::string_view leaf(std::string_view key) {
  const size_t dot = key.rfind('.');
  return dot == std::string_view::npos ? key : key.substr(dot + 1);
}

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i + 1);
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, diagonal + 1, row[j] + 1});
    }
  }
  return row.back();
}

/// Whether `longer` is `shorter` inside further modules: "module.conv1.weight", "conv1.weight".
bool is_nested(std::string_view longer, std::string_view shorter) {
  return longer.size() > shorter.size() && longer.ends_with(shorter) &&
         longer[longer.size() - shorter.size() - 1] == '.';
}

/// "'a', 'b' and 'c'"
std::string listing(const std::vector<std::string>& names) {
  std::string text;
  for (size_t i = 0; i < names.size(); ++i) {
    if (i > 0) text += i + 1 == names.size() ? " and " : ", ";
    text += quote_name(names[i]);
  }
  return text;
}

/// "[3, 1, 0, 2]" of a flat index, outermost first.
std::string position(const Shape& shape, size_t flat) {
  std::array<int64_t, Shape::kMaxRank> index{};
  auto rest = static_cast<int64_t>(flat);
  for (int axis = shape.rank(); axis-- > 0;) {
    index[static_cast<size_t>(axis)] = rest % shape[axis];
    rest /= shape[axis];
  }
  return Shape(std::span<const int64_t>(index.data(), static_cast<size_t>(shape.rank())))
      .to_string();
}

}  // namespace

struct Weights::State {
  explicit State(const std::filesystem::path& path) : file(path), used(file.tensors().size()) {}

  [[nodiscard]] std::string name() const { return "'" + file.path().string() + "'"; }

  [[noreturn]] void report_missing(std::string_view key, const std::string& shape,
                                   const std::source_location& where) const {
    std::string sentence = name() + ": " + quote_name(key) + shape + ", which " +
                           source_line(where) + " expects, is missing";
    const std::vector<std::string> closest = closest_keys(key, file.tensors());
    if (closest.size() == 1) sentence += "; the closest key is " + listing(closest);
    if (closest.size() > 1) sentence += "; the closest keys are " + listing(closest);
    throw Error(ErrorCode::mismatch, sentence);
  }

  SafetensorsFile file;
  std::vector<std::atomic<bool>> used;  // one for each tensor, in its order
};

Weights::Weights(const std::filesystem::path& path) : state_(std::make_shared<State>(path)) {}

const SafetensorsFile& Weights::file() const { return state_->file; }

bool Weights::has(std::string_view key) const { return state_->file.find(key) != nullptr; }

Shape Weights::shape_of(std::string_view key, std::source_location where) const {
  const StoredTensor* const tensor = state_->file.find(key);
  if (tensor == nullptr) state_->report_missing(key, "", where);
  return tensor->shape;
}

const StoredTensor& Weights::expect(std::string_view key, const Shape& expected,
                                    std::source_location where) const {
  const StoredTensor* const tensor = state_->file.find(key);
  if (tensor == nullptr) state_->report_missing(key, " " + expected.to_string(), where);
  if (tensor->shape != expected) {
    throw Error(ErrorCode::mismatch, state_->name() + ": " + quote_name(key) + " has shape " +
                                         tensor->shape.to_string() + ", but " + source_line(where) +
                                         " expects " + expected.to_string());
  }
  if (!is_floating(*tensor)) {
    throw Error(ErrorCode::unsupported, state_->name() + ": " + quote_name(key) + " is stored as " +
                                            std::string(tensor->dtype_name) +
                                            ", but weights are f64, f32, f16 or bf16");
  }
  const auto index = static_cast<size_t>(tensor - state_->file.tensors().data());
  state_->used[index].store(true, std::memory_order_relaxed);
  return *tensor;
}

template <class T>
std::vector<T> Weights::read(std::string_view key, const Shape& expected,
                             std::source_location where) const {
  std::vector<T> values(static_cast<size_t>(expected.elements()));
  read(key, expected, 0, std::span<T>(values), where);
  return values;
}

template <class T>
void Weights::read(std::string_view key, const Shape& expected, int64_t first, std::span<T> out,
                   std::source_location where) const {
  state_->file.values(expect(key, expected, where), first, out);
  const auto bad = std::ranges::find_if_not(out, [](T value) { return std::isfinite(value); });
  if (bad == out.end()) return;
  // An f64 too large for f32 arrives here as an infinity, which is what it would be in use.
  throw Error(ErrorCode::not_finite,
              state_->name() + ": " + quote_name(key) + " holds " +
                  (std::isnan(*bad) ? "a NaN" : "an infinity") + " at index " +
                  position(expected, static_cast<size_t>(first + (bad - out.begin()))),
              "the training may have diverged, or the conversion to half precision overflowed");
}

template std::vector<float> Weights::read<float>(std::string_view, const Shape&,
                                                 std::source_location) const;
template std::vector<double> Weights::read<double>(std::string_view, const Shape&,
                                                   std::source_location) const;
template void Weights::read(std::string_view, const Shape&, int64_t, std::span<float>,
                            std::source_location) const;
template void Weights::read(std::string_view, const Shape&, int64_t, std::span<double>,
                            std::source_location) const;

void Weights::release_pages(std::string_view key, int64_t first, int64_t count) const noexcept {
  const StoredTensor* const tensor = state_->file.find(key);
  if (tensor == nullptr || !tensor->dtype) return;
  const int64_t size = size_bytes(*tensor->dtype);
  state_->file.release_pages(
      tensor->bytes.subspan(static_cast<size_t>(first * size), static_cast<size_t>(count * size)));
}

std::vector<std::string> Weights::unused_keys() const {
  std::vector<std::string> keys;
  const std::vector<StoredTensor>& tensors = state_->file.tensors();
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (leaf(tensors[i].name) == "num_batches_tracked") continue;
    if (!state_->used[i].load(std::memory_order_relaxed)) keys.push_back(tensors[i].name);
  }
  std::ranges::sort(keys);
  return keys;
}

int64_t Weights::parameter_count() const {
  int64_t count = 0;
  for (const StoredTensor& tensor : state_->file.tensors()) {
    const std::string_view last = leaf(tensor.name);
    if (last == "running_mean" || last == "running_var" || !is_floating(tensor)) continue;
    count += tensor.shape.elements();
  }
  return count;
}

std::string Weights::stored_dtype() const {
  std::array<size_t, 256> bytes{};  // by DType
  for (const StoredTensor& tensor : state_->file.tensors()) {
    if (is_floating(tensor)) bytes[static_cast<size_t>(*tensor.dtype)] += tensor.bytes.size();
  }
  const auto most = std::ranges::max_element(bytes);
  if (*most == 0) return "none";
  return to_string(static_cast<DType>(most - bytes.begin()));
}

std::vector<std::string> closest_keys(std::string_view wanted,
                                      const std::vector<StoredTensor>& tensors) {
  std::vector<std::pair<size_t, std::string_view>> ranked;
  // Half of the letters wrong is no longer the same name.
  const size_t furthest = std::max<size_t>(2, wanted.size() / 2);
  if (wanted.size() > kLongestCompared) return {};
  for (const StoredTensor& tensor : tensors | std::views::take(kMostCompared)) {
    const std::string_view key = tensor.name;
    if (key.size() > kLongestCompared) continue;
    const bool nested = is_nested(key, wanted) || is_nested(wanted, key);
    const size_t distance = nested ? 0 : edit_distance(wanted, key);
    if (distance <= furthest) ranked.emplace_back(distance, key);
  }
  std::ranges::sort(ranked);
  if (ranked.size() > kClosestKeys) ranked.resize(kClosestKeys);
  std::vector<std::string> closest;
  for (const auto& [distance, key] : ranked) closest.emplace_back(key);
  return closest;
}

}  // namespace kintsugi::weights
