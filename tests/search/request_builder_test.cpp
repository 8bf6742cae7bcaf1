#include "ompq/search/request_builder.h"

#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/allocation/cost_model.h"
#include "ompq/core/error.h"
#include "pipeline/small_model.h"

namespace ompq::search {
namespace {

using allocation::kFloatBits;
using ::testing::Each;
using ::testing::ElementsAre;

/// Loss 10 (layer + 1) / width for the five layers at 2, 4 and 8 bits.
sensitivity::LossTable simple_losses() {
  sensitivity::LossTable table{.widths = {BitWidth(2), BitWidth(4), BitWidth(8)}, .values = {}};
  for (int l = 1; l <= 5; ++l) {
    for (const int width : {2, 4, 8}) table.values.push_back(10.0 * l / width);
  }
  return table;
}

RequestOptions three_widths() {
  RequestOptions options;
  options.candidates = {8, 2, 4};
  options.budget.average_bits = 4;
  return options;
}

TEST(FreeRequest, HasTheModelsLayersAndSortedCandidates) {
  const pipeline::Model model = pipeline::small_model();
  const auto request = free_request(model, three_widths());
  EXPECT_EQ(request.layers.size(), 5U);
  EXPECT_THAT(request.candidates, ElementsAre(2, 4, 8));
  EXPECT_EQ(request.cost.accounting, allocation::Accounting::Disk);
  EXPECT_THAT(request.cost.zero_point_bits, ElementsAre(0, 0, 4, 4, 4, 5, 6, 7, 0));
  EXPECT_EQ(request.cost.activation_bits, 8);
  EXPECT_TRUE(request.layer_candidates.empty());
  EXPECT_EQ(request.float_bytes, model.file_bytes);
}

TEST(FreeRequest, SymmetricWeightsHaveNoZeroPointsAndFloatActivationsNoWidth) {
  RequestOptions options = three_widths();
  options.symmetry = quant::Symmetry::Symmetric;
  options.activation_candidates = {};
  const auto request = free_request(pipeline::small_model(), options);
  EXPECT_THAT(request.cost.zero_point_bits, ::testing::Each(0));
  EXPECT_EQ(request.cost.activation_bits, kFloatBits);
}

TEST(FreeRequest, ZeroPointsOfAsymmetricLevelsAreAsWideAsTheCodes) {
  RequestOptions options = three_widths();
  options.symmetry = quant::Symmetry::Asymmetric;
  const auto request = free_request(pipeline::small_model(), options);
  EXPECT_THAT(request.cost.zero_point_bits, ElementsAre(0, 0, 2, 3, 4, 5, 6, 7, 0));
}

TEST(FreeRequest, ZeroPointsOfNormalLevelsHaveFourBits) {
  RequestOptions options = three_widths();
  options.symmetry = quant::Symmetry::Normal;
  const auto zero_point_bits = [&] {
    return free_request(pipeline::small_model(), options).cost.zero_point_bits;
  };
  EXPECT_THAT(zero_point_bits(), ElementsAre(0, 0, 4, 4, 4, 5, 6, 7, 0));
  options.target = targets::kWeightsTarget;
  EXPECT_THAT(zero_point_bits(), ElementsAre(0, 0, 4, 4, 4, 5, 6, 7, 8));
  options.target = "onnxruntime-avx2";  // its levels are small
  options.candidates = {2, 4};
  EXPECT_THAT(zero_point_bits(), ElementsAre(0, 0, 2, 3, 4, 5, 6, 0, 0));
}

TEST(FreeRequest, ABudgetOfTimeNeedsATable) {
  RequestOptions options = three_widths();
  options.budget.latency_us = 10;
  EXPECT_THROW((void)free_request(pipeline::small_model(), options), ConfigError);
}

TEST(FreeRequest, HasOnlyWidthsThatTheTargetSupports) {
  RequestOptions options = three_widths();
  options.target = "onnxruntime-avx2";
  EXPECT_THAT(free_request(pipeline::small_model(), options).candidates, ElementsAre(2, 4));
  options.choices.pins = {{"fc", 8}};
  EXPECT_THROW((void)free_request(pipeline::small_model(), options), ConfigError);
  options.target = "onnxruntime";
  EXPECT_THAT(free_request(pipeline::small_model(), options).candidates, ElementsAre(2, 4, 8));
}

TEST(ActivationText, NamesWidthsAndTheInputsWhereTheyDiffer) {
  EXPECT_EQ(activation_text({}), "8");
  EXPECT_EQ(activation_text({.activation_candidates = {4}}), "4 (inputs 8)");
  EXPECT_EQ(activation_text({.activation_candidates = {4, 6}, .input_bits = 6}), "4,6 (inputs 6)");
  EXPECT_EQ(activation_text({.activation_candidates = {}}), "float");
  EXPECT_TRUE(chooses_activations({.activation_candidates = {4, 6}}));
  EXPECT_FALSE(chooses_activations({.activation_candidates = {4}}));
}

TEST(LossesFor, FollowEachLayersOwnCandidates) {
  RequestOptions options = three_widths();
  options.choices = {.candidates = {{"conv2", {4, 8}}}, .excluded = {"fc"}};
  const auto request = free_request(pipeline::small_model(), options);
  EXPECT_THAT(losses_for(request, simple_losses()),
              ElementsAre(ElementsAre(5.0, 2.5, 1.25),
                          ElementsAre(5.0, 2.5),
                          ElementsAre(15.0, 7.5, 3.75),
                          ElementsAre(20.0, 10.0, 5.0),
                          ElementsAre(0.0)));
}

TEST(LossesFor, AMissingWidthIsAFaultOfOurs) {
  RequestOptions options = three_widths();
  options.candidates = {2, 3};
  const auto request = free_request(pipeline::small_model(), options);
  EXPECT_THROW((void)losses_for(request, simple_losses()), InternalError);
}

TEST(PredictedLoss, AddsUpLayersAndFloatOnesCostNothing) {
  EXPECT_DOUBLE_EQ(*predicted_loss(simple_losses(), {2, 4, 8, 2, 4}), 5 + 5 + 3.75 + 20 + 12.5);
  EXPECT_DOUBLE_EQ(*predicted_loss(simple_losses(), {2, kFloatBits, kFloatBits, 2, kFloatBits}),
                   25);
  EXPECT_FALSE(predicted_loss(simple_losses(), {2, 3, 2, 2, 2}));
}

TEST(PredictedInteraction, AddsUpPairsAtTheirWidths) {
  const sensitivity::PairwiseTable table{
      .widths = {BitWidth(2), BitWidth(4)},
      .pairs = {{0, 1, {1.0, 2.0, 3.0, 4.0}}, {1, 4, {-10.0, 0.0, 0.0, 0.5}}}};
  EXPECT_DOUBLE_EQ(*predicted_interaction(table, {2, 4, 2, 2, 4}), 2.0 + 0.5);
  EXPECT_DOUBLE_EQ(*predicted_interaction(table, {4, 2, 2, 2, 2}), 3.0 - 10.0);
  EXPECT_DOUBLE_EQ(*predicted_interaction(table, {4, kFloatBits, 2, 2, 2}), 0.0);
  EXPECT_FALSE(predicted_interaction(table, {4, 8, 2, 2, 2}));
}

TEST(WidthsToMeasure, AreThoseThatSomeLayerMayGet) {
  const pipeline::Model model = pipeline::small_model();
  RequestOptions options = three_widths();
  EXPECT_THAT(widths_to_measure(free_request(model, options), options), ElementsAre(2, 4, 8));
  options.choices = {.pins = {{"conv*", 5}, {"depthwise", 3}}, .excluded = {"fc"}};
  EXPECT_THAT(widths_to_measure(free_request(model, options), options), ElementsAre(3, 5));
}

TEST(RequestFor, GivesAnAllocatorTheLossesOfItsMetric) {
  const RequestOptions options = three_widths();
  Measurements measured;
  measured.losses["weight-mse"] = simple_losses();
  const auto free = free_request(pipeline::small_model(), options);
  const auto request = request_for(free, allocator_row("weight-mse"), options, measured);
  EXPECT_EQ(request.loss, losses_for(free, simple_losses()));
  EXPECT_TRUE(request.coefficients.empty());
  EXPECT_TRUE(request_for(free, allocator_row("uniform"), options, measured).loss.empty());
}

TEST(RequestFor, APapersAllocatorKeepsItsRangesAndTheFreeAccounting) {
  RequestOptions options = three_widths();
  options.candidates = {2, 3, 4, 5, 6, 7, 8};
  Measurements measured;
  measured.importance.coefficients = {0.5, 0.4, 0.3, 0.2, 0.1};
  const auto free = free_request(pipeline::small_model(), options);
  const auto request = request_for(free, allocator_row("orm"), options, measured);
  EXPECT_EQ(request.coefficients, measured.importance.coefficients);
  EXPECT_EQ(request.cost.accounting, allocation::Accounting::Disk);
  // The paper's are 2..4 bits.
  EXPECT_THAT(allocation::candidates_of(request, 1), ElementsAre(2, 3, 4));
}

TEST(HasCandidatesOnly, IsOfEveryLayer) {
  const auto free = free_request(pipeline::small_model(), three_widths());
  const auto widths = allocation::candidates_of(free, 0);
  allocation::Allocation made{.weight_bits = std::vector<int>(5, widths.front())};
  EXPECT_TRUE(has_candidates_only(free, made));
  made.weight_bits[4] = widths.back();
  EXPECT_TRUE(has_candidates_only(free, made));
  made.weight_bits[4] = 1;
  EXPECT_FALSE(has_candidates_only(free, made));
}

}  // namespace
}  // namespace ompq::search
