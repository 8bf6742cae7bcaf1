#include "ompq/search/final_check.h"

#include <numeric>

#include <gtest/gtest.h>

#include "ompq/pipeline/network.h"
#include "pipeline/small_model.h"

namespace ompq::search {
namespace {

class FinalCheckTest : public ::testing::Test {
 protected:
  [[nodiscard]] double checked(bool compensated) {
    SearchOptions options;
    options.compensated = compensated;
    options.request.seed = 3;
    FinalCheck check(model_, *samples_.dataset, rounding_, ranges_, judge_, options);
    const std::vector<double> all = check.by_sample(allocation_);
    EXPECT_EQ(all.size(), 16U);
    return std::accumulate(all.begin(), all.end(), 0.0) / static_cast<double>(all.size());
  }

  pipeline::Model model_ = pipeline::small_model();
  pipeline::Samples samples_ = pipeline::small_samples(80);
  std::vector<std::int64_t> rounding_{samples_.indices.begin(), samples_.indices.begin() + 64};
  std::vector<std::int64_t> judged_{samples_.indices.begin() + 64, samples_.indices.end()};
  RoundedWeights weights_{model_, {}};
  ActivationRanges ranges_{model_, *samples_.dataset, rounding_, {}};
  FidelityProbe judge_{model_, weights_, ranges_, *samples_.dataset, judged_, 8, {}};
  allocation::Allocation allocation_{.weight_bits = {3, 3, 3, 4, 3},
                                     .activation_bits = {8, 8, 8, 8, 8}};
};

TEST_F(FinalCheckTest, IsOfTheNetworkThatWillBeWritten) {
  const auto quantizers = ranges_.quantizers(allocation_.activation_bits);
  const auto network = pipeline::quantize_network(model_, allocation_.weight_bits, quantizers, {});
  const std::vector<double> expected = judge_.by_sample(network.graph);
  EXPECT_NEAR(checked(false), std::accumulate(expected.begin(), expected.end(), 0.0) / 16, 1e-9);
}

TEST_F(FinalCheckTest, CompensatesErrorsWhereThatWillBeDone) {
  const double nearest = checked(false);
  EXPECT_LT(checked(true), 0.9 * nearest);
}

}  // namespace
}  // namespace ompq::search
