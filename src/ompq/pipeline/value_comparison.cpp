#include "ompq/pipeline/value_comparison.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/pipeline/model.h"

namespace ompq::pipeline {
namespace {

constexpr std::int64_t kCaptureBytes = std::int64_t{256} << 20;

float widen(float value) { return value; }
float widen(double value) { return static_cast<float>(value); }
/// bfloat16 is the upper half of a float32.
float widen(std::uint16_t value) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(value) << 16U);
}

template <typename T>
void append_rows(const MatrixView& rows, std::vector<float>& to) {
  const auto* data = static_cast<const T*>(rows.data);
  for (std::int64_t r = 0; r < rows.rows; ++r) {
    const T* row = data + r * rows.row_stride;
    for (std::int64_t c = 0; c < rows.cols; ++c) to.push_back(widen(row[c]));
  }
}

std::int64_t elements_per_sample(const graph::Graph& graph, graph::ValueId id) {
  const auto& shape = graph.value(id).shape;
  std::int64_t count = 1;
  for (std::size_t d = 1; shape && d < shape->size(); ++d) {
    count *= std::max<std::int64_t>((*shape)[d].size, 1);
  }
  return count;
}

}  // namespace

void ValueComparison::add(std::span<const float> a, std::span<const float> b) {
  if (a.size() != b.size()) {
    throw ShapeError(
        "comparison",
        fmt::format("cannot compare {} elements with {}; compare values of the same shape",
                    a.size(),
                    b.size()));
  }
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double x = a[i];
    const double y = b[i];
    const double difference = y - x;
    signal += x * x;
    other += y * y;
    product += x * y;
    noise += difference * difference;
    largest = std::max(largest, std::abs(difference));
  }
  elements += static_cast<std::int64_t>(a.size());
}

bool ValueComparison::finite() const { return std::isfinite(signal) && std::isfinite(other); }

std::optional<double> ValueComparison::snr_db() const {
  if (!finite() || !(signal > 0) || !(noise > 0)) return std::nullopt;
  return 10.0 * std::log10(signal / noise);
}

std::optional<double> ValueComparison::cosine() const {
  if (!finite() || !(signal > 0) || !(other > 0)) return std::nullopt;
  return product / std::sqrt(signal * other);
}

std::vector<float> floats_of(const MatrixView& rows) {
  std::vector<float> values;
  values.reserve(static_cast<std::size_t>(rows.rows * rows.cols));
  switch (rows.type) {
    case DataType::BFloat16:
      append_rows<std::uint16_t>(rows, values);
      break;
    case DataType::Float64:
      append_rows<double>(rows, values);
      break;
    default:
      append_rows<float>(rows, values);
  }
  return values;
}

CapturedBatch run_captured(runtime::Executor& executor, std::span<const Tensor> inputs) {
  CapturedBatch batch;
  batch.outputs = executor.run(inputs, [&](graph::ValueId id, const MatrixView& rows) {
    batch.values[id] = floats_of(rows);
  });
  return batch;
}

std::int64_t capture_batch_size(const graph::Graph& graph,
                                std::span<const graph::ValueId> watched,
                                std::int64_t wanted) {
  std::int64_t bytes = 4;
  for (const graph::ValueId id : watched) bytes += 4 * elements_per_sample(graph, id);
  return batch_size_for(graph, std::clamp<std::int64_t>(kCaptureBytes / bytes, 1, wanted));
}

}  // namespace ompq::pipeline
