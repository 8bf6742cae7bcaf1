#include "ompq/training/quantizer_methods.h"

#include <set>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"

namespace ompq::training {
namespace {

TEST(QuantizerMethods, HaveDistinctNamesAndTexts) {
  std::set<std::string_view> names;
  std::set<std::string_view> texts;
  for (const QuantizerMethod& row : quantizer_methods()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_TRUE(texts.insert(row.text).second) << row.name;
    EXPECT_EQ(&find_quantizer_method(row.name), &row);
  }
  EXPECT_THAT(names, ::testing::UnorderedElementsAre("hawq", "lsq", "pact"));
}

TEST(QuantizerMethods, AreThoseOfThePapers) {
  const QuantizerMethod& lsq = find_quantizer_method("lsq");
  EXPECT_EQ(lsq.weights, WeightRange::LearnedStep);
  EXPECT_EQ(lsq.activations, ActivationRange::LearnedStep);
  EXPECT_EQ(find_quantizer_method("pact").activations, ActivationRange::LearnedClip);
  EXPECT_EQ(find_quantizer_method("hawq").activations, ActivationRange::Observed);
}

TEST(FindQuantizerMethod, NamesTheNearestOne) {
  try {
    (void)find_quantizer_method("lsqq");
    FAIL() << "accepted an unknown name";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("unknown quantizer 'lsqq'; did you mean 'lsq'"));
  }
}

}  // namespace
}  // namespace ompq::training
