#include "ompq/tuning/block_fisher.h"

#include <cmath>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "ompq/core/random.h"
#include "ompq/data/batches.h"
#include "ompq/ops/aten_bridge.h"
#include "ompq/runtime/differentiable.h"
#include "ompq/runtime/thread_scope.h"
#include "ompq/tuning/block_graph.h"

namespace ompq::tuning {
namespace {

using graph::ValueId;

/// Activations of every layer are kept for the way back: small batches.
constexpr std::int64_t kBatch = 8;

at::Tensor random_numbers(const at::Tensor& like, Random& random) {
  at::Tensor numbers = at::empty(like.sizes(), at::kFloat);
  float* values = numbers.data_ptr<float>();
  for (std::int64_t i = 0; i < numbers.numel(); ++i) {
    values[i] = static_cast<float>(random.uniform());
  }
  return numbers;
}

/// Log-likelihood of a class that the network itself believes in.
at::Tensor believed_loss(const at::Tensor& output, Random& random) {
  if (output.dim() != 2 || output.size(1) < 2) {
    const at::Tensor signs = random_numbers(output, random).ge(0.5).to(at::kFloat) * 2 - 1;
    return (output * signs).sum();
  }
  const at::Tensor logs = at::log_softmax(output, 1);
  // The greatest of log p + Gumbel noise is a draw from p.
  const at::Tensor noise = -at::log(-at::log(random_numbers(output, random).clamp(1e-7, 1 - 1e-7)));
  const at::Tensor drawn = (logs.detach() + noise).argmax(1, /*keepdim=*/true);
  return -logs.gather(1, drawn).sum();
}

MatrixView rows_of(const at::Tensor& gradient, std::int64_t rows) {
  const std::int64_t cols = gradient.numel() / rows;
  return {gradient.data_ptr(), DataType::Float32, rows, cols, cols};
}

class FisherPass {
 public:
  FisherPass(const graph::Graph& graph, const std::vector<ValueId>& values, std::uint64_t seed)
      : network_(graph), values_(values), random_(Random(seed).split("fisher")) {}

  /// The gradients' magnitudes by `values`, dense, channels last.
  std::vector<at::Tensor> run(const data::Batch& batch) {
    const at::AutoGradMode recording(true);
    runtime::Bindings bound;
    const auto& inputs = network_.graph().inputs();
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      at::Tensor input = ops::to_aten(batch.inputs[i]);
      if (input.dim() == 4) input = input.contiguous(at::MemoryFormat::ChannelsLast);
      if (at::isFloatingType(input.scalar_type())) input = input.detach().requires_grad_(true);
      bound.emplace(inputs[i], input);
    }
    std::vector<ValueId> wanted = values_;
    wanted.push_back(network_.graph().outputs().front());
    std::vector<at::Tensor> made = network_.evaluate(bound, wanted);
    for (const at::Tensor& value : made) value.retain_grad();
    believed_loss(made.back(), random_).backward();
    std::vector<at::Tensor> magnitudes;
    for (std::size_t v = 0; v < values_.size(); ++v) {
      const auto format =
          made[v].dim() == 4 ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous;
      const at::Tensor gradient = made[v].grad();
      magnitudes.push_back((gradient.defined() ? gradient.abs() : at::zeros_like(made[v]))
                               .detach()
                               .to(at::kFloat)
                               .contiguous(format));
    }
    return magnitudes;
  }

 private:
  runtime::DifferentiableGraph network_;
  std::vector<ValueId> values_;
  Random random_;
};

}  // namespace

std::map<ValueId, FisherWeights> fisher_weights(const graph::Graph& graph,
                                                const std::vector<ValueId>& values,
                                                data::Dataset& dataset,
                                                const std::vector<std::int64_t>& indices,
                                                std::uint64_t seed,
                                                CacheMemory& memory,
                                                int threads,
                                                const ProgressHandler& progress) {
  const runtime::ThreadScope scope(runtime::resolved_threads(threads));
  const auto count = static_cast<std::int64_t>(indices.size());
  std::map<ValueId, FisherWeights> weights;
  for (const ValueId value : values) {
    weights[value].roots =
        std::make_shared<SampleCache>(count, elements_per_sample(graph, value), memory);
    weights[value].mean_square = 0.0;
  }
  FisherPass pass(graph, values, seed);
  std::int64_t first = 0;
  const auto use = [&](const data::Batch& batch) {
    const std::vector<at::Tensor> magnitudes = pass.run(batch);
    for (std::size_t v = 0; v < values.size(); ++v) {
      FisherWeights& own = weights.at(values[v]);
      own.roots->write(first, rows_of(magnitudes[v], batch.size));
      own.mean_square += magnitudes[v].square().sum(at::kDouble).item<double>();
    }
    first += batch.size;
  };
  data::for_each_batch(dataset, indices, kBatch, use, "fisher information", progress);
  for (auto& [value, own] : weights) {
    own.mean_square /= static_cast<double>(first) * static_cast<double>(own.roots->cols());
    own.mean_square = std::max(own.mean_square, 1e-30);
    own.roots->release_pages();
  }
  return weights;
}

}  // namespace ompq::tuning
