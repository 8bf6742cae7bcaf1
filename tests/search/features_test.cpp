#include "ompq/search/features.h"

#include <cmath>
#include <cstdint>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "pipeline/small_model.h"

namespace ompq::search {
namespace {

using ::testing::HasSubstr;

FeatureOutcome orthogonality_of(const pipeline::Model& model,
                                std::int64_t samples,
                                std::int64_t batch = 64) {
  const pipeline::Samples drawn = pipeline::small_samples(samples);
  return measure_orthogonality(
      model.graph, model.discovery.layers, *drawn.dataset, drawn.indices, {.batch_size = batch});
}

TEST(MeasureOrthogonality, GivesASymmetricMatrixWithAUnitDiagonal) {
  const FeatureOutcome found = orthogonality_of(pipeline::small_model(), 48);
  ASSERT_EQ(found.matrix.layers, 5);
  EXPECT_EQ(found.samples, 48);
  for (std::int64_t i = 0; i < 5; ++i) {
    EXPECT_NEAR(found.matrix.at(i, i), 1.0, 1e-12);
    for (std::int64_t j = 0; j < 5; ++j) {
      EXPECT_EQ(found.matrix.at(i, j), found.matrix.at(j, i));
      // Centred kernel alignment is a cosine of positive semidefinite matrices.
      EXPECT_GE(found.matrix.at(i, j), 0.0);
      EXPECT_LE(found.matrix.at(i, j), 1.0 + 1e-12);
    }
  }
}

TEST(MeasureOrthogonality, UsesTheUnbiasedEstimatorForSeveralGroups) {
  EXPECT_EQ(orthogonality_of(pipeline::small_model(), 64).estimator, orm::Estimator::Biased);
  EXPECT_EQ(orthogonality_of(pipeline::small_model(), 65).estimator, orm::Estimator::Debiased);
}

TEST(MeasureOrthogonality, DoesNotDependOnTheScaleOfAFeature) {
  pipeline::Model scaled = pipeline::small_model();
  for (const std::string name : {"fc.weight", "fc.bias"}) {
    const graph::ValueId id = scaled.graph.find_value(name);
    for (float& value : scaled.graph.mutable_value(id).constant->mutable_data<float>()) {
      value *= 4.0F;  // exact
    }
  }
  const auto expected = orthogonality_of(pipeline::small_model(), 32).matrix;
  const auto got = orthogonality_of(scaled, 32).matrix;
  for (std::size_t i = 0; i < expected.values.size(); ++i) {
    EXPECT_NEAR(got.values[i], expected.values[i], 1e-6) << i;
  }
}

TEST(MeasureOrthogonality, RefusesASingleSample) {
  EXPECT_THROW((void)orthogonality_of(pipeline::small_model(), 1), DataError);
}

TEST(MeasureOrthogonality, NamesTheLayerOfAConstantFeature) {
  pipeline::Model model = pipeline::small_model();
  for (const graph::ValueId id :
       {model.discovery.layers[3].weight, model.discovery.layers[3].bias}) {
    graph::Value& value = model.graph.mutable_value(id);
    value.constant = Tensor(DataType::Float32, value.constant->shape());
  }
  try {
    (void)orthogonality_of(model, 16);
    FAIL() << "accepted a constant feature";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), HasSubstr("'depthwise'"));
  }
}

}  // namespace
}  // namespace ompq::search
