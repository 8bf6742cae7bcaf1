#include "ompq/rounding/gptq.h"

#include <cmath>

#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "ompq/quant/short_scale.h"
#include "ompq/rounding/output_statistics.h"
#include "ompq/rounding/quantize_weights.h"
#include "rounding/layer_cases.h"

namespace ompq::rounding {
namespace {

using cases::layer_cases;
using cases::LayerCase;
using cases::OneLayer;

constexpr std::int64_t kSamples = 64;

/// Mean squared distance of two sets of outputs.
double distance(const std::vector<std::vector<double>>& a,
                const std::vector<std::vector<double>>& b) {
  double sum = 0.0;
  for (std::size_t r = 0; r < a.size(); ++r) {
    for (std::size_t c = 0; c < a[r].size(); ++c) sum += std::pow(a[r][c] - b[r][c], 2);
  }
  return sum / static_cast<double>(a.size());
}

std::vector<double> means(const std::vector<std::vector<double>>& rows) {
  std::vector<double> sums(rows.front().size(), 0.0);
  for (const auto& row : rows) {
    for (std::size_t c = 0; c < sums.size(); ++c) sums[c] += row[c];
  }
  for (double& sum : sums) sum /= static_cast<double>(rows.size());
  return sums;
}

quant::QuantizedTensor nearest(const OneLayer& one, int bits, quant::Symmetry symmetry) {
  return quantize_weight(one.graph, one.layer, BitWidth(bits), {.symmetry = symmetry});
}

std::vector<float> bias_of(const OneLayer& one, const CompensatedWeight& made) {
  return made.bias ? made.bias->to_floats() : one.bias();
}

class CompensateTest : public ::testing::TestWithParam<LayerCase> {
 protected:
  OneLayer one_{GetParam().make(), kSamples, 0.2};
  const Tensor& weight() const { return *one_.graph.value(one_.layer.weight).constant; }
  std::vector<std::vector<double>> wanted() const {
    return one_.outputs(*one_.x, weight(), one_.bias());
  }
};

TEST_P(CompensateTest, ComesNearerToTheFloatOutputThanRoundingToNearest) {
  const auto initial = nearest(one_, 3, quant::Symmetry::Asymmetric);
  const CompensatedWeight made = compensate(one_.graph, one_.layer, initial, one_.inputs());
  EXPECT_LE(made.error, made.error_nearest);
  const auto exact = wanted();
  const double before =
      distance(one_.outputs(*one_.z, quant::dequantize(initial), one_.bias()), exact);
  const double after =
      distance(one_.outputs(*one_.z, quant::dequantize(made.codes), bias_of(one_, made)), exact);
  EXPECT_LT(after, before);
}

TEST_P(CompensateTest, RoundsToSeveralWidthsAsToEachAlone) {
  std::vector<quant::QuantizedTensor> initial;
  for (const int bits : {2, 4, 3}) {
    initial.push_back(nearest(one_, bits, quant::Symmetry::Asymmetric));
  }
  const auto together =
      compensate_each(one_.graph,
                      one_.layer,
                      initial,
                      input_moments(one_.graph, one_.layer, one_.inputs(), GptqOptions{}.moments));
  ASSERT_EQ(together.size(), initial.size());
  for (std::size_t i = 0; i < initial.size(); ++i) {
    const auto alone = compensate(one_.graph, one_.layer, initial[i], one_.inputs());
    EXPECT_EQ(together[i].codes.codes, alone.codes.codes);
    EXPECT_EQ(together[i].codes.params.scale, alone.codes.params.scale);
    EXPECT_EQ(together[i].error, alone.error);
    EXPECT_EQ(together[i].bias.has_value(), alone.bias.has_value());
  }
}

TEST_P(CompensateTest, KeepsCodesInRangeAndScalesShort) {
  for (const auto symmetry :
       {quant::Symmetry::Asymmetric, quant::Symmetry::Symmetric, quant::Symmetry::Normal}) {
    const auto initial = nearest(one_, 2, symmetry);
    const auto codes = compensate(one_.graph, one_.layer, initial, one_.inputs()).codes;
    EXPECT_EQ(codes.shape, initial.shape);
    EXPECT_EQ(codes.params.symmetry, symmetry);
    for (const std::uint8_t code : codes.codes) EXPECT_LT(code, 4);
    for (std::size_t c = 0; c < codes.params.scale.size(); ++c) {
      const float scale = codes.params.scale[c];
      EXPECT_EQ(scale, quant::short_scale(scale, quant::Snap::Nearest));
      if (symmetry == quant::Symmetry::Symmetric) {
        EXPECT_EQ(codes.params.zero_point[c], 2);
      }
    }
  }
}

TEST_P(CompensateTest, OneBitStaysOnBothSidesOfZeroAndGainsToo) {
  const auto initial = nearest(one_, 1, quant::Symmetry::Asymmetric);
  const CompensatedWeight made = compensate(one_.graph, one_.layer, initial, one_.inputs());
  EXPECT_LE(made.error, made.error_nearest);
  EXPECT_LT(made.error, made.signal);
  EXPECT_EQ(made.codes.params.symmetry, quant::Symmetry::Symmetric);
  for (const std::int32_t zero_point : made.codes.params.zero_point) EXPECT_EQ(zero_point, 1);
  for (const std::uint8_t code : made.codes.codes) EXPECT_LE(code, 1);
}

TEST_P(CompensateTest, TheBiasTakesUpTheMeanOfWhatIsLeft) {
  const auto initial = nearest(one_, 2, quant::Symmetry::Asymmetric);
  const CompensatedWeight made = compensate(one_.graph, one_.layer, initial, one_.inputs());
  EXPECT_EQ(made.bias.has_value(), one_.layer.bias != graph::kNoValue);
  if (!made.bias) return;
  const auto exact = means(wanted());
  const auto found =
      means(one_.outputs(*one_.z, quant::dequantize(made.codes), bias_of(one_, made)));
  // The caches keep 16 bits of every sample.
  for (std::size_t c = 0; c < exact.size(); ++c) EXPECT_NEAR(found[c], exact[c], 2e-3);
}

TEST_P(CompensateTest, LeavesAWeightThatLiesOnItsGrid) {
  const auto initial = nearest(one_, 4, quant::Symmetry::Asymmetric);
  OneLayer exact(GetParam().make(), kSamples, 0.0);
  exact.graph.mutable_value(exact.layer.weight).constant = quant::dequantize(initial);
  const CompensatedWeight made = compensate(exact.graph, exact.layer, initial, exact.inputs());
  EXPECT_TRUE(std::isfinite(made.error));
  EXPECT_LE(made.error, made.error_nearest);
  EXPECT_EQ(made.codes.params.scale, initial.params.scale);
}

TEST_P(CompensateTest, SpreadAndMeanOfTheOutputAreToldFromMoments) {
  const OutputStatistics told = float_statistics(one_.graph, one_.layer, one_.inputs(), {});
  const auto rows = one_.outputs(*one_.x, weight(), std::vector<float>(one_.bias().size(), 0.0F));
  const auto mean = means(rows);
  for (std::size_t c = 0; c < mean.size(); ++c) {
    double variance = 0.0;
    for (const auto& row : rows) variance += std::pow(row[c] - mean[c], 2);
    variance /= static_cast<double>(rows.size());
    EXPECT_NEAR(told.mean[c], mean[c], 1e-3 * (1.0 + std::abs(mean[c])));
    EXPECT_NEAR(told.variance[c], variance, 2e-3 * (1.0 + variance));
  }
}

INSTANTIATE_TEST_SUITE_P(Layers,
                         CompensateTest,
                         ::testing::ValuesIn(layer_cases()),
                         [](const auto& tested) { return tested.param.name; });

TEST(Compensate, MakesGoodWhatThePrefixErrsBy) {
  OneLayer one(layer_cases().front().make(), 256, 0.0);
  // The prefix halves everything: only a target that knows the float inputs can see that.
  std::vector<float> row(static_cast<std::size_t>(one.x->cols()));
  for (std::int64_t r = 0; r < one.samples; ++r) {
    one.x->read(r, row);
    for (float& value : row) value *= 0.5F;
    one.z->write(r, {row.data(), DataType::Float32, 1, one.x->cols(), one.x->cols()});
  }
  const auto initial = nearest(one, 6, quant::Symmetry::Asymmetric);
  GptqOptions blind;
  blind.correct_inputs = false;
  const auto seeing = compensate(one.graph, one.layer, initial, one.inputs());
  const auto other = compensate(one.graph, one.layer, initial, one.inputs(), blind);
  const auto exact = one.outputs(*one.x, *one.graph.value(one.layer.weight).constant, one.bias());
  const double with =
      distance(one.outputs(*one.z, quant::dequantize(seeing.codes), bias_of(one, seeing)), exact);
  const double without =
      distance(one.outputs(*one.z, quant::dequantize(other.codes), bias_of(one, other)), exact);
  EXPECT_LT(with, 0.1 * without);
}

TEST(Compensate, TakesInputsThatAreAllZero) {
  OneLayer one(layer_cases().front().make(), 8, 0.0);
  std::vector<float> row(static_cast<std::size_t>(one.x->cols()), 0.0F);
  for (std::int64_t r = 0; r < one.samples; ++r) {
    one.x->write(r, {row.data(), DataType::Float32, 1, one.x->cols(), one.x->cols()});
    one.z->write(r, {row.data(), DataType::Float32, 1, one.x->cols(), one.x->cols()});
  }
  const auto initial = nearest(one, 3, quant::Symmetry::Asymmetric);
  const auto made = compensate(one.graph, one.layer, initial, one.inputs());
  EXPECT_EQ(bias_of(one, made), one.bias());
}

TEST(Compensate, EndsWhereTheSquaresOfInputsOverflow) {
  OneLayer one(layer_cases().front().make(), 8, 0.0);
  std::vector<float> row(static_cast<std::size_t>(one.x->cols()));
  for (std::size_t i = 0; i < row.size(); ++i) row[i] = i % 2 == 0 ? 3e30F : -1e30F;
  for (std::int64_t r = 0; r < one.samples; ++r) {
    one.x->write(r, {row.data(), DataType::Float32, 1, one.x->cols(), one.x->cols()});
    one.z->write(r, {row.data(), DataType::Float32, 1, one.x->cols(), one.x->cols()});
  }
  const auto initial = nearest(one, 3, quant::Symmetry::Asymmetric);
  const auto made = compensate(one.graph, one.layer, initial, one.inputs());
  // Columns count alike then, so that a row's grid may only come nearer to the weight.
  const auto weight = one.graph.value(one.layer.weight).constant->data<float>();
  const auto error = [&](const quant::QuantizedTensor& codes) {
    const Tensor rounded = quant::dequantize(codes);
    double sum = 0.0;
    for (std::size_t i = 0; i < weight.size(); ++i) {
      sum += std::pow(static_cast<double>(rounded.data<float>()[i]) - weight[i], 2);
    }
    return sum;
  };
  EXPECT_LE(error(made.codes), error(initial));
}

TEST(Compensate, FewSamplesAreNotLearnedByHeart) {
  // 4 positions for 20 columns: without shrinkage the target follows them alone.
  OneLayer few(layer_cases()[6].make(), 4, 0.3);
  OneLayer many(layer_cases()[6].make(), 512, 0.3);
  const auto initial = nearest(few, 4, quant::Symmetry::Asymmetric);
  GptqOptions open;
  open.shrinkage = 0.0;
  const auto careful = compensate(few.graph, few.layer, initial, few.inputs());
  const auto greedy = compensate(few.graph, few.layer, initial, few.inputs(), open);
  const auto exact =
      many.outputs(*many.x, *many.graph.value(many.layer.weight).constant, many.bias());
  const auto error = [&](const CompensatedWeight& made) {
    return distance(many.outputs(*many.z, quant::dequantize(made.codes), bias_of(few, made)),
                    exact);
  };
  EXPECT_LT(error(careful), error(greedy));
}

TEST(Compensate, RefusesWhatItCannotDo) {
  OneLayer one(layer_cases().front().make(), 4, 0.0);
  const auto initial = nearest(one, 3, quant::Symmetry::Asymmetric);
  GptqOptions options;
  options.damping = 0.0;
  EXPECT_THROW((void)compensate(one.graph, one.layer, initial, one.inputs(), options), ConfigError);
  auto other = initial;
  other.shape = {1};
  EXPECT_THROW((void)compensate(one.graph, one.layer, other, one.inputs()), ShapeError);
  graph::Layer transposed = one.layer;
  transposed.op_type = "ConvTranspose";
  EXPECT_FALSE(has_input_moments(one.graph, transposed));
  EXPECT_THROW((void)compensate(one.graph, transposed, initial, one.inputs()), ConfigError);
  SampleCache narrow(4, 3, one.memory);
  const LayerInputs wrong{.exact = &narrow, .quantized = &narrow};
  EXPECT_THROW((void)compensate(one.graph, one.layer, initial, wrong), ShapeError);
}

}  // namespace
}  // namespace ompq::rounding
