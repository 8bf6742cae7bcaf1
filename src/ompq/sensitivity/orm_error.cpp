#include "ompq/sensitivity/orm_error.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/sensitivity/weight_error.h"

namespace ompq::sensitivity {
namespace {

void require_theta(const MeterContext& context) {
  const std::vector<double>& theta = context.options.theta;
  if (theta.size() != context.layers.size()) {
    throw ConfigError(
        "sensitivity",
        fmt::format("orm-error needs one importance (theta) per layer: {} for {} layers",
                    theta.size(),
                    context.layers.size()));
  }
  const auto bad = std::find_if(
      theta.begin(), theta.end(), [](double value) { return !(value >= 0) || std::isinf(value); });
  if (bad == theta.end()) return;
  throw ConfigError(
      "sensitivity",
      fmt::format("importance {} of layer '{}' is not a finite number >= 0",
                  *bad,
                  context.layers[static_cast<std::size_t>(bad - theta.begin())].name));
}

class OrmError final : public Meter {
 public:
  explicit OrmError(const MeterContext& context) : table_(relative_change(context)) {
    for (std::size_t i = 0; i < table_.values.size(); ++i) {
      table_.values[i] *= context.options.theta[i / table_.widths.size()];
    }
    make_convex(table_);
  }
  [[nodiscard]] LossTable result() const override { return table_; }

 private:
  LossTable table_;
};

}  // namespace

std::unique_ptr<Meter> make_orm_error(const MeterContext& context) {
  require_theta(context);
  return std::make_unique<OrmError>(context);
}

}  // namespace ompq::sensitivity
