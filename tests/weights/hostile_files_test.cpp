// SPDX-License-Identifier: MIT
//
// Files that are not what they claim: each is refused in one sentence, none is read past its end.
#include <sys/stat.h>

#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "runtime/weights/safetensors.h"
#include "tests/weights/support.h"

namespace kintsugi::weights {
namespace {

using kintsugi::testing::expect_error;
using kintsugi::testing::Folder;
using kintsugi::testing::framed;
using kintsugi::testing::WithoutPrivileges;
using namespace std::string_literals;

void open(const std::filesystem::path& path) { const SafetensorsFile file(path); }

struct BadHeader {
  const char* name;
  const char* header;
  size_t data_bytes;
  const char* fragment;
};

void PrintTo(const BadHeader& bad, std::ostream* out) { *out << bad.name; }

#define A "\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}"

const BadHeader kBadHeaders[] = {
    {"overlap", "{" A R"(,"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})", 12,
     "tensor 'b' overlaps 'a'"},
    {"same_range", "{" A R"(,"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 8,
     "tensor 'b' overlaps 'a'"},
    {"hole", "{" A R"(,"b":{"dtype":"F32","shape":[2],"data_offsets":[12,20]}})", 20,
     "there is a hole of 4 bytes before tensor 'b'"},
    {"hole_at_start", R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}})", 16,
     "there is a hole of 8 bytes before tensor 'a'"},
    {"trailing_data", "{" A "}", 9, "1 bytes follow the last tensor"},
    {"data_without_tensors", "{}", 3, "3 bytes follow the last tensor"},
    {"cut_short", "{" A "}", 7, "its tensors take 8 bytes, but only 7 follow the header"},
    {"far_offsets", R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,18446744073709551615]}})",
     4, "tensor 'a' spans 18446744073709551615 bytes"},
    {"wrapped_offsets",
     R"({"a":{"dtype":"U8","shape":[4],"data_offsets":)"
     R"([18446744073709551612,18446744073709551616]}})",
     4, "data_offsets of tensor 'a' have a number that is no 64-bit integer in them"},
    {"backwards", R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})", 8,
     "tensor 'a' ends before it begins"},
    {"size_too_small", R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}})", 8,
     "tensor 'a' spans 8 bytes, but shape [1] of F32 takes 4"},
    {"size_too_large", R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})", 8,
     "tensor 'a' spans 8 bytes, but shape [3] of F32 takes 12"},
    {"wrong_dtype_size", R"({"a":{"dtype":"F16","shape":[2],"data_offsets":[0,8]}})", 8,
     "shape [2] of F16 takes 4"},
    {"overflow", R"({"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}})", 8,
     "the shape of tensor 'a' overflows: [4294967296, 4294967296]"},
    {"overflow_before_zero",
     R"({"a":{"dtype":"F32","shape":[4294967296,4294967296,0],"data_offsets":[0,0]}})", 0,
     "the shape of tensor 'a' overflows"},
    {"extent_beyond_i64",
     R"({"a":{"dtype":"U8","shape":[9223372036854775808],"data_offsets":[0,8]}})", 8,
     "the shape of tensor 'a' overflows"},
    {"rank_7", R"({"a":{"dtype":"F32","shape":[1,1,1,1,1,1,2],"data_offsets":[0,8]}})", 8,
     "tensor 'a' has more than the 6 dimensions"},
    {"negative_extent", R"({"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})", 8,
     "shape of tensor 'a' has a negative number in it"},
    {"float_extent", R"({"a":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}})", 8,
     "shape of tensor 'a' has a number that is no 64-bit integer in it"},
    {"text_extent", R"({"a":{"dtype":"F32","shape":["2"],"data_offsets":[0,8]}})", 8,
     "shape of tensor 'a' has a string in it"},
    {"nested_shape", R"({"a":{"dtype":"F32","shape":[[2]],"data_offsets":[0,8]}})", 8,
     "shape of tensor 'a' has a list in it"},
    {"scalar_shape", R"({"a":{"dtype":"F32","shape":2,"data_offsets":[0,8]}})", 8,
     "shape of tensor 'a' is a number, not a list"},
    {"negative_offset", R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}})", 8,
     "data_offsets of tensor 'a' have a negative number in them"},
    {"minus_zero_offset", R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[-0,8]}})", 8,
     "have a negative number in them"},
    {"float_offset", R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8.0]}})", 8,
     "data_offsets of tensor 'a' have a number that is no 64-bit integer in them"},
    {"one_offset", R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[8]}})", 8,
     "data_offsets of tensor 'a' are not two numbers"},
    {"three_offsets", R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8,8]}})", 8,
     "data_offsets of tensor 'a' are not two numbers"},
    {"object_offsets", R"({"a":{"dtype":"F32","shape":[2],"data_offsets":{}}})", 8,
     "data_offsets of tensor 'a' are an object, not a list"},
    {"unknown_dtype", R"({"a":{"dtype":"F33","shape":[2],"data_offsets":[0,8]}})", 8,
     "tensor 'a' has the unknown dtype 'F33'"},
    {"lower_case_dtype", R"({"a":{"dtype":"f32","shape":[2],"data_offsets":[0,8]}})", 8,
     "tensor 'a' has the unknown dtype 'f32'"},
    {"dtype_number", R"({"a":{"dtype":32,"shape":[2],"data_offsets":[0,8]}})", 8,
     "dtype of tensor 'a' is a number, not a string"},
    {"half_bytes", R"({"a":{"dtype":"F4","shape":[3],"data_offsets":[0,1]}})", 1,
     "tensor 'a' spans 1 bytes, but shape [3] of F4"},
    {"no_dtype", R"({"a":{"shape":[2],"data_offsets":[0,8]}})", 8, "tensor 'a' has no 'dtype'"},
    {"no_shape", R"({"a":{"dtype":"F32","data_offsets":[0,8]}})", 8, "tensor 'a' has no 'shape'"},
    {"no_offsets", R"({"a":{"dtype":"F32","shape":[2]}})", 8, "tensor 'a' has no 'data_offsets'"},
    {"fields_of_the_one_before", "{" A R"(,"b":{}})", 8, "tensor 'b' has no 'dtype'"},
    {"unknown_field", R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"strides":[1]}})", 8,
     "tensor 'a' has an unknown field 'strides'"},
    {"field_twice", R"({"a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 8,
     "tensor 'a' has 'dtype' twice"},
    {"tensor_twice", "{" A R"(,"a":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}})", 16,
     "tensor 'a' appears twice"},
    {"tensor_twice_same_bytes", "{" A "," A "}", 8, "tensor 'a' appears twice"},
    {"tensor_twice_by_escape",
     "{" A R"(,"\u0061":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}})", 16,
     "tensor 'a' appears twice"},
    {"metadata_twice", R"({"__metadata__":{},"__metadata__":{}})", 0,
     "'__metadata__' appears twice"},
    {"metadata_key_twice", R"({"__metadata__":{"k":"1","k":"2"}})", 0,
     "__metadata__ has 'k' twice"},
    {"metadata_number", R"({"__metadata__":{"epoch":3}})", 0,
     "__metadata__ has a number where only strings are allowed"},
    {"metadata_object", R"({"__metadata__":{"config":{}}})", 0,
     "__metadata__ has an object where only strings are allowed"},
    {"metadata_null", R"({"__metadata__":{"k":null}})", 0,
     "__metadata__ has null where only strings are allowed"},
    {"metadata_bool", R"({"__metadata__":{"k":true}})", 0, "__metadata__ has true or false where"},
    {"metadata_list", R"({"__metadata__":[]})", 0, "__metadata__ is a list, not an object"},
    {"tensor_number", R"({"a":1})", 0, "tensor 'a' is a number, not an object"},
    {"tensor_string", R"({"a":"b"})", 0, "tensor 'a' is a string, not an object"},
    {"tensor_null", R"({"a":null})", 0, "tensor 'a' is null, not an object"},
    {"tensor_list", R"({"a":[[[[)", 0, "tensor 'a' is a list, not an object"},
    {"deep_objects", R"({"a":{"b":{"c":{"d":{)", 0, "tensor 'a' has an unknown field 'b'"},
    {"unclosed", "{", 0, "its header is not JSON"},
    {"two_objects", "{}{}", 0, "its header is not JSON"},
    {"comment", "{}/**/", 0, "its header is not JSON"},
    {"trailing_comma", "{" A ",}", 8, "its header is not JSON"},
    {"bad_utf8", "{\"\xff\":{}}", 0, "its header is not JSON (at byte"},
    {"bare_surrogate", R"({"\ud800":{}})", 0, "its header is not JSON"},
    {"huge_number", R"({"a":{"dtype":"F32","shape":[1e999],"data_offsets":[0,8]}})", 8,
     "its header is not JSON"},
    {"list_header", "[]", 0, "its header does not start with '{'"},
    {"space_first", " {}", 0, "its header does not start with '{'"},
    {"byte_order_mark", "\xef\xbb\xbf{}", 0, "its header does not start with '{'"},
    {"no_header", "", 0, "its header does not start with '{'"},
    {"terminal_escape", "{\"\\u001b[31m\":{\"x\":1}}", 0, "tensor '?[31m' has an unknown field"},
};

#undef A

class BadHeaders : public ::testing::TestWithParam<BadHeader> {};

TEST_P(BadHeaders, AreRefusedInOneSentence) {
  const Folder folder;
  const BadHeader& bad = GetParam();
  const auto path =
      folder.file("bad.safetensors", framed(bad.header, std::string(bad.data_bytes, '\1')));
  const Error error = expect_error(ErrorCode::bad_file, bad.fragment, [&] { open(path); });
  EXPECT_NE(std::string(error.what()).find("bad.safetensors'"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Table, BadHeaders, ::testing::ValuesIn(kBadHeaders),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(BadFiles, HeaderLengths) {
  const Folder folder;
  const auto refuses = [&](const std::string& bytes, const char* fragment) {
    const auto path = folder.file("x", bytes);
    expect_error(ErrorCode::bad_file, fragment, [&] { open(path); });
  };
  refuses("\xff\xff\xff\xff\xff\xff\xff\xff{}", "announces a header of 18446744073709551615 bytes");
  refuses("\x01\xe1\xf5\x05\0\0\0\0{}"s, "beyond the limit of 100000000");
  refuses("\0\xe1\xf5\x05\0\0\0\0{}"s, "its header takes 100000000 bytes, but only 2 are there");
  refuses("\x02\0\0\0\0\0\0\0"s, "its header takes 2 bytes, but only 0 are there");
  refuses("\x02\0\0"s, "it has only 3 bytes");
  refuses(framed("{}\0\0\0\0\0\0"s), "its header has a zero byte (at byte 10)");
}

TEST(BadFiles, ManyDeeplyNestedBrackets) {
  const Folder folder;
  std::string header = R"({"a":{"dtype":"F32","shape":)";
  header.append(1'000'000, '[');
  const auto path = folder.file("deep", framed(header));
  expect_error(ErrorCode::bad_file, "has a list in it", [&] { open(path); });
}

TEST(BadFiles, LongNamesAreShortenedInSentences) {
  const Folder folder;
  const auto path = folder.file("x", framed("{\"" + std::string(100'000, 'n') + "\":1}"));
  const Error error = expect_error(ErrorCode::bad_file, "nnn...' is a number", [&] { open(path); });
  EXPECT_LT(std::string(error.what()).size(), 400u);
}

TEST(BadFiles, OtherFormatsAreRecognised) {
  const Folder folder;
  const auto looks_like = [&](const std::string& magic, const char* fragment, const char* hint) {
    const auto path = folder.file("model.pth", magic + std::string(1000, '\7'));
    const Error error = expect_error(ErrorCode::bad_file, fragment, [&] { open(path); });
    EXPECT_NE(error.hint().find(hint), std::string::npos) << error.hint();
  };
  looks_like("PK\3\4", "looks like a PyTorch checkpoint (zip)",
             "convert it: PYTHONPATH=python_export python3 -m kintsugi_export convert");
  looks_like("\x80\x02\x8a\x0a", "a PyTorch checkpoint (pickle)", "kintsugi_export convert");
  looks_like("\x80\x04\x95", "a PyTorch checkpoint (pickle)", "model.pth -o model.safetensors");
  looks_like("GGUF\3\0\0\0"s, "a GGUF file", "original");
  looks_like("\4\0\0\0\1\0\0\0\3\0\0\0V 1"s, "a Torch7 checkpoint", "kintsugi_export convert");
  looks_like("\x89HDF\r\n\x1a\n", "an HDF5 file", "original");
  looks_like("\x89PNG\r\n\x1a\n", "a PNG picture", "--model");
  looks_like("<!DOCTYPE html>", "a web page", "download it again");
  looks_like("version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer", "git lfs pull");
}

TEST(BadFiles, WhatCannotBeReadAtAll) {
  const Folder folder;
  const auto cannot = [](const std::filesystem::path& path, const char* fragment) {
    expect_error(ErrorCode::io, fragment, [&] { open(path); });
  };
  cannot(folder.path() / "missing", "missing': No such file or directory");
  cannot(folder.path(), "it is a directory");
  cannot(folder.file("empty", ""), "it is empty");
  cannot(folder.path() / "empty" / "x", "Not a directory");
  cannot("/dev/null", "it is not an ordinary file");
  ASSERT_EQ(::mkfifo((folder.path() / "pipe").c_str(), 0600), 0);
  cannot(folder.path() / "pipe", "it is not an ordinary file");  // and does not wait for a writer
  const auto secret = folder.file("secret", framed("{}"));
  std::filesystem::permissions(secret, std::filesystem::perms::none);
  const WithoutPrivileges nobody;
  cannot(secret, "Permission denied");
}

std::string small_file() {
  return framed(R"({"__metadata__":{"format":"pt"},)"
                R"("w":{"dtype":"F16","shape":[2,3],"data_offsets":[0,12]},)"
                R"("b":{"dtype":"F32","shape":[2],"data_offsets":[12,20]},)"
                R"("n":{"dtype":"I64","shape":[],"data_offsets":[20,28]}})",
                std::string(28, '\x3c'));
}

TEST(BadFiles, TruncatedAtEveryByte) {
  const Folder folder;
  const std::string whole = small_file();
  open(folder.file("x", whole));
  for (size_t length = 1; length < whole.size(); ++length) {
    // An exact copy on the heap: the address sanitizer sees one byte too many, a mapping would not.
    const std::vector<char> exact(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(length));
    expect_error(ErrorCode::bad_file, length < 8 ? "it has only" : "is cut short",
                 [&] { (void)parse_safetensors(std::as_bytes(std::span(exact)), "x"); });
    if (length % 16 != 0) continue;
    const auto path = folder.file("x", std::string_view(whole).substr(0, length));
    expect_error(ErrorCode::bad_file, "is cut short", [&] { open(path); });
  }
}

TEST(BadFiles, RandomMutationsEitherParseOrThrowAnError) {
  constexpr int kRounds = 20'000;
  constexpr std::string_view kTokens[] = {"{",  "}",     "[",       "]",     ",",  ":",
                                          "\"", "0",     "-",       "9",     "e",  "null",
                                          "{}", "[0,8]", "\\u0000", "shape", "F64"};
  std::mt19937 random(20240607);
  const auto below = [&random](size_t limit) { return random() % limit; };
  const std::string whole = small_file();
  int parsed = 0;
  for (int round = 0; round < kRounds; ++round) {
    std::string bytes = whole;
    for (size_t change = 0; change <= below(4); ++change) {
      const size_t at = below(bytes.size());
      switch (below(5)) {
        case 0: bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8))); break;
        case 1: bytes[at] = static_cast<char>(below(256)); break;
        case 2: bytes.resize(at + 1); break;
        case 3: bytes.erase(at, 1 + below(4)); break;
        case 4: bytes.insert(at, kTokens[below(std::size(kTokens))]); break;
      }
      if (bytes.empty()) bytes = "{";
    }
    if (below(2) == 0 && bytes.size() >= 36) {  // keep the frame, so that the JSON is reached
      bytes = framed(std::string_view(bytes).substr(8, bytes.size() - 36),
                     bytes.substr(bytes.size() - 28));
    }
    const std::vector<char> exact(bytes.begin(), bytes.end());
    try {
      const Header header = parse_safetensors(std::as_bytes(std::span(exact)), "x");
      uint64_t total = 0;
      for (const StoredTensor& tensor : header.tensors) {
        ASSERT_EQ(header.find(tensor.name), &tensor);
        for (const std::byte byte : tensor.bytes) total += std::to_integer<uint64_t>(byte);
      }
      parsed += total > 0 ? 1 : 0;
    } catch (const Error& error) {
      ASSERT_EQ(static_cast<int>(error.code()), static_cast<int>(ErrorCode::bad_file));
      ASSERT_EQ(std::string_view(error.what()).find('\n'), std::string_view::npos);
    }
  }
  EXPECT_GT(parsed, 0);  // some changes are harmless: data, names
  EXPECT_LT(parsed, kRounds / 2);
}

}  // namespace
}  // namespace kintsugi::weights
