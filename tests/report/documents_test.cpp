#include "ompq/report/documents.h"

#include <algorithm>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "ompq/core/atomic_file.h"
#include "ompq/core/error.h"
#include "ompq/fields/former_names.h"
#include "ompq/report/epoch_log.h"
#include "ompq/report/html.h"
#include "ompq/report/json.h"
#include "ompq/report/python_types.h"
#include "support/paths.h"

// The declared fields of results: that none is left out, and that documents come back, also those
// that version 0.1.0 wrote (tests/report/documents-0.1.0).

namespace ompq::report {
namespace {

using Json = nlohmann::ordered_json;
using ::testing::HasSubstr;

std::filesystem::path first_documents() {
  return testing::source_dir() / "tests/report/documents-0.1.0";
}

struct Example {
  std::string file;
  std::string text;
};

/// What version 0.1.0 wrote for a command.
std::vector<Example> examples_of(const Format& format) {
  std::vector<Example> examples;
  for (const char* tail : {"", "-small"}) {
    const auto file = first_documents() / fmt::format("{}{}.json", format.command, tail);
    if (std::filesystem::exists(file)) examples.push_back({file.string(), read_file(file)});
  }
  return examples;
}

/// `text` with the names that its fields have now.
std::string renamed(const std::string& text, const DocumentKind& kind) {
  Json json = Json::parse(text);
  fields::rename_former(json,
                        documents().schema,
                        {.kind = fields::Type::Kind::Object, .object = kind.type, .item = {}});
  json["format"] = kind.format.text();
  return json.dump(2) + "\n";
}

/// Calls `check.template operator()<Result>(kind)` for each kind of document.
template <typename Check>
void for_each_kind(const Check& check) {
  std::size_t index = 0;
  for_each_document([&]<typename Result>(const Format&) {
    check.template operator()<Result>(documents().kinds.at(index++));
  });
}

/// Fits a member of any type.
struct Anything {
  template <typename T>
  constexpr operator T() const;  // NOLINT(google-explicit-constructor)
};

template <typename T, std::size_t... Index>
constexpr bool takes(std::index_sequence<Index...> /*members*/) {
  return requires { T{(void(Index), std::declval<Anything>())...}; };
}

/// How many members a struct has.
template <typename T, std::size_t Most = 40>
constexpr std::size_t member_count() {
  if constexpr (Most == 0 || takes<T>(std::make_index_sequence<Most>())) {
    return Most;
  } else {
    return member_count<T, Most - 1>();
  }
}

/// Checks that each member of each struct of a document is declared.
class MemberCheck {
 public:
  void type(std::string_view name, std::string_view /*doc*/) { names_.emplace_back(name); }
  template <typename T>
  void operator()(std::string_view /*name*/,
                  const T& value,
                  std::string_view /*doc*/,
                  const fields::Marks& /*marks*/ = {}) {
    count(value);
  }
  void matrix(std::string_view /*name*/,
              const std::vector<double>& values,
              std::size_t /*columns*/,
              std::string_view /*doc*/,
              const fields::Marks& /*marks*/ = {}) {
    count(values);
  }
  template <typename Function>
  void computed(std::string_view, const Function&, std::string_view, std::string_view = {}) {}
  template <typename T>
  void internal(const T& value) {
    count(value);
  }

  /// The struct and those that it holds.
  template <typename T>
  static void check() {
    if constexpr (fields::kIsOptional<T> || fields::kIsList<T>) {
      check<typename T::value_type>();
    } else if constexpr (!fields::kIsMap<T> && std::is_class_v<T> &&
                         !std::is_same_v<T, std::string> && std::is_aggregate_v<T>) {
      MemberCheck visitor;
      const T value{};
      list_fields(visitor, value);
      EXPECT_EQ(visitor.members(value), member_count<T>()) << visitor.names_.front();
    }
  }

 private:
  template <typename T>
  void count(const T& member) {
    places_.push_back(reinterpret_cast<const std::byte*>(&member));
    check<T>();
  }

  /// Members of `value` that were declared. A struct whose fields are listed as the outer one's own
  /// counts as one.
  template <typename T>
  std::size_t members(const T& value) const {
    const auto* begin = reinterpret_cast<const std::byte*>(&value);
    std::vector<std::pair<std::size_t, std::size_t>> flat;
    if constexpr (requires { value.provenance; }) flat.push_back(part(begin, value.provenance));
    if constexpr (requires { value.search; }) flat.push_back(part(begin, value.search));
    if constexpr (requires { value.quantization.search; }) {
      flat.push_back(part(begin, value.quantization));
    }
    std::size_t count = flat.size();
    for (const std::byte* place : places_) {
      const auto at = static_cast<std::size_t>(place - begin);
      if (std::ranges::none_of(
              flat, [&](const auto& range) { return at >= range.first && at < range.second; })) {
        ++count;
      }
    }
    return count;
  }

  template <typename T>
  static std::pair<std::size_t, std::size_t> part(const std::byte* begin, const T& member) {
    const auto at = static_cast<std::size_t>(reinterpret_cast<const std::byte*>(&member) - begin);
    return {at, at + sizeof(T)};
  }

  std::vector<const std::byte*> places_;
  std::vector<std::string> names_;
};

TEST(Documents, DeclareEveryMemberOfTheirStructs) {
  for_each_document([]<typename Result>(const Format&) { MemberCheck::check<Result>(); });
  MemberCheck::check<Provenance>();
}

TEST(Documents, HaveNamesThatNoOtherFieldHad) {
  for (const fields::Struct& computed : documents().schema.structs()) {
    for (const fields::Field& field : computed.fields) {
      if (field.former_name.empty()) continue;
      EXPECT_EQ(std::ranges::count(computed.fields, field.former_name, &fields::Field::name), 0)
          << computed.name << "." << field.name;
    }
  }
}

TEST(Documents, OfVersion010AreReadAndWrittenInTheNamesOfThisOne) {
  for_each_kind([]<typename Result>(const DocumentKind& kind) {
    const auto examples = examples_of(kind.format);
    EXPECT_FALSE(examples.empty()) << kind.format.command;
    for (const Example& example : examples) {
      const auto result = read_document<Result>(example.text, example.file);
      const std::string expected = renamed(example.text, kind);
      EXPECT_EQ(to_json(result), expected) << example.file;
      EXPECT_EQ(to_json(read_document<Result>(expected, example.file)), expected) << example.file;
    }
  });
}

TEST(Documents, OfLaterVersionsAndOtherKindsAreRefusedByName) {
  for_each_kind([]<typename Result>(const DocumentKind& kind) {
    Json json = Json::parse(examples_of(kind.format).front().text);
    const std::vector<std::string> others{
        fmt::format("{}/{}", kind.format.name, kind.format.version + 1),
        fmt::format("{}/0", kind.format.name),
        "ompq-other/1"};
    for (const std::string& format : others) {
      json["format"] = format;
      try {
        (void)read_document<Result>(json.dump(), "a.json");
        ADD_FAILURE() << format << " was read";
      } catch (const DataError& error) {
        EXPECT_EQ(
            error.what(),
            fmt::format("[a.json] \"format\" is \"{}\"; it must be \"{}\" or earlier; write it "
                        "again with 'ompq {}' --result",
                        format,
                        kind.format.text(),
                        kind.format.command));
      }
    }
  });
}

/// Every part of `json`, as a pointer.
void collect_places(const Json& json,
                    const Json::json_pointer& at,
                    std::vector<Json::json_pointer>& all) {
  if (!at.empty()) all.push_back(at);
  if (json.is_object()) {
    for (const auto& [name, value] : json.items()) collect_places(value, at / name, all);
  } else if (json.is_array() && !json.empty()) {
    collect_places(json.front(), at / 0, all);  // the other entries are of the same kind
  }
}

/// False where `place` is part of a field that follows from others, or of JSON of another kind.
bool is_read(const Json::json_pointer& place, const DocumentKind& kind) {
  Json::json_pointer top = place;
  while (!top.parent_pointer().empty()) {
    if (top.back() == "preprocess") return false;
    top = top.parent_pointer();
  }
  const auto& declared = documents().schema.find(kind.type)->fields;
  const auto field = std::ranges::find(declared, top.back(), &fields::Field::name);
  return field == declared.end() || !field->computed;
}

TEST(Documents, WithAPartOfAnotherTypeAreRefusedWithItsPlace) {
  for_each_kind([]<typename Result>(const DocumentKind& kind) {
    const Json json = Json::parse(renamed(examples_of(kind.format).front().text, kind));
    std::vector<Json::json_pointer> places;
    collect_places(json, Json::json_pointer(), places);
    std::erase_if(places, [&](const auto& place) { return !is_read(place, kind); });
    std::size_t refused = 0;
    for (const auto& place : places) {
      Json broken = json;
      // A list of objects is no value of any field.
      broken[place] = Json::array({Json::object({{"no", "field"}})});
      try {
        (void)read_document<Result>(broken.dump(), "a.json");
      } catch (const DataError& error) {
        ++refused;
        EXPECT_THAT(error.what(), HasSubstr(place.back())) << place;
      } catch (const std::exception& error) {
        ADD_FAILURE() << place << ": " << error.what();
      }
    }
    EXPECT_EQ(refused, places.size()) << kind.format.command;
  });
}

TEST(EpochLog, OfVersion010IsRead) {
  const auto records = read_epoch_log(first_documents() / "epochs.jsonl");
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(records[1].epoch, 2);
  EXPECT_EQ(to_json_line(records[0]) + "\n" + to_json_line(records[1]) + "\n",
            read_file(first_documents() / "epochs.jsonl"));
}

TEST(ReportPage, ShowsDocumentsOfVersion010InTheNamesOfThisOne) {
  if (!has_report_page()) GTEST_SKIP() << "needs npm when ompq is built";
  for (const DocumentKind& kind : documents().kinds) {
    if (kind.format.shown.empty()) continue;
    const Example example = examples_of(kind.format).front();
    const std::string page = report_page(std::vector<RunDocument>{{"a.json", example.text}});
    const std::string start = "id=\"ompq-data\">";
    const std::size_t from = page.find(start) + start.size();
    const Json data = Json::parse(page.substr(from, page.find("</script>", from) - from));
    const Json& content = data["documents"][0]["content"];
    EXPECT_EQ(data["documents"][0]["command"], kind.format.command);
    if (content.contains("layers")) {
      EXPECT_TRUE(content["layers"][0].contains("op_type")) << kind.format.command;
      EXPECT_FALSE(content["layers"][0].contains("operator")) << kind.format.command;
    }
    EXPECT_FALSE(content.contains("float")) << kind.format.command;
  }
}

TEST(PythonTypes, AreThoseOfThePackage) {
  EXPECT_EQ(read_file(testing::source_dir() / "python/ompq/results.py"), python_types())
      << "run 'make docs' to write python/ompq/results.py again";
}

}  // namespace
}  // namespace ompq::report
