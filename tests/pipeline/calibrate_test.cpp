#include "ompq/pipeline/calibrate.h"

#include <optional>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "pipeline/small_model.h"

namespace ompq::pipeline {
namespace {

using ::testing::IsEmpty;

TEST(Calibrate, GivesAQuantizerOfItsWidthToEachLayerThatHasOne) {
  const Model model = small_model();
  Samples samples = small_samples(16);
  rounding::CalibrationOptions options;
  options.target = "exact";
  const auto quantizers =
      calibrate(model, {8, std::nullopt, 4, 8, std::nullopt}, samples, options, {});
  const auto& layers = model.discovery.layers;
  ASSERT_EQ(quantizers.size(), 3U);
  EXPECT_EQ(quantizers.at(layers[0].input).bits.value(), 8);
  EXPECT_EQ(quantizers.at(layers[2].input).bits.value(), 4);
  EXPECT_FALSE(quantizers.contains(layers[1].input));
}

TEST(Calibrate, ReadsNoSampleWhereEverythingStaysFloat) {
  const Model model = small_model();
  Samples none = small_samples(1);
  none.indices.clear();
  EXPECT_THAT(calibrate(model, std::vector<std::optional<int>>(5), none, {}, {}), IsEmpty());
  EXPECT_THROW((void)calibrate(model, std::vector<std::optional<int>>(5, 8), none, {}, {}),
               DataError);
}

TEST(Calibrate, SpansWhatMinMaxSaw) {
  const Model model = small_model();
  Samples samples = small_samples(16);
  rounding::CalibrationOptions options;
  options.range = quant::RangeMethod::MinMax;
  rounding::ActivationHistograms histograms;
  const auto quantizers =
      calibrate(model, std::vector<std::optional<int>>(5, 8), samples, options, {}, &histograms);
  EXPECT_EQ(histograms.size(), quantizers.size());
  // The outputs of a Relu begin at zero; the image does not.
  for (std::size_t l = 1; l < 5; ++l) {
    EXPECT_EQ(quantizers.at(model.discovery.layers[l].input).zero_point.front(), 0) << l;
  }
  EXPECT_GT(quantizers.at(model.discovery.layers[0].input).zero_point.front(), 64);
}

}  // namespace
}  // namespace ompq::pipeline
