#include "ompq/sensitivity/output_error.h"

#include <algorithm>

#include "ompq/core/error.h"

namespace ompq::sensitivity {
namespace {

double squared_norm(const std::vector<Tensor>& outputs) {
  double sum = 0;
  for (const Tensor& output : outputs) {
    if (output.type() != DataType::Float32) continue;
    for (const float value : output.data<float>()) sum += static_cast<double>(value) * value;
  }
  return sum;
}

double squared_distance(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
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

}  // namespace

OutputError::OutputError(const std::vector<graph::Layer>& layers,
                         std::vector<BitWidth> widths,
                         QuantizedWeight quantized)
    : layers_(layers),
      widths_(std::move(widths)),
      quantized_(std::move(quantized)),
      squared_error_(layers.size() * widths_.size(), 0.0) {
  std::sort(widths_.begin(), widths_.end());
}

void OutputError::add_batch(runtime::Executor& executor,
                            const graph::Graph& graph,
                            std::span<const Tensor> inputs,
                            const ProgressHandler& progress) {
  runtime::Executor::State state = executor.start(inputs);
  const std::vector<Tensor> reference = executor.finish(runtime::Executor::State(state));
  squared_output_ += squared_norm(reference);
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    const graph::Layer& layer = layers_[l];
    executor.advance_to_reader_of(state, layer.weight);
    for (std::size_t w = 0; w < widths_.size(); ++w) {
      check_interrupt();
      executor.set_constant(layer.weight, quantized_(l, widths_[w]));
      const auto outputs = executor.finish(runtime::Executor::State(state));
      squared_error_[l * widths_.size() + w] += squared_distance(outputs, reference);
    }
    executor.set_constant(layer.weight, *graph.value(layer.weight).constant);
    if (progress) {
      progress({"sensitivity",
                static_cast<std::int64_t>(l) + 1,
                static_cast<std::int64_t>(layers_.size()),
                layer.name});
    }
  }
}

LossTable OutputError::result() const {
  if (!(squared_output_ > 0)) {
    throw DataError("sensitivity",
                    "the network's output is zero on every sample; use samples it was trained for");
  }
  LossTable table{widths_, squared_error_};
  const std::size_t count = widths_.size();
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    double* row = table.values.data() + l * count;
    for (std::size_t w = 0; w < count; ++w) {
      row[w] /= squared_output_;
      if (w > 0) row[w] = std::min(row[w], row[w - 1]);
    }
  }
  return table;
}

}  // namespace ompq::sensitivity
