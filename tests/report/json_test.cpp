#include "ompq/report/json.h"

#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "ompq/core/error.h"
#include "ompq/report/documents.h"
#include "report/first_documents.h"

// Documents come back, also those that version 0.1.0 wrote (tests/report/documents-0.1.0).

namespace ompq::report {
namespace {

using Json = nlohmann::ordered_json;
using testing::Example;
using testing::examples_of;
using testing::for_each_kind;
using ::testing::HasSubstr;
using testing::renamed;
using ::testing::ThrowsMessage;

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

TEST(ToJson, IsIndentedEndsInANewlineAndLeavesOutAbsentNumbers) {
  const EvaluatedNetwork evaluated{.model = {"a.onnx", "ab12", 3},
                                   .evaluation = {.samples = 8, .top1 = 0.25, .seconds = 2}};
  const std::string json = to_json(evaluated);
  EXPECT_TRUE(json.starts_with("{\n  \"format\": \"ompq-eval/1\",\n")) << json;
  EXPECT_TRUE(json.ends_with("}\n")) << json;
  const Json evaluation = Json::parse(json).at("evaluation");
  EXPECT_EQ(evaluation.at("top1"), 0.25);
  EXPECT_FALSE(evaluation.contains("top5"));
  EXPECT_FALSE(evaluation.contains("divergence"));
}

TEST(ToJson, ReplacesBytesThatAreNotUtf8) {
  const LatencyTemplate table{.model = {"caf\xe9.onnx", "", 1}, .file = "times.csv"};
  const Json json = Json::parse(to_json(table));
  EXPECT_EQ(json.at("model").at("file"), "caf\xef\xbf\xbd.onnx");
}

TEST(ReadDocument, NamesThePlaceOfWhatIsNoDocument) {
  const auto read = [](const std::string& text) {
    return [text] { (void)read_document<Sweep>(text, "a.json"); };
  };
  EXPECT_THAT(read("{"), ThrowsMessage<DataError>(HasSubstr("[a.json]")));
  EXPECT_THAT(read("[]"), ThrowsMessage<DataError>(HasSubstr("\"format\"")));
  EXPECT_THAT(read("{}"), ThrowsMessage<DataError>(HasSubstr("\"format\"")));
  EXPECT_THAT(read(R"({"format": 2})"),
              ThrowsMessage<DataError>(HasSubstr("it must be \"ompq-sweep/2\" or earlier")));
}
}  // namespace
}  // namespace ompq::report
