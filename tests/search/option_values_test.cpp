#include "ompq/search/option_values.h"

#include <functional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"

namespace ompq::search {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;
using ::testing::StartsWith;

std::string config_error_of(const std::function<void()>& act) {
  try {
    act();
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "nothing was thrown";
}

TEST(CommonWidths, AreThoseWithoutAName) {
  EXPECT_THAT(common_widths({{"", {2, 4, 8}}, {"fc", {8}}}), ElementsAre(2, 4, 8));
}

TEST(CommonWidths, MustBeGiven) {
  EXPECT_THAT(config_error_of([] {
                (void)common_widths({{"fc", {8}}});
              }),
              AllOf(StartsWith("[--candidates]"), HasSubstr("no widths for all layers")));
}

TEST(NamedWidths, AreThoseWithAName) {
  EXPECT_THAT(named_widths({{"", {2, 4, 8}}, {"conv", {3}}, {"fc", {8, 32}}}),
              ElementsAre(Pair("conv", ElementsAre(3)), Pair("fc", ElementsAre(8, 32))));
}

TEST(PinnedWidths, HaveOneWidthPerLayer) {
  EXPECT_THAT(pinned_widths({{"conv", {3}}, {"fc", {8}}}),
              ElementsAre(Pair("conv", 3), Pair("fc", 8)));
}

TEST(PinnedWidths, NameTheLayerAndTheOptionForSeveralWidths) {
  EXPECT_THAT(config_error_of([] {
                (void)pinned_widths({{"fc", {4, 8}}});
              }),
              AllOf(StartsWith("[--pin]"),
                    HasSubstr("'fc' is given 2 widths"),
                    HasSubstr("--candidates fc=4,8")));
}

TEST(ActivationCandidates, AreAscendingAndDistinct) {
  EXPECT_THAT(activation_candidates_of({"8", "4", "8", "6"}), ElementsAre(4, 6, 8));
  EXPECT_THAT(activation_candidates_of({"8"}), ElementsAre(8));
}

TEST(ActivationCandidates, AreEmptyForFloat) {
  EXPECT_THAT(activation_candidates_of({"float"}), IsEmpty());
  EXPECT_THAT(config_error_of([] {
                (void)activation_candidates_of({"4", "float"});
              }),
              AllOf(StartsWith("[--act-bits]"), HasSubstr("'4,float' mixes float with widths")));
}

TEST(ShownAllocators, AreEmptyForNone) {
  EXPECT_THAT(shown_allocators({"none"}), IsEmpty());
  EXPECT_THAT(shown_allocators({"uniform", "orm"}), ElementsAre("uniform", "orm"));
}

TEST(ComparedAllocators, AreAllExceptRandomForAll) {
  const std::vector<std::string> all = compared_allocators({"all"});
  EXPECT_THAT(all, AllOf(Contains("auto"), Contains("orm"), Contains("uniform")));
  EXPECT_THAT(all, Not(Contains("random")));
  EXPECT_THAT(compared_allocators({"random", "all"}), Contains("random")) << "if it is asked for";
}

TEST(ComparedAllocators, KeepTheOrderWithoutDuplicates) {
  EXPECT_THAT(compared_allocators({"orm", "auto", "orm"}), ElementsAre("orm", "auto"));
  const std::vector<std::string> all = compared_allocators({"orm", "all", "orm"});
  EXPECT_EQ(all.front(), "orm");
  EXPECT_THAT(all, Contains("orm").Times(1));
}

}  // namespace
}  // namespace ompq::search
