#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include <ATen/ATen.h>

#include "ompq/core/random.h"
#include "ompq/graph/layers.h"
#include "ompq/runtime/differentiable.h"
#include "ompq/runtime/passes.h"
#include "ompq/scores/class_scores.h"

namespace ompq::sensitivity {

/// The float32 network as a differentiable function of its layers' weights. Random numbers of a
/// sample depend only on a seed and on the sample's bytes, not on the order of samples or batches.
class GradientNetwork {
 public:
  /// @throws DataError if there is no float output.
  GradientNetwork(const graph::Graph& graph, const std::vector<graph::Layer>& layers);

  /// The weights of the layers, in their order; layers that share a weight share a tensor.
  [[nodiscard]] const std::vector<at::Tensor>& weights() const { return weights_; }
  [[nodiscard]] scores::Kind kind() const { return kind_; }
  /// The same, each requiring a gradient.
  [[nodiscard]] std::vector<at::Tensor> leaves() const;
  /// How samples are divided into backward passes: two at once, or the network's fixed batch.
  /// Single samples take four times as long in LibTorch's convolutions; more samples add noise to
  /// squares of their summed gradients.
  [[nodiscard]] runtime::Passes passes(std::span<const Tensor> inputs) const;
  /// The inputs of one of these passes, 4-D tensors channels_last.
  [[nodiscard]] std::vector<at::Tensor> inputs_of(std::span<const Tensor> inputs,
                                                  const runtime::Passes& passes,
                                                  std::int64_t pass) const;

  /// All float outputs for the given inputs and weights (one per layer).
  [[nodiscard]] std::vector<at::Tensor> run(std::span<const at::Tensor> inputs,
                                            std::span<const at::Tensor> weights) const;
  /// Logarithms of the class probabilities from outputs of run(), [n, classes].
  [[nodiscard]] at::Tensor log_probabilities(const std::vector<at::Tensor>& outputs) const;

 private:
  runtime::DifferentiableGraph network_;
  std::vector<graph::ValueId> weight_ids_;
  std::vector<at::Tensor> weights_;
  std::vector<graph::ValueId> outputs_;
  scores::Kind kind_;
};

/// The part of each output that belongs to `count` of the `at_once` samples of a pass, from `first`
/// on.
/// An output that all samples share belongs to the first.
[[nodiscard]] std::vector<at::Tensor> outputs_of(const std::vector<at::Tensor>& outputs,
                                                 std::int64_t first,
                                                 std::int64_t count,
                                                 std::int64_t at_once);
/// Random numbers of these samples, for `purpose`.
[[nodiscard]] Random random_for(std::span<const Tensor> inputs,
                                std::int64_t begin,
                                std::int64_t count,
                                std::uint64_t seed,
                                std::string_view purpose);
/// |y|^2 over all outputs.
[[nodiscard]] double squared_norm(const std::vector<at::Tensor>& outputs);

}  // namespace ompq::sensitivity
