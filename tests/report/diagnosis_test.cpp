#include "ompq/report/diagnosis.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ompq::report {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> offender_names(const Diagnosis& diagnosis) {
  std::vector<std::string> names;
  for (const LayerDiagnosis* layer : offenders(diagnosis)) names.push_back(layer->name);
  return names;
}

TEST(Offenders, AreTheMeasuredLayersByTheirGain) {
  Diagnosis diagnosis;
  diagnosis.layers = {{.name = "stem", .gain_db = 0.5},
                      {.name = "unmeasured"},
                      {.name = "first", .gain_db = 3},
                      {.name = "worse", .gain_db = -0.25},
                      {.name = "second", .gain_db = 3}};
  EXPECT_THAT(offender_names(diagnosis), ElementsAre("first", "second", "stem", "worse"))
      << "equal ones stay in the order of the network";
  EXPECT_EQ(offenders(diagnosis).front(), &diagnosis.layers[2]) << "no copies";
}

TEST(Offenders, AreNoneIfNothingWasMeasured) {
  EXPECT_THAT(offender_names({}), IsEmpty());
  EXPECT_THAT(offender_names({.layers = {{.name = "conv"}}}), IsEmpty());
}
}  // namespace
}  // namespace ompq::report
