#include "ompq/search/layer_choices.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/allocation/cost_model.h"
#include "ompq/core/error.h"
#include "pipeline/small_model.h"

namespace ompq::search {
namespace {

using allocation::kFloatBits;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(LayerChoices, PinsOneLayerByItsName) {
  EXPECT_THAT(layer_candidates(pipeline::small_model(), {.pins = {{"conv2", 5}}}),
              ElementsAre(IsEmpty(), ElementsAre(5), IsEmpty(), IsEmpty(), IsEmpty()));
}

TEST(LayerChoices, APatternStandsForAllLayersItFits) {
  EXPECT_THAT(
      layer_candidates(pipeline::small_model(), {.candidates = {{"conv*", {8, 4, 4}}}}),
      ElementsAre(ElementsAre(4, 8), ElementsAre(4, 8), ElementsAre(4, 8), IsEmpty(), IsEmpty()));
}

TEST(LayerChoices, ALaterRuleWins) {
  const LayerChoices choices{.first_last = 8,
                             .candidates = {{"conv[12]", {2, 3}}},
                             .pins = {{"conv2", 6}},
                             .excluded = {"fc"}};
  EXPECT_THAT(
      layer_candidates(pipeline::small_model(), choices),
      ElementsAre(
          ElementsAre(2, 3), ElementsAre(6), IsEmpty(), IsEmpty(), ElementsAre(kFloatBits)));
}

TEST(LayerChoices, ANameWinsOverAPattern) {
  const LayerChoices choices{.candidates = {{"conv1", {5}}, {"conv*", {2, 3}}},
                             .pins = {{"conv2", 6}, {"fc", 4}},
                             .excluded = {"conv2*", "f*"}};
  EXPECT_THAT(
      layer_candidates(pipeline::small_model(), choices),
      ElementsAre(ElementsAre(5), ElementsAre(6), ElementsAre(2, 3), IsEmpty(), ElementsAre(4)));
  EXPECT_THAT(
      layer_candidates(pipeline::small_model(), {.pins = {{"*", 4}}, .excluded = {"fc"}}),
      ElementsAre(
          ElementsAre(4), ElementsAre(4), ElementsAre(4), ElementsAre(4), ElementsAre(kFloatBits)));
}

TEST(LayerChoices, TwoRulesThatContradictEachOtherAreNamed) {
  pipeline::Model tied = pipeline::small_model();
  tied.discovery.ties = {{.leader = 2, .followers = {0}}};
  const std::vector<std::pair<LayerChoices, std::vector<std::string>>> cases{
      {{.pins = {{"conv2", 4}}, .excluded = {"conv2"}},
       {"layer 'conv2'", "--pin 'conv2=4'", "--exclude 'conv2'"}},
      {{.pins = {{"conv[12]", 4}}, .excluded = {"c*2"}},
       {"layer 'conv2'", "--pin 'conv[12]=4'", "--exclude 'c*2'"}},
      {{.pins = {{"conv*", 4}, {"c*1", 5}}}, {"layer 'conv1'", "--pin 'c*1=5'", "--pin 'conv*=4'"}},
      {{.candidates = {{"conv*", {4}}, {"c*1", {5, 6}}}}, {"--candidates 'c*1=5,6'"}},
      {{.pins = {{"conv1", 4}}, .excluded = {"conv3"}},
       {"--pin 'conv1=4'",
        "--exclude 'conv3'",
        "always has the width of 'conv",
        "remove one of the two"}}};
  for (const auto& [choices, words] : cases) {
    try {
      (void)layer_candidates(tied, choices);
      ADD_FAILURE() << "accepted what contradicts " << words.back();
    } catch (const ConfigError& error) {
      for (const std::string& word : words) EXPECT_THAT(error.what(), HasSubstr(word));
    }
  }
}

TEST(LayerChoices, TiedLayersFollow) {
  pipeline::Model model = pipeline::small_model();
  model.discovery.ties = {{.leader = 2, .followers = {0}}};
  EXPECT_THAT(layer_candidates(model, {.pins = {{"conv1", 7}}}),
              ElementsAre(ElementsAre(7), IsEmpty(), ElementsAre(7), IsEmpty(), IsEmpty()));
}

TEST(LayerChoices, AnUnknownNameComesWithTheNearestRealOne) {
  for (const LayerChoices& choices : {LayerChoices{.pins = {{"depthwize", 8}}},
                                      LayerChoices{.candidates = {{"depthwize", {8}}}},
                                      LayerChoices{.excluded = {"depthwize"}}}) {
    try {
      (void)layer_candidates(pipeline::small_model(), choices);
      FAIL() << "accepted an unknown layer";
    } catch (const ConfigError& error) {
      EXPECT_THAT(error.what(),
                  HasSubstr("no layer is named 'depthwize', did you mean 'depthwise'?"));
    }
  }
}

}  // namespace
}  // namespace ompq::search
