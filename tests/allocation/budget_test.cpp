#include "ompq/allocation/budget.h"

#include <cstddef>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "allocation/six_layers.h"
#include "ompq/allocation/allocators.h"
#include "ompq/core/error.h"

namespace ompq::allocation {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

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
