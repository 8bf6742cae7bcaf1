#include "ompq/search/activation_ranges.h"

#include <gtest/gtest.h>

#include "ompq/allocation/cost_model.h"
#include "ompq/pipeline/calibrate.h"
#include "ompq/targets/placement.h"
#include "pipeline/small_model.h"

namespace ompq::search {
namespace {

using allocation::kFloatBits;

/// Ranges of a small network.
struct Calibrated {
  pipeline::Model model = pipeline::small_model();
  pipeline::Samples samples = pipeline::small_samples(12);
  ActivationRanges ranges{model, *samples.dataset, samples.indices, {}};

  [[nodiscard]] rounding::ActivationQuantizers calibrated(
      const std::vector<std::optional<int>>& bits) {
    return pipeline::calibrate(model, bits, samples, {}, {});
  }
};

void expect_equal(const rounding::ActivationQuantizers& some,
                  const rounding::ActivationQuantizers& others) {
  ASSERT_EQ(some.size(), others.size());
  for (const auto& [value, params] : some) {
    ASSERT_TRUE(others.contains(value));
    EXPECT_EQ(params.bits, others.at(value).bits);
    EXPECT_EQ(params.scale, others.at(value).scale);
    EXPECT_EQ(params.zero_point, others.at(value).zero_point);
  }
}

TEST(ActivationRanges, AreThoseOfCalibration) {
  Calibrated f;
  expect_equal(f.ranges.quantizers({8, 8, 8, 8, 8}), f.calibrated({8, 8, 8, 8, 8}));
  expect_equal(f.ranges.quantizers({4, 4, 4, 4, kFloatBits}),
               f.calibrated({4, 4, 4, 4, std::nullopt}));
}

TEST(ActivationRanges, OfMixedWidthsAreThoseOfCalibration) {
  Calibrated f;
  expect_equal(f.ranges.quantizers({8, 4, 3, 8, 4}), f.calibrated({8, 4, 3, 8, 4}));
  expect_equal(f.ranges.quantizers({3, kFloatBits, 8, 4, 4}),
               f.calibrated({3, std::nullopt, 8, 4, 4}));
}

TEST(ActivationRanges, AreEmptyForFloatActivations) {
  Calibrated f;
  EXPECT_TRUE(f.ranges.quantizers(std::vector<int>(5, kFloatBits)).empty());
}

TEST(ActivationRanges, AreCalibratedOnce) {
  Calibrated f;
  const auto* first = &f.ranges.quantizers({8, 4, 8, 8, 8});
  EXPECT_EQ(&f.ranges.quantizers({8, 4, 8, 8, 8}), first);
}

}  // namespace
}  // namespace ompq::search
