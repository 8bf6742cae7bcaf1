#include "ompq/scores/class_scores.h"

#include <cmath>
#include <numeric>

#include <gtest/gtest.h>

#include "ompq/core/random.h"
#include "support/graph_builder.h"

namespace ompq::scores {
namespace {

using graph::Dim;
using graph::ValueId;
using testing::GraphBuilder;

enum class End { Gemm, Softmax, ReshapedSoftmax, QuantizedSoftmax, DroppedOutSoftmax };

constexpr End kWithSoftmax[] = {
    End::Softmax, End::ReshapedSoftmax, End::QuantizedSoftmax, End::DroppedOutSoftmax};

graph::Graph classifier(End end) {
  GraphBuilder builder("classifier");
  const ValueId x = builder.input("x", {Dim::batch(), Dim::fixed(6)});
  ValueId y = builder.gemm("fc", x, 5);
  if (end != End::Gemm) y = builder.unary("Softmax", "softmax", y);
  if (end == End::ReshapedSoftmax) {
    y = builder.reshape("reshape", y, {0, 5, 1}, {Dim::batch(), Dim::fixed(5), Dim::fixed(1)});
  }
  if (end == End::QuantizedSoftmax) y = builder.quantize_dequantize("q", y, 0.01F, 0);
  if (end == End::DroppedOutSoftmax) y = builder.unary("Dropout", "dropout", y);
  return builder.finish({y});
}

graph::Graph image_network() {
  GraphBuilder builder("image");
  const ValueId x = builder.input("x", {Dim::batch(), Dim::fixed(3), Dim::fixed(4), Dim::fixed(4)});
  return builder.finish({builder.conv("conv", x, {.out = 2})});
}

TEST(KindOf, TellsProbabilitiesFromLogitsAndFromImages) {
  EXPECT_EQ(kind_of(classifier(End::Gemm)), Kind::Logits);
  for (const End end : kWithSoftmax) {
    EXPECT_EQ(kind_of(classifier(end)), Kind::Probabilities) << static_cast<int>(end);
  }
  EXPECT_EQ(kind_of(image_network()), Kind::None);
  EXPECT_EQ(class_count(classifier(End::Softmax)), 5);
  EXPECT_EQ(class_count(image_network()), std::nullopt);
}

TEST(LogitsValue, IsWhatTheSoftmaxReads) {
  for (const End end : kWithSoftmax) {
    const graph::Graph graph = classifier(end);
    const ValueId logits = logits_value(graph);
    EXPECT_EQ(graph.node(graph.producer(logits)).op_type, "Gemm") << static_cast<int>(end);
  }
  const graph::Graph graph = classifier(End::Gemm);
  EXPECT_EQ(logits_value(graph), graph.outputs().front());
}

TEST(AsScores, TakesRowsWithTrailingOnes) {
  const Tensor output(DataType::Float32, {4, 3, 1, 1});
  const auto scores = as_scores(output, Kind::Logits);
  ASSERT_TRUE(scores.has_value());
  EXPECT_EQ(scores->rows, 4);
  EXPECT_EQ(scores->classes, 3);
  EXPECT_FALSE(as_scores(Tensor(DataType::Float32, {4, 3, 2}), Kind::Logits).has_value());
  EXPECT_FALSE(as_scores(Tensor(DataType::Float32, {4, 1}), Kind::Logits).has_value());
  EXPECT_FALSE(as_scores(Tensor(DataType::Int64, {4, 3}), Kind::Logits).has_value());
}

TEST(RankOf, CountsWhatScoresAboveAndTiesThatComeFirst) {
  const std::vector<float> row{0.5F, 2.0F, 2.0F, -1.0F};
  EXPECT_EQ(best_class(row), 1);
  EXPECT_EQ(rank_of(row, 1), 0);
  EXPECT_EQ(rank_of(row, 2), 1);
  EXPECT_EQ(rank_of(row, 0), 2);
  EXPECT_EQ(rank_of(row, 3), 3);
}

std::vector<float> normal_row(std::uint64_t seed) {
  Random random(seed);
  std::vector<float> row(10);
  for (float& x : row) x = static_cast<float>(3 * random.normal());
  return row;
}

std::vector<float> softmax_of(const std::vector<float>& row) {
  double sum = 0;
  for (const float x : row) sum += std::exp(static_cast<double>(x));
  std::vector<float> made;
  for (const float x : row) made.push_back(static_cast<float>(std::exp(double{x}) / sum));
  return made;
}

TEST(LogProbabilities, AreTheLogarithmsOfTheSoftmax) {
  const std::vector<float> row = normal_row(1);
  const std::vector<double> logs = log_probabilities(row, Kind::Logits);
  double sum = 0;
  for (const float x : row) sum += std::exp(static_cast<double>(x));
  for (std::size_t c = 0; c < row.size(); ++c) {
    EXPECT_NEAR(logs[c], row[c] - std::log(sum), 1e-13) << c;
  }
}

TEST(LogProbabilities, OfProbabilitiesAreThoseOfTheirLogits) {
  const std::vector<float> row = normal_row(2);
  const auto from_logits = log_probabilities(row, Kind::Logits);
  const auto from_probabilities = log_probabilities(softmax_of(row), Kind::Probabilities);
  for (std::size_t c = 0; c < row.size(); ++c) {
    EXPECT_NEAR(from_probabilities[c], from_logits[c], 0x1p-23) << c;  // a probability's rounding
  }
}

TEST(LogProbabilities, StayFiniteWhereAProbabilityIsZero) {
  const auto logs = log_probabilities(std::vector<float>{1.0F, 0.0F}, Kind::Probabilities);
  EXPECT_EQ(logs[0], 0.0);
  EXPECT_DOUBLE_EQ(logs[1], -126 * std::log(2.0));
}

TEST(LogSumExp, DoesNotOverflow) {
  const std::vector<float> row{1e4F, 1e4F};
  EXPECT_DOUBLE_EQ(log_sum_exp(std::span<const float>(row)), 1e4 + std::log(2.0));
}

TEST(DivergenceOfRows, IsTheDefinitionInEveryKind) {
  const std::vector<float> a = normal_row(3);
  const std::vector<float> b = normal_row(4);
  const std::vector<float> p = softmax_of(a);
  const std::vector<float> q = softmax_of(b);
  double expected = 0;
  for (std::size_t c = 0; c < p.size(); ++c) {
    expected += static_cast<double>(p[c]) * std::log(static_cast<double>(p[c]) / q[c]);
  }
  const Scores logits_a{a, 1, 10, Kind::Logits};
  const Scores logits_b{b, 1, 10, Kind::Logits};
  const Scores of_p{p, 1, 10, Kind::Probabilities};
  const Scores of_q{q, 1, 10, Kind::Probabilities};
  EXPECT_NEAR(divergence_of_rows(logits_a, logits_b, 0), expected, 1e-5);
  EXPECT_NEAR(divergence_of_rows(of_p, of_q, 0), expected, 1e-5);
  EXPECT_NEAR(divergence_of_rows(logits_a, of_q, 0), expected, 1e-5);
  EXPECT_NEAR(divergence_of_rows(logits_a, logits_a, 0), 0.0, 1e-15);
}

TEST(Divergence, OfRowsTogetherIsTheSumOfEach) {
  std::vector<double> p;
  std::vector<double> q;
  double each = 0;
  for (std::uint64_t row = 0; row < 3; ++row) {
    const auto own_p = log_probabilities(normal_row(10 + row), Kind::Logits);
    const auto own_q = log_probabilities(normal_row(20 + row), Kind::Logits);
    each += divergence(std::span<const double>(own_p), std::span<const double>(own_q));
    p.insert(p.end(), own_p.begin(), own_p.end());
    q.insert(q.end(), own_q.begin(), own_q.end());
  }
  EXPECT_NEAR(divergence(std::span<const double>(p), std::span<const double>(q)), each, 1e-12);
}

TEST(ScaledDivergences, AreThoseOfScaledScores) {
  const std::vector<float> wanted{2.0F, -1.0F, 0.5F};
  const std::vector<float> made{1.2F, -0.4F, 0.1F};
  const std::vector<double> factors{1.0, 0.5, 3.0};
  const auto scaled = [](std::vector<float> scores, double factor) {
    for (float& score : scores) score *= static_cast<float>(factor);
    return scores;
  };
  for (const double temperature : {1.0, 4.0}) {
    const auto got = scaled_divergences(log_probabilities(wanted, Kind::Logits),
                                        log_probabilities(made, Kind::Logits),
                                        factors,
                                        temperature);
    ASSERT_EQ(got.size(), factors.size());
    const std::vector<float> soft = scaled(wanted, 1 / temperature);
    for (std::size_t f = 0; f < factors.size(); ++f) {
      const std::vector<float> seen = scaled(made, factors[f] / temperature);
      const double expected =
          divergence_of_rows({soft, 1, 3, Kind::Logits}, {seen, 1, 3, Kind::Logits}, 0);
      EXPECT_NEAR(got[f], temperature * temperature * expected, 1e-6) << temperature;
    }
  }
}

/// Half the squared distance of the scores from their means, by class.
TEST(ScaledDivergences, ApproachTheSquaredErrorOfTheScores) {
  const std::vector<float> wanted{2.0F, -1.0F, 0.5F, 8.0F};
  const std::vector<float> made{1.5F, -0.5F, 0.5F, 8.2F};
  double mean = 0;
  for (std::size_t c = 0; c < 4; ++c) mean += (made[c] - wanted[c]) / 4.0;
  double squares = 0;
  for (std::size_t c = 0; c < 4; ++c) squares += std::pow(made[c] - wanted[c] - mean, 2) / 4;
  const std::vector<double> one{1.0};
  const auto got = scaled_divergences(
      log_probabilities(wanted, Kind::Logits), log_probabilities(made, Kind::Logits), one, 1000);
  EXPECT_NEAR(got.front(), squares / 2, 0.01 * squares);
}

}  // namespace
}  // namespace ompq::scores
