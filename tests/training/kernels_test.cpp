#include "ompq/training/kernels.h"

#include <cmath>

#include <gtest/gtest.h>
#include <omp.h>

#include "ompq/core/random.h"

namespace ompq::training {
namespace {

std::vector<float> normal(std::int64_t count, std::uint64_t seed) {
  Random random(seed);
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& value : values) value = static_cast<float>(random.normal());
  return values;
}

struct Case {
  std::int64_t rows;
  std::int64_t channels;
};
/// Fewer and more channels than a tile, tails of every kind, several chunks.
constexpr Case kCases[] = {{7, 3}, {1, 200}, {9000, 5}, {300, 128}, {260, 131}};

TEST(ChannelSums, AreThoseOfALoop) {
  for (const auto& [rows, channels] : kCases) {
    const std::vector<float> z = normal(rows * channels, 1);
    const ChannelSums sums =
        channel_sums({.count = rows * channels, .channels = channels}, z.data());
    for (std::int64_t c = 0; c < channels; ++c) {
      double first = 0.0;
      double second = 0.0;
      for (std::int64_t r = 0; r < rows; ++r) {
        const double value = z[static_cast<std::size_t>(r * channels + c)];
        first += value;
        second += value * value;
      }
      // Chunks of 2^14 elements are added in float32.
      const double bound = 0x1p-24 * 128 * (static_cast<double>(rows) + 1.0);
      EXPECT_NEAR(sums.first[static_cast<std::size_t>(c)], first, bound);
      EXPECT_NEAR(sums.second[static_cast<std::size_t>(c)], second, bound);
    }
  }
}

/// y, one element at a time.
double plain(
    const Epilogue& e, std::span<const float> residual, double z, std::size_t c, std::size_t i) {
  double v = e.scale.empty() ? z : z * e.scale[c] + e.shift[c];
  if (!residual.empty()) v += residual[i];
  const double u = std::min<double>(std::max<double>(v, e.min), e.max);
  if (!e.quantized) return u;
  const double r = std::nearbyint(u / e.grid.scale);
  return e.grid.scale * std::min<double>(std::max<double>(r, e.grid.low), e.grid.high);
}

TEST(EpilogueForward, IsThatOfALoop) {
  for (const auto& [rows, channels] : kCases) {
    const std::int64_t count = rows * channels;
    const std::vector<float> z = normal(count, 1);
    const std::vector<float> residual = normal(count, 2);
    const std::vector<float> scale = normal(channels, 3);
    const std::vector<float> shift = normal(channels, 4);
    for (int mask = 0; mask < 16; ++mask) {
      Epilogue e;
      if ((mask & 1) != 0)
        std::tie(e.scale, e.shift) = std::tuple(std::span(scale), std::span(shift));
      if ((mask & 2) != 0) e.residual = residual.data();
      if ((mask & 4) != 0) std::tie(e.min, e.max) = std::tuple(0.0F, 1.5F);
      if ((mask & 8) != 0)
        std::tie(e.quantized, e.grid) = std::tuple(true, quant::Grid{0.25F, -2, 5});
      std::vector<float> y(z.size());
      epilogue_forward({.count = count, .channels = channels}, e, z.data(), y.data());
      std::int64_t away = 0;
      for (std::size_t i = 0; i < y.size(); ++i) {
        const auto c = i % static_cast<std::size_t>(channels);
        const double expected =
            plain(e, (mask & 2) != 0 ? std::span(residual) : std::span<const float>(), z[i], c, i);
        // A sum that float32 rounds across the middle between two levels goes to the other one.
        if (std::abs(y[i] - expected) > 16 * 0x1p-23) ++away;
      }
      EXPECT_LE(away, e.quantized ? count / 10000 + 1 : 0) << mask;
    }
  }
}

TEST(EpilogueBackward, StepGradientIsThePapers) {
  const std::int64_t count = 5000;
  const std::vector<float> z = normal(count, 1);
  const std::vector<float> dy = normal(count, 2);
  Epilogue e{.quantized = true, .grid = {0.3F, -3, 4}};
  std::vector<float> dv(z.size());
  const EpilogueGradients got =
      epilogue_backward({.count = count}, e, z.data(), dy.data(), dv.data());
  double lsq = 0.0;
  double pact = 0.0;
  for (std::size_t i = 0; i < z.size(); ++i) {
    const double r = static_cast<double>(z[i]) / 0.3F;
    const bool inside = r >= -3 && r <= 4;
    const double limit = r < 0 ? -3 : 4;
    lsq += dy[i] * (inside ? std::nearbyint(r) - r : limit);
    pact += inside ? 0.0 : dy[i] * limit;
    EXPECT_EQ(dv[i], inside ? dy[i] : 0.0F) << i;
  }
  const double bound = 5000 * 4 * 0x1p-22;
  EXPECT_NEAR(got.step_gradient, lsq, bound);
  e.inside_slope = 0.0F;
  const EpilogueGradients clipped =
      epilogue_backward({.count = count}, e, z.data(), dy.data(), dv.data());
  EXPECT_NEAR(clipped.step_gradient, pact, bound);
}

TEST(EpilogueBackward, DoesNotDependOnTheNumberOfThreads) {
  const std::int64_t channels = 24;
  const std::int64_t count = channels * 10000;
  const std::vector<float> z = normal(count, 1);
  const std::vector<float> dy = normal(count, 2);
  const std::vector<float> scale = normal(channels, 3);
  const Epilogue e{
      .scale = scale, .shift = scale, .min = 0.0F, .quantized = true, .grid = {0.1F, 0, 15}};
  const Extent extent{.count = count, .channels = channels};
  const int before = omp_get_max_threads();
  std::vector<EpilogueGradients> made;
  for (const int threads : {1, 2, 3}) {
    omp_set_num_threads(threads);
    std::vector<float> dv(z.size());
    made.push_back(epilogue_backward(extent, e, z.data(), dy.data(), dv.data()));
  }
  omp_set_num_threads(before);
  for (const EpilogueGradients& one : made) {
    EXPECT_EQ(one.step_gradient, made[0].step_gradient);
    EXPECT_EQ(one.sums.first, made[0].sums.first);
    EXPECT_EQ(one.sums.second, made[0].sums.second);
  }
}

TEST(EpilogueRange, IsThatOfWhatComesOut) {
  const std::vector<float> z{-3.0F, 0.5F, 2.0F, 9.0F};
  const Epilogue e{.min = 0.0F, .max = 6.0F};
  const Range range = epilogue_range({.count = 4}, e, z.data());
  EXPECT_EQ(range.min, 0.0F);
  EXPECT_EQ(range.max, 6.0F);
}

TEST(EpilogueForward, LetsNanThrough) {
  const float z = NAN;
  float y = 0.0F;
  epilogue_forward({.count = 1}, {.min = 0.0F, .quantized = true}, &z, &y);
  EXPECT_TRUE(std::isnan(y));
}

}  // namespace
}  // namespace ompq::training
