#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "ompq/ops/facts.h"
#include "ompq/ops/families/families.h"
#include "ompq/ops/families/resize_taps.h"
#include "ompq/ops/run.h"

namespace ompq::ops {
namespace {

using Coordinates = ResizeRule::Coordinates;
using Extents = std::vector<std::int64_t>;
using Mode = ResizeRule::Mode;
using Nearest = ResizeRule::Nearest;

// --- Reading the node: Upsample (7: scales attribute, 9: input), Resize 10, Resize 11 and later
// --------

template <typename Value, std::size_t Count>
std::optional<Value> named(const std::array<std::pair<std::string_view, Value>, Count>& names,
                           std::string_view name) {
  for (const auto& [known, value] : names) {
    if (known == name) return value;
  }
  return std::nullopt;
}

constexpr std::array<std::pair<std::string_view, Mode>, 4> kModes{{{"nearest", Mode::Nearest},
                                                                   {"linear", Mode::Linear},
                                                                   {"bilinear", Mode::Linear},
                                                                   {"cubic", Mode::Cubic}}};
constexpr std::array<std::pair<std::string_view, Coordinates>, 7> kCoordinates{
    {{"half_pixel", Coordinates::HalfPixel},
     {"half_pixel_symmetric", Coordinates::HalfPixelSymmetric},
     {"pytorch_half_pixel", Coordinates::PytorchHalfPixel},
     {"align_corners", Coordinates::AlignCorners},
     {"asymmetric", Coordinates::Asymmetric},
     {"tf_half_pixel_for_nn", Coordinates::TfHalfPixelForNn},
     {"tf_crop_and_resize", Coordinates::TfCropAndResize}}};
constexpr std::array<std::pair<std::string_view, Nearest>, 4> kNearest{
    {{"round_prefer_floor", Nearest::RoundPreferFloor},
     {"round_prefer_ceil", Nearest::RoundPreferCeil},
     {"floor", Nearest::Floor},
     {"ceil", Nearest::Ceil}}};

bool is_modern(const OpContext& context) {
  return context.node.op_type == "Resize" && context.opset >= 11;
}

std::string coordinates_name(const OpContext& context) {
  return context.node.string_attribute("coordinate_transformation_mode", "half_pixel");
}

ResizeRule read_rule(const OpContext& context) {
  const graph::Node& node = context.node;
  ResizeRule rule;
  rule.mode = *named(kModes, node.string_attribute("mode", "nearest"));
  if (!is_modern(context)) {
    rule.coordinates = Coordinates::Asymmetric;
    rule.nearest = Nearest::Simple;
    return rule;
  }
  rule.coordinates = *named(kCoordinates, coordinates_name(context));
  rule.nearest = *named(kNearest, node.string_attribute("nearest_mode", "round_prefer_floor"));
  rule.cubic_a = node.float_attribute("cubic_coeff_a", -0.75F);
  rule.exclude_outside = node.int_attribute("exclude_outside", 0) != 0;
  rule.antialias = node.int_attribute("antialias", 0) != 0;
  rule.extrapolation = node.float_attribute("extrapolation_value", 0.0F);
  return rule;
}

std::size_t scales_input(const OpContext& context) { return is_modern(context) ? 2 : 1; }
constexpr std::size_t kRegion = 1;
constexpr std::size_t kSizes = 3;

bool is_cropped(const OpContext& context) {
  return is_modern(context) && coordinates_name(context) == "tf_crop_and_resize";
}

bool scales_by_attribute(const OpContext& context) {
  return context.node.op_type == "Upsample" && context.opset < 9;
}

UnsupportedReason check_resize(const OpContext& context, Facts inputs) {
  const graph::Node& node = context.node;
  const std::string mode = node.string_attribute("mode", "nearest");
  if (!named(kModes, mode)) return fmt::format("mode '{}' is not supported", mode);
  if (is_modern(context)) {
    if (!named(kCoordinates, coordinates_name(context))) {
      return fmt::format("coordinate_transformation_mode '{}' is not supported",
                         coordinates_name(context));
    }
    const std::string nearest = node.string_attribute("nearest_mode", "round_prefer_floor");
    if (!named(kNearest, nearest)) return fmt::format("nearest_mode '{}' is unknown", nearest);
    if (auto complaint = needs_known(inputs, kSizes, "sizes")) return complaint;
    const InputFacts& region = fact(inputs, kRegion);
    if (is_cropped(context) && (!region.present || (region.known && region.constant == nullptr))) {
      return "its region (input 1) must be constant";
    }
  }
  const InputFacts& scales = fact(inputs, scales_input(context));
  const bool sized = is_modern(context) && has(inputs, kSizes);
  if (!sized && !scales_by_attribute(context) && !scales.present) return "its scales are missing";
  if (!sized && scales.present && scales.known && scales.constant == nullptr) {
    return "its scales are computed from data; they must be constant";
  }
  return needs_float(context, inputs);
}

// --- Scales and extents
// ----------------------------------------------------------------------------

std::vector<float> attribute_scales(const OpContext& context) {
  const auto found = context.node.attributes.find("scales");
  const auto* scales = found == context.node.attributes.end()
                           ? nullptr
                           : std::get_if<std::vector<float>>(&found->second);
  if (scales == nullptr) fail(context, "its scales are missing");
  return *scales;
}

Extents resized_axes(const OpContext& context, std::int64_t rank) {
  Extents all;
  for (std::int64_t axis = 0; axis < rank; ++axis) all.push_back(axis);
  return normal_axes(context, context.node.ints_attribute("axes", all), rank);
}

void require_count(const OpContext& context, std::size_t count, const Extents& axes) {
  if (count != axes.size()) {
    fail(context, fmt::format("{} scales or sizes do not fit {} axes", count, axes.size()));
  }
}

/// The cropped parts of the axes: all starts, then all ends. Empty without cropping.
void require_region(const OpContext& context,
                    const std::vector<float>& region,
                    const Extents& axes) {
  if (region.size() == 2 * axes.size()) return;
  fail(context,
       fmt::format("a region of {} numbers does not fit {} axes", region.size(), axes.size()));
}

/// The extent of a scaled axis; an axis of scale 1 may be the batch.
Dim scaled_extent(const OpContext& context, Dim extent, float scale, float part = 1.0F) {
  scale *= part;
  if (scale == 1.0F) return extent;
  const double length = std::floor(static_cast<double>(static_cast<float>(extent.size) * scale));
  if (!extent.is_fixed() || !(scale > 0) || length < 1 || length > INT32_MAX) {
    fail(context,
         fmt::format("an axis of {} cannot be scaled by {}", graph::to_string({extent}), scale));
  }
  return Dim::fixed(static_cast<std::int64_t>(length));
}

/// keep_aspect_ratio_policy: the common scale of all sized axes, or nullopt.
std::optional<float> common_scale(const OpContext& context,
                                  const std::vector<Dim>& sizes,
                                  const Shape& shape,
                                  const Extents& axes) {
  const std::string policy = context.node.string_attribute("keep_aspect_ratio_policy", "stretch");
  if (policy == "stretch") return std::nullopt;
  std::optional<float> common;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const Dim from = shape[static_cast<std::size_t>(axes[i])];
    const float scale = static_cast<float>(sizes[i].size) / static_cast<float>(from.size);
    if (!common) common = scale;
    common = policy == "not_larger" ? std::min(*common, scale) : std::max(*common, scale);
  }
  return common;
}

Shape sized_shape(const OpContext& context,
                  const std::vector<Dim>& sizes,
                  Shape shape,
                  const Extents& axes) {
  require_count(context, sizes.size(), axes);
  const auto common = common_scale(context, sizes, shape, axes);
  for (std::size_t i = 0; i < axes.size(); ++i) {
    Dim& extent = shape[static_cast<std::size_t>(axes[i])];
    if (same(sizes[i], extent)) continue;
    if (!extent.is_fixed() || !sizes[i].is_fixed() || sizes[i].size < 1 || extent.size < 1) {
      fail(context,
           fmt::format("an axis of {} cannot be resized to {}",
                       graph::to_string({extent}),
                       graph::to_string({sizes[i]})));
    }
    const auto from = static_cast<float>(extent.size);
    extent = common ? Dim::fixed(static_cast<std::int64_t>(std::round(from * *common))) : sizes[i];
  }
  return shape;
}

OutputList infer_resize(const OpContext& context, Facts inputs) {
  const Extents axes = resized_axes(context, rank_of(inputs[0]));
  if (is_modern(context) && has(inputs, kSizes)) {
    if (!inputs[kSizes].elements) fail(context, "its sizes are not known");
    return {output(inputs[0].type,
                   sized_shape(context, *inputs[kSizes].elements, inputs[0].shape, axes))};
  }
  const std::vector<float> scales = scales_by_attribute(context)
                                        ? attribute_scales(context)
                                        : inputs[scales_input(context)].constant->to_floats();
  require_count(context, scales.size(), axes);
  Shape shape = inputs[0].shape;
  std::vector<float> region;
  if (is_cropped(context)) {
    region = inputs[kRegion].constant->to_floats();
    require_region(context, region, axes);
  }
  for (std::size_t i = 0; i < axes.size(); ++i) {
    Dim& extent = shape[static_cast<std::size_t>(axes[i])];
    const float part = region.empty() ? 1.0F : region[axes.size() + i] - region[i];
    extent = scaled_extent(context, extent, scales[i], part);
  }
  return {output(inputs[0].type, std::move(shape))};
}

std::vector<float> floats_of(const at::Tensor& tensor) {
  const at::Tensor host = tensor.to(at::kCPU, at::kFloat).contiguous();
  return {host.data_ptr<float>(), host.data_ptr<float>() + host.numel()};
}

/// Sets the sampled part of each axis.
void read_region(const OpContext& context,
                 Inputs inputs,
                 const Extents& axes,
                 std::vector<ResizeAxis>& plan) {
  if (!is_cropped(context)) return;
  const std::vector<float> region = floats_of(inputs[kRegion]);
  require_region(context, region, axes);
  for (std::size_t i = 0; i < axes.size(); ++i) {
    plan[static_cast<std::size_t>(axes[i])].crop_start = region[i];
    plan[static_cast<std::size_t>(axes[i])].crop_end = region[axes.size() + i];
  }
}

/// One entry for each axis of the input.
std::vector<ResizeAxis> plan(const OpContext& context, Inputs inputs) {
  const at::Tensor& x = inputs[0];
  const Extents axes = resized_axes(context, x.dim());
  const Shape shape = graph::fixed_shape(x.sizes().vec());
  std::vector<ResizeAxis> result;
  for (const std::int64_t extent : x.sizes()) {
    result.push_back({.input = extent, .output = extent});
  }
  read_region(context, inputs, axes, result);
  const at::Tensor sizes = is_modern(context) ? input(inputs, kSizes) : at::Tensor();
  if (sizes.defined()) {
    const std::vector<Dim> asked = graph::fixed_shape(integers(sizes));
    const Shape resized = sized_shape(context, asked, shape, axes);
    const auto common = common_scale(context, asked, shape, axes);
    for (std::size_t i = 0; i < result.size(); ++i) {
      ResizeAxis& axis = result[i];
      axis.output = resized[i].size;
      const float ratio = static_cast<float>(axis.output) / static_cast<float>(axis.input);
      axis.scale = common && axis.output != axis.input ? *common : ratio;
    }
    return result;
  }
  std::vector<float> scales;
  if (scales_by_attribute(context)) {
    scales = attribute_scales(context);
  } else {
    scales = floats_of(inputs[scales_input(context)]);
  }
  require_count(context, scales.size(), axes);
  for (std::size_t i = 0; i < axes.size(); ++i) {
    ResizeAxis& axis = result[static_cast<std::size_t>(axes[i])];
    axis.scale = scales[i];
    const float part = axis.crop_end - axis.crop_start;
    axis.output = scaled_extent(context, Dim::fixed(axis.input), scales[i], part).size;
  }
  return result;
}

bool changes(const ResizeAxis& axis) {
  return axis.output != axis.input || axis.scale != 1.0F || !axis.is_whole();
}

/// True for images if only height and width change.
bool is_planar(const at::Tensor& x, const std::vector<ResizeAxis>& axes) {
  return x.dim() == 4 && !changes(axes[0]) && !changes(axes[1]);
}

// --- Execution -----------------------------------------------------------------------------------

at::Tensor resize_nearest(const at::Tensor& x,
                          const ResizeRule& rule,
                          const std::vector<ResizeAxis>& axes) {
  bool repeats = is_planar(x, axes);  // every element is repeated k times, with LibTorch's kernel
  std::vector<Extents> sources;
  for (const ResizeAxis& axis : axes) {
    sources.push_back(nearest_sources(rule, axis));
    repeats = repeats && axis.output % axis.input == 0;
    for (std::int64_t i = 0; repeats && i < axis.output; ++i) {
      repeats = sources.back()[static_cast<std::size_t>(i)] == i / (axis.output / axis.input);
    }
  }
  if (repeats) return at::upsample_nearest2d(x, {axes[2].output, axes[3].output});
  at::Tensor result = x;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    if (!changes(axes[i])) continue;
    const at::Tensor index = at::tensor(sources[i], at::kLong).to(x.device());
    result = at::index_select(result, static_cast<std::int64_t>(i), index);
  }
  return in_format_of(x, result);
}

/// True if LibTorch's bilinear kernel is equivalent.
bool is_torch_bilinear(const at::Tensor& x,
                       const ResizeRule& rule,
                       const std::vector<ResizeAxis>& axes) {
  const bool half_pixel = rule.coordinates == Coordinates::HalfPixel ||
                          (rule.coordinates == Coordinates::PytorchHalfPixel &&
                           axes[2].output > 1 && axes[3].output > 1);
  return rule.mode == Mode::Linear && !rule.antialias && is_planar(x, axes) &&
         (half_pixel || rule.coordinates == Coordinates::AlignCorners);
}

/// Multiplies each axis with its matrix of weights.
at::Tensor resize_by_weights(const at::Tensor& x,
                             const ResizeRule& rule,
                             const std::vector<ResizeAxis>& axes) {
  at::Tensor result = x;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    if (!changes(axes[i])) continue;
    const auto axis = static_cast<std::int64_t>(i);
    const at::Tensor weights = at::tensor(interpolation_weights(rule, axes[i]))
                                   .view({axes[i].output, axes[i].input})
                                   .to(x.options());
    result = at::matmul(result.movedim(axis, -1), weights.t()).movedim(-1, axis);
  }
  return in_format_of(x, result);
}

/// Fills the part of a crop outside the image with a constant.
at::Tensor extrapolated(const at::Tensor& resized,
                        const ResizeRule& rule,
                        const std::vector<ResizeAxis>& axes) {
  at::Tensor result = resized;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const Extents outside = outside_elements(rule, axes[i]);
    if (outside.empty()) continue;
    const at::Tensor index = at::tensor(outside, at::kLong).to(result.device());
    result = at::index_fill(result, static_cast<std::int64_t>(i), index, rule.extrapolation);
  }
  return result;
}

Outputs run_resize(const OpContext& context, Inputs inputs) {
  const at::Tensor& x = inputs[0];
  const ResizeRule rule = read_rule(context);
  const std::vector<ResizeAxis> axes = plan(context, inputs);
  if (std::none_of(axes.begin(), axes.end(), changes)) return {x};
  if (rule.mode == Mode::Nearest) return {extrapolated(resize_nearest(x, rule, axes), rule, axes)};
  if (is_torch_bilinear(x, rule, axes)) {
    return {at::upsample_bilinear2d(x,
                                    {axes[2].output, axes[3].output},
                                    rule.coordinates == Coordinates::AlignCorners,
                                    axes[2].scale,
                                    axes[3].scale)};
  }
  return {extrapolated(resize_by_weights(x, rule, axes), rule, axes)};
}

// --- GridSample
// -------------------------------------------------------------------------------------

constexpr std::array<std::pair<std::string_view, std::int64_t>, 5> kSampling{
    {{"bilinear", 0}, {"linear", 0}, {"nearest", 1}, {"bicubic", 2}, {"cubic", 2}}};
constexpr std::array<std::pair<std::string_view, std::int64_t>, 3> kBorders{
    {{"zeros", 0}, {"border", 1}, {"reflection", 2}}};

UnsupportedReason check_grid_sample(const OpContext& context, Facts inputs) {
  const std::string mode = context.node.string_attribute("mode", "linear");
  const std::string border = context.node.string_attribute("padding_mode", "zeros");
  if (!named(kSampling, mode)) return fmt::format("mode '{}' is unknown", mode);
  if (!named(kBorders, border)) return fmt::format("padding_mode '{}' is unknown", border);
  const InputFacts& first = fact(inputs, 0);
  if (first.known && rank_of(first) != 4) return "works on images of two spatial axes";
  return needs_float(context, inputs);
}

OutputList infer_grid_sample(const OpContext& context, Facts inputs) {
  const Shape& image = inputs[0].shape;
  const Shape& grid = inputs[1].shape;
  if (grid.size() != 4 || grid[3] != Dim::fixed(2) || !same(grid[0], image[0])) {
    fail(context,
         fmt::format("a grid of shape {} does not fit an input of shape {}",
                     graph::to_string(grid),
                     graph::to_string(image)));
  }
  return {output(inputs[0].type, {image[0], image[1], grid[1], grid[2]})};
}

Outputs run_grid_sample(const OpContext& context, Inputs inputs) {
  return {at::grid_sampler(inputs[0],
                           inputs[1],
                           *named(kSampling, context.node.string_attribute("mode", "linear")),
                           *named(kBorders, context.node.string_attribute("padding_mode", "zeros")),
                           context.node.int_attribute("align_corners", 0) != 0)};
}

}  // namespace

std::span<const Operator> resize_operators() {
  static constexpr Operator kRows[] = {
      {"Resize", "", 10, 1, 1, check_resize, infer_resize, in_float32<run_resize>},
      {"Upsample", "", 7, 1, 1, check_resize, infer_resize, in_float32<run_resize>},
      {"GridSample",
       "",
       16,
       2,
       1,
       check_grid_sample,
       infer_grid_sample,
       in_float32<run_grid_sample>},
  };
  return kRows;
}

}  // namespace ompq::ops
