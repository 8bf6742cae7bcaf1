#include <fstream>
#include <set>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/sensitivity/metric.h"
#include "support/paths.h"

namespace ompq::sensitivity {
namespace {

using ::testing::HasSubstr;

TEST(Metrics, EachSaysAllThereIsToSay) {
  std::set<std::string_view> names;
  for (const Metric& row : metrics()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name << " stands there twice";
    for (const std::string_view text : {row.summary, row.unit, row.passes, row.source}) {
      EXPECT_FALSE(text.empty()) << row.name;
    }
    EXPECT_NE(row.make, nullptr) << row.name;
    EXPECT_EQ(&metric(row.name), &row);
  }
}

TEST(Metrics, StandInTheDocuments) {
  std::ifstream file(testing::source_dir() / "docs" / "metrics.md");
  std::stringstream text;
  text << file.rdbuf();
  for (const Metric& row : metrics()) {
    EXPECT_THAT(text.str(), HasSubstr("| `" + std::string(row.name) + "` |"));
  }
}

TEST(Metrics, AnUnknownNameIsToldTheNearestAndAll) {
  try {
    (void)metric("fischer");
    FAIL() << "nothing was thrown";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("'fischer'"));
    EXPECT_THAT(error.what(), HasSubstr("did you mean 'fisher'"));
    for (const Metric& row : metrics()) EXPECT_THAT(error.what(), HasSubstr(std::string(row.name)));
  }
}

TEST(Metrics, OfWeightsAloneNeedNoSamples) {
  EXPECT_FALSE(needs_samples(metric("weight-mse")));
  EXPECT_FALSE(needs_samples(metric("orm-error")));
  EXPECT_TRUE(needs_samples(metric("output-kl")));
  EXPECT_TRUE(needs_samples(metric("local-error")));
  EXPECT_TRUE(needs_samples(metric("hessian")));
}

}  // namespace
}  // namespace ompq::sensitivity
