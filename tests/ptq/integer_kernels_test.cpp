#include "ompq/ptq/integer_kernels.h"

#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/allocation/cost_model.h"
#include "ompq/pipeline/calibrate.h"
#include "ompq/pipeline/network.h"
#include "pipeline/small_model.h"

namespace ompq::ptq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

rounding::NetworkCodes codes_for(const pipeline::Model& model,
                                 const std::vector<int>& weight_bits,
                                 const std::string& target) {
  pipeline::Samples samples = pipeline::small_samples(16);
  rounding::CalibrationOptions options;
  options.target = target;
  const auto activations =
      pipeline::calibrate(model, std::vector<std::optional<int>>(5, 8), samples, options, {});
  return pipeline::nearest_codes(model, weight_bits, activations, {.target = target});
}

TEST(IntegerKernelsOf, CountsLayersAndNamesThoseWithFloatWeights) {
  const pipeline::Model model = pipeline::small_model();
  const auto all = integer_kernels_of(model, codes_for(model, {4, 4, 4, 4, 4}, "onnxruntime"));
  ASSERT_TRUE(all);
  EXPECT_EQ(all->layers, 5);
  EXPECT_EQ(all->integer_layers, 5);
  EXPECT_THAT(all->float_layers, IsEmpty());
  EXPECT_THAT(all->float_operators, IsEmpty());
  const auto some = integer_kernels_of(
      model, codes_for(model, {4, allocation::kFloatBits, 4, 4, 4}, "onnxruntime"));
  ASSERT_TRUE(some);
  EXPECT_EQ(some->integer_layers, 4);
  EXPECT_THAT(some->float_layers, ElementsAre("conv2"));
}

TEST(IntegerKernelsOf, IsNoneWhereNothingRunsOnIntegers) {
  const pipeline::Model model = pipeline::small_model();
  EXPECT_FALSE(integer_kernels_of(model, codes_for(model, {4, 4, 4, 4, 4}, "exact")));
  rounding::NetworkCodes codes = codes_for(model, {4, 4, 4, 4, 4}, "onnxruntime");
  codes.activations.clear();
  EXPECT_FALSE(integer_kernels_of(model, codes));
}

}  // namespace
}  // namespace ompq::ptq
