// The published results, recomputed: sizes, BOPs and the post-training allocations.
#include <cmath>
#include <fstream>
#include <numeric>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "allocation/paper_networks.h"
#include "ompq/allocation/allocators.h"
#include "ompq/allocation/cost_model.h"
#include "ompq/core/error.h"
#include "support/paths.h"

namespace ompq::allocation {
namespace {

constexpr double kMiB = 1048576.0;

nlohmann::json published(const std::filesystem::path& shared) {
  return nlohmann::json::parse(std::ifstream(shared / "golden" / "published.json"));
}

std::vector<LayerCost> layers_of(const std::string& model, bool folded) {
  if (model == "resnet18") return testing::resnet18_layers(folded);
  if (model == "resnet50") return testing::resnet50_layers(folded);
  return testing::mobilenetv2_layers(folded);
}

/// The reference's list for ResNet-50 counts two layers wrongly: the first 1 x 1 convolution of the
/// first stage with the 256 outputs of the shortcut next to it rather than its own 64, and the
/// classifier with ResNet-18's 512 inputs rather than 2048. The published BOPs hold both.
void count_as_the_reference(const std::string& model, std::vector<LayerCost>& layers) {
  if (model != "resnet50") return;
  layers[1].macs *= 4;
  layers[1].output_elements *= 4;
  layers.back().macs /= 4;
}

/// Sum over every decision, followers included, in decision order.
template <typename Count>
std::vector<std::int64_t> per_decision(const std::vector<LayerCost>& layers, Count count) {
  std::vector<std::int64_t> sums;
  for (const DecisionItem& item : decision_items(layers)) {
    std::int64_t sum = 0;
    for (const std::size_t l : item.layers) sum += count(layers[l]);
    sums.push_back(sum);
  }
  return sums;
}

void expect_counts(std::vector<std::int64_t> got,
                   const nlohmann::json& expected,
                   std::int64_t expected_first_last,
                   bool training) {
  if (training) {
    EXPECT_EQ(got.front() + got.back(), expected_first_last);
    got.erase(got.begin());
    got.pop_back();
  }
  ASSERT_EQ(got.size(), expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    ASSERT_EQ(static_cast<double>(got[i]), expected[i].get<double>()) << "decision " << i;
  }
}

TEST(CostModel, CountsTheParametersOfThePublishedNetworksFoldedOrNot) {
  OMPQ_SHARED_OR_SKIP(shared);
  const auto golden = published(shared);
  for (const auto& [name, model] : golden.at("models").items()) {
    for (const bool folded : {false, true}) {
      SCOPED_TRACE(name + (folded ? ", folded" : ""));
      const auto layers = layers_of(name.substr(0, name.find('/')), folded);
      expect_counts(per_decision(layers, paper_parameters),
                    model.at("params"),
                    model.at("first_last_params"),
                    name.ends_with("QAT"));
    }
  }
}

TEST(CostModel, CountsTheMacsOfThePublishedNetworks) {
  OMPQ_SHARED_OR_SKIP(shared);
  const auto golden = published(shared);
  for (const auto& [name, model] : golden.at("models").items()) {
    SCOPED_TRACE(name);
    const MacCount rule =
        name.starts_with("mobilenetv2") ? MacCount::FlopLinear : MacCount::Reference;
    const std::string network = name.substr(0, name.find('/'));
    auto layers = layers_of(network, false);
    count_as_the_reference(network, layers);
    const auto count = [&](const LayerCost& layer) { return counted_macs(layer, rule); };
    expect_counts(per_decision(layers, count),
                  model.at("macs_reference"),
                  model.at("first_last_macs_reference").get<std::int64_t>(),
                  name.ends_with("QAT"));
  }
}

/// One width per layer from one per decision; `fixed` for the first and the last one if it is > 0.
std::vector<int> spread(const std::vector<LayerCost>& layers, std::vector<int> widths, int fixed) {
  if (fixed > 0) {
    widths.insert(widths.begin(), fixed);
    widths.push_back(fixed);
  }
  std::vector<int> per_layer(layers.size(), 0);
  const auto items = decision_items(layers);
  EXPECT_EQ(items.size(), widths.size());
  for (std::size_t i = 0; i < items.size(); ++i) {
    for (const std::size_t l : items[i].layers) per_layer[l] = widths[i];
  }
  return per_layer;
}

TEST(CostModel, GivesAllFifteenPublishedSizesAndFiveBops) {
  OMPQ_SHARED_OR_SKIP(shared);
  int sizes = 0;
  int bops = 0;
  const auto golden = published(shared);
  for (const auto& row : golden.at("published")) {
    const std::string model = row.at("model");
    SCOPED_TRACE(model + " " + row.at("scheme").get<std::string>() + " " +
                 row.at("published_size").dump());
    const bool training = row.at("scheme") == "QAT";
    auto layers = layers_of(model, false);
    count_as_the_reference(model, layers);
    CostOptions options;
    options.accounting = Accounting::Paper;
    options.mac_count = MacCount::Reference;
    const auto weights = spread(layers, row.at("weight_bits"), training ? 8 : 0);
    const auto decisions = row.at("weight_bits").size();
    const int activation_bits = row.value("activation_bits", 8);
    const auto activations =
        spread(layers, std::vector<int>(decisions, activation_bits), training ? 8 : 0);
    const Cost cost = total_cost(layers, weights, activations, options);
    EXPECT_NEAR(static_cast<double>(cost.bytes),
                row.at("size_mib").get<double>() * kMiB,
                1.0);  // golden sizes are not rounded to whole bytes
    EXPECT_NEAR(
        static_cast<double>(cost.bytes) / kMiB, row.at("published_size").get<double>(), 0.05);
    ++sizes;
    if (!row.contains("bops_g")) continue;
    EXPECT_NEAR(static_cast<double>(cost.bops), row.at("bops_g").get<double>() * 1e9, 1.0);
    EXPECT_NEAR(
        static_cast<double>(cost.bops) / 1e9, row.at("published_bops_g").get<double>(), 0.6);
    ++bops;
  }
  EXPECT_EQ(sizes, 15);
  EXPECT_EQ(bops, 5);
}

TEST(Projection, ReproducesNinePublishedListsAndTheTenthButForOneLayer) {
  OMPQ_SHARED_OR_SKIP(shared);
  const auto golden = published(shared);
  int exact = 0;
  int lists = 0;
  for (const auto& row : golden.at("published")) {
    if (row.at("scheme") != "PTQ") continue;
    const std::string model = row.at("model");
    SCOPED_TRACE(model + " " + row.at("published_size").dump());
    AllocationRequest request;
    request.layers = layers_of(model, false);
    apply_scheme(request, Scheme::PaperPtq);
    request.budget.bytes =
        static_cast<std::int64_t>(std::floor(row.at("published_size").get<double>() * kMiB));
    request.rounding = model == "resnet18" ? Rounding::DepthFirst : Rounding::Nearest;
    const Allocation got = allocator("projection").allocate(request);
    const auto expected = row.at("weight_bits").get<std::vector<int>>();
    const auto items = decision_items(request.layers);
    ASSERT_EQ(items.size(), expected.size());
    std::size_t equal = 0;
    for (std::size_t i = 0; i < items.size(); ++i) {
      equal += got.weight_bits[items[i].leader] == expected[i] ? 1 : 0;
    }
    EXPECT_EQ(equal, row.at("projection_matches").get<std::size_t>());
    exact += equal == expected.size() ? 1 : 0;
    ++lists;
    EXPECT_EQ(got.solution.status, Status::Rounded);
    if (request.rounding == Rounding::DepthFirst) {
      EXPECT_TRUE(got.solution.within_budget);
    }
  }
  EXPECT_EQ(lists, 10);
  EXPECT_EQ(exact, 9);
}

TEST(Projection, SaysWhenNearestRoundingExceedsTheBudget) {
  AllocationRequest request;
  request.layers = testing::mobilenetv2_layers();
  apply_scheme(request, Scheme::PaperPtq);
  request.budget.bytes = static_cast<std::int64_t>(1.5 * kMiB);
  request.rounding = Rounding::Nearest;
  const Allocation nearest = allocator("projection").allocate(request);
  EXPECT_FALSE(nearest.solution.within_budget);  // as published: 1.5185 MiB
  EXPECT_GT(nearest.cost.bytes, *request.budget.bytes);
  request.rounding = Rounding::DepthFirst;
  const Allocation depth_first = allocator("projection").allocate(request);
  EXPECT_TRUE(depth_first.solution.within_budget);
  EXPECT_LE(depth_first.cost.bytes, *request.budget.bytes);
}

}  // namespace
}  // namespace ompq::allocation
