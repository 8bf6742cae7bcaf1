#include "ompq/search/allocate.h"

#include <cstdint>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/allocation/allocators.h"
#include "ompq/allocation/cost_model.h"
#include "ompq/core/error.h"
#include "ompq/search/request_builder.h"
#include "pipeline/small_model.h"

namespace ompq::search {
namespace {

class AllocateTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::int64_t bytes(int bits) const {
    return size_.bytes(std::vector<int>(5, bits), std::vector<int>(5, 8));
  }
  [[nodiscard]] allocation::AllocationRequest request(std::int64_t limit) const {
    RequestOptions options;
    options.candidates = {2, 3, 4, 5, 6, 7, 8};
    options.budget.bytes = limit;
    return free_request(model_, options);
  }
  /// Solves by size-only and keeps the requests.
  [[nodiscard]] Solve recording(std::vector<allocation::AllocationRequest>& asked) const {
    return [&asked](const allocation::AllocationRequest& request) {
      asked.push_back(request);
      return allocation::allocator("size-only").allocate(request);
    };
  }

  pipeline::Model model_ = pipeline::small_model();
  pipeline::FileSize size_{model_, {}, {}};
};

TEST_F(AllocateTest, AnchorsTheCostModelAtTheFileOfMiddleWidths) {
  const allocation::AllocationRequest anchor = anchored(request(5000), size_);
  // Of 2..8 bits, 5 are in the middle.
  const std::vector<int> middle(5, 5);
  EXPECT_EQ(allocation::total_cost(anchor.layers, middle, {}, anchor.cost).bytes,
            size_.bytes(middle, std::vector<int>(5, 8)));
}

TEST_F(AllocateTest, DoesNotChangeAnotherAccounting) {
  allocation::AllocationRequest paper = request(5000);
  paper.cost.accounting = allocation::Accounting::Paper;
  paper.cost.fixed_bytes = 17;
  EXPECT_EQ(anchored(paper, size_).cost.fixed_bytes, 17);
  std::vector<allocation::AllocationRequest> asked;
  (void)allocate(recording(asked), paper, size_);
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_EQ(asked.front().budget.bytes, 5000);
}

TEST_F(AllocateTest, FitsTheFileIfAnAllocatorExceedsItsBudget) {
  std::vector<allocation::AllocationRequest> asked;
  // An allocator that exceeds its budget by 40 bytes.
  const Solve excessive = [&](allocation::AllocationRequest request) {
    asked.push_back(request);
    *request.budget.bytes += 40;
    return allocation::allocator("size-only").allocate(request);
  };
  for (std::int64_t limit = bytes(3); limit <= bytes(7); limit += (bytes(7) - bytes(3)) / 8) {
    asked.clear();
    const allocation::Allocation made = allocate(excessive, request(limit), size_);
    EXPECT_LE(size_.bytes(made), limit);
    EXPECT_LE(asked.size(), 9U) << limit;
    EXPECT_LE(*asked.back().budget.bytes, limit);
  }
}

/// In a file of a few kB, what unpacks codes of 3 bits takes more bytes than that of 4 bits.
TEST_F(AllocateTest, StartsFromTheSmallestWidthsIfTheModelOverstatesTheMiddleOnes) {
  allocation::AllocationRequest tight = request(bytes(4));
  tight.candidates = {2, 3, 4};
  std::vector<allocation::AllocationRequest> asked;
  const Solve solve = recording(asked);
  ASSERT_THROW((void)solve(anchored(tight, size_)), InfeasibleBudget) << "3 bits are not too large";
  asked.clear();
  const allocation::Allocation found = allocate(solve, tight, size_);
  EXPECT_LE(size_.bytes(found), bytes(4));
  ASSERT_GE(asked.size(), 2U);
  const allocation::AllocationRequest& second = asked[1];
  EXPECT_EQ(allocation::total_cost(second.layers, std::vector<int>(5, 2), {}, second.cost).bytes,
            bytes(2));
}

TEST_F(AllocateTest, UsesTheSmallestWidthsIfTheModelFindsNone) {
  const Solve none = [](const allocation::AllocationRequest&) -> allocation::Allocation {
    throw InfeasibleBudget("test", "the model is a few bytes off");
  };
  const allocation::Allocation min = allocate(none, request(bytes(2)), size_);
  EXPECT_THAT(min.weight_bits, ::testing::Each(2));
  EXPECT_EQ(min.cost.bytes, bytes(2));
  EXPECT_EQ(min.solution.solver, "least widths");
  EXPECT_THROW((void)allocate(none, request(bytes(2) - 1), size_), InfeasibleBudget);
}

}  // namespace
}  // namespace ompq::search
