#include "ompq/reconstruction/block_fisher.h"

#include <cmath>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <c10/util/Exception.h>
#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/core/random.h"
#include "ompq/data/batches.h"
#include "ompq/graph/passes.h"
#include "ompq/ops/allocation_failure.h"
#include "ompq/ops/aten_bridge.h"
#include "ompq/rounding/block_graph.h"
#include "ompq/runtime/backward_scope.h"
#include "ompq/runtime/class_losses.h"
#include "ompq/runtime/differentiable.h"
#include "ompq/runtime/passes.h"
#include "ompq/runtime/thread_scope.h"
#include "ompq/scores/class_scores.h"

namespace ompq::reconstruction {
namespace {

using graph::ValueId;

/// Small, since the activations of all layers are kept for the backward pass.
constexpr std::int64_t kBatch = 8;

at::Tensor random_numbers(const at::Tensor& like, Random& random) {
  at::Tensor numbers = at::empty(like.sizes(), at::kFloat);
  float* values = numbers.data_ptr<float>();
  for (std::int64_t i = 0; i < numbers.numel(); ++i) {
    values[i] = static_cast<float>(random.uniform());
  }
  return numbers;
}

/// Log-likelihood of a class drawn from the network's own distribution.
at::Tensor believed_loss(const at::Tensor& output, scores::Kind kind, Random& random) {
  if (kind == scores::Kind::None) {
    const at::Tensor signs = random_numbers(output, random).ge(0.5).to(at::kFloat) * 2 - 1;
    return (output * signs).sum();
  }
  const at::Tensor logs = runtime::log_probabilities(runtime::logits_of(output, kind));
  // The maximum of log p + Gumbel noise is a sample from p.
  const at::Tensor noise = -at::log(-at::log(random_numbers(logs, random).clamp(1e-7, 1 - 1e-7)));
  const at::Tensor drawn = (logs.detach() + noise).argmax(1, /*keepdim=*/true);
  return -logs.gather(1, drawn).sum();
}

/// One row per sample; a row common to all samples is repeated.
MatrixView rows_of(const at::Tensor& rows, std::int64_t count) {
  const std::int64_t cols = rows.size(1);
  return {rows.data_ptr(), DataType::Float32, count, cols, rows.size(0) == count ? cols : 0};
}

class FisherPass {
 public:
  FisherPass(const graph::Graph& graph, const std::vector<ValueId>& values, std::uint64_t seed)
      : network_(graph::with_float_outputs(graph)),
        kind_(scores::kind_of(network_.graph())),
        values_(values),
        random_(Random(seed).split("fisher")) {}

  [[nodiscard]] const graph::Graph& graph() const { return network_.graph(); }

  /// The magnitudes of the gradients with respect to `values`, one row per sample of a pass.
  /// @param passes  one pass of samples, or one sample per pass.
  std::vector<at::Tensor> run(const std::vector<at::Tensor>& inputs,
                              const runtime::Passes& passes) {
    const at::AutoGradMode recording(true);
    runtime::Bindings bound;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      at::Tensor input = inputs[i];
      if (input.dim() == 4) input = input.contiguous(at::MemoryFormat::ChannelsLast);
      if (at::isFloatingType(input.scalar_type())) input = input.detach().requires_grad_(true);
      bound.emplace(graph().inputs()[i], input);
    }
    std::vector<ValueId> wanted = values_;
    wanted.push_back(graph().outputs().front());
    std::vector<at::Tensor> made = network_.evaluate(bound, wanted);
    // Also values that depend on no float input need gradients, so they are leaves.
    for (std::size_t v = 0; v < values_.size(); ++v) {
      if (made[v].requires_grad()) continue;
      bound.emplace(values_[v], made[v].detach().requires_grad_(true));
      made = network_.evaluate(bound, wanted);
    }
    for (const at::Tensor& value : made) {
      if (value.requires_grad()) value.retain_grad();
    }
    const runtime::BackwardScope backward;
    believed_loss(made.back(), kind_, random_).backward();
    return magnitudes(made, passes);
  }

 private:
  [[nodiscard]] std::vector<at::Tensor> magnitudes(const std::vector<at::Tensor>& made,
                                                   const runtime::Passes& passes) const {
    std::vector<at::Tensor> rows;
    for (std::size_t v = 0; v < values_.size(); ++v) {
      const at::Tensor gradient = made[v].grad();
      const at::Tensor magnitude =
          (gradient.defined() ? gradient.abs() : at::zeros_like(made[v])).detach().to(at::kFloat);
      rows.push_back(runtime::rows_by_sample({&magnitude, 1}, graph().value(values_[v]), passes));
    }
    return rows;
  }

  runtime::DifferentiableGraph network_;
  scores::Kind kind_;
  std::vector<ValueId> values_;
  Random random_;
};

/// A missing gradient in LibTorch is a property of the network, not a bug.
std::vector<at::Tensor> run_pass(FisherPass& pass,
                                 const std::vector<at::Tensor>& inputs,
                                 const runtime::Passes& passes) {
  try {
    return pass.run(inputs, passes);
  } catch (const c10::Error& error) {
    const auto failure = ops::allocation_failure(error.what_without_backtrace());
    if (failure) throw OutOfMemory(*failure);
    throw DataError("fisher information",
                    fmt::format("no gradient can be computed: {}", error.what_without_backtrace()));
  }
}

}  // namespace

std::map<ValueId, FisherWeights> fisher_weights(const graph::Graph& graph,
                                                const std::vector<ValueId>& values,
                                                data::Dataset& dataset,
                                                const std::vector<std::int64_t>& indices,
                                                std::uint64_t seed,
                                                rounding::CacheMemory& memory,
                                                int threads,
                                                const ProgressHandler& progress) {
  const runtime::ThreadScope scope(runtime::resolved_threads(threads));
  const std::int64_t at_once = runtime::fixed_batch(graph).value_or(1);
  const std::int64_t count = (static_cast<std::int64_t>(indices.size()) + at_once - 1) / at_once;
  std::map<ValueId, FisherWeights> weights;
  for (const ValueId value : values) {
    weights[value].roots = std::make_shared<rounding::SampleCache>(
        count, rounding::elements_per_sample(graph, value), memory);
    weights[value].mean_square = 0.0;
  }
  FisherPass pass(graph, values, seed);
  std::int64_t first = 0;
  const auto put = [&](const std::vector<at::Tensor>& inputs, const runtime::Passes& passes) {
    const std::vector<at::Tensor> magnitudes = run_pass(pass, inputs, passes);
    for (std::size_t v = 0; v < values.size(); ++v) {
      FisherWeights& own = weights.at(values[v]);
      own.roots->write(first, rows_of(magnitudes[v], passes.samples));
      const double share =
          static_cast<double>(passes.samples) / static_cast<double>(magnitudes[v].size(0));
      own.mean_square += share * magnitudes[v].square().sum(at::kDouble).item<double>();
    }
    first += passes.samples;
  };
  const auto use = [&](const data::Batch& batch) {
    const runtime::Passes passes = runtime::passes_for(graph, batch.inputs);
    // For a network with a fixed batch, a row is a pass.
    for (std::int64_t p = 0; p < passes.count(); ++p) {
      std::vector<at::Tensor> inputs;
      for (std::size_t i = 0; i < batch.inputs.size(); ++i) {
        const graph::Value& input = graph.value(graph.inputs()[i]);
        inputs.push_back(runtime::part_of(
            ops::to_aten(batch.inputs[i].converted_to(input.type)), input, passes, p));
      }
      put(inputs, passes.fixed ? runtime::Passes{1, 1, true} : passes);
    }
  };
  data::for_each_batch(dataset,
                       indices,
                       runtime::samples_in_memory(graph, kBatch),
                       use,
                       "fisher information",
                       progress);
  for (auto& [value, own] : weights) {
    own.mean_square /= static_cast<double>(first) * static_cast<double>(own.roots->cols());
    own.mean_square = std::max(own.mean_square, 1e-30);
    own.roots->release_pages();
  }
  return weights;
}

}  // namespace ompq::reconstruction
