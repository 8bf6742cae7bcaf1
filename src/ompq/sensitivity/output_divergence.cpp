#include "ompq/sensitivity/output_divergence.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include <fmt/format.h>

#include "ompq/core/error.h"

namespace ompq::sensitivity {
namespace {

bool has_floats(const std::vector<Tensor>& outputs) {
  return std::ranges::any_of(
      outputs, [](const Tensor& output) { return output.type() == DataType::Float32; });
}

/// Number of differing elements; all if the size of the output differs.
double differing_elements(const Tensor& a, const Tensor& b) {
  if (a.shape() != b.shape()) return static_cast<double>(a.elements());
  const std::size_t bytes = size_of(a.type());
  const auto x = a.bytes();
  const auto y = b.bytes();
  std::int64_t count = 0;
  for (std::size_t at = 0; at + bytes <= x.size(); at += bytes) {
    count += std::memcmp(&x[at], &y[at], bytes) != 0 ? 1 : 0;
  }
  return static_cast<double>(count);
}

template <typename Definition>
class OutputMeter final : public Meter {
 public:
  OutputMeter(const MeterContext& context, Definition definition)
      : widths_(context.options.widths), definition_(std::move(definition)) {}
  void see_float_outputs(const std::vector<Tensor>& outputs) override {
    definition_.see_float(outputs);
  }
  void see_outputs(Cell cell, const std::vector<Tensor>& outputs) override {
    definition_.see(cell.layer * widths_.size() + cell.width, outputs);
  }
  [[nodiscard]] LossTable result() const override { return {widths_, definition_.result()}; }

 private:
  std::vector<BitWidth> widths_;
  Definition definition_;
};

std::size_t cells_of(const MeterContext& context) {
  return context.layers.size() * context.options.widths.size();
}

}  // namespace

void require_scores(const graph::Graph& graph) {
  if (scores::kind_of(graph) != scores::Kind::None) return;
  const bool known = !graph.outputs().empty();
  const graph::Value value = known ? graph.value(graph.outputs().front()) : graph::Value{};
  throw DataError("sensitivity",
                  fmt::format("output-kl compares rows of class scores [n, classes], but the first "
                              "output '{}' is {} {}; use output-mse",
                              value.name,
                              name_of(value.type),
                              value.shape ? graph::to_string(*value.shape) : "of unknown shape"));
}

double squared_norm(const std::vector<Tensor>& outputs) {
  const bool floats = has_floats(outputs);
  double sum = 0;
  for (const Tensor& output : outputs) {
    if (!floats) sum += static_cast<double>(output.elements());
    if (output.type() != DataType::Float32) continue;
    for (const float value : output.data<float>()) sum += static_cast<double>(value) * value;
  }
  return sum;
}

double squared_distance(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  const bool floats = has_floats(a);
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!floats) sum += differing_elements(a[i], b[i]);
    if (a[i].type() != DataType::Float32) continue;
    const auto x = a[i].data<float>();
    const auto y = b[i].data<float>();
    for (std::size_t j = 0; j < x.size(); ++j) {
      const double difference = static_cast<double>(x[j]) - y[j];
      sum += difference * difference;
    }
  }
  return sum;
}

void RelativeError::see_float(const std::vector<Tensor>& outputs) {
  reference_ = outputs;
  norm_ += squared_norm(outputs);
}

void RelativeError::see(std::size_t cell, const std::vector<Tensor>& outputs) {
  sums_[cell] += squared_distance(outputs, reference_);
}

std::vector<double> RelativeError::result() const {
  if (!(norm_ > 0)) {
    throw DataError("sensitivity",
                    "the network's output is zero on every sample, or no sample was given; use "
                    "samples it was trained for");
  }
  std::vector<double> values = sums_;
  for (double& value : values) value /= norm_;
  return values;
}

void Divergence::see_float(const std::vector<Tensor>& outputs) {
  const scores::Scores seen = scores::as_scores(outputs.front(), kind_).value();
  reference_ = scores::log_probabilities(seen);
  samples_ += seen.rows;
}

void Divergence::see(std::size_t cell, const std::vector<Tensor>& outputs) {
  const std::vector<double> quantized =
      scores::log_probabilities(scores::as_scores(outputs.front(), kind_).value());
  const double sum =
      scores::divergence(std::span<const double>(reference_), std::span<const double>(quantized));
  sums_[cell] += std::max(sum, 0.0);  // may be negative by rounding
}

std::vector<double> Divergence::result() const {
  if (samples_ == 0) throw DataError("sensitivity", "no sample was given; add a batch first");
  std::vector<double> values = sums_;
  for (double& value : values) value /= static_cast<double>(samples_);
  return values;
}

std::unique_ptr<Meter> make_output_mse(const MeterContext& context) {
  return std::make_unique<OutputMeter<RelativeError>>(context, RelativeError(cells_of(context)));
}

std::unique_ptr<Meter> make_output_kl(const MeterContext& context) {
  require_scores(context.graph);
  return std::make_unique<OutputMeter<Divergence>>(
      context, Divergence(cells_of(context), scores::kind_of(context.graph)));
}

}  // namespace ompq::sensitivity
