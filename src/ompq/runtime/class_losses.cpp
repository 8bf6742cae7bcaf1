#include "ompq/runtime/class_losses.h"

namespace ompq::runtime {

at::Tensor logits_of(const at::Tensor& output, scores::Kind kind) {
  if (kind == scores::Kind::None) return output;
  const at::Tensor rows = output.dim() > 2 ? output.flatten(1) : output;
  if (kind != scores::Kind::Probabilities) return rows;
  return rows.clamp_min(scores::kLeastProbability).log();
}

at::Tensor log_probabilities(const at::Tensor& logits, double temperature) {
  return at::log_softmax(temperature == 1.0 ? logits : logits / temperature, 1);
}

at::Tensor mean_divergence(const at::Tensor& p, const at::Tensor& q) {
  return (p.exp() * (p - q)).sum(1).mean();
}

}  // namespace ompq::runtime
