#pragma once

#include <ATen/ATen.h>

#include "ompq/scores/class_scores.h"

/// scores/class_scores.h on tensors that gradients flow through, in float32.
namespace ompq::runtime {

/// Class scores as logits [n, classes]: those of probabilities are their logarithms.
/// @param output  [n, classes], or with trailing extents of 1; other outputs are returned
/// unchanged.
[[nodiscard]] at::Tensor logits_of(const at::Tensor& output, scores::Kind kind);

/// log softmax(logits / temperature), row by row. @param logits  [n, classes].
[[nodiscard]] at::Tensor log_probabilities(const at::Tensor& logits, double temperature = 1.0);

/// Kullback-Leibler divergence of q from p, in nats: the mean over rows of sum p (log p - log q).
/// @param p, q  logarithms of probabilities, [n, classes].
[[nodiscard]] at::Tensor mean_divergence(const at::Tensor& p, const at::Tensor& q);

}  // namespace ompq::runtime
