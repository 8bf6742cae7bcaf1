#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "ompq/fields/declare.h"
#include "ompq/fields/read.h"

/// A struct with a field of each kind, and its JSON.
namespace ompq::fields::testing {

struct Part {
  std::string name;
  std::optional<double> share;
};

template <typename Visitor, Of<Part> Struct>
void list_fields(Visitor& v, Struct& s) {
  v.type("Part", "A part.");
  v("name", s.name, "what it is called", formerly("title"));
  v("share", s.share, "0..1", kShare);
}

struct Whole {
  bool flag = false;
  int small = 0;
  std::uint64_t seed = 0;
  double number = 0;
  std::string note;
  std::string follows;
  std::optional<double> known;
  std::vector<Part> parts;
  std::vector<std::pair<std::string, double>> seconds;
  std::vector<double> table;
  std::string embedded;
  int cached = 0;
};

template <typename Visitor, Of<Whole> Struct>
void list_fields(Visitor& v, Struct& s) {
  v.type("Whole", "A field of each kind.");
  v("flag", s.flag, "");
  v("small", s.small, "", kCount);
  v("seed", s.seed, "");
  v("number", s.number, "");
  v("note", s.note, "", kOmitEmpty);
  v("follows", s.follows, "", kNullEmpty);
  v("known", s.known, "", kNullEmpty);
  v("parts", s.parts, "");
  v("seconds", s.seconds, "");
  v.matrix("table", s.table, s.parts.size(), "", where(!s.table.empty()));
  v("embedded", s.embedded, "", kJsonText);
  v.computed(
      "count", [&] { return static_cast<std::int64_t>(s.parts.size()); }, "");
  v.internal(s.cached);
}

inline Whole full() {
  return {.flag = true,
          .small = 3,
          .seed = 18446744073709551615U,
          .number = 0.1,
          .note = "n",
          .follows = "a",
          .known = 2.5,
          .parts = {{"a", 0.5}, {"b", std::nullopt}},
          .seconds = {{"z", 1}, {"a", 2}},
          .table = {1, 2, 3, 4},
          .embedded = R"({"x":1})",
          .cached = 7};
}

inline const std::string kFull =
    R"({"flag":true,"small":3,"seed":18446744073709551615,"number":0.1,"note":"n","follows":"a",)"
    R"("known":2.5,"parts":[{"name":"a","share":0.5},{"name":"b"}],"seconds":{"z":1.0,"a":2.0},)"
    R"("table":[[1.0,2.0],[3.0,4.0]],"embedded":{"x":1},"count":2})";

struct Answer {
  std::string asked;
  std::string refused;
  int value = 0;
};

template <typename Visitor, Of<Answer> Struct>
void list_fields(Visitor& v, Struct& s) {
  v.type("Answer", "");
  v("asked", s.asked, "");
  v("refused", s.refused, "", kExclusive);
  v("value", s.value, "");
}

inline const Source kSource{.place = "whole.json", .remedy = "write it again"};

template <typename T = Whole>
T read(const std::string& text) {
  return fields::from_json<T>(parse(text, kSource), kSource);
}

/// kFull with `from` replaced by `to`.
inline std::string changed(const std::string& from, const std::string& to) {
  std::string text = kFull;
  const std::size_t at = text.find(from);
  EXPECT_NE(at, text.npos) << from;
  return text.replace(at, from.size(), to);
}

}  // namespace ompq::fields::testing
