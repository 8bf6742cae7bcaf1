#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include "ompq/ops/facts.h"
#include "ompq/ops/families/families.h"
#include "ompq/ops/run.h"

namespace ompq::ops {
namespace {

using Extents = std::vector<std::int64_t>;

float epsilon_of(const OpContext& context) {
  return context.node.float_attribute("epsilon", 1e-5F);
}

/// Inputs 1 to `last` must be vectors of `count` elements.
void require_vectors(const OpContext& context, Facts inputs, std::size_t last, Dim count) {
  for (std::size_t i = 1; i <= last; ++i) {
    if (has(inputs, i) && inputs[i].shape != Shape{count}) {
      fail(context,
           fmt::format("input {} has shape {}, but needs {} elements",
                       i,
                       graph::to_string(inputs[i].shape),
                       count.size));
    }
  }
}

OutputList infer_per_channel(const OpContext& context, Facts inputs) {
  if (rank_of(inputs[0]) < 2) fail(context, "its input has no channels");
  require_vectors(context, inputs, 4, inputs[0].shape[1]);
  return same_as_first(context, inputs);
}

// --- BatchNormalization
// ---------------------------------------------------------------------------

UnsupportedReason check_batch_norm(const OpContext& context, Facts inputs) {
  if (context.node.int_attribute("training_mode", 0) != 0) {
    return "training_mode = 1 uses batch statistics; export the network for inference";
  }
  if (context.node.int_attribute("spatial", 1) == 0) {
    return "spatial = 0 (statistics per pixel) is not supported";
  }
  return needs_float(context, inputs);
}

Outputs run_batch_norm(const OpContext& context, Inputs inputs) {
  return {at::batch_norm(inputs[0],
                         inputs[1],
                         inputs[2],
                         inputs[3],
                         inputs[4],
                         /*training=*/false,
                         /*momentum=*/0.0,
                         epsilon_of(context),
                         /*cudnn_enabled=*/true)};
}

// --- Instance, group and layer normalization
// -------------------------------------------------------

Outputs run_instance_norm(const OpContext& context, Inputs inputs) {
  return {in_format_of(inputs[0],
                       at::instance_norm(inputs[0],
                                         inputs[1],
                                         inputs[2],
                                         {},
                                         {},
                                         /*use_input_stats=*/true,
                                         0.0,
                                         epsilon_of(context),
                                         /*cudnn_enabled=*/true))};
}

OutputList infer_group_norm(const OpContext& context, Facts inputs) {
  const std::int64_t groups = context.node.int_attribute("num_groups", 0);
  const Shape& shape = inputs[0].shape;
  if (shape.size() < 2 || groups < 1 || shape[1].size % groups != 0) {
    fail(context,
         fmt::format("shape {} does not divide into {} groups", graph::to_string(shape), groups));
  }
  require_vectors(context, inputs, 2, context.opset < 21 ? Dim::fixed(groups) : shape[1]);
  return same_as_first(context, inputs);
}

/// Scale and bias are per group before opset 21 and per channel since.
Outputs run_group_norm(const OpContext& context, Inputs inputs) {
  const std::int64_t groups = context.node.int_attribute("num_groups", 1);
  at::Tensor scale = inputs[1];
  at::Tensor bias = inputs[2];
  if (context.opset < 21) {
    scale = scale.repeat_interleave(inputs[0].size(1) / groups);
    bias = bias.repeat_interleave(inputs[0].size(1) / groups);
  }
  return {
      in_format_of(inputs[0], at::group_norm(inputs[0], groups, scale, bias, epsilon_of(context)))};
}

OutputList infer_layer_norm(const OpContext& context, Facts inputs) {
  const Shape& shape = inputs[0].shape;
  const std::int64_t axis =
      normal_axis(context, context.node.int_attribute("axis", -1), rank_of(inputs[0]));
  const Shape normalized(shape.begin() + axis, shape.end());
  for (std::size_t i = 1; i < inputs.size(); ++i) {
    if (has(inputs, i) && broadcast(context, normalized, inputs[i].shape) != normalized) {
      fail(context,
           fmt::format("input {} has shape {}, the normalized axes {}",
                       i,
                       graph::to_string(inputs[i].shape),
                       graph::to_string(normalized)));
    }
  }
  return same_as_first(context, inputs);
}

Outputs run_layer_norm(const OpContext& context, Inputs inputs) {
  const at::Tensor& x = inputs[0];
  const std::int64_t axis = positive_axis(context.node.int_attribute("axis", -1), x.dim());
  const auto normalized = x.sizes().slice(static_cast<std::size_t>(axis));
  const auto whole = [&](const at::Tensor& parameter) {
    return parameter.defined() ? parameter.expand(normalized) : parameter;
  };
  return {at::layer_norm(
      x, normalized, whole(inputs[1]), whole(input(inputs, 2)), epsilon_of(context))};
}

/// RMSNormalization, and ONNX Runtime's SimplifiedLayerNormalization: the mean is not subtracted.
Outputs run_rms_norm(const OpContext& context, Inputs inputs) {
  const at::Tensor& x = inputs[0];
  Extents axes;
  const std::int64_t first = positive_axis(context.node.int_attribute("axis", -1), x.dim());
  for (std::int64_t axis = first; axis < x.dim(); ++axis) axes.push_back(axis);
  const at::Tensor power = at::mean(x * x, axes, true);
  return {x * at::rsqrt(power + epsilon_of(context)) * inputs[1]};
}

// --- Others --------------------------------------------------------------------------------------

UnsupportedReason check_lrn(const OpContext& context, Facts inputs) {
  const std::int64_t size = context.node.int_attribute("size", 0);
  if (size < 1 || size > INT16_MAX) return fmt::format("a size of {}", size);
  return needs_float(context, inputs);
}

/// x / (bias + alpha / size * sum of squares over `size` neighbouring channels) ^ beta.
Outputs run_lrn(const OpContext& context, Inputs inputs) {
  const at::Tensor& x = inputs[0];
  const std::int64_t size = context.node.int_attribute("size", 1);
  const std::int64_t head = (size - 1) / 2;
  const std::int64_t channels = x.size(1);
  Extents pads(static_cast<std::size_t>(2 * (x.dim() - 1)), 0);
  pads[pads.size() - 2] = head;
  pads[pads.size() - 1] = size - 1 - head;
  const at::Tensor squares = at::constant_pad_nd(x * x, pads);
  at::Tensor sum = squares.narrow(1, 0, channels);
  for (std::int64_t i = 1; i < size; ++i) sum = sum + squares.narrow(1, i, channels);
  const float alpha = context.node.float_attribute("alpha", 1e-4F);
  const float beta = context.node.float_attribute("beta", 0.75F);
  const float bias = context.node.float_attribute("bias", 1.0F);
  return {x / at::pow(sum * (alpha / static_cast<float>(size)) + bias, beta)};
}

Outputs run_mean_variance(const OpContext& context, Inputs inputs) {
  constexpr double kEpsilon = 1e-9;  // of the operator's definition
  const Extents axes = context.node.ints_attribute("axes", {0, 2, 3});
  const at::Tensor centred = inputs[0] - at::mean(inputs[0], axes, true);
  return {centred / (at::sqrt(at::mean(centred * centred, axes, true)) + kEpsilon)};
}

OutputList infer_mean_variance(const OpContext& context, Facts inputs) {
  (void)normal_axes(context, context.node.ints_attribute("axes", {0, 2, 3}), rank_of(inputs[0]));
  return same_as_first(context, inputs);
}

UnsupportedReason check_lp_norm(const OpContext& context, Facts inputs) {
  const std::int64_t p = context.node.int_attribute("p", 2);
  if (p != 1 && p != 2) return fmt::format("p = {} is not 1 or 2", p);
  return needs_float(context, inputs);
}

OutputList infer_lp_norm(const OpContext& context, Facts inputs) {
  (void)normal_axis(context, context.node.int_attribute("axis", -1), rank_of(inputs[0]));
  return same_as_first(context, inputs);
}

/// Rows of zeros are kept.
Outputs run_lp_norm(const OpContext& context, Inputs inputs) {
  const at::Tensor& x = inputs[0];
  const std::int64_t axis = context.node.int_attribute("axis", -1);
  const at::Tensor norm = context.node.int_attribute("p", 2) == 1
                              ? at::sum(at::abs(x), axis, true)
                              : at::sqrt(at::sum(x * x, axis, true));
  return {at::where(norm == 0, at::zeros({}, x.options()), x / norm)};
}

}  // namespace

std::span<const Operator> normalization_operators() {
  static constexpr Operator kRows[] = {
      {"BatchNormalization",
       "",
       7,
       5,
       1,
       check_batch_norm,
       infer_per_channel,
       in_float32<run_batch_norm>},
      {"InstanceNormalization",
       "",
       7,
       3,
       1,
       needs_images,
       infer_per_channel,
       in_float32<run_instance_norm>},
      {"GroupNormalization",
       "",
       18,
       3,
       1,
       needs_float,
       infer_group_norm,
       in_float32<run_group_norm>},
      // In ONNX since opset 17; before that, ONNX Runtime's own operator with the same definition.
      {"LayerNormalization",
       "",
       7,
       2,
       1,
       needs_float,
       infer_layer_norm,
       in_float32<run_layer_norm>},
      {"SimplifiedLayerNormalization",
       "",
       7,
       2,
       1,
       needs_float,
       infer_layer_norm,
       in_float32<run_rms_norm>},
      {"RMSNormalization", "", 23, 2, 1, needs_float, infer_layer_norm, in_float32<run_rms_norm>},
      {"LRN", "", 7, 1, 1, check_lrn, infer_per_channel, in_float32<run_lrn>},
      {"MeanVarianceNormalization",
       "",
       9,
       1,
       1,
       needs_float,
       infer_mean_variance,
       in_float32<run_mean_variance>},
      {"LpNormalization", "", 7, 1, 1, check_lp_norm, infer_lp_norm, in_float32<run_lp_norm>},
  };
  return kRows;
}

}  // namespace ompq::ops
