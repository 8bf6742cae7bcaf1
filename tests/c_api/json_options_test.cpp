#include "ompq/c_api/json_options.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"

namespace ompq::c_api {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

Options options_of_json(std::string_view json) {
  Options options("quantize");
  set_json_options(options, json);
  return options;
}

TEST(JsonOptions, AreTextsNumbersFlagsAndLists) {
  const Options options = options_of_json(
      R"({"MODEL": "net.onnx", "avg-bits": 2.5, "samples": 64, "explain": true, "size": "1.5MB",
          "candidates": [2, 4, 8], "exclude": ["a*", "b"], "skip-broken": false, "seed": null})");
  EXPECT_THAT(options.texts().at("MODEL"), ElementsAre("net.onnx"));
  EXPECT_THAT(options.texts().at("avg-bits"), ElementsAre("2.5"));
  EXPECT_THAT(options.texts().at("samples"), ElementsAre("64"));
  EXPECT_THAT(options.texts().at("size"), ElementsAre("1.5MB"));
  EXPECT_THAT(options.texts().at("exclude"), ElementsAre("a*", "b"));
  EXPECT_TRUE(options.flags().contains("explain"));
  EXPECT_FALSE(options.flags().contains("skip-broken"));
  EXPECT_FALSE(options.texts().contains("seed"));
}

TEST(JsonOptions, JoinListsOfOptionsThatMayNotBeRepeated) {
  Options options("compare");
  set_json_options(options, R"({"avg-bits": [2, 3.5]})");
  EXPECT_THAT(options.texts().at("avg-bits"), ElementsAre("2,3.5"));
}

TEST(JsonOptions, AreCheckedAsOnTheCommandLine) {
  EXPECT_THAT([] { (void)options_of_json(R"({"avg_bits": 3})"); },
              ThrowsMessage<ConfigError>(HasSubstr("did you mean 'avg-bits'?")));
  EXPECT_THAT([] { (void)options_of_json(R"({"avg-bits": 9})"); },
              ThrowsMessage<ConfigError>(HasSubstr("[--avg-bits]")));
  EXPECT_THAT([] { (void)options_of_json(R"({"avg-bits": true})"); },
              ThrowsMessage<ConfigError>(HasSubstr("true is not a number")));
}

TEST(JsonOptions, MustBeOneObjectOfPlainValues) {
  for (const char* json : {"", "[1]", "3", "{\"avg-bits\": 3", "{\"avg-bits\": {\"a\": 1}}"}) {
    EXPECT_THROW((void)options_of_json(json), DataError) << json;
  }
}

}  // namespace
}  // namespace ompq::c_api
