// SPDX-License-Identifier: MIT
#include "runtime/weights/key_layouts.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>
#include <string>

#include "kernels/core/error.h"
#include "runtime/weights/safetensors_header.h"

namespace kintsugi::weights {
namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r";
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  return text.substr(0, text.find_last_not_of(kBlanks) + 1);
}

/// Returns the trimmed text before the first `mark`; `rest` keeps the text after it.
std::string_view cut(std::string_view& rest, std::string_view mark) {
  const size_t at = std::min(rest.find(mark), rest.size());
  const std::string_view before = rest.substr(0, at);
  rest.remove_prefix(std::min(at + mark.size(), rest.size()));
  return trimmed(before);
}

std::optional<int> number(std::string_view text) {
  int value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end || value < 0) return std::nullopt;
  return value;
}

/// "conv1", "encoder.conv1.weight": levels of letters, digits and underscores.
bool is_name(std::string_view text) {
  const auto is_part = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  char before = '.';
  for (const char c : text) {
    if (!is_part(c) && (c != '.' || before == '.')) return false;
    before = c;
  }
  return before != '.';
}

class Parser {
 public:
  explicit Parser(std::string_view file) : file_(file) {}

  std::vector<KeyLayout> parse(std::string_view text) {
    while (!text.empty()) {
      ++line_;
      std::string_view line = cut(text, "\n");
      line = cut(line, "#");
      if (!line.empty()) read(line);
    }
    finish_layout();
    if (layouts_.empty()) fail("no layout");
    return std::move(layouts_);
  }

 private:
  [[noreturn]] void fail(const std::string& sentence) const {
    throw Error(ErrorCode::internal,
                std::string(file_) + ":" + std::to_string(line_) + ": " + sentence);
  }

  void read(std::string_view line) {
    if (line.starts_with("layout ")) return open_layout(line.substr(7));
    const bool requires_keys = line.starts_with("require ");
    if (requires_keys) line.remove_prefix(8);
    if (!requires_keys && layouts_.empty()) fail("a row stands before the first layout");

    ranged_ = line.find(" for ") != std::string_view::npos;
    std::string_view range = line;
    const std::string_view entries = cut(range, " for ");
    const auto [first, last] = ranged_ ? read_range(range) : std::pair{0, 0};
    for (i_ = first; i_ <= last; ++i_) {
      std::string_view rest = entries;
      for (bool more = true; more;) {
        more = rest.find(',') != std::string_view::npos;
        const std::string_view entry = cut(rest, ",");
        requires_keys ? add_required(expanded(entry)) : add_row(entry);
      }
    }
  }

  void open_layout(std::string_view rest) {
    finish_layout();
    const std::string_view name = cut(rest, "\"");
    const bool closed = rest.ends_with('"');
    const std::string_view source = cut(rest, "\"");
    if (!is_name(name) || source.empty() || !closed || !rest.empty()) {
      fail("a layout is written: layout NAME \"WHERE IT IS FROM\"");
    }
    if (std::ranges::find(layouts_, name, &KeyLayout::name) != layouts_.end()) {
      fail("layout " + quote_name(name) + " stands twice");
    }
    layouts_.push_back(
        {.name = std::string(name), .source = std::string(source), .required = common_});
    canonical_.clear();
  }

  void finish_layout() const {
    if (!layouts_.empty() && layouts_.back().required.empty()) {
      fail("layout " + quote_name(layouts_.back().name) + " ends without a required key");
    }
  }

  /// Behind "for".
  [[nodiscard]] std::pair<int, int> read_range(std::string_view text) const {
    std::string_view rest = text;
    const std::string_view variable = cut(rest, " in ");
    const std::optional<int> first = number(cut(rest, ".."));
    const std::optional<int> last = number(trimmed(rest));
    if (variable != "i" || !first || !last || *first > *last) {
      fail(quote_name("for " + std::string(trimmed(text))) +
           " is not a range: for i in FIRST..LAST");
    }
    return {*first, *last};
  }

  /// `pattern` with numbers for {i}, {i+N} and {i-N}.
  [[nodiscard]] std::string expanded(std::string_view pattern) const {
    std::string name;
    size_t from = 0;
    for (size_t open = 0; (open = pattern.find('{', from)) != std::string_view::npos;) {
      const size_t close = pattern.find('}', open);
      if (close == std::string_view::npos) break;
      name += pattern.substr(from, open - from);
      name += counted(pattern.substr(open + 1, close - open - 1));
      from = close + 1;
    }
    name += pattern.substr(from);  // a brace in it is in no name
    if (!is_name(name)) fail(quote_name(pattern) + " is not a name");
    return name;
  }

  /// `text` stands between braces.
  [[nodiscard]] std::string counted(std::string_view text) const {
    const std::string shown = quote_name("{" + std::string(text) + "}");
    std::optional<int> distance = 0;
    if (text != "i") {
      const bool formed = text.starts_with("i+") || text.starts_with("i-");
      distance = formed ? number(text.substr(2)) : std::nullopt;
      if (!distance) fail(shown + " is none of {i}, {i+N} and {i-N}");
      if (text[1] == '-') distance = -*distance;
    }
    if (!ranged_) fail(shown + " stands without a range: for i in FIRST..LAST");
    if (i_ + *distance < 0) fail(shown + " is negative where i is " + std::to_string(i_));
    return std::to_string(i_ + *distance);
  }

  void add_required(std::string key) {
    std::vector<std::string>& required = layouts_.empty() ? common_ : layouts_.back().required;
    if (std::ranges::find(required, key) != required.end()) {
      fail(quote_name(key) + " is required twice");
    }
    required.push_back(std::move(key));
  }

  void add_row(std::string_view entry) {
    if (entry.find('=') == std::string_view::npos) {
      fail(quote_name(entry) +
           " is none of: NAME = STORED, require KEY, layout NAME \"WHERE IT IS FROM\"");
    }
    std::string_view stored = entry;
    const std::string canonical = expanded(cut(stored, "="));
    if (!canonical_.insert(canonical).second) {
      fail(quote_name(canonical) + " stands twice in layout " + quote_name(layouts_.back().name));
    }
    layouts_.back().modules.push_back({canonical, expanded(trimmed(stored))});
  }

  std::string_view file_;
  int line_ = 0;
  bool ranged_ = false;              // whether the line ends with a range
  int i_ = 0;                        // its number, if so
  std::vector<std::string> common_;  // required, of every layout
  std::vector<KeyLayout> layouts_;
  std::set<std::string> canonical_;  // of the last layout
};

}  // namespace

std::vector<KeyLayout> parse_key_layouts(std::string_view file, std::string_view text) {
  return Parser(file).parse(text);
}

}  // namespace kintsugi::weights
