#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "ompq/ops/facts.h"
#include "ompq/ops/families/families.h"
#include "ompq/ops/run.h"
#include "ompq/ops/window.h"

namespace ompq::ops {
namespace {

using Extents = std::vector<std::int64_t>;

OutputList infer_pool(const OpContext& context, Facts inputs) {
  const Shape& shape = inputs[0].shape;
  const auto spatial = graph::fixed_extents(Shape(shape.begin() + 2, shape.end()));
  if (!spatial) {
    fail(context,
         fmt::format("spatial extents of {} depend on the batch", graph::to_string(shape)));
  }
  const Window window = sliding_window(context, *spatial);
  Shape result{shape[0], shape[1]};
  for (const std::int64_t extent : window.output) result.push_back(Dim::fixed(extent));
  return {output(inputs[0].type, std::move(result))};
}

OutputList infer_global_pool(const OpContext&, Facts inputs) {
  Shape result = inputs[0].shape;
  std::fill(result.begin() + 2, result.end(), Dim::fixed(1));
  return {output(inputs[0].type, std::move(result))};
}

UnsupportedReason check_average_pool(const OpContext& context, Facts inputs) {
  const auto dilations = context.node.ints_attribute("dilations", {});
  if (std::any_of(dilations.begin(), dilations.end(), [](std::int64_t d) { return d != 1; })) {
    return "averages with dilated windows are not supported";
  }
  return needs_images(context, inputs);
}

/// Pads (or crops) so that exactly the window's positions fit without padding or ceil mode.
at::Tensor framed(const at::Tensor& x, const Window& window, double fill) {
  Extents amounts;
  for (std::size_t axis = window.axes(); axis-- > 0;) {
    const std::int64_t reach = window.dilation[axis] * (window.kernel[axis] - 1) + 1;
    const std::int64_t needed = (window.output[axis] - 1) * window.stride[axis] + reach;
    const std::int64_t extent = x.size(static_cast<std::int64_t>(axis) + 2);
    amounts.push_back(window.pad_head[axis]);
    amounts.push_back(needed - extent - window.pad_head[axis]);
  }
  return at::constant_pad_nd(x, amounts, fill);
}

/// LibTorch pools with equal padding of at most half the kernel.
bool is_plain(const Window& window) {
  for (std::size_t axis = 0; axis < window.axes(); ++axis) {
    if (2 * window.pad_head[axis] > window.kernel[axis]) return false;
  }
  return window.symmetric();
}

at::Tensor max_pool(const at::Tensor& x, const Window& w, const Extents& pads, bool ceil) {
  switch (w.axes()) {
    case 1:
      return at::max_pool1d(x, w.kernel, w.stride, pads, w.dilation, ceil);
    case 2:
      return at::max_pool2d(x, w.kernel, w.stride, pads, w.dilation, ceil);
    default:
      return at::max_pool3d(x, w.kernel, w.stride, pads, w.dilation, ceil);
  }
}

Outputs run_max_pool(const OpContext& context, Inputs inputs) {
  const at::Tensor& x = inputs[0];
  const Window window = sliding_window(context, x.sizes().slice(2));
  if (is_plain(window)) {
    const bool ceil = context.node.int_attribute("ceil_mode", 0) != 0;
    return {max_pool(x, window, window.pad_head, ceil)};
  }
  const Extents none(window.axes(), 0);
  const at::Tensor padded = framed(x, window, -std::numeric_limits<double>::infinity());
  return {max_pool(padded, window, none, false)};
}

/// LibTorch has no bfloat16 kernel for three axes.
Outputs run_any_max_pool(const OpContext& context, Inputs inputs) {
  const Native native = inputs[0].dim() == 5 ? Native::None : Native::BFloat16;
  return run_widened(run_max_pool, native, context, inputs);
}

/// Sums over windows that fit without padding.
at::Tensor sum_pool(const at::Tensor& x, const Window& w) {
  const Extents none(w.axes(), 0);
  switch (w.axes()) {
    case 1:
      return at::avg_pool2d(x.unsqueeze(2), {1, w.kernel[0]}, {1, w.stride[0]}, 0, false, true, 1)
          .squeeze(2);
    case 2:
      return at::avg_pool2d(x, w.kernel, w.stride, none, false, true, 1);
    default:
      return at::avg_pool3d(x, w.kernel, w.stride, none, false, true, 1);
  }
}

/// Number of elements that each window averages, with a shape that broadcasts over batch and
/// channels.
at::Tensor window_counts(const at::Tensor& x, const Window& window, bool include_pad) {
  at::Tensor counts = at::ones({}, x.options());
  for (std::size_t axis = 0; axis < window.axes(); ++axis) {
    const std::int64_t extent = x.size(static_cast<std::int64_t>(axis) + 2);
    const std::int64_t first = include_pad ? -window.pad_head[axis] : 0;
    const std::int64_t last = include_pad ? extent + window.pad_tail[axis] : extent;
    std::vector<float> along;
    for (std::int64_t i = 0; i < window.output[axis]; ++i) {
      const std::int64_t start = i * window.stride[axis] - window.pad_head[axis];
      const std::int64_t inside =
          std::min(start + window.kernel[axis], last) - std::max(start, first);
      along.push_back(static_cast<float>(std::max<std::int64_t>(inside, 1)));
    }
    Extents shape(window.axes(), 1);
    shape[axis] = window.output[axis];
    counts = counts * at::tensor(along).to(x.options()).view(shape);
  }
  return counts;
}

Outputs run_average_pool(const OpContext& context, Inputs inputs) {
  const at::Tensor& x = inputs[0];
  const Window window = sliding_window(context, x.sizes().slice(2));
  const bool include_pad = context.node.int_attribute("count_include_pad", 0) != 0;
  const bool ceil = context.node.int_attribute("ceil_mode", 0) != 0;
  if (is_plain(window) && window.axes() == 2) {
    return {at::avg_pool2d(x, window.kernel, window.stride, window.pad_head, ceil, include_pad)};
  }
  return {sum_pool(framed(x, window, 0.0), window) / window_counts(x, window, include_pad)};
}

UnsupportedReason check_lp_pool(const OpContext& context, Facts inputs) {
  if (context.node.int_attribute("p", 2) < 1) return "p must be 1 or more";
  return check_average_pool(context, inputs);
}

Outputs run_lp_pool(const OpContext& context, Inputs inputs) {
  const at::Tensor& x = inputs[0];
  const Window window = sliding_window(context, x.sizes().slice(2));
  const auto p = static_cast<double>(context.node.int_attribute("p", 2));
  const at::Tensor powers = at::pow(at::abs(x), p);
  return {at::pow(sum_pool(framed(powers, window, 0.0), window), 1.0 / p)};
}

Extents spatial_axes(const at::Tensor& x) {
  Extents axes;
  for (std::int64_t axis = 2; axis < x.dim(); ++axis) axes.push_back(axis);
  return axes;
}

Outputs run_global_average(const OpContext&, Inputs inputs) {
  return {in_format_of(inputs[0], at::mean(inputs[0], spatial_axes(inputs[0]), true))};
}

Outputs run_global_max(const OpContext&, Inputs inputs) {
  return {in_format_of(inputs[0], at::amax(inputs[0], spatial_axes(inputs[0]), true))};
}

Outputs run_global_lp(const OpContext& context, Inputs inputs) {
  const auto p = static_cast<double>(context.node.int_attribute("p", 2));
  const at::Tensor powers = at::pow(at::abs(inputs[0]), p);
  return {at::pow(at::sum(powers, spatial_axes(inputs[0]), true), 1.0 / p)};
}

}  // namespace

std::span<const Operator> pooling_operators() {
  static constexpr Operator kRows[] = {
      {"MaxPool", "", 7, 1, 1, needs_images, infer_pool, run_any_max_pool},
      {"AveragePool", "", 7, 1, 1, check_average_pool, infer_pool, in_float32<run_average_pool>},
      {"LpPool", "", 7, 1, 1, check_lp_pool, infer_pool, in_float32<run_lp_pool>},
      {"GlobalAveragePool",
       "",
       7,
       1,
       1,
       needs_images,
       infer_global_pool,
       in_float32<run_global_average>},
      {"GlobalMaxPool", "", 7, 1, 1, needs_images, infer_global_pool, in_float32<run_global_max>},
      {"GlobalLpPool", "", 7, 1, 1, needs_images, infer_global_pool, in_float32<run_global_lp>},
  };
  return kRows;
}

}  // namespace ompq::ops
