#include "ompq/report/html.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "ompq/core/error.h"
#include "report/sample_runs.h"

// The page as text; tests/browser opens it.

namespace ompq::report {
namespace {

using Json = nlohmann::ordered_json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::layer_names;
using testing::sample_documents;

#define OMPQ_PAGE_OR_SKIP() \
  if (!has_report_page()) GTEST_SKIP() << "needs npm when ompq is built"

/// What stands in the page's data element.
std::string data_text(const std::string& page) {
  const std::string start = "id=\"ompq-data\">";
  const std::size_t from = page.find(start) + start.size();
  return page.substr(from, page.find("</script>", from) - from);
}

std::string refusal(const std::string& json) {
  const std::vector<RunDocument> documents{{"runs/a.json", json}};
  try {
    static_cast<void>(report_page(documents));
  } catch (const DataError& error) {
    return error.what();
  }
  ADD_FAILURE() << "was accepted: " << json;
  return "";
}

TEST(ReportPage, HoldsEveryDocumentWithItsName) {
  OMPQ_PAGE_OR_SKIP();
  const Json data = Json::parse(data_text(report_page(sample_documents(layer_names(22)))));
  ASSERT_EQ(data["documents"].size(), 3U);
  EXPECT_EQ(data["documents"][0]["name"], "runs/quantize.json");
  EXPECT_EQ(data["documents"][0]["content"]["format"], "ompq-quantize/2");
  EXPECT_EQ(data["documents"][1]["content"]["format"], "ompq-compare/2");
  EXPECT_EQ(data["documents"][2]["content"]["points"].size(), 12U);
}

TEST(ReportPage, KeepsWholeNumbersAndSixDigitsOfOthers) {
  OMPQ_PAGE_OR_SKIP();
  const std::vector<RunDocument> documents{
      {"a", R"({"format": "ompq-search/1", "model": {"bytes": 1234567890123, "x": 0.12345678901},
                "layers": [], "allocations": [1e-9, 2.0]})"}};
  const Json content = Json::parse(data_text(report_page(documents)))["documents"][0]["content"];
  EXPECT_EQ(content["model"]["bytes"], 1234567890123);
  EXPECT_EQ(content["model"]["x"], 0.123457);
  EXPECT_EQ(content["allocations"], Json::array({1e-9, 2.0}));
}

TEST(ReportPage, LetsNoTextEndTheDataElement) {
  OMPQ_PAGE_OR_SKIP();
  const std::string name = "</script><script>hacked()</script><!--<script>";
  const std::string page = report_page(sample_documents({name, "b", "c"}));
  EXPECT_EQ(data_text(page).find('<'), std::string::npos);
  EXPECT_EQ(page.find("hacked()</script>"), std::string::npos);
  const Json data = Json::parse(data_text(page));
  EXPECT_EQ(data["documents"][0]["content"]["layers"][0]["name"], name);
}

TEST(ReportPage, NamesNothingOutsideOfItself) {
  OMPQ_PAGE_OR_SKIP();
  const std::string page = report_page(sample_documents(layer_names(4)));
  EXPECT_THAT(page, HasSubstr("default-src 'none'"));
  for (const char* outside : {"<link", "src=\"", "@import", "url(http"}) {
    EXPECT_EQ(page.find(outside), std::string::npos) << outside;
  }
}

TEST(ReportPage, StaysBelowThreeMegabytesWith300Layers) {
  OMPQ_PAGE_OR_SKIP();
  EXPECT_LT(report_page(sample_documents(layer_names(300))).size(), 3'000'000U);
}

TEST(ReportPage, RefusesWhatIsNoResultAndSaysWhatIs) {
  OMPQ_PAGE_OR_SKIP();
  EXPECT_THAT(refusal("{\"format\": "),
              AllOf(HasSubstr("[runs/a.json]"), HasSubstr("is not valid JSON at byte 11 of 11")));
  EXPECT_THAT(refusal("[1, 2]"), HasSubstr("has a JSON array; a report supports ompq-search/2, "));
  EXPECT_THAT(refusal("{}"), HasSubstr("an object without a format"));
  EXPECT_THAT(refusal(R"({"format": 3})"), HasSubstr("a format of type number"));
  EXPECT_THAT(refusal(R"({"format": "ompq-inspect/1"})"),
              AllOf(HasSubstr("format 'ompq-inspect/1'"),
                    HasSubstr("ompq-sweep/2, and earlier versions of these")));
  EXPECT_THAT(refusal(R"({"format": "ompq-search/1", "layers": [], "allocations": []})"),
              HasSubstr("ompq-search/1 needs an object 'model' and has none"));
  EXPECT_THAT(refusal(R"({"format": "ompq-sweep/1", "model": {}, "layers": 3, "points": []})"),
              HasSubstr("ompq-sweep/1 needs an array 'layers' and has a number"));
  EXPECT_THAT(refusal(std::string(100000, '[')), HasSubstr("nested deeper than 100 levels"));
  EXPECT_THROW(static_cast<void>(report_page({})), DataError);
}

TEST(ReportPage, SaysHowToGetItWhereTheBuildHasNone) {
  if (has_report_page()) GTEST_SKIP() << "this build has the page";
  try {
    static_cast<void>(report_page(sample_documents({"a"})));
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("install nodejs"));
  }
}

}  // namespace
}  // namespace ompq::report
