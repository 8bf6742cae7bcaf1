#include "ompq/sensitivity/orm_error.h"

#include <cmath>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ompq/core/error.h"
#include "sensitivity/weight_cases.h"

namespace ompq::sensitivity {
namespace {

using testing::Fixture;
using ::testing::HasSubstr;
using testing::measure_weights;
using testing::relative_weight_error;
using ::testing::ThrowsMessage;

TEST(OrmError, IsTheEnvelopeOfImportanceTimesChange) {
  Fixture fixture(testing::residual_network());
  fixture.widths = {BitWidth(1), BitWidth(2), BitWidth(3), BitWidth(4), BitWidth(6), BitWidth(8)};
  const std::vector<double> theta{0.1, 2.0, 0.0, 1.0};
  const LossTable table = measure_weights(
      fixture, {.metrics = {"orm-error"}, .widths = fixture.widths, .theta = theta});
  for (std::size_t l = 0; l < theta.size(); ++l) {
    const auto at = [&](std::size_t w) { return table.at(l, w); };
    const auto bits = [&](std::size_t w) { return fixture.widths[w].value(); };
    EXPECT_DOUBLE_EQ(at(0), theta[l] * relative_weight_error(fixture, l, fixture.widths[0]));
    for (std::size_t w = 0; w < fixture.widths.size(); ++w) {
      EXPECT_LE(at(w),
                theta[l] * relative_weight_error(fixture, l, fixture.widths[w]) * (1 + 1e-12));
    }
    for (std::size_t w = 1; w + 1 < fixture.widths.size(); ++w) {
      // A bit less costs at least what a bit more gains.
      const double before = (at(w - 1) - at(w)) / (bits(w) - bits(w - 1));
      const double after = (at(w) - at(w + 1)) / (bits(w + 1) - bits(w));
      EXPECT_GE(before, after - 1e-12 * at(0)) << l << " " << w;
    }
  }
}

TEST(OrmError, RefusesImportanceThatIsMissingOrNoNumber) {
  const Fixture fixture(testing::residual_network());
  MeasureOptions options{.metrics = {"orm-error"}, .widths = fixture.widths};
  EXPECT_THROW((void)measure_weights(fixture, options), ConfigError);
  options.theta = {1, 1, 1};
  EXPECT_THROW((void)measure_weights(fixture, options), ConfigError);
  options.theta = {1, 1, 1, std::nan("")};
  EXPECT_THROW((void)measure_weights(fixture, options), ConfigError);
  options.theta = {1, -1, 1, 1};
  EXPECT_THROW((void)measure_weights(fixture, options), ConfigError);
}

TEST(OrmError, NamesTheLayerAndItsImportance) {
  const Fixture fixture(testing::residual_network());
  MeasureOptions options{
      .metrics = {"orm-error"}, .widths = fixture.widths, .theta = {1, 1, -2, 1}};
  EXPECT_THAT([&] { (void)measure_weights(fixture, options); },
              ThrowsMessage<ConfigError>(
                  HasSubstr("importance -2 of layer 'outer' is not a finite number >= 0")));
  options.theta.pop_back();
  EXPECT_THAT(
      [&] { (void)measure_weights(fixture, options); },
      ThrowsMessage<ConfigError>(HasSubstr("one importance (theta) per layer: 3 for 4 layers")));
}

}  // namespace
}  // namespace ompq::sensitivity
