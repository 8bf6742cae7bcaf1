#include "ompq/training/losses.h"

#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/core/tensor.h"
#include "ompq/runtime/class_losses.h"

namespace ompq::training {
namespace {

at::Tensor checked_labels(const at::Tensor& scores, std::span<const std::int64_t> labels) {
  if (scores.dim() != 2 || scores.size(0) != static_cast<std::int64_t>(labels.size())) {
    throw ShapeError("training",
                     fmt::format("got {} labels for class scores of shape {}; give one per row",
                                 labels.size(),
                                 shape_text(scores.sizes().vec())));
  }
  for (const std::int64_t label : labels) {
    if (label >= 0 && label < scores.size(1)) continue;
    throw DataError("training",
                    fmt::format("label {} for a network of {} classes", label, scores.size(1)));
  }
  return at::tensor(at::ArrayRef<std::int64_t>(labels.data(), labels.size()),
                    at::TensorOptions(at::kLong));
}

}  // namespace

at::Tensor cross_entropy(const at::Tensor& scores,
                         std::span<const std::int64_t> labels,
                         double smoothing) {
  const at::Tensor at_labels = checked_labels(scores, labels);
  const at::Tensor logs = runtime::log_probabilities(scores);
  const at::Tensor by_label = -logs.gather(1, at_labels.unsqueeze(1)).mean();
  if (smoothing == 0.0) return by_label;
  return (1.0 - smoothing) * by_label - smoothing * logs.mean();
}

at::Tensor distillation(const at::Tensor& scores, const at::Tensor& teacher, double temperature) {
  if (scores.sizes() != teacher.sizes()) {
    throw ShapeError("training",
                     fmt::format("the teacher's scores have shape {}, but the network's {}",
                                 shape_text(teacher.sizes().vec()),
                                 shape_text(scores.sizes().vec())));
  }
  const at::Tensor own = runtime::log_probabilities(scores, temperature);
  const at::Tensor other = runtime::log_probabilities(teacher.detach(), temperature);
  return temperature * temperature * runtime::mean_divergence(other, own);
}

at::Tensor training_loss(const at::Tensor& scores,
                         std::span<const std::int64_t> labels,
                         const at::Tensor& teacher,
                         const LossOptions& options) {
  const double share = options.distillation;
  if (share > 0.0 && !teacher.defined()) {
    throw ConfigError("training", "distillation needs a teacher; give the float network");
  }
  if (share < 1.0 && labels.empty()) {
    throw ConfigError("training",
                      "the data have no labels; use distillation = 1, which needs none");
  }
  if (share >= 1.0) return distillation(scores, teacher, options.temperature);
  const at::Tensor by_labels = cross_entropy(scores, labels, options.label_smoothing);
  if (share <= 0.0) return by_labels;
  return (1.0 - share) * by_labels + share * distillation(scores, teacher, options.temperature);
}

}  // namespace ompq::training
