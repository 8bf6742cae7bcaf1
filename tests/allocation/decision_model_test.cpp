#include "ompq/allocation/decision_model.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "allocation/random_requests.h"
#include "ompq/allocation/allocators.h"
#include "ompq/allocation/pairwise.h"
#include "ompq/core/error.h"

namespace ompq::allocation {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::HasSubstr;
using testing::RequestRecipe;

AllocationRequest six_layers() {
  AllocationRequest request;
  for (int l = 0; l < 6; ++l) {
    LayerCost layer;
    layer.name = "conv" + std::to_string(l);
    layer.weight_count = 800 * (l + 1);
    layer.out_channels = 8;
    layer.macs = 10000;
    request.layers.push_back(layer);
    auto& row = request.loss.emplace_back();
    for (const int width : request.candidates) row.push_back((l + 1) * std::pow(0.25, width));
  }
  request.budget.average_bits = 4;
  return request;
}

template <typename Kind, typename Do>
std::string message_of(Do what) {
  try {
    what();
  } catch (const Kind& error) {
    return error.what();
  }
  return "nothing was thrown";
}

/// Adding up doubles in another order differs by no more than this.
double slack(double value) { return 1e-9 * std::max(std::abs(value), 1.0); }

void expect_least(const RequestRecipe& recipe, std::uint64_t first_seed, int instances) {
  int feasible = 0;
  for (std::uint64_t seed = first_seed; seed < first_seed + static_cast<std::uint64_t>(instances);
       ++seed) {
    Random random(seed);
    const AllocationRequest request = testing::random_request(recipe, random);
    const auto expected = testing::least_loss(request, recipe.pairs);
    try {
      const Allocation got =
          recipe.pairs ? solve_pairwise(request) : allocator("integer").allocate(request);
      ASSERT_TRUE(expected) << "seed " << seed << ": something fits where nothing should";
      ASSERT_TRUE(testing::holds(request, got.cost)) << "seed " << seed;
      const double loss = testing::loss_of(request, got.weight_bits, got.tensor_bits, recipe.pairs);
      ASSERT_NEAR(loss, *expected, slack(*expected)) << "seed " << seed;
      ASSERT_EQ(got.solution.status, Status::Optimal) << "seed " << seed;
      ASSERT_EQ(got.activation_bits, testing::activation_bits_of(request, got.tensor_bits));
      ++feasible;
    } catch (const InfeasibleBudget& error) {
      ASSERT_FALSE(expected) << "seed " << seed << ": " << error.what();
    }
  }
  EXPECT_GT(feasible, instances / 3) << "most instances must say something";
}

TEST(Integer, EqualsBruteForceUnderOneToFourBudgets) {
  for (int budgets = 1; budgets <= 4; ++budgets) {
    SCOPED_TRACE(budgets);
    expect_least({.layers = 6, .budgets = budgets, .ties = true}, 100, 60);
  }
}

TEST(Integer, EqualsBruteForceWithCandidatesOfSingleLayers) {
  for (int budgets = 1; budgets <= 3; ++budgets) {
    SCOPED_TRACE(budgets);
    expect_least({.layers = 6, .budgets = budgets, .own_lists = true, .ties = true}, 300, 60);
  }
}

TEST(Integer, EqualsBruteForceWithActivationWidths) {
  for (int budgets = 1; budgets <= 4; ++budgets) {
    SCOPED_TRACE(budgets);
    expect_least({.layers = 5, .budgets = budgets, .ties = true, .activations = true}, 500, 60);
  }
}

TEST(Integer, EqualsBruteForceWithEverythingAtOnce) {
  expect_least(
      {.layers = 5, .budgets = 4, .own_lists = true, .ties = true, .activations = true}, 700, 80);
}

TEST(Pairwise, EqualsBruteForce) {
  for (int budgets = 1; budgets <= 3; ++budgets) {
    SCOPED_TRACE(budgets);
    expect_least(
        {.layers = 5, .budgets = budgets, .own_lists = true, .ties = true, .pairs = true}, 900, 50);
    expect_least({.layers = 4, .budgets = budgets, .activations = true, .pairs = true}, 950, 40);
  }
}

TEST(Pairwise, BoundsTheOptimumWhereBlocksAreTooLargeToJoin) {
  int searched = 0;
  for (std::uint64_t seed = 1000; seed < 1060; ++seed) {
    Random random(seed);
    const AllocationRequest request =
        testing::random_request({.layers = 6, .budgets = 2, .pairs = true}, random);
    const auto expected = testing::least_loss(request, true);
    if (!expected) continue;
    const Allocation got = solve_pairwise(request, 9);  // two layers of three widths
    EXPECT_TRUE(testing::holds(request, got.cost)) << "seed " << seed;
    const double loss = testing::loss_of(request, got.weight_bits, got.tensor_bits, true);
    EXPECT_NEAR(got.solution.objective, loss, slack(loss)) << "seed " << seed;
    EXPECT_GE(loss, *expected - slack(*expected)) << "seed " << seed;
    EXPECT_LE(got.solution.bound, *expected + slack(*expected)) << "seed " << seed;
    if (got.solution.status == Status::Optimal) {
      EXPECT_NEAR(loss, *expected, slack(loss));
    }
    searched += got.solution.solver == "pairwise-search" ? 1 : 0;
  }
  EXPECT_GT(searched, 30);
}

TEST(Pairwise, IsTheIntegerProgramWithoutPairs) {
  const AllocationRequest request = six_layers();
  EXPECT_EQ(solve_pairwise(request).weight_bits,
            allocator("integer").allocate(request).weight_bits);
}

TEST(Pairwise, RefusesPairsThatAreNone) {
  AllocationRequest request = six_layers();
  request.pairs = {{0, 6, {}}};
  EXPECT_THROW((void)solve_pairwise(request), ConfigError);
  request.pairs = {{2, 2, {}}};
  EXPECT_THROW((void)solve_pairwise(request), ConfigError);
  request.pairs = {{0, 1, {{1.0}}}};
  EXPECT_THAT(message_of<ConfigError>([&] { (void)solve_pairwise(request); }),
              HasSubstr("the pair loss of 'conv0' and 'conv1' must have 7 rows of 7 values"));
}

TEST(DecisionModel, CostsWhatTheCostModelSays) {
  for (std::uint64_t seed = 1100; seed < 1130; ++seed) {
    Random random(seed);
    const AllocationRequest request = testing::random_request(
        {.layers = 5, .budgets = 4, .own_lists = true, .ties = true, .activations = true}, random);
    DecisionModel model;
    try {
      model = make_model(request);
    } catch (const ConfigError&) {
      continue;
    }
    DecisionChoice choice;
    for (const Decision& decision : model.decisions) {
      choice.push_back(random.below(decision.widths.size()));
    }
    const Allocation got = make_allocation(request, model, choice, {});
    EXPECT_EQ(choice_of(model, request, got), choice);
    const auto costs = costs_of(model, choice);
    std::int64_t peak = 0;
    for (std::size_t k = 0; k < costs.size(); ++k) {
      switch (model.constraints[k].quantity) {
        case Quantity::SizeBits:
          EXPECT_EQ((costs[k] + 7) / 8, got.cost.bytes);
          break;
        case Quantity::WeightBits:
          EXPECT_NEAR(static_cast<double>(costs[k]) / static_cast<double>(std::max<std::int64_t>(
                                                          model.constraints[k].weights, 1)),
                      got.cost.average_bits,
                      1e-12 * got.cost.average_bits);
          break;
        case Quantity::Bops:
          EXPECT_EQ(costs[k], got.cost.bops);
          break;
        case Quantity::WeightBytes:
          EXPECT_EQ(costs[k], got.cost.weight_bytes);
          break;
        case Quantity::LatencyNs:
          EXPECT_DOUBLE_EQ(static_cast<double>(costs[k]) / 1e3, *got.cost.latency_us);
          break;
        case Quantity::ActivationBytes:
          peak = std::max(peak, costs[k]);
          EXPECT_LE(costs[k], *got.cost.activation_bytes);
          break;
      }
    }
    if (request.budget.activation_bytes) {
      EXPECT_EQ(peak, *got.cost.activation_bytes)
          << "the worst moment is among those that are kept";
    }
  }
}

TEST(Integer, IgnoresTheOrderOfLayers) {
  for (std::uint64_t seed = 1200; seed < 1230; ++seed) {
    Random random(seed);
    const AllocationRequest before = testing::random_request(
        {.layers = 6, .budgets = 2, .own_lists = true, .activations = true}, random);
    if (!testing::least_loss(before, false)) continue;
    std::vector<std::size_t> order(before.layers.size());
    for (std::size_t l = 0; l < order.size(); ++l) order[l] = l;
    random.shuffle(order);
    AllocationRequest after = before;
    for (std::size_t l = 0; l < order.size(); ++l) {
      after.layers[l] = before.layers[order[l]];
      after.layer_candidates[l] = before.layer_candidates[order[l]];
      after.loss[l] = before.loss[order[l]];
    }
    const Allocation one = allocator("integer").allocate(before);
    const Allocation other = allocator("integer").allocate(after);
    EXPECT_NEAR(one.solution.objective, other.solution.objective, slack(one.solution.objective));
    for (std::size_t l = 0; l < order.size(); ++l) {  // random losses: the optimum is unique
      EXPECT_EQ(other.weight_bits[l], one.weight_bits[order[l]]) << "seed " << seed;
    }
    EXPECT_EQ(other.tensor_bits, one.tensor_bits) << "seed " << seed;
  }
}

TEST(Integer, NeverGetsWorseWithMoreOfAnyBudget) {
  for (std::uint64_t seed = 1300; seed < 1310; ++seed) {
    Random random(seed);
    AllocationRequest request = testing::random_request(
        {.layers = 9, .budgets = 2, .own_lists = true, .ties = true}, random);
    double before = HUGE_VAL;
    for (int step = 0; step < 12; ++step) {
      try {
        const Allocation got = allocator("integer").allocate(request);
        EXPECT_LE(got.solution.objective, before + slack(before)) << "seed " << seed;
        EXPECT_TRUE(testing::holds(request, got.cost));
        before = got.solution.objective;
      } catch (const InfeasibleBudget&) {
        EXPECT_EQ(before, HUGE_VAL) << "seed " << seed << ": what fitted fits no more";
      }
      if (step % 2 == 0) *request.budget.bytes += *request.budget.bytes / 20;
      if (step % 2 == 1) *request.budget.bops *= 1.05;
    }
  }
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

TEST(CostModel, CountsFloatLayersAsFourBytesAndNotInTheAverage) {
  AllocationRequest request = six_layers();
  const std::vector<int> weights{kFloatBits, 4, 4, 4, 4, 4};
  const std::vector<int> activations{kFloatBits, 8, 8, 8, 8, 8};
  const Cost cost = cost_of_widths(request, weights, activations, {});
  EXPECT_DOUBLE_EQ(cost.average_bits, 4);
  EXPECT_EQ(cost.weight_bytes, 4 * 800 + (2 + 3 + 4 + 5 + 6) * 400);
  EXPECT_EQ(cost.bytes, cost.weight_bytes + 5 * 8) << "no scales for floats";
  EXPECT_EQ(cost.bops, 10000 * (32 * 32 + 5 * 4 * 8));
}

TEST(Candidates, OfTheFirstAndLastLayerYieldToTheirOwnLists) {
  AllocationRequest request = six_layers();
  request.first_last_bits = 8;
  EXPECT_EQ(candidates_of(request, 0), std::vector<int>{8});
  EXPECT_EQ(candidates_of(request, 1), request.candidates);
  EXPECT_EQ(candidates_of(request, 5), std::vector<int>{8});
  request.layer_candidates.resize(6);
  request.layer_candidates[5] = {4, 6};
  EXPECT_EQ(candidates_of(request, 5), (std::vector<int>{4, 6}));
}

TEST(Candidates, OfTiedLayersNeedSomethingInCommon) {
  AllocationRequest request = six_layers();
  request.layers[3].tied_to = 2;
  request.layer_candidates.resize(6);
  request.layer_candidates[2] = {2, 3, 4};
  request.layer_candidates[3] = {3, 4, 5};
  EXPECT_EQ(candidates_of(request, 2), (std::vector<int>{3, 4}));
  EXPECT_EQ(candidates_of(request, 3), (std::vector<int>{3, 4}));
  request.layer_candidates[3] = {kFloatBits};
  EXPECT_THAT(message_of<ConfigError>([&] { (void)candidates_of(request); }),
              AllOf(HasSubstr("2,3,4 for 'conv2'"), HasSubstr("float for 'conv3'")));
}

TEST(Candidates, RefuseListsThatAreNone) {
  for (const std::vector<int>& list :
       std::vector<std::vector<int>>{{0}, {9}, {4, 3}, {4, 4}, {8, kFloatBits}}) {
    AllocationRequest request = six_layers();
    request.layer_candidates.resize(6);
    request.layer_candidates[1] = list;
    EXPECT_THAT(message_of<ConfigError>([&] { (void)make_model(request); }),
                HasSubstr("of layer 'conv1' must be ascending and in 1..8"))
        << ::testing::PrintToString(list);
  }
  AllocationRequest request = six_layers();
  request.layer_candidates.resize(5);
  EXPECT_THROW((void)make_model(request), ConfigError);
  request = six_layers();
  request.layers[2].activation = 0;
  EXPECT_THAT(message_of<ConfigError>([&] { (void)make_model(request); }),
              HasSubstr("layer 'conv2' reads activation 0 of 0"));
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

TEST(ActivationCandidates, FollowReadersAndFirstAndLast) {
  AllocationRequest request = six_layers();
  for (int t = 0; t < 4; ++t) request.activations.push_back({"t" + std::to_string(t), 100, {}});
  request.layers[0].activation = 0;
  request.layers[1].activation = 1;
  request.layers[2].activation = request.layers[3].activation = 2;
  request.layers[4].activation = 3;
  request.layer_candidates.resize(6);
  request.layer_candidates[1] = request.layer_candidates[2] = {kFloatBits};
  request.first_last_bits = 8;
  request.activation_candidates = {4, 6};
  request.activations[3].candidates = {5};
  EXPECT_EQ(activation_candidates_of(request),
            (std::vector<std::vector<int>>{{8}, {kFloatBits}, {4, 6}, {5}}));
  EXPECT_EQ(fixed_activation_bits(request)[5], 8);
  request.activation_candidates = {kFloatBits};
  EXPECT_EQ(activation_candidates_of(request)[0], std::vector<int>{kFloatBits});
}

TEST(ActivationCandidates, OfNetworkInputsHaveAWidthOfTheirOwn) {
  AllocationRequest request = six_layers();
  request.activations = {{"image", 100, {}, true}, {"t", 100, {}}, {"mask", 100, {}, true}};
  for (std::int32_t l = 0; l < 6; ++l) request.layers[static_cast<std::size_t>(l)].activation = 1;
  request.layers[0].activation = 0;
  request.layers[3].activation = 2;
  request.activation_candidates = {4};
  using Widths = std::vector<std::vector<int>>;
  EXPECT_EQ(activation_candidates_of(request), (Widths{{4}, {4}, {4}}));
  request.input_bits = 8;
  EXPECT_EQ(activation_candidates_of(request), (Widths{{8}, {4}, {8}}));
  EXPECT_THAT(widest_activation_bits(request), ::testing::ElementsAre(8, 4, 4, 8, 4, 4));
  request.first_last_bits = 6;
  EXPECT_EQ(activation_candidates_of(request), (Widths{{6}, {6}, {8}}));
  request.first_last_bits.reset();
  request.layer_candidates.resize(6);
  request.layer_candidates[0] = {kFloatBits};
  EXPECT_EQ(activation_candidates_of(request)[0], std::vector<int>{kFloatBits});
  request.layer_candidates.clear();
  request.activation_candidates = {kFloatBits};
  EXPECT_EQ(activation_candidates_of(request), (Widths(3, {kFloatBits})));
}

TEST(Integer, NeedsLossesOfActivationsThatItChooses) {
  AllocationRequest request = six_layers();
  request.activations = {{"t", 100, {4, 8}}};
  request.layers[0].activation = 0;
  EXPECT_THAT(message_of<ConfigError>([&] { (void)allocator("integer").allocate(request); }),
              HasSubstr("activation widths are chosen"));
  request.activation_loss = {{2.0, 1.0}};
  EXPECT_EQ(allocator("integer").allocate(request).tensor_bits, std::vector<int>{8});
}

TEST(Budgets, SayThatPinnedLayersAreTheReason) {
  AllocationRequest request = six_layers();
  request.layer_candidates.resize(6);
  request.layer_candidates[5] = {8};
  request.layer_candidates[1] = {6, 8};
  request.loss[1] = {0.2, 0.1};
  request.budget = {.average_bits = 3};
  EXPECT_THAT(
      message_of<InfeasibleBudget>([&] { (void)allocator("integer").allocate(request); }),
      AllOf(
          HasSubstr("budget 3.00 bits a weight is below the least possible"),
          HasSubstr("; pinned, excluded or restricted layers need 2.10 bits a weight more than the "
                    "common candidates would ('conv5' the most): relax them or raise the budget")));
  request.budget = {.average_bits = 1.5};
  EXPECT_THAT(message_of<InfeasibleBudget>([&] { (void)allocator("integer").allocate(request); }),
              HasSubstr("; among other things, pinned"));
}

TEST(Budgets, SayTheLeastPeakOfActivations) {
  AllocationRequest request = six_layers();
  for (int t = 0; t < 3; ++t) request.activations.push_back({"t" + std::to_string(t), 1000, {}});
  request.activation_candidates = {4, 8};
  request.activation_loss.assign(3, {1.0, 0.5});
  request.live_sets = {{{0}, 100}, {{0, 1}, 0}, {{1, 2}, 300}};
  request.budget = {.average_bits = 4, .activation_bytes = 1200};
  EXPECT_THAT(message_of<InfeasibleBudget>([&] { (void)allocator("integer").allocate(request); }),
              AllOf(HasSubstr("budget 1.17 KiB of activations is below the least possible 1.27 KiB "
                              "of activations (2 tensors at 4 bits"),
                    HasSubstr("allow narrower activations")));
  request.budget.activation_bytes = 1850;
  const Allocation got = allocator("integer").allocate(request);
  EXPECT_EQ(got.cost.activation_bytes, 1800);
  EXPECT_EQ(got.tensor_bits[1] + got.tensor_bits[2], 12) << "one of the two gives way";
  request.activation_candidates = {8};
  request.activation_loss = {};
  EXPECT_THAT(message_of<InfeasibleBudget>([&] { (void)allocator("integer").allocate(request); }),
              HasSubstr("nothing is left to decide"));
  request.live_sets = {};
  EXPECT_THROW((void)allocator("integer").allocate(request), ConfigError);
}

TEST(Budgets, SayWhichOfSeveralWouldDo) {
  AllocationRequest request = six_layers();
  request.candidates = {2, 8};
  for (auto& row : request.loss) row = {1.0, 0.5};
  for (std::size_t l = 0; l < 6; ++l) {
    auto& entries = request.latency.layers.emplace_back();
    entries = {{2, 8, 9000}, {8, 8, 1000}};  // narrow weights are slow here
  }
  request.budget = {.average_bits = 4, .latency_us = 7};
  const std::string message =
      message_of<InfeasibleBudget>([&] { (void)allocator("integer").allocate(request); });
  EXPECT_THAT(message,
              AllOf(HasSubstr("no choice of widths meets all budgets; with the others unchanged, "
                              "8.00 bits a weight instead of 4.00 bits a weight, or "),
                    HasSubstr(" instead of 7.0 us would be feasible")));
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

TEST(RandomAllocator, IsFeasibleSpendsTheBudgetAndFollowsTheSeed) {
  int different = 0;
  for (std::uint64_t seed = 1400; seed < 1430; ++seed) {
    Random random(seed);
    AllocationRequest request = testing::random_request(
        {.layers = 6, .budgets = 4, .own_lists = true, .ties = true, .activations = true}, random);
    try {
      const DecisionModel model = make_model(request);
      request.seed = 1;
      const Allocation got = allocator("random").allocate(request);
      EXPECT_TRUE(testing::holds(request, got.cost)) << "seed " << seed;
      EXPECT_EQ(allocator("random").allocate(request).weight_bits, got.weight_bits);
      const DecisionChoice choice = choice_of(model, request, got);
      for (std::size_t d = 0; d < choice.size(); ++d) {
        for (std::size_t j = choice[d] + 1; j < model.decisions[d].widths.size(); ++j) {
          DecisionChoice wider = choice;
          wider[d] = j;
          EXPECT_FALSE(fits(model, costs_of(model, wider))) << "seed " << seed << ": it has room";
        }
      }
      request.seed = 2;
      const Allocation other = allocator("random").allocate(request);
      different += other.weight_bits != got.weight_bits ? 1 : 0;
    } catch (const InfeasibleBudget&) {
    } catch (const ConfigError&) {
    }
  }
  EXPECT_GT(different, 5);
}

TEST(Allocator, IsFoundByItsOldNameToo) {
  EXPECT_EQ(&allocator("output-error"), &allocator("integer"));
}

TEST(Budget, NamesTheNumberThatIsNone) {
  EXPECT_THAT(message_of<ConfigError>([] { validate(Budget{}); }), HasSubstr("no budget"));
  EXPECT_THAT(message_of<ConfigError>([] { validate(Budget{.latency_us = -1}); }),
              HasSubstr("latency in microseconds is -1"));
  EXPECT_THAT(message_of<ConfigError>([] { validate(Budget{.activation_bytes = 0}); }),
              HasSubstr("bytes of activations is 0"));
  EXPECT_EQ(describe(Budget{.weight_bytes = 2048, .activation_bytes = 1 << 20, .latency_us = 850}),
            "2.00 KiB of weights, 1.00 MiB of activations, 850 us");
}

TEST(Budget, IsWrittenExactlyByTheNamesOfItsOptions) {
  EXPECT_EQ(exact_text(Budget{}), "");
  EXPECT_EQ(exact_text(Budget{.bytes = 1572865, .average_bits = 3.3}), "size=1572865 avg-bits=3.3");
  EXPECT_EQ(exact_text(Budget{.compression = 10,
                              .bops = 7.5e10,
                              .weight_bytes = 2048,
                              .activation_bytes = 1 << 20,
                              .latency_us = 850.5}),
            "compression=10 bops=75000000000 weight-size=2048 act-size=1048576 latency=850.5");
}

}  // namespace
}  // namespace ompq::allocation
