#include "ompq/ptq/method_options.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"

namespace ompq::ptq {
namespace {

using ::testing::HasSubstr;

TEST(PreparationOf, SetsTheNamedSteps) {
  const Preparation equalized = preparation_of({"equalize"});
  EXPECT_TRUE(equalized.equalize);
  EXPECT_FALSE(equalized.correct_bias || equalized.analytic_bias || equalized.reestimate_norms);
  const Preparation others =
      preparation_of({"norm-reestimation", "bias-correction", "analytic-bias-correction"});
  EXPECT_FALSE(others.equalize);
  EXPECT_TRUE(others.correct_bias && others.analytic_bias && others.reestimate_norms);
  EXPECT_TRUE(others.any());
  EXPECT_FALSE(preparation_of({"none"}).any());
}

TEST(OptionText, ListsTheStepsAsGiven) {
  EXPECT_EQ(option_text(Preparation{}), "none");
  EXPECT_EQ(option_text(preparation_of({"bias-correction", "equalize"})),
            "equalize,bias-correction");
}

TEST(OptionText, DiffersForEveryPreparation) {
  const std::vector<std::string> names{
      "equalize", "bias-correction", "analytic-bias-correction", "norm-reestimation"};
  std::vector<std::string> texts;
  for (unsigned chosen = 0; chosen < 16; ++chosen) {
    std::vector<std::string> steps;
    for (std::size_t n = 0; n < names.size(); ++n) {
      if ((chosen >> n & 1U) != 0) steps.push_back(names[n]);
    }
    const std::string text = option_text(preparation_of(steps));
    EXPECT_THAT(texts, ::testing::Not(::testing::Contains(text)));
    for (const std::string& step : steps) EXPECT_THAT(text, HasSubstr(step));
    texts.push_back(text);
  }
}

TEST(EffortOf, ReadsTheNamesOfTheOption) {
  EXPECT_EQ(effort_of("fast"), Effort::Fast);
  EXPECT_EQ(effort_of("balanced"), Effort::Balanced);
  EXPECT_EQ(effort_of("best"), Effort::Best);
  try {
    (void)effort_of("most");
    FAIL() << "accepted an unknown effort";
  } catch (const InternalError& error) {
    EXPECT_THAT(error.what(), HasSubstr("'most'"));
  }
}

TEST(ErrorWeightOf, IsFisherIfTheFlagIsSet) {
  EXPECT_EQ(error_weight_of(true), reconstruction::ErrorWeight::Fisher);
  EXPECT_EQ(error_weight_of(false), reconstruction::ErrorWeight::Plain);
}

}  // namespace
}  // namespace ompq::ptq
