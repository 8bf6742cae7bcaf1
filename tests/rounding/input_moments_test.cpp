#include "ompq/rounding/input_moments.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "rounding/layer_cases.h"
#include "support/graph_builder.h"

namespace ompq::rounding {
namespace {

graph::Graph fully_connected() {
  testing::GraphBuilder builder("fc");
  const auto x = builder.input("x", {graph::Dim::batch(), graph::Dim::fixed(6)});
  return builder.finish({builder.gemm("fc", x, 4)});
}

std::vector<float> cached_row(const SampleCache& cache, std::int64_t row) {
  std::vector<float> values(static_cast<std::size_t>(cache.cols()));
  cache.read(row, values);
  return values;
}

TEST(InputMoments, AreMeansOverTheSamples) {
  const cases::OneLayer one(fully_connected(), 40, 0.3);
  const auto parts = input_moments(one.graph, one.layer, one.inputs(), {});
  ASSERT_EQ(parts.size(), 1U);
  const InputMoments& found = parts.front();
  EXPECT_EQ(found.positions, 40);
  ASSERT_EQ(found.second.rows, 6);
  for (std::int64_t i = 0; i < 6; ++i) {
    double mean = 0;
    for (std::int64_t j = 0; j < 6; ++j) {
      double second = 0;
      double cross = 0;
      for (std::int64_t s = 0; s < 40; ++s) {
        const auto x = cached_row(*one.x, s);
        const auto z = cached_row(*one.z, s);
        const auto a = static_cast<std::size_t>(i);
        const auto b = static_cast<std::size_t>(j);
        second += static_cast<double>(z[a]) * z[b] / 40;
        cross += static_cast<double>(x[a]) * z[b] / 40;
        if (j == 0) mean += x[a] / 40;
      }
      EXPECT_NEAR(found.second.at(i, j), second, 1e-5) << i << ", " << j;
      EXPECT_NEAR(found.cross.at(i, j), cross, 1e-5) << i << ", " << j;
    }
    EXPECT_NEAR(found.mean[static_cast<std::size_t>(i)], mean, 1e-5) << i;
  }
}

TEST(InputMoments, AreSplitIntoEqualPartsForAWideLayer) {
  const cases::OneLayer one(fully_connected(), 16, 0.3);
  const auto whole = input_moments(one.graph, one.layer, one.inputs(), {});
  const auto parts = input_moments(one.graph, one.layer, one.inputs(), {.max_columns = 3});
  ASSERT_EQ(parts.size(), 2U);
  EXPECT_EQ(parts[1].begin, 3);
  for (std::int64_t i = 0; i < 3; ++i) {
    for (std::int64_t j = 0; j < 3; ++j) {
      EXPECT_NEAR(parts[1].second.at(i, j), whole[0].second.at(i + 3, j + 3), 1e-6);
    }
  }
}

graph::Graph tokens() {
  testing::GraphBuilder builder("tokens");
  const auto x =
      builder.input("x", {graph::Dim::batch(), graph::Dim::fixed(20), graph::Dim::fixed(6)});
  return builder.finish({builder.linear("linear", x, 4)});
}

TEST(InputMoments, AreEstimatedFromEquallyManyPositionsOfEachSample) {
  const cases::OneLayer one(tokens(), 40, 0.0);
  const auto drawn = [&](std::int64_t positions, std::uint64_t seed) {
    return input_moments(
        one.graph, one.layer, one.inputs(), {.positions = positions, .seed = seed})[0];
  };
  const InputMoments all = input_moments(one.graph, one.layer, one.inputs(), {})[0];
  EXPECT_EQ(all.positions, 40 * 20);
  EXPECT_EQ(drawn(5, 3).positions, 40) << "at least one of each sample";
  const InputMoments some = drawn(400, 3);
  EXPECT_EQ(some.positions, 400);
  EXPECT_EQ(some.second.values, drawn(400, 3).second.values);
  EXPECT_NE(some.second.values, drawn(400, 4).second.values);
  for (std::int64_t i = 0; i < 6; ++i) {
    // Squares of normal numbers around 0.5 have a variance of 3; five standard errors.
    EXPECT_NEAR(some.second.at(i, i), all.second.at(i, i), 5 * std::sqrt(3.0 / 400)) << i;
  }
}

TEST(InputMoments, UseTheQuantizedInput) {
  const cases::OneLayer one(fully_connected(), 40, 0.0);
  LayerInputs inputs = one.inputs();
  // A scale so large that every input is rounded to zero.
  inputs.quantizer = quant::QuantParams{.bits = BitWidth(8), .scale = {64.0F}, .zero_point = {128}};
  const InputMoments found = input_moments(one.graph, one.layer, inputs, {})[0];
  for (std::int64_t i = 0; i < 6; ++i) EXPECT_EQ(found.second.at(i, i), 0.0F) << i;
}

TEST(InputMoments, CoverTheColumnsOfEveryKindOfLayer) {
  for (const auto& each : cases::layer_cases()) {
    const cases::OneLayer one(each.make(), 4, 0.1);
    EXPECT_TRUE(has_input_moments(one.graph, one.layer)) << each.name;
    std::int64_t columns = 0;
    for (const InputMoments& part : input_moments(one.graph, one.layer, one.inputs(), {})) {
      columns += part.second.rows;
    }
    EXPECT_EQ(columns, one.layer.groups * (one.layer.weight_count / one.layer.out_channels))
        << each.name;
  }
}

TEST(InputMoments, RejectACacheOfAnotherSize) {
  const cases::OneLayer one(fully_connected(), 4, 0.1);
  CacheMemory memory(1 << 20);
  const SampleCache narrow(4, 5, memory);
  EXPECT_THROW(
      (void)input_moments(one.graph, one.layer, {.exact = &narrow, .quantized = &narrow}, {}),
      ShapeError);
}

}  // namespace
}  // namespace ompq::rounding
