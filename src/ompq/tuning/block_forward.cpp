#include "ompq/tuning/block_forward.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "ompq/core/progress.h"
#include "ompq/tuning/quantize_weights.h"

namespace ompq::tuning {
namespace {

using graph::Graph;
using graph::ValueId;

/// [n, c, positions] out of rows [positions, c].
void to_channels_first(const float* rows, float* images, std::int64_t c, std::int64_t positions) {
  constexpr std::int64_t kTile = 16;
  for (std::int64_t p0 = 0; p0 < positions; p0 += kTile) {
    const std::int64_t p1 = std::min(p0 + kTile, positions);
    for (std::int64_t k = 0; k < c; ++k) {
      for (std::int64_t p = p0; p < p1; ++p) images[k * positions + p] = rows[p * c + k];
    }
  }
}

/// The rows as the graph's input wants them, channels first.
Tensor input_tensor(const Graph& graph,
                    ValueId id,
                    const SampleCache& cache,
                    std::span<const std::int64_t> rows) {
  const auto extents =
      graph::extents_at(*graph.value(id).shape, static_cast<std::int64_t>(rows.size()));
  Tensor tensor(DataType::Float32, extents);
  const auto values = tensor.mutable_data<float>();
  const auto cols = static_cast<std::size_t>(cache.cols());
  const bool image = extents.size() == 4;
#pragma omp parallel
  {
    std::vector<float> buffer(cols);
#pragma omp for schedule(static)
    for (std::size_t r = 0; r < rows.size(); ++r) {
      const auto target = values.subspan(r * cols, cols);
      cache.read(rows[r], image ? std::span(buffer) : target);
      if (image) {
        to_channels_first(buffer.data(), target.data(), extents[1], extents[2] * extents[3]);
      }
    }
  }
  return tensor;
}

bool has_fixed_batch(const Graph& graph) {
  return std::none_of(graph.inputs().begin(), graph.inputs().end(), [&](ValueId id) {
    const auto& shape = *graph.value(id).shape;
    return !shape.empty() && shape.front().times_batch;
  });
}

using UseOutput = std::function<void(std::size_t output, std::int64_t first, const MatrixView&)>;

/// Runs `rows` in batches; `first` in `use` counts positions in `rows`.
void run_rows(const Graph& graph,
              std::span<const std::shared_ptr<SampleCache>> inputs,
              std::span<const std::int64_t> rows,
              std::int64_t batch,
              runtime::ExecutorOptions options,
              const UseOutput& use) {
  options.captured = graph.outputs();
  runtime::Executor executor(graph, options);
  if (has_fixed_batch(graph)) batch = 1;
  const auto count = static_cast<std::int64_t>(rows.size());
  for (std::int64_t at = 0; at < count; at += batch) {
    check_interrupt();
    const auto part = rows.subspan(static_cast<std::size_t>(at),
                                   static_cast<std::size_t>(std::min(batch, count - at)));
    std::vector<Tensor> tensors;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      tensors.push_back(input_tensor(graph, graph.inputs()[i], *inputs[i], part));
    }
    (void)executor.run(tensors, [&](ValueId id, const MatrixView& view) {
      // However the value is shaped, a row of ours is one sample.
      MatrixView samples = view;
      samples.rows = static_cast<std::int64_t>(part.size());
      samples.cols = view.rows * view.cols / samples.rows;
      samples.row_stride = samples.cols;
      for (std::size_t o = 0; o < graph.outputs().size(); ++o) {
        if (graph.outputs()[o] == id) use(o, at, samples);
      }
    });
  }
}

BlockError row_error(const float* made,
                     const SampleCache& targets,
                     const SampleCache* weights,
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

graph::Graph quantized_part(const PartGraph& part,
                            const std::vector<graph::Layer>& layers,
                            const WeightCodes& codes,
                            const ActivationQuantizers& quantizers) {
  Graph graph = part.graph;
  ActivationQuantizers own;
  for (const auto& [value, params] : quantizers) {
    const auto found = part.own.find(value);
    if (found != part.own.end()) own.emplace(found->second, params);
  }
  ActivationScales scales;
  for (const auto& [value, params] : own) scales.emplace(value, params.scale.front());
  std::vector<graph::Layer> coded;
  for (const graph::Layer& layer : layers_of_part(part, layers)) {
    graph::Value& weight = graph.mutable_value(layer.weight);
    const auto found = codes.find(weight.name);
    if (found == codes.end()) continue;
    weight.constant = quant::dequantize(found->second);
    coded.push_back(layer);
  }
  round_biases(graph, coded, codes, scales);
  // A value that nobody in here reads, an output mostly, is quantized where it is read.
  std::erase_if(own, [&](const auto& entry) { return graph.consumers(entry.first).empty(); });
  insert_activation_quantizers(graph, own);
  return graph;
}

void run_cached(const Graph& graph,
                std::span<const std::shared_ptr<SampleCache>> inputs,
                std::span<const std::shared_ptr<SampleCache>> outputs,
                std::int64_t batch,
                const runtime::ExecutorOptions& executor) {
  std::vector<std::int64_t> rows(static_cast<std::size_t>(inputs.front()->rows()));
  std::iota(rows.begin(), rows.end(), 0);
  run_rows(graph,
           inputs,
           rows,
           batch,
           executor,
           [&](std::size_t output, std::int64_t first, const MatrixView& samples) {
             outputs[output]->write(first, samples);
           });
  for (const auto& cache : inputs) cache->release_pages();
  for (const auto& cache : outputs) cache->release_pages();
}

double BlockError::snr_db() const {
  return 10.0 * std::log10(std::max(signal, 1e-300) / std::max(noise, 1e-300));
}

BlockError measure_error(const Graph& graph,
                         const std::shared_ptr<SampleCache>& inputs,
                         const SampleCache& targets,
                         const SampleCache* weights,
                         std::span<const std::int64_t> rows,
                         std::int64_t batch,
                         int threads) {
  std::vector<BlockError> errors(rows.size());
  run_rows(graph,
           {&inputs, 1},
           rows,
           batch,
           {.threads = threads},
           [&](std::size_t, std::int64_t first, const MatrixView& samples) {
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

}  // namespace ompq::tuning
