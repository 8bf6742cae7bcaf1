#include "ompq/reconstruction/block_training.h"

#include <cmath>
#include <cstdint>
#include <memory>
#include <numeric>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/quant/short_scale.h"
#include "ompq/reconstruction/block_forward.h"
#include "ompq/rounding/quantize_weights.h"
#include "support/graph_builder.h"
#include "support/memory_dataset.h"

namespace ompq::reconstruction {
namespace {

using graph::Dim;
using graph::Graph;
using graph::ValueId;
using ompq::testing::GraphBuilder;

TEST(WeightRateFor, IsThePapersForItsIterationsAndLargerForFewer) {
  EXPECT_DOUBLE_EQ(weight_rate_for(20'000), 1e-3);
  EXPECT_DOUBLE_EQ(weight_rate_for(1'000'000), 1e-3);
  EXPECT_GT(weight_rate_for(2000), weight_rate_for(20'000));
  EXPECT_GT(weight_rate_for(200), weight_rate_for(2000));
}

/// Two layers, their 2-bit codes, and samples whose elements are correlated.
class TrainBlockTest : public ::testing::Test {
 protected:
  TrainBlockTest() {
    GraphBuilder builder("two");
    const ValueId x = builder.input("x", {Dim::batch(), Dim::fixed(12)});
    hidden_ = builder.relu("relu", builder.gemm("a", x, 10));
    graph_ = builder.finish({builder.gemm("b", hidden_, 6)});
    const auto layers = graph::discover(graph_).layers;
    Graph rounded = graph_;
    for (const auto& [name, codes] :
         rounding::quantize_weights(rounded, layers, {BitWidth(2), BitWidth(2)})) {
      codes_.emplace(graph_.find_value(name), codes);
    }
    Tensor samples = ompq::testing::normal_samples({kRows, 12}, 4);
    auto values = samples.mutable_data<float>();
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (i % 12 != 0) values[i] = 0.9F * values[i - 1] + 0.4F * values[i];
    }
    inputs_ = std::make_shared<rounding::SampleCache>(kRows, 12, memory_);
    targets_ = std::make_shared<rounding::SampleCache>(kRows, 6, memory_);
    cache_samples(samples, 0, kRows, *inputs_);
    run_cached(graph_, {&inputs_, 1}, {&targets_, 1}, kRows, {.threads = 1});
  }
  [[nodiscard]] TrainingProblem problem() const {
    return {.block = graph_,
            .codes = codes_,
            .quantizers = {},
            .learned_steps = {},
            .frozen = {},
            .data = {.inputs = inputs_.get(), .targets = targets_.get()}};
  }
  /// The error of the block with these codes.
  [[nodiscard]] double error_of(const std::map<ValueId, quant::QuantizedTensor>& codes) const {
    Graph graph = graph_;
    for (const auto& [weight, own] : codes) {
      graph.mutable_value(weight).constant = quant::dequantize(own);
    }
    std::vector<std::int64_t> rows(kRows);
    std::iota(rows.begin(), rows.end(), 0);
    return measure_error(graph, inputs_, *targets_, nullptr, rows, kRows, 1).noise;
  }
  static TrainingOptions brief(std::int64_t iterations) {
    return {.iterations = iterations,
            .batch = 16,
            .precision = runtime::Precision::Float32,
            .threads = 1};
  }

  static constexpr std::int64_t kRows = 64;
  Graph graph_;
  ValueId hidden_ = graph::kNoValue;
  rounding::CacheMemory memory_{1 << 20};
  std::shared_ptr<rounding::SampleCache> inputs_;
  std::shared_ptr<rounding::SampleCache> targets_;
  std::map<ValueId, quant::QuantizedTensor> codes_;
};

TEST_F(TrainBlockTest, LowersTheErrorAndRoundsUpOrDown) {
  const TrainingResult made = train_block(problem(), brief(400), 1);
  ASSERT_EQ(made.codes.size(), 2U);
  EXPECT_LT(error_of(made.codes), 0.8 * error_of(codes_));
  for (const auto& [weight, own] : made.codes) {
    EXPECT_EQ(own.params.scale, codes_.at(weight).params.scale);
    for (std::size_t i = 0; i < own.codes.size(); ++i) {
      EXPECT_LE(std::abs(int{own.codes[i]} - int{codes_.at(weight).codes[i]}), 1);
    }
  }
}

TEST_F(TrainBlockTest, GivesTheSameCodesForTheSameSeed) {
  const TrainingResult first = train_block(problem(), brief(60), 1);
  const TrainingResult again = train_block(problem(), brief(60), 1);
  for (const auto& [weight, own] : first.codes) {
    EXPECT_EQ(own.codes, again.codes.at(weight).codes);
  }
}

TEST_F(TrainBlockTest, ReportsEveryIteration) {
  std::vector<std::int64_t> iterations;
  (void)train_block(problem(), brief(5), 1, [&](std::int64_t iteration, double loss) {
    iterations.push_back(iteration);
    EXPECT_GT(loss, 0.0);
  });
  EXPECT_THAT(iterations, ::testing::ElementsAre(1, 2, 3, 4, 5));
}

TEST_F(TrainBlockTest, DoesNotReturnSettledWeights) {
  TrainingProblem given = problem();
  const ValueId frozen = graph_.find_value("a.weight");
  given.frozen.emplace(frozen, given.codes.at(frozen));
  given.codes.erase(frozen);
  const TrainingResult made = train_block(given, brief(20), 1);
  EXPECT_FALSE(made.codes.contains(frozen));
  EXPECT_EQ(made.codes.size(), 1U);
}

TEST_F(TrainBlockTest, LearnsOnlyTheStepsThatItShould) {
  const quant::QuantParams params{.bits = BitWidth(3), .scale = {0.25F}, .zero_point = {0}};
  TrainingProblem given = problem();
  given.quantizers = {{hidden_, params}};
  TrainingOptions options = brief(40);
  options.step_rate = 0.01;
  EXPECT_EQ(train_block(given, options, 1).quantizers.at(hidden_).scale, params.scale);
  given.learned_steps = {{hidden_, {}}};
  const float learned = train_block(given, options, 1).quantizers.at(hidden_).scale.front();
  EXPECT_NE(learned, 0.25F);
  EXPECT_EQ(learned, quant::short_scale(learned, quant::Snap::Nearest));
}

TEST_F(TrainBlockTest, RequiresIterationsAndRows) {
  EXPECT_THROW((void)train_block(problem(), brief(0), 1), ConfigError);
  TrainingOptions empty = brief(5);
  empty.batch = 0;
  EXPECT_THROW((void)train_block(problem(), empty, 1), ConfigError);
}

}  // namespace
}  // namespace ompq::reconstruction
