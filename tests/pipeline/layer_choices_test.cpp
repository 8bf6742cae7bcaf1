#include "ompq/pipeline/layer_choices.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/allocation/cost_model.h"
#include "ompq/core/error.h"
#include "small_model.h"

namespace ompq::pipeline {
namespace {

using allocation::kFloatBits;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(LayerChoices, PinsOneLayerByItsName) {
  EXPECT_THAT(layer_candidates(small_model(), {.pins = {{"conv2", 5}}}),
              ElementsAre(IsEmpty(), ElementsAre(5), IsEmpty(), IsEmpty(), IsEmpty()));
}

TEST(LayerChoices, APatternStandsForAllLayersItFits) {
  EXPECT_THAT(
      layer_candidates(small_model(), {.candidates = {{"conv*", {8, 4, 4}}}}),
      ElementsAre(ElementsAre(4, 8), ElementsAre(4, 8), ElementsAre(4, 8), IsEmpty(), IsEmpty()));
}

TEST(LayerChoices, ALaterRuleWins) {
  const LayerChoices choices{.first_last = 8,
                             .candidates = {{"conv[12]", {2, 3}}},
                             .pins = {{"conv2", 6}},
                             .excluded = {"fc"}};
  EXPECT_THAT(
      layer_candidates(small_model(), choices),
      ElementsAre(
          ElementsAre(2, 3), ElementsAre(6), IsEmpty(), IsEmpty(), ElementsAre(kFloatBits)));
}

TEST(LayerChoices, TiedLayersFollow) {
  Model model = small_model();
  model.discovery.ties = {{.leader = 2, .followers = {0}}};
  EXPECT_THAT(layer_candidates(model, {.pins = {{"conv1", 7}}}),
              ElementsAre(ElementsAre(7), IsEmpty(), ElementsAre(7), IsEmpty(), IsEmpty()));
}

TEST(LayerChoices, AnUnknownNameComesWithTheNearestRealOne) {
  for (const LayerChoices& choices : {LayerChoices{.pins = {{"depthwize", 8}}},
                                      LayerChoices{.candidates = {{"depthwize", {8}}}},
                                      LayerChoices{.excluded = {"depthwize"}}}) {
    try {
      (void)layer_candidates(small_model(), choices);
      FAIL() << "accepted an unknown layer";
    } catch (const ConfigError& error) {
      EXPECT_THAT(error.what(),
                  HasSubstr("no layer is called 'depthwize', did you mean 'depthwise'?"));
    }
  }
}

}  // namespace
}  // namespace ompq::pipeline
