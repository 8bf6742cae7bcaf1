#include "ompq/sensitivity/weight_error.h"

namespace ompq::sensitivity {
namespace {

class WeightMse final : public Meter {
 public:
  explicit WeightMse(const MeterContext& context) : table_(relative_change(context)) {}
  [[nodiscard]] LossTable result() const override { return table_; }

 private:
  LossTable table_;
};

}  // namespace

LossTable relative_change(const MeterContext& context) {
  LossTable table = context.squared_change;
  for (std::size_t i = 0; i < table.values.size(); ++i) {
    const double norm = context.squared_weight[i / table.widths.size()];
    // A weight of zeros is exact at any width.
    table.values[i] = norm > 0 ? table.values[i] / norm : 0.0;
  }
  return table;
}

std::unique_ptr<Meter> make_weight_mse(const MeterContext& context) {
  return std::make_unique<WeightMse>(context);
}

}  // namespace ompq::sensitivity
