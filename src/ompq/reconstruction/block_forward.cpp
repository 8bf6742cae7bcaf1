#include "ompq/reconstruction/block_forward.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/core/progress.h"
#include "ompq/rounding/quantize_weights.h"
#include "ompq/targets/target_table.h"

namespace ompq::reconstruction {
namespace {

using graph::Graph;
using graph::ValueId;

/// [n, c, h, w] as rows of h, w, c.
Tensor channels_last(const Tensor& images) {
  if (images.rank() != 4) return images;
  const auto& shape = images.shape();
  const std::int64_t channels = shape[1];
  const std::int64_t positions = shape[2] * shape[3];
  Tensor rows(DataType::Float32, shape);
  const auto from = images.data<float>();
  const auto to = rows.mutable_data<float>();
#pragma omp parallel for schedule(static)
  for (std::int64_t n = 0; n < shape[0]; ++n) {
    const auto at = static_cast<std::size_t>(n * channels * positions);
    for (std::int64_t c = 0; c < channels; ++c) {
      for (std::int64_t p = 0; p < positions; ++p) {
        to[at + static_cast<std::size_t>(p * channels + c)] =
            from[at + static_cast<std::size_t>(c * positions + p)];
      }
    }
  }
  return rows;
}

bool has_fixed_batch(const Graph& graph) {
  return std::none_of(graph.inputs().begin(), graph.inputs().end(), [&](ValueId id) {
    const auto& shape = *graph.value(id).shape;
    return !shape.empty() && shape.front().times_batch;
  });
}

/// Number of rows at once with which the largest activation is cheap to allocate.
std::int64_t rows_at_once(const Graph& graph, std::int64_t max) {
  constexpr std::int64_t kLargest = std::int64_t{4} << 20;  // elements
  std::int64_t elements = 1;
  for (const graph::Value& value : graph.values()) {
    if (!value.constant && value.shape) {
      elements = std::max(elements, element_count(graph::extents_at(*value.shape, 1)));
    }
  }
  return std::clamp<std::int64_t>(kLargest / elements, 2, std::max<std::int64_t>(max, 2));
}

runtime::ExecutorOptions capturing(const std::vector<ValueId>& values,
                                   runtime::ExecutorOptions options) {
  options.captured = values;
  return options;
}

BlockError row_error(const float* made,
                     const rounding::SampleCache& targets,
                     const rounding::SampleCache* weights,
                     std::int64_t row) {
  std::vector<float> target(static_cast<std::size_t>(targets.cols()));
  std::vector<float> root(target.size(), 1.0F);
  targets.read(row, target);
  if (weights != nullptr) weights->read(row, root);
  BlockError error;
  for (std::size_t i = 0; i < target.size(); ++i) {
    const double weight = static_cast<double>(root[i]) * root[i];
    const double difference = static_cast<double>(made[i]) - target[i];
    error.noise += weight * difference * difference;
    error.signal += weight * target[i] * target[i];
  }
  return error;
}

}  // namespace

graph::Graph quantized_part(const rounding::PartGraph& part,
                            const std::vector<graph::Layer>& layers,
                            const rounding::NetworkCodes& codes) {
  Graph graph = part.graph;
  rounding::replace_biases(graph, codes.biases);
  rounding::ActivationQuantizers own;
  for (const auto& [value, params] : codes.activations) {
    const auto found = part.own.find(value);
    if (found != part.own.end()) own.emplace(found->second, params);
  }
  rounding::ActivationScales scales;
  for (const auto& [value, params] : own) scales.emplace(value, params.scale.front());
  std::vector<graph::Layer> coded;
  for (const graph::Layer& layer : rounding::layers_of_part(part, layers)) {
    graph::Value& weight = graph.mutable_value(layer.weight);
    const auto found = codes.weights.find(weight.name);
    if (found == codes.weights.end()) continue;
    weight.constant = quant::dequantize(found->second);
    coded.push_back(layer);
  }
  rounding::round_biases(graph, coded, codes.weights, scales);
  // A value without readers in the part, usually an output, is quantized where it is read.
  std::erase_if(own, [&](const auto& entry) { return graph.consumers(entry.first).empty(); });
  rounding::insert_activation_quantizers(graph, own, targets::target(codes.target));
  return graph;
}

void cache_samples(const Tensor& samples,
                   std::int64_t first,
                   std::int64_t rows,
                   rounding::SampleCache& cache) {
  const Tensor images = channels_last(samples.converted_to(DataType::Float32));
  const std::int64_t cols = cache.cols();
  cache.write(first, {images.bytes().data(), DataType::Float32, rows, cols, cols});
}

CachedForward::CachedForward(Graph graph, std::int64_t batch, runtime::ExecutorOptions options)
    : graph_(std::move(graph)),
      batch_(has_fixed_batch(graph_) ? 1 : rows_at_once(graph_, batch)),
      executor_(graph_, capturing(graph_.outputs(), std::move(options))),
      order_(graph_.outputs().size()) {
  std::iota(order_.begin(), order_.end(), 0);
  std::sort(order_.begin(), order_.end(), [&](std::size_t a, std::size_t b) {
    return executor_.position(graph_.outputs()[a]) < executor_.position(graph_.outputs()[b]);
  });
}

void CachedForward::run(std::span<const std::shared_ptr<rounding::SampleCache>> inputs,
                        std::span<const std::int64_t> rows,
                        const UseOutput& use) {
  const auto count = static_cast<std::int64_t>(rows.size());
  for (std::int64_t at = 0; at < count; at += batch_) {
    check_interrupt();
    const auto part = rows.subspan(static_cast<std::size_t>(at),
                                   static_cast<std::size_t>(std::min(batch_, count - at)));
    const auto samples = static_cast<std::int64_t>(part.size());
    auto state = executor_.start_rows(
        samples, [&](std::size_t input, std::int64_t row, std::span<float> out) {
          inputs[input]->read(part[static_cast<std::size_t>(row)], out);
        });
    for (const std::size_t output : order_) {
      executor_.advance_past(state, graph_.outputs()[output]);
      MatrixView view = executor_.rows(state, graph_.outputs()[output]);
      // Values that do not depend on the samples are the same in each row.
      if (view.rows == 1) view.row_stride = 0;
      view.rows = samples;
      use(output, at, view);
    }
  }
}

void run_cached(const Graph& graph,
                std::span<const std::shared_ptr<rounding::SampleCache>> inputs,
                std::span<const std::shared_ptr<rounding::SampleCache>> outputs,
                std::int64_t batch,
                const runtime::ExecutorOptions& executor) {
  std::vector<std::int64_t> rows(static_cast<std::size_t>(inputs.front()->rows()));
  std::iota(rows.begin(), rows.end(), 0);
  CachedForward(graph, batch, executor)
      .run(inputs, rows, [&](std::size_t output, std::int64_t first, const MatrixView& samples) {
        outputs[output]->write(first, samples);
      });
  for (const auto& cache : inputs) cache->release_pages();
  for (const auto& cache : outputs) cache->release_pages();
}

double BlockError::snr_db() const {
  return 10.0 * std::log10(std::max(signal, 1e-300) / std::max(noise, 1e-300));
}

BlockError measure_error(const Graph& graph,
                         const std::shared_ptr<rounding::SampleCache>& inputs,
                         const rounding::SampleCache& targets,
                         const rounding::SampleCache* weights,
                         std::span<const std::int64_t> rows,
                         std::int64_t batch,
                         int threads) {
  std::vector<BlockError> errors(rows.size());
  CachedForward forward(graph, batch, {.threads = threads});
  forward.run({&inputs, 1}, rows, [&](std::size_t, std::int64_t first, const MatrixView& samples) {
#pragma omp parallel for schedule(static)
    for (std::int64_t r = 0; r < samples.rows; ++r) {
      const auto at = static_cast<std::size_t>(first + r);
      const auto* made = static_cast<const float*>(samples.data) + r * samples.row_stride;
      errors[at] = row_error(made, targets, weights, rows[at]);
    }
  });
  BlockError sum;
  for (const BlockError& error : errors) {
    sum.noise += error.noise;
    sum.signal += error.signal;
  }
  return sum;
}

}  // namespace ompq::reconstruction
