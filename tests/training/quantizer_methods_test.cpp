#include "ompq/training/quantizer_methods.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"

namespace ompq::training {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

TEST(FindQuantizerMethod, KnowsItsRowsAlone) {
  for (const QuantizerMethod& row : quantizer_methods()) {
    EXPECT_EQ(&find_quantizer_method(row.name), &row);
  }
  EXPECT_THAT(
      [] { (void)find_quantizer_method("lsqq"); },
      ThrowsMessage<ConfigError>(HasSubstr("unknown quantizer 'lsqq'; did you mean 'lsq'?")));
}

TEST(QuantizerMethods, ChooseRangesAsTheirPapersDo) {
  const QuantizerMethod& lsq = find_quantizer_method("lsq");
  EXPECT_EQ(lsq.weights, WeightRange::LearnedStep);
  EXPECT_EQ(lsq.activations, ActivationRange::LearnedStep);
  const QuantizerMethod& hawq = find_quantizer_method("hawq");
  EXPECT_EQ(hawq.weights, WeightRange::MinMax);
  EXPECT_EQ(hawq.activations, ActivationRange::Observed);
  const QuantizerMethod& pact = find_quantizer_method("pact");
  EXPECT_EQ(pact.weights, WeightRange::MinMax);
  EXPECT_EQ(pact.activations, ActivationRange::LearnedClip);
}

}  // namespace
}  // namespace ompq::training
