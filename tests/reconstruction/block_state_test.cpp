#include "ompq/reconstruction/block_state.h"

#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"

namespace ompq::reconstruction {
namespace {

TEST(BlockState, IsReadFromItsBytes) {
  BlockState state{.name = "a block"};
  state.codes["w"] = {.params = {.bits = BitWidth(3),
                                 .symmetry = quant::Symmetry::Symmetric,
                                 .granularity = quant::Granularity::along(1),
                                 .scale = {0.5F, 0.25F},
                                 .zero_point = {4, 4}},
                      .shape = {3, 2},
                      .codes = {0, 1, 2, 3, 4, 7}};
  state.steps["x"] = 0.125F;
  state.report = {.name = "a block", .loss_before = 2.0, .iterations = 7, .kept_initial = true};
  const BlockState read = block_state_from(to_bytes(state));
  EXPECT_EQ(read.name, state.name);
  EXPECT_EQ(read.codes.at("w").codes, state.codes.at("w").codes);
  EXPECT_EQ(read.codes.at("w").shape, state.codes.at("w").shape);
  EXPECT_EQ(read.codes.at("w").params.scale, state.codes.at("w").params.scale);
  EXPECT_EQ(read.codes.at("w").params.granularity, state.codes.at("w").params.granularity);
  EXPECT_EQ(read.steps, state.steps);
  EXPECT_EQ(read.report.loss_before, 2.0);
  EXPECT_EQ(read.report.iterations, 7);
  EXPECT_TRUE(read.report.kept_initial);
}

TEST(BlockState, RejectsTruncatedAndLongerBytes) {
  const std::string bytes = to_bytes({.name = "a block"});
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_THROW((void)block_state_from(std::string_view(bytes).substr(0, length)), DataError);
  }
  EXPECT_THROW((void)block_state_from(bytes + "x"), DataError);
}

}  // namespace
}  // namespace ompq::reconstruction
