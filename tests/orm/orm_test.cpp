#include "ompq/orm/orm.h"

#include <cmath>
#include <cstdint>
#include <fstream>
#include <numeric>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "ompq/core/error.h"
#include "ompq/core/random.h"
#include "support/paths.h"

namespace ompq::orm {
namespace {

using Rows = std::vector<std::vector<double>>;  // [sample][element]

Rows random_rows(std::size_t samples, std::size_t elements, Random& random) {
  Rows rows(samples, std::vector<double>(elements));
  for (auto& row : rows) {
    for (double& value : row) value = random.normal();
  }
  return rows;
}

/// Features that resemble each other to different degrees, with means as after a ReLU.
std::vector<Rows> random_features(std::size_t samples, std::uint64_t seed) {
  Random random(seed);
  const Rows common = random_rows(samples, 40, random);
  std::vector<Rows> features;
  for (std::size_t l = 0; l < 5; ++l) {
    Rows rows = random_rows(samples, 40 + 13 * l, random);
    for (std::size_t s = 0; s < samples; ++s) {
      for (std::size_t e = 0; e < rows[s].size(); ++e) {
        rows[s][e] = 0.4 * static_cast<double>(l) * rows[s][e] + common[s][e % 40] + 0.5;
      }
    }
    features.push_back(std::move(rows));
  }
  return features;
}

GramMatrix gram_of(const Rows& rows) {
  std::vector<float> flat;
  for (const auto& row : rows) {
    for (const double value : row) flat.push_back(static_cast<float>(value));
  }
  const auto cols = static_cast<std::int64_t>(rows.front().size());
  return gram({flat.data(), DataType::Float32, static_cast<std::int64_t>(rows.size()), cols, cols});
}

std::vector<GramMatrix> grams_of(const std::vector<Rows>& features) {
  std::vector<GramMatrix> grams;
  for (const Rows& rows : features) grams.push_back(gram_of(rows));
  return grams;
}

std::vector<std::string> names(std::size_t count) {
  std::vector<std::string> out;
  for (std::size_t l = 0; l < count; ++l) out.push_back("layer" + std::to_string(l));
  return out;
}

std::vector<std::vector<double>> plain_gram(const Rows& rows) {
  const std::size_t n = rows.size();
  std::vector<std::vector<double>> out(n, std::vector<double>(n));
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      out[i][j] = std::inner_product(rows[i].begin(), rows[i].end(), rows[j].begin(), 0.0);
    }
  }
  return out;
}

/// |X^T Y|_F^2 of column-centred features: linear CKA without any Gram matrix.
double plain_biased_hsic(Rows x, Rows y) {
  for (Rows* rows : {&x, &y}) {
    for (std::size_t e = 0; e < rows->front().size(); ++e) {
      double mean = 0;
      for (const auto& row : *rows) mean += row[e] / static_cast<double>(rows->size());
      for (auto& row : *rows) row[e] -= mean;
    }
  }
  double sum = 0;
  for (std::size_t a = 0; a < x.front().size(); ++a) {
    for (std::size_t b = 0; b < y.front().size(); ++b) {
      double entry = 0;
      for (std::size_t s = 0; s < x.size(); ++s) entry += x[s][a] * y[s][b];
      sum += entry * entry;
    }
  }
  return sum;
}

/// Song et al. 2012, equation 5, word for word.
double plain_hsic1(const Rows& x, const Rows& y) {
  auto k = plain_gram(x);
  auto l = plain_gram(y);
  const std::size_t n = k.size();
  for (std::size_t i = 0; i < n; ++i) k[i][i] = l[i][i] = 0;
  double trace = 0;
  double sum_k = 0;
  double sum_l = 0;
  double sum_kl = 0;
  for (std::size_t i = 0; i < n; ++i) {
    double row_k = 0;
    double row_l = 0;
    for (std::size_t j = 0; j < n; ++j) {
      trace += k[i][j] * l[j][i];
      row_k += k[i][j];
      row_l += l[i][j];
    }
    sum_k += row_k;
    sum_l += row_l;
    sum_kl += row_k * row_l;
  }
  const auto m = static_cast<double>(n);
  return (trace + sum_k * sum_l / ((m - 1) * (m - 2)) - 2 * sum_kl / (m - 2)) / (m * (m - 3));
}

template <typename Hsic>
double plain_similarity(const Rows& x, const Rows& y, Hsic hsic) {
  return hsic(x, y) / std::sqrt(hsic(x, x) * hsic(y, y));
}

void expect_equal(const OrthogonalityMatrix& got,
                  const OrthogonalityMatrix& expected,
                  double bound) {
  ASSERT_EQ(got.layers, expected.layers);
  for (std::size_t e = 0; e < expected.values.size(); ++e) {
    ASSERT_NEAR(got.values[e], expected.values[e], bound) << "entry " << e;
  }
}

TEST(ComputeOrm, EqualsColumnCentredAlignment) {
  const std::vector<Rows> features = random_features(32, 1);
  const OrthogonalityMatrix orm = compute_orm(grams_of(features), names(5), Estimator::Biased);
  for (std::size_t i = 0; i < 5; ++i) {
    for (std::size_t j = 0; j < 5; ++j) {
      ASSERT_NEAR(orm.values[i * 5 + j],
                  plain_similarity(features[i], features[j], plain_biased_hsic),
                  1e-5)
          << i << ", " << j;
    }
  }
}

TEST(ComputeOrm, DebiasedEqualsTheEstimatorWordForWord) {
  const std::vector<Rows> features = random_features(16, 2);
  const OrthogonalityMatrix orm = compute_orm(grams_of(features), names(5), Estimator::Debiased);
  for (std::size_t i = 0; i < 5; ++i) {
    for (std::size_t j = 0; j < 5; ++j) {
      ASSERT_NEAR(
          orm.values[i * 5 + j], plain_similarity(features[i], features[j], plain_hsic1), 1e-5)
          << i << ", " << j;
    }
  }
}

TEST(ComputeOrm, IsSymmetricWithUnitDiagonalInZeroToOne) {
  const OrthogonalityMatrix orm = compute_orm(grams_of(random_features(24, 3)), names(5));
  for (std::int64_t i = 0; i < 5; ++i) {
    EXPECT_EQ(orm.at(i, i), 1.0) << i;
    for (std::int64_t j = 0; j < 5; ++j) {
      EXPECT_EQ(orm.at(i, j), orm.at(j, i)) << i << ", " << j;
      EXPECT_GE(orm.at(i, j), 0.0) << i << ", " << j;
      EXPECT_LE(orm.at(i, j), 1.0 + 1e-12) << i << ", " << j;
    }
  }
}

TEST(ComputeOrm, IgnoresTheOrderOfSamples) {
  std::vector<Rows> features = random_features(20, 4);
  for (const Estimator estimator : {Estimator::Biased, Estimator::Debiased}) {
    const OrthogonalityMatrix before = compute_orm(grams_of(features), names(5), estimator);
    std::vector<std::size_t> order(20);
    std::iota(order.begin(), order.end(), 0);
    Random(5).shuffle(order);
    for (Rows& rows : features) {
      Rows shuffled;
      for (const std::size_t s : order) shuffled.push_back(rows[s]);
      rows = std::move(shuffled);
    }
    expect_equal(compute_orm(grams_of(features), names(5), estimator), before, 1e-12);
  }
}

TEST(ComputeOrm, IgnoresTheScaleAndTheOffsetOfAFeature) {
  std::vector<Rows> features = random_features(20, 6);
  const OrthogonalityMatrix before = compute_orm(grams_of(features), names(5));
  for (auto& row : features[2]) {
    for (double& value : row) value = 64 * value + 32;
  }
  expect_equal(compute_orm(grams_of(features), names(5)), before, 1e-5);
}

TEST(ComputeOrm, FindsOrthogonalAndEqualFeatures) {
  // Samples 0..3 vary along one direction, samples 4..7 along another: centred, they share nothing
  // but what centring itself leaves, which cancels here.
  const Rows first{{1}, {-1}, {1}, {-1}, {0}, {0}, {0}, {0}};
  const Rows second{{0}, {0}, {0}, {0}, {1}, {-1}, {1}, {-1}};
  const OrthogonalityMatrix orm =
      compute_orm(grams_of({first, second, first}), names(3), Estimator::Biased);
  EXPECT_NEAR(orm.at(0, 1), 0.0, 1e-12);
  EXPECT_NEAR(orm.at(0, 2), 1.0, 1e-12);
}

TEST(OrmAccumulator, AveragesHsicOverBatches) {
  const std::vector<Rows> features = random_features(36, 7);
  OrmAccumulator accumulator(names(5), Estimator::Debiased);
  std::vector<double> hsic(25, 0.0);
  std::size_t start = 0;
  for (const std::size_t size : {12UL, 16UL, 8UL}) {
    std::vector<Rows> batch;
    for (const Rows& rows : features) {
      batch.emplace_back(rows.begin() + static_cast<std::ptrdiff_t>(start),
                         rows.begin() + static_cast<std::ptrdiff_t>(start + size));
    }
    start += size;
    accumulator.add_batch(grams_of(batch));
    for (std::size_t i = 0; i < 5; ++i) {
      for (std::size_t j = 0; j < 5; ++j) {
        hsic[i * 5 + j] += static_cast<double>(size) * plain_hsic1(batch[i], batch[j]);
      }
    }
  }
  const OrthogonalityMatrix orm = accumulator.result();
  EXPECT_EQ(accumulator.batches(), 3);
  for (std::size_t i = 0; i < 5; ++i) {
    for (std::size_t j = 0; j < 5; ++j) {
      ASSERT_NEAR(orm.values[i * 5 + j],
                  hsic[i * 5 + j] / std::sqrt(hsic[i * 5 + i] * hsic[j * 5 + j]),
                  1e-5)
          << i << ", " << j;
    }
  }
}

TEST(OrmAccumulator, DebiasedBatchesComeNearerToManySamplesThanBiasedOnes) {
  // 40 unrelated elements seen through 8 samples at a time look alike to the biased estimator.
  Random random(8);
  const std::vector<Rows> features{random_rows(400, 40, random), random_rows(400, 40, random)};
  OrmAccumulator biased(names(2), Estimator::Biased);
  OrmAccumulator debiased(names(2), Estimator::Debiased);
  for (std::ptrdiff_t start = 0; start < 400; start += 8) {
    std::vector<Rows> batch;
    for (const Rows& rows : features) {
      batch.emplace_back(rows.begin() + start, rows.begin() + start + 8);
    }
    biased.add_batch(grams_of(batch));
    debiased.add_batch(grams_of(batch));
  }
  EXPECT_GT(biased.result().at(0, 1), 0.5);
  // One batch of 8 spreads HSIC_1 of 40 independent elements by sqrt(2) * 40 / 8, 50 batches by a
  // seventh of it, against a self term of 40: 0.025. Eight times that is out of reach.
  EXPECT_LT(std::abs(debiased.result().at(0, 1)), 0.2);
}

TEST(ComputeOrm, NamesTheLayerWhoseFeatureIsConstant) {
  std::vector<Rows> features = random_features(8, 9);
  features[3].assign(8, std::vector<double>(50, 0.7));
  for (const Estimator estimator : {Estimator::Biased, Estimator::Debiased}) {
    try {
      (void)compute_orm(grams_of(features), names(5), estimator);
      FAIL() << "a constant feature was accepted";
    } catch (const DataError& error) {
      EXPECT_THAT(error.what(), ::testing::HasSubstr("'layer3' is constant over the 8 samples"));
    }
  }
  features[3].assign(8, std::vector<double>(50, 0.0));
  EXPECT_THROW((void)compute_orm(grams_of(features), names(5)), DataError);
}

TEST(OrmAccumulator, RefusesBatchesThatDoNotFit) {
  const std::vector<Rows> features = random_features(6, 10);
  std::vector<GramMatrix> grams = grams_of(features);
  OrmAccumulator accumulator(names(5), Estimator::Biased);
  EXPECT_THROW((void)accumulator.result(), DataError) << "no batch yet";
  EXPECT_THROW(accumulator.add_batch(std::span(grams).first(4)), ShapeError);
  grams[2] = gram_of(Rows(features[2].begin(), features[2].begin() + 5));
  try {
    accumulator.add_batch(grams);
    FAIL() << "5 samples next to 6 were accepted";
  } catch (const ShapeError& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("'layer2' has a Gram matrix of 5 samples"));
  }
  const std::vector<Rows> three{Rows(features[0].begin(), features[0].begin() + 3)};
  OrmAccumulator debiased(names(1), Estimator::Debiased);
  EXPECT_THROW(debiased.add_batch(grams_of(three)), ShapeError) << "HSIC_1 needs 4 samples";
}

TEST(Importance, EqualsTheGoldenNumbers) {
  OMPQ_SHARED_OR_SKIP(shared);
  const auto golden =
      nlohmann::json::parse(std::ifstream(shared / "golden" / "orm-resnet20-cifar10.json"));
  OrthogonalityMatrix orm;
  for (const auto& row : golden.at("orm")) {
    ++orm.layers;
    for (const double value : row) orm.values.push_back(value);
  }
  for (const auto& program : golden.at("programs")) {
    const double beta = program.at("beta");
    const Importance got = importance(orm, beta);
    for (std::size_t i = 0; i < got.gamma.size(); ++i) {
      const double theta = program.at("theta")[i];
      const double c = program.at("c")[i];
      ASSERT_NEAR(got.gamma[i], golden.at("gamma")[i].get<double>(), 1e-9) << "gamma " << i;
      ASSERT_NEAR(got.theta[i], theta, 1e-9 * theta) << "theta " << i << ", beta " << beta;
      ASSERT_NEAR(got.coefficients[i], c, 1e-9 * c) << "c " << i << ", beta " << beta;
    }
  }
}

TEST(Importance, IsZeroWhereThetaUnderflows) {
  const OrthogonalityMatrix orm{3, std::vector<double>(9, 1.0)};
  const Importance got = importance(orm, 1000);
  EXPECT_EQ(got.theta, std::vector<double>(3, 0.0));
  EXPECT_EQ(got.coefficients, std::vector<double>(3, 0.0));
}

}  // namespace
}  // namespace ompq::orm
