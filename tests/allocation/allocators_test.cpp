#include "ompq/allocation/allocators.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "allocation/paper_networks.h"
#include "allocation/six_layers.h"
#include "ompq/core/error.h"

namespace ompq::allocation {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;

/// Losses that fall by about 4 a bit, more for small layers; nothing random.
std::vector<std::vector<double>> plausible_losses(const std::vector<LayerCost>& layers,
                                                  const std::vector<int>& candidates) {
  std::vector<std::vector<double>> losses;
  for (std::size_t l = 0; l < layers.size(); ++l) {
    auto& row = losses.emplace_back();
    const double sensitivity = (1.0 + static_cast<double>(l * 7 % 5)) /
                               std::sqrt(static_cast<double>(layers[l].weight_count));
    for (const int width : candidates) row.push_back(sensitivity * std::pow(0.25, width));
  }
  return losses;
}

AllocationRequest resnet_request(double average_bits) {
  AllocationRequest request;
  request.layers = testing::resnet18_layers();
  request.cost.accounting = Accounting::Paper;
  request.budget.average_bits = average_bits;
  request.loss = plausible_losses(request.layers, request.candidates);
  for (std::size_t i = 0; i < decision_items(request.layers).size(); ++i) {
    request.coefficients.push_back(1.0 + 0.01 * static_cast<double>(i * 5 % 7));
  }
  return request;
}

double total_loss(const AllocationRequest& request, const Allocation& allocation) {
  double sum = 0;
  for (std::size_t l = 0; l < request.layers.size(); ++l) {
    const auto at =
        std::find(request.candidates.begin(), request.candidates.end(), allocation.weight_bits[l]);
    sum += request.loss[l][static_cast<std::size_t>(at - request.candidates.begin())];
  }
  return sum;
}

TEST(Allocators, AllKeepTheBudgetTiesAndCandidates) {
  for (const Allocator& each : allocators()) {
    for (const double average : {2.0, 2.7, 3.0, 5.5, 8.0}) {
      SCOPED_TRACE(::testing::Message() << each.name << " at " << average);
      const AllocationRequest request = resnet_request(average);
      const Allocation got = each.allocate(request);
      EXPECT_LE(got.cost.average_bits, average + 1e-12);
      EXPECT_TRUE(got.solution.within_budget);
      EXPECT_THAT(got.weight_bits, Each(::testing::AllOf(::testing::Ge(2), ::testing::Le(8))));
      for (std::size_t l = 0; l < request.layers.size(); ++l) {
        if (request.layers[l].tied_to == kUntied) continue;
        EXPECT_EQ(got.weight_bits[l],
                  got.weight_bits[static_cast<std::size_t>(request.layers[l].tied_to)])
            << "layer " << l;
      }
      EXPECT_THAT(got.activation_bits, Each(8));
      EXPECT_FALSE(got.solution.solver.empty());
    }
  }
}

TEST(Allocators, HaveDifferentNamesAndAreFoundByThem) {
  std::set<std::string_view> names;
  for (const Allocator& each : allocators()) {
    EXPECT_TRUE(names.insert(each.name).second) << each.name;
    EXPECT_EQ(&allocator(each.name), &each);
    EXPECT_FALSE(each.summary.empty()) << each.name;
  }
  EXPECT_EQ(allocators().front().name, "integer") << "the default stands first";
  try {
    (void)allocator("magic");
    FAIL() << "an unknown allocator was found";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(),
                HasSubstr("unknown allocator 'magic'; known are integer, pairwise, orm,"));
  }
}

TEST(Integer, LosesLeastOfAllAllocators) {
  for (const double average : {2.5, 3.0, 4.2}) {
    const AllocationRequest request = resnet_request(average);
    const double best = total_loss(request, allocator("integer").allocate(request));
    for (const Allocator& each : allocators()) {
      const double loss = total_loss(request, each.allocate(request));
      EXPECT_GE(loss, best * (1 - 1e-12)) << each.name << " at " << average;
    }
  }
}

TEST(Integer, NeedsALossForEveryLayerAndWidth) {
  AllocationRequest request = resnet_request(3);
  request.loss.pop_back();
  EXPECT_THROW((void)allocator("integer").allocate(request), ConfigError);
  request.loss = {};
  try {
    (void)allocator("integer").allocate(request);
    FAIL() << "no losses were accepted";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("must have 21 rows (layers)"));
  }
}

TEST(Orm, RoundsTheLinearOptimumThatTheIntegerOneLiesBelow) {
  for (const double average : {2.3, 2.9, 3.4}) {
    AllocationRequest request = resnet_request(average);
    request.candidates = {2, 3, 4};
    const Allocation linear = allocator("orm").allocate(request);
    const Allocation integer = allocator("orm-ilp").allocate(request);
    const double slack = 1e-9 * linear.solution.bound;
    EXPECT_LE(integer.solution.objective, linear.solution.bound + slack) << average;
    EXPECT_GE(integer.solution.objective, linear.solution.objective - slack) << average;
    EXPECT_EQ(linear.solution.status, Status::Rounded);
    EXPECT_EQ(integer.solution.status, Status::Optimal);
    EXPECT_EQ(linear.solution.continuous.size(), 18U);
  }
}

TEST(Orm, SaysThatNothingIsLeftToMaximizeWhenThetaUnderflows) {
  AllocationRequest request = resnet_request(3);
  std::fill(request.coefficients.begin(), request.coefficients.end(), 0.0);
  for (const char* name : {"orm", "orm-ilp"}) {
    try {
      (void)allocator(name).allocate(request);
      FAIL() << name << " maximized zero";
    } catch (const ConfigError& error) {
      EXPECT_THAT(error.what(), HasSubstr("choose a smaller beta"));
    }
  }
}

TEST(Uniform, IsExactlyTheAverage) {
  for (int width = 2; width <= 8; ++width) {
    const Allocation got = allocator("uniform").allocate(resnet_request(width));
    EXPECT_THAT(got.weight_bits, Each(width));
    EXPECT_DOUBLE_EQ(got.cost.average_bits, width);
  }
  EXPECT_THAT(allocator("uniform").allocate(resnet_request(3.99)).weight_bits, Each(3));
}

TEST(SizeOnly, HasAtLeastTheTotalWidthOfAnyOther) {
  const AllocationRequest request = resnet_request(3.3);
  const auto total = [&](const Allocation& allocation) {
    int sum = 0;
    for (const DecisionItem& item : decision_items(request.layers)) {
      sum += allocation.weight_bits[item.leader];
    }
    return sum;
  };
  const int max = total(allocator("size-only").allocate(request));
  for (const Allocator& each : allocators())
    EXPECT_LE(total(each.allocate(request)), max) << each.name;
}

TEST(Schemes, FixTheFirstAndLastLayerForTraining) {
  AllocationRequest request = resnet_request(6);
  request.cost.activation_bits = 6;
  apply_scheme(request, Scheme::PaperQat);
  const Allocation got = allocator("orm").allocate(request);
  for (const auto* bits : {&got.weight_bits, &got.activation_bits}) {
    EXPECT_EQ(bits->front(), 8);
    EXPECT_EQ(bits->back(), 8);
  }
  for (std::size_t l = 1; l + 1 < request.layers.size(); ++l) {
    EXPECT_GE(got.weight_bits[l], 4) << "layer " << l;
    EXPECT_LE(got.weight_bits[l], 8) << "layer " << l;
    EXPECT_EQ(got.activation_bits[l], 6) << "layer " << l;
  }
  EXPECT_EQ(got.solution.choice.size(), 16U);
  EXPECT_LE(got.cost.average_bits, 6);
}

TEST(Schemes, LetAllLayersTakePartAfterTraining) {
  AllocationRequest request = resnet_request(2.5);
  apply_scheme(request, Scheme::PaperPtq);
  EXPECT_EQ(request.candidates, (std::vector<int>{2, 3, 4}));
  EXPECT_EQ(request.cost.accounting, Accounting::Paper);
  EXPECT_EQ(allocator("orm").allocate(request).solution.choice.size(), 18U);
}

TEST(Budgets, HoldTogether) {
  AllocationRequest request = resnet_request(4);
  request.budget.bytes = 5 << 20;
  request.budget.bops = 45e9;
  for (const char* name : {"integer", "orm-ilp", "size-only", "uniform"}) {
    const Allocation got = allocator(name).allocate(request);
    EXPECT_LE(got.cost.average_bits, 4) << name;
    EXPECT_LE(got.cost.bytes, 5 << 20) << name;
    EXPECT_LE(got.cost.bops, 45e9) << name;
  }
}

TEST(Budgets, CompressionIsMeasuredAgainstTheFloatNetwork) {
  AllocationRequest request = resnet_request(4);
  request.budget = {.compression = 10};
  std::int64_t float_bytes = 0;
  for (const LayerCost& layer : request.layers) float_bytes += 4 * paper_parameters(layer);
  const Allocation paper = allocator("integer").allocate(request);
  EXPECT_LE(paper.cost.bytes, float_bytes / 10);
  EXPECT_GT(paper.cost.bytes, float_bytes / 10 * 99 / 100) << "the budget is used";
  request.cost.accounting = Accounting::Disk;
  EXPECT_THROW((void)allocator("integer").allocate(request), ConfigError)
      << "the file's size is not known";
  request.float_bytes = float_bytes;
  EXPECT_LE(allocator("integer").allocate(request).cost.bytes, float_bytes / 10);
}

TEST(Budgets, MustBeGivenAndPositive) {
  AllocationRequest request = resnet_request(3);
  for (const Budget& budget : {Budget{},
                               Budget{.bytes = 0},
                               Budget{.average_bits = -1},
                               Budget{.average_bits = std::nan("")},
                               Budget{.bops = 0}}) {
    request.budget = budget;
    EXPECT_THROW((void)allocator("uniform").allocate(request), ConfigError) << describe(budget);
  }
}

TEST(Budgets, SayTheLeastPossibleWithWhatIsFixed) {
  AllocationRequest request = resnet_request(3);
  request.cost = {.accounting = Accounting::Disk, .fixed_bytes = 300 * 1024};
  request.budget = {.bytes = 2 << 20};
  for (const Allocator& each : allocators()) {
    try {
      (void)each.allocate(request);
      FAIL() << each.name << " fitted 11.7 million weights into 2 MiB";
    } catch (const InfeasibleBudget& error) {
      EXPECT_THAT(error.what(),
                  HasSubstr("[allocation] budget 2.00 MiB is below the least possible 3.0"))
          << each.name;
      EXPECT_THAT(error.what(), HasSubstr("(21 layers at 2 bits, 300 KiB not decided)"))
          << each.name;
    }
  }
}

TEST(MakeModel, RefusesCandidatesThatAreNone) {
  for (const std::vector<int>& candidates :
       {std::vector<int>{}, {0, 2}, {2, 9}, {4, 3}, {2, 2, 3}}) {
    AllocationRequest request = resnet_request(4);
    request.candidates = candidates;
    EXPECT_THROW((void)make_model(request), ConfigError) << ::testing::PrintToString(candidates);
  }
  AllocationRequest request = resnet_request(8);
  request.layers.resize(2);
  request.layers[1].tied_to = kUntied;
  request.first_last_bits = 8;
  EXPECT_TRUE(make_model(request).decisions.empty()) << "the first and the last are fixed";
  request.layers.clear();
  EXPECT_THROW((void)make_model(request), ConfigError) << "there is no layer";
}

TEST(CostModel, CountsTheBytesOfAPackedFile) {
  const LayerCost layer{.name = "conv",
                        .weight_count = 27,
                        .norm_count = 20,
                        .out_channels = 10,
                        .macs = 1000,
                        .output_elements = 90,
                        .overhead_bytes = 123};
  CostOptions options;
  // 3 planes of 4 bytes, 10 scales of one byte, 10 biases of two that folding the batch norm makes,
  // the overhead.
  EXPECT_EQ(size_bits(layer, 3, options), 8 * (3 * 4 + 10 + 20 + 123));
  options.activation_bits = kFloatBits;  // and biases of four
  EXPECT_EQ(size_bits(layer, 3, options), 8 * (3 * 4 + 10 + 40 + 123));
  options.activation_bits = 8;
  options.zero_point_bits.fill(4);  // 10 of them in 8 bytes
  EXPECT_EQ(size_bits(layer, 3, options), 8 * (3 * 4 + 8 + 10 + 20 + 123));
  for (int bits = 1; bits <= kMaxBits; ++bits) {
    options.zero_point_bits.at(static_cast<std::size_t>(bits)) = bits;  // 37 codes
  }
  EXPECT_EQ(size_bits(layer, 3, options), 8 * (3 * 5 + 10 + 20 + 123));
  options.fixed_bytes = 1000;
  const Cost cost = total_cost(std::vector<LayerCost>{layer, layer},
                               std::vector<int>{3, 5},
                               std::vector<int>{8, 4},
                               options);
  EXPECT_EQ(cost.bytes, 1000 + (3 + 5) * 5 + 2 * (10 + 20 + 123));
  EXPECT_DOUBLE_EQ(cost.average_bits, 4.0);
  EXPECT_EQ(cost.bops, 1000 * (3 * 8 + 5 * 4));
  EXPECT_THROW((void)total_cost(std::vector<LayerCost>{layer}, std::vector<int>{3, 5}, {}, options),
               ShapeError);
}

TEST(DecisionItems, FollowTheLeadersOrderAndRefuseChains) {
  std::vector<LayerCost> layers(4);
  layers[0].tied_to = 2;
  const auto items = decision_items(layers);
  ASSERT_EQ(items.size(), 3U);
  EXPECT_EQ(items[0].leader, 1U);
  EXPECT_EQ(items[1].leader, 2U);
  EXPECT_EQ(items[1].layers, (std::vector<std::size_t>{0, 2}));
  layers[2].tied_to = 3;
  EXPECT_THROW((void)decision_items(layers), ConfigError) << "0 -> 2 -> 3";
  layers[2].tied_to = 17;
  EXPECT_THROW((void)decision_items(layers), ConfigError);
}

TEST(Allocators, AllRespectPinsExclusionsAndLists) {
  for (const Allocator& each : allocators()) {
    SCOPED_TRACE(each.name);
    AllocationRequest request = six_layers();
    request.coefficients.assign(5, 1.0);
    request.layers[3].tied_to = 2;
    request.layer_candidates = {{8}, {kFloatBits}, {}, {3, 5}, {}, {6}};
    request.loss[0] = request.loss[1] = request.loss[5] = {};
    request.loss[2] = request.loss[3] = {0.4, 0.1};
    request.budget.average_bits = 6;
    const Allocation got = each.allocate(request);
    EXPECT_EQ(got.weight_bits[0], 8);
    EXPECT_EQ(got.weight_bits[1], kFloatBits);
    EXPECT_THAT(got.weight_bits[2], ::testing::AnyOf(3, 5)) << "it follows the list of its tie";
    EXPECT_EQ(got.weight_bits[3], got.weight_bits[2]);
    EXPECT_EQ(got.weight_bits[5], 6);
    EXPECT_LE(got.cost.average_bits, 6);
    EXPECT_EQ(got.activation_bits[1], kFloatBits) << "an excluded layer reads floats";
    EXPECT_EQ(got.activation_bits[0], 8);
  }
}

TEST(Allocators, GiveTheOneAnswerWhereNothingIsLeftToDecide) {
  AllocationRequest request = six_layers();
  request.layer_candidates.assign(6, {4});
  request.layer_candidates[2] = {kFloatBits};
  request.coefficients.clear();
  request.loss.clear();
  for (const Allocator& one : allocators()) {
    SCOPED_TRACE(one.name);
    const Allocation got = one.allocate(request);
    EXPECT_EQ(got.weight_bits, (std::vector<int>{4, 4, kFloatBits, 4, 4, 4}));
    EXPECT_EQ(got.solution.status, Status::Optimal);
    EXPECT_TRUE(got.solution.within_budget);
    AllocationRequest tight = request;
    tight.budget = {.bytes = 1};
    EXPECT_THAT(message_of<InfeasibleBudget>([&] { (void)one.allocate(tight); }),
                HasSubstr("nothing is left to decide"));
  }
}

TEST(Uniform, ChoosesOneWidthForActivationsToo) {
  AllocationRequest request = six_layers();
  request.activations = {{"a", 10, {}}, {"b", 10, {}}};
  request.layers[0].activation = 0;
  request.layers[1].activation = request.layers[2].activation = 1;
  request.activation_candidates = {4, 8};
  request.budget = {.bops = 10000.0 * (3 * 5 * 4 + 3 * 5 * 8)};
  const Allocation got = allocator("uniform").allocate(request);
  EXPECT_LE(static_cast<double>(got.cost.bops), *request.budget.bops);
  EXPECT_THAT(got.weight_bits, Each(got.weight_bits[0]));
  EXPECT_EQ(got.tensor_bits[0], got.tensor_bits[1]);
}

TEST(Allocator, IsFoundByItsOldNameToo) {
  EXPECT_EQ(&allocator("output-error"), &allocator("integer"));
}

}  // namespace
}  // namespace ompq::allocation
