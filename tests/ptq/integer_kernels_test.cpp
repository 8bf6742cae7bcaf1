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

std::optional<report::IntegerKernels> kernels(const pipeline::Model& model,
                                              const std::vector<int>& weight_bits,
                                              const rounding::NetworkCodes& codes) {
  const auto network = pipeline::assemble_network(model, weight_bits, codes);
  return integer_kernels_of(model, codes, network.graph);
}

TEST(IntegerKernelsOf, CountsLayersAndNamesThoseWithFloatWeights) {
  const pipeline::Model model = pipeline::small_model();
  const std::vector<int> four(5, 4);
  const auto all = kernels(model, four, codes_for(model, four, "onnxruntime"));
  ASSERT_TRUE(all);
  EXPECT_EQ(all->layers, 5);
  EXPECT_EQ(all->integer_layers, 5);
  EXPECT_THAT(all->float_layers, IsEmpty());
  EXPECT_THAT(all->float_operators, IsEmpty());
  const std::vector<int> mixed{4, allocation::kFloatBits, 4, 4, 4};
  const auto some = kernels(model, mixed, codes_for(model, mixed, "onnxruntime"));
  ASSERT_TRUE(some);
  EXPECT_EQ(some->integer_layers, 4);
  EXPECT_THAT(some->float_layers, ElementsAre("conv2"));
}

/// The writer leaves such a layer in float, and the report must say so.
TEST(IntegerKernelsOf, NamesALayerWhoseBiasIsNotOfWholeSteps) {
  const pipeline::Model model = pipeline::small_model();
  const std::vector<int> four(5, 4);
  const rounding::NetworkCodes codes = codes_for(model, four, "onnxruntime");
  auto network = pipeline::assemble_network(model, four, codes);
  const graph::ValueId bias = model.discovery.layers[2].bias;
  network.graph.mutable_value(bias).constant->mutable_data<float>().front() = 0.1234567F;
  const auto found = integer_kernels_of(model, codes, network.graph);
  ASSERT_TRUE(found);
  EXPECT_THAT(found->float_layers, ElementsAre(model.discovery.layers[2].name));
}

TEST(IntegerKernelsOf, IsNoneWhereNothingRunsOnIntegers) {
  const pipeline::Model model = pipeline::small_model();
  const std::vector<int> four(5, 4);
  EXPECT_FALSE(kernels(model, four, codes_for(model, four, "exact")));
  rounding::NetworkCodes codes = codes_for(model, four, "onnxruntime");
  codes.activations.clear();
  EXPECT_FALSE(kernels(model, four, codes));
}

}  // namespace
}  // namespace ompq::ptq
