#include "ompq/sensitivity/output_divergence.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include <fmt/format.h>

#include "ompq/core/error.h"

namespace ompq::sensitivity {
namespace {

bool is_row_of_scores(const graph::Shape& shape) {
  if (shape.size() < 2 || !shape[1].is_fixed() || shape[1].size < 2) return false;
  return std::all_of(shape.begin() + 2, shape.end(), [](const graph::Dim& dim) {
    return dim.is_fixed() && dim.size == 1;
  });
}

/// Subtracts the logarithm of the row's sum of exponentials.
void normalize(double* row, std::size_t classes) {
  const double top = *std::max_element(row, row + classes);
  double sum = 0;
  for (std::size_t c = 0; c < classes; ++c) sum += std::exp(row[c] - top);
  const double shift = top + std::log(sum);
  for (std::size_t c = 0; c < classes; ++c) row[c] -= shift;
}

bool has_floats(const std::vector<Tensor>& outputs) {
  return std::ranges::any_of(
      outputs, [](const Tensor& output) { return output.type() == DataType::Float32; });
}

/// Elements of another value; those of an output that has another size now are all of them.
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

Scores scores_of(const graph::Graph& graph) {
  if (graph.outputs().empty()) return Scores::None;
  const graph::ValueId id = graph.outputs().front();
  const graph::Value& value = graph.value(id);
  if (value.type != DataType::Float32 || !value.shape || !is_row_of_scores(*value.shape)) {
    return Scores::None;
  }
  const graph::NodeId maker = graph.producer(id);
  const bool softmax = maker != graph::kNoNode && graph.node(maker).is("Softmax");
  return softmax ? Scores::Probabilities : Scores::Logits;
}

void require_scores(const graph::Graph& graph) {
  if (scores_of(graph) != Scores::None) return;
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

LogProbabilities log_probabilities(const Tensor& output, Scores scores) {
  const auto given = output.data<float>();
  LogProbabilities result{output.shape().front(), {given.begin(), given.end()}};
  if (scores == Scores::Probabilities) {
    // A probability that float32 rounded to zero is at most its least number.
    constexpr double kLeast = 0x1p-149;
    for (double& value : result.values) value = std::log(std::max(value, kLeast));
  }
  const auto classes = static_cast<std::size_t>(output.shape()[1]);
  for (std::size_t at = 0; at < result.values.size(); at += classes) {
    normalize(result.values.data() + at, classes);
  }
  return result;
}

double sum_of_divergences(const LogProbabilities& p, const LogProbabilities& q) {
  double sum = 0;
  for (std::size_t i = 0; i < p.values.size(); ++i) {
    sum += std::exp(p.values[i]) * (p.values[i] - q.values[i]);
  }
  return std::max(sum, 0.0);  // rounding alone takes it below
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
  reference_ = log_probabilities(outputs.front(), scores_);
  samples_ += reference_.samples;
}

void Divergence::see(std::size_t cell, const std::vector<Tensor>& outputs) {
  sums_[cell] += sum_of_divergences(reference_, log_probabilities(outputs.front(), scores_));
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
      context, Divergence(cells_of(context), scores_of(context.graph)));
}

}  // namespace ompq::sensitivity
