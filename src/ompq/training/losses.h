#pragma once

#include <cstdint>
#include <span>

#include <ATen/ATen.h>

#include "ompq/training/training_options.h"

namespace ompq::training {

/// Scores are logits [n, classes], see runtime::logits_of.

/// Mean cross-entropy in nats of class scores; labels in 0..classes - 1. With
/// smoothing s, the target is 1 - s at the label and s / classes everywhere.
/// @throws DataError for a label out of range; ShapeError if the numbers of labels and rows differ.
/// Source: Szegedy et al. 2016, section 7.
[[nodiscard]] at::Tensor cross_entropy(const at::Tensor& scores,
                                       std::span<const std::int64_t> labels,
                                       double smoothing = 0.0);

/// T^2 x mean divergence of softmax(scores / T) from softmax(teacher / T), in nats. The factor
/// makes the size of gradients independent of the temperature. Source: Hinton et al. 2015, section
/// 2.
[[nodiscard]] at::Tensor distillation(const at::Tensor& scores,
                                      const at::Tensor& teacher,
                                      double temperature = 1.0);

/// (1 - share) x cross-entropy + share x distillation; a term with factor 0 is not computed.
/// @throws ConfigError if the teacher, or the labels, are needed and missing.
[[nodiscard]] at::Tensor training_loss(const at::Tensor& scores,
                                       std::span<const std::int64_t> labels,
                                       const at::Tensor& teacher,
                                       const LossOptions& options);

}  // namespace ompq::training
