#include "ompq/api/results.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "ompq/report/json.h"
#include "report/sample_runs.h"

namespace ompq::api {
namespace {

using Json = nlohmann::json;

// The typed fields say what the JSON of the same result says.

TEST(PublicResult, OfAQuantizationHoldsItsNetworks) {
  const auto names = testing::layer_names(6);
  const report::Quantization made = testing::sample_quantization(names);
  const Quantization result = public_result(made);
  const Json json = Json::parse(report::to_json(made));
  ASSERT_EQ(result.layers.size(), names.size());
  for (std::size_t i = 0; i < names.size(); ++i) {
    EXPECT_EQ(result.layers[i].name, names[i]);
    EXPECT_EQ(result.layers[i].weights, json["layers"][i]["weights"]);
    EXPECT_EQ(result.layers[i].macs, json["layers"][i]["macs"]);
  }
  std::vector<QuantizedNetwork> networks{result.network};
  networks.insert(networks.end(), result.others.begin(), result.others.end());
  ASSERT_EQ(networks.size(), json["networks"].size());
  for (std::size_t i = 0; i < networks.size(); ++i) {
    const Json& row = json["networks"][i];
    EXPECT_EQ(networks[i].allocator, row["allocator"].get<std::string>());
    EXPECT_EQ(networks[i].method, row["method"].get<std::string>());
    EXPECT_EQ(networks[i].bytes, row["bytes_on_disk"]);
    EXPECT_EQ(networks[i].average_bits, row["average_bits"]);
    EXPECT_EQ(networks[i].compression, row["compression"]);
    EXPECT_EQ(networks[i].weight_bits, row["weight_bits"].get<std::vector<int>>());
    EXPECT_EQ(networks[i].evaluation.samples, row["evaluation"]["samples"]);
    EXPECT_EQ(networks[i].evaluation.agreement, row["evaluation"]["agreement"]);
  }
  EXPECT_EQ(result.float_evaluation.top1, json["float_evaluation"]["top1"]);
}

TEST(PublicResult, OfAComparisonHoldsItsRows) {
  const report::Comparison made = testing::sample_comparison(testing::layer_names(4));
  const Comparison result = public_result(made);
  ASSERT_EQ(result.rows.size(), made.rows.size());
  for (std::size_t i = 0; i < made.rows.size(); ++i) {
    EXPECT_EQ(result.rows[i].budget, made.rows[i].budget);
    EXPECT_EQ(result.rows[i].allocation.allocator, made.rows[i].allocator);
    EXPECT_EQ(result.rows[i].allocation.bytes, made.rows[i].bytes);
    EXPECT_EQ(result.rows[i].allocation.bit_operations, made.rows[i].gbops * 1e9);
    EXPECT_EQ(result.rows[i].allocation.refused, made.rows[i].refused);
    EXPECT_EQ(result.rows[i].evaluation.top1, made.rows[i].evaluation.top1);
  }
}

TEST(PublicResult, OfASweepHoldsItsPointsAndTheirKnee) {
  const report::Sweep made = testing::sample_sweep(testing::layer_names(4));
  const Sweep result = public_result(made);
  ASSERT_EQ(result.points.size(), made.points.size());
  ASSERT_FALSE(result.points.empty());
  for (std::size_t i = 0; i < made.points.size(); ++i) {
    EXPECT_EQ(result.points[i].bytes, made.points[i].bytes);
    EXPECT_EQ(result.points[i].weight_bits, made.points[i].weight_bits);
    EXPECT_EQ(result.points[i].divergence, made.points[i].divergence);
  }
  EXPECT_EQ(result.knee, made.knee);
  EXPECT_EQ(result.picked, made.picked);
}

TEST(PublicResult, OfADiffSaysWhereNetworksDiverge) {
  report::Diff made{.agreement = 0.5};
  made.rows.push_back({.layer = "conv1",
                       .op_type = "Conv",
                       .snr_db = 12,
                       .cosine = 0.9,
                       .largest_difference = 0.25,
                       .diverged = true});
  const Diff result = public_result(made);
  ASSERT_EQ(result.rows.size(), 1U);
  EXPECT_EQ(result.rows[0].layer, "conv1");
  EXPECT_EQ(result.rows[0].snr_db, 12);
  EXPECT_EQ(result.rows[0].cosine, 0.9);
  EXPECT_EQ(result.rows[0].largest_difference, 0.25);
  EXPECT_TRUE(result.rows[0].diverged);
  EXPECT_EQ(result.agreement, 0.5);
}

TEST(PublicResult, OfATrainingHoldsItsEpochs) {
  report::Finetuning made{.quantization = testing::sample_quantization(testing::layer_names(3)),
                          .best_epoch = 1};
  made.epochs.push_back(
      {.epoch = 1, .learning_rate = 0.5, .train_loss = 2, .validation_top1 = 0.25});
  const Finetuning result = public_result(made);
  ASSERT_EQ(result.epochs.size(), 1U);
  EXPECT_EQ(result.epochs[0].number, 1);
  EXPECT_EQ(result.epochs[0].learning_rate, 0.5);
  EXPECT_EQ(result.epochs[0].train_loss, 2);
  EXPECT_EQ(result.epochs[0].validation_top1, 0.25);
  EXPECT_EQ(result.best_epoch, 1);
  EXPECT_EQ(result.network.allocator, made.quantization.networks.front().allocator);
}

}  // namespace
}  // namespace ompq::api
