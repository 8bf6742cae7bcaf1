#include "ompq/allocation/problem.h"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <set>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "allocation/six_layers.h"
#include "ompq/core/error.h"

namespace ompq::allocation {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Eleven layers of 2,127,739 weights at 2, 3 or 4 bits, without a budget.
Problem equal_layers() {
  Problem problem;
  for (int i = 0; i < 11; ++i) {
    Item item{"layer", 1, {2, 3, 4}, {0, 1, 2}, {{}}};
    for (const int width : item.widths) item.costs[0].push_back(width * 2127739);
    problem.items.push_back(item);
  }
  return problem;
}

/// Two items under two budgets.
Problem two_budgets() {
  Problem problem;
  problem.constraints = {{Quantity::SizeBits, 10, 3, 0}, {Quantity::Bops, 10, 0, 0}};
  problem.items.push_back({"a", 1, {2, 3}, {1, 2}, {{1, 4}, {5, 6}}});
  problem.items.push_back({"b", 1, {2, 4}, {10, 20}, {{2, 3}, {0, 4}}});
  return problem;
}

TEST(Problem, AddsUpCostsWithTheBaseAndValues) {
  const Problem problem = two_budgets();
  const std::vector<std::size_t> choice{1, 0};
  EXPECT_THAT(costs_of(problem, choice), ElementsAre(3 + 4 + 2, 6));
  EXPECT_EQ(objective_of(problem, choice), 12);
}

TEST(Problem, FitsIfEveryBudgetHolds) {
  const Problem problem = two_budgets();
  using Costs = std::vector<std::int64_t>;
  EXPECT_TRUE(fits(problem, Costs{10, 10}));
  EXPECT_FALSE(fits(problem, Costs{11, 10}));
  EXPECT_FALSE(fits(problem, Costs{10, 11}));
}

TEST(ValidateProblem, NamesTheLayerAndWhatIsWrong) {
  const auto message = [](auto change) {
    Problem problem = two_budgets();
    change(problem.items[1]);
    return message_of<ConfigError>([&] { validate(problem); });
  };
  EXPECT_EQ(message([](Item&) {}), "nothing was thrown");
  EXPECT_THAT(message([](Item& item) { item.values.clear(); }),
              HasSubstr("layer 'b' has no candidate widths; give at least one"));
  EXPECT_THAT(message([](Item& item) {
                item.widths = {4, 2};
              }),
              HasSubstr("layer 'b' has candidate widths that are not ascending: 4, 2"));
  EXPECT_THAT(message([](Item& item) { item.widths = {2, 2}; }), HasSubstr("not ascending: 2, 2"));
  EXPECT_THAT(message([](Item& item) { item.costs.pop_back(); }),
              HasSubstr("2 values for 2 widths and costs for 1 of 2 budgets"));
  EXPECT_THAT(message([](Item& item) { item.costs[0] = {1}; }), HasSubstr("1 costs for 2 widths"));
  EXPECT_THAT(message([](Item& item) { item.costs[1][0] = -5; }),
              HasSubstr("layer 'b' has the negative cost -5"));
  EXPECT_EQ(message([](Item& item) { item.widths.clear(); }), "nothing was thrown")
      << "options of merged decisions have no widths";
}

TEST(ValidateProblem, BlamesTheDataForALossThatIsNotFinite) {
  Problem problem = two_budgets();
  problem.items[1].values[1] = std::numeric_limits<double>::infinity();
  EXPECT_THAT(message_of<DataError>([&] { validate(problem); }),
              HasSubstr("layer 'b' has the loss inf at 4 bits, which is not finite"));
}

TEST(FormatQuantity, HasTheUnitOfItsQuantity) {
  const auto text = [](Quantity quantity, std::int64_t amount) {
    return format_quantity({.quantity = quantity, .weights = 1000}, amount);
  };
  EXPECT_EQ(text(Quantity::SizeBits, 8 * 5452595), "5.20 MiB");
  EXPECT_EQ(text(Quantity::WeightBits, 3000), "3.00 bits a weight");
  EXPECT_EQ(text(Quantity::Bops, 75'100'000'000), "75.10 GBOPs");
  EXPECT_EQ(text(Quantity::WeightBytes, 2048), "2.00 KiB of weights");
  EXPECT_EQ(text(Quantity::ActivationBytes, 1 << 20), "1.00 MiB of activations");
  EXPECT_EQ(text(Quantity::LatencyNs, 850'000), "850.0 us");
}

TEST(StatusNames, AreDifferent) {
  std::set<std::string_view> names;
  for (const Status status :
       {Status::Optimal, Status::TimeLimit, Status::Rounded, Status::Rule, Status::LocalSearch}) {
    EXPECT_TRUE(names.insert(name_of(status)).second) << name_of(status);
  }
  EXPECT_EQ(name_of(Status::Optimal), "optimal");
}

TEST(RequireFeasible, SaysTheLeastPossibleWhenNothingFits) {
  Problem problem = equal_layers();
  problem.constraints.push_back({Quantity::SizeBits, 43620762, 0, 0});  // 5.20 MiB
  try {
    require_feasible(problem);
    FAIL() << "an impossible budget was accepted";
  } catch (const InfeasibleBudget& error) {
    EXPECT_STREQ(error.what(),
                 "[allocation] budget 5.20 MiB is below the least possible 5.58 MiB (11 layers at "
                 "2 bits); raise the budget or allow 1-bit layers");
  }
}

TEST(RequireFeasible, SaysTheLeastPossibleInBitsAWeightAndInBops) {
  Problem problem = equal_layers();
  problem.constraints.push_back({Quantity::WeightBits, 11 * 2127739 * 3 / 2, 0, 11 * 2127739});
  try {
    require_feasible(problem);
    FAIL() << "1.5 bits from widths of 2 and more were accepted";
  } catch (const InfeasibleBudget& error) {
    EXPECT_THAT(error.what(),
                ::testing::HasSubstr("budget 1.50 bits a weight is below the least possible 2.00 "
                                     "bits a weight (11 layers at 2 bits)"));
  }
  problem.constraints = {{Quantity::Bops, 5000000, 1000000, 0}};
  try {
    require_feasible(problem);
    FAIL() << "too few BOPs were accepted";
  } catch (const InfeasibleBudget& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("GBOPs not decided"));
  }
}

TEST(RequireFeasible, AcceptsTheLeastPossible) {
  Problem problem = equal_layers();
  problem.constraints.push_back({Quantity::SizeBits, std::int64_t{11} * 2 * 2127739, 0, 0});
  EXPECT_NO_THROW(require_feasible(problem));
  --problem.constraints[0].limit;
  EXPECT_THAT(
      message_of<InfeasibleBudget>([&] { require_feasible(problem); }),
      HasSubstr("budget 5.58 MiB (46810257) is below the least possible 5.58 MiB (46810258)"))
      << "what prints alike is printed exactly";
}

}  // namespace
}  // namespace ompq::allocation
