#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include "ompq/ops/facts.h"
#include "ompq/ops/families/families.h"
#include "ompq/ops/run.h"

namespace ompq::ops {
namespace {

using Extents = std::vector<std::int64_t>;

Dim total_of(const OpContext& context, const Shape& shape) {
  const MaybeDim total = product(shape);
  if (!total) {
    fail(context,
         fmt::format("shape {} has the batch twice or too many elements", graph::to_string(shape)));
  }
  return *total;
}

// --- Reshape ----------------------------------------------------------------------------------

UnsupportedReason check_reshape(const OpContext&, Facts inputs) {
  return needs_known(inputs, 1, "target shape");
}

OutputList infer_reshape(const OpContext& context, Facts inputs) {
  const Shape& from = inputs[0].shape;
  if (!inputs[1].elements) fail(context, "its target shape is not known");
  const bool keep_zero = context.node.int_attribute("allowzero", 0) != 0;
  Shape to = *inputs[1].elements;
  const auto misfit = [&] {
    fail(context,
         fmt::format("{} elements of shape {} cannot take shape {}",
                     graph::to_string({total_of(context, from)}),
                     graph::to_string(from),
                     graph::to_string(*inputs[1].elements)));
  };
  Dim given = Dim::fixed(1);
  std::optional<std::size_t> open;
  for (std::size_t i = 0; i < to.size(); ++i) {
    if (to[i] == Dim::fixed(-1)) {
      if (open) fail(context, "its target shape leaves two extents open");
      open = i;
      continue;
    }
    if (to[i] == Dim::fixed(0) && !keep_zero) {
      if (i >= from.size()) misfit();
      to[i] = from[i];
    }
    const MaybeDim next = multiply(given, to[i]);
    if (!next || to[i].size < 0) misfit();
    given = *next;
  }
  const Dim total = total_of(context, from);
  if (open) {
    const MaybeDim rest = divide(total, given);
    if (!rest || multiply(*rest, given) != MaybeDim(total)) misfit();
    to[*open] = *rest;
  } else if (!same(given, total)) {
    misfit();
  }
  return {output(inputs[0].type, std::move(to), inputs[0].elements)};
}

Outputs run_reshape(const OpContext& context, Inputs inputs) {
  const at::Tensor& x = inputs[0];
  const bool keep_zero = context.node.int_attribute("allowzero", 0) != 0;
  Extents target = integers(inputs[1]);
  for (std::size_t i = 0; i < target.size() && !keep_zero; ++i) {
    if (target[i] == 0) target[i] = x.size(static_cast<std::int64_t>(i));
  }
  return {at::reshape(x, target)};
}

// --- Flatten ------------------------------------------------------------------------------------

OutputList infer_flatten(const OpContext& context, Facts inputs) {
  const Shape& from = inputs[0].shape;
  const auto rank = static_cast<std::int64_t>(from.size());
  const std::int64_t asked = context.node.int_attribute("axis", 1);
  if (asked < -rank || asked > rank) {
    fail(context, fmt::format("axis {} is outside {} axes", asked, rank));
  }
  const auto split = from.begin() + (asked < 0 ? asked + rank : asked);
  const Dim rows = total_of(context, Shape(from.begin(), split));
  const Dim columns = total_of(context, Shape(split, from.end()));
  return {output(inputs[0].type, {rows, columns})};
}

Outputs run_flatten(const OpContext& context, Inputs inputs) {
  const at::Tensor& x = inputs[0];
  const std::int64_t asked = context.node.int_attribute("axis", 1);
  const auto split = static_cast<std::size_t>(positive_axis(asked, x.dim()));
  std::int64_t rows = 1;
  for (std::size_t i = 0; i < split; ++i) rows *= x.size(static_cast<std::int64_t>(i));
  return {at::reshape(x, {rows, rows == 0 ? 0 : x.numel() / rows})};
}

// --- Squeeze, Unsqueeze: axes in an attribute before opset 13, in an input since
// ------------------

OutputList infer_squeeze(const OpContext& context, Facts inputs) {
  const Shape& from = inputs[0].shape;
  const auto given = ints_from(context, inputs, "axes", 1, 13);
  Extents axes;
  if (given) {
    axes = normal_axes(context, *given, rank_of(inputs[0]));
  } else {
    for (std::size_t i = 0; i < from.size(); ++i) {
      if (from[i] == Dim::fixed(1)) axes.push_back(static_cast<std::int64_t>(i));
    }
  }
  Shape to;
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (std::find(axes.begin(), axes.end(), static_cast<std::int64_t>(i)) == axes.end()) {
      to.push_back(from[i]);
    } else if (from[i] != Dim::fixed(1)) {
      fail(context,
           fmt::format("axis {} of shape {} cannot be squeezed", i, graph::to_string(from)));
    }
  }
  return {output(inputs[0].type, std::move(to), inputs[0].elements)};
}

Outputs run_squeeze(const OpContext& context, Inputs inputs) {
  const at::Tensor& x = inputs[0];
  const auto given = ints_from(context, inputs, "axes", 1, 13);
  Extents to;
  for (std::int64_t axis = 0; axis < x.dim(); ++axis) {
    const bool named = given && std::any_of(given->begin(), given->end(), [&](std::int64_t a) {
                         return positive_axis(a, x.dim()) == axis;
                       });
    if (given ? !named : x.size(axis) != 1) to.push_back(x.size(axis));
  }
  return {at::reshape(x, to)};
}

Extents unsqueezed_axes(const OpContext& context, const Extents& axes, std::int64_t rank) {
  return normal_axes(context, axes, rank + static_cast<std::int64_t>(axes.size()));
}

UnsupportedReason check_axes_input(const OpContext& context, Facts inputs) {
  return context.opset >= 13 ? needs_known(inputs, 1, "axes") : std::nullopt;
}

UnsupportedReason check_unsqueeze(const OpContext& context, Facts inputs) {
  const bool given = context.opset >= 13 ? has(inputs, 1) : context.node.has_attribute("axes");
  return given ? check_axes_input(context, inputs) : "its axes are missing";
}

OutputList infer_unsqueeze(const OpContext& context, Facts inputs) {
  const auto given = ints_from(context, inputs, "axes", 1, 13);
  Extents axes = unsqueezed_axes(context, *given, rank_of(inputs[0]));
  std::sort(axes.begin(), axes.end());
  Shape to = inputs[0].shape;
  for (const std::int64_t axis : axes) to.insert(to.begin() + axis, Dim::fixed(1));
  return {output(inputs[0].type, std::move(to), inputs[0].elements)};
}

Outputs run_unsqueeze(const OpContext& context, Inputs inputs) {
  const auto given = ints_from(context, inputs, "axes", 1, 13);
  Extents axes = unsqueezed_axes(context, *given, inputs[0].dim());
  std::sort(axes.begin(), axes.end());
  at::Tensor result = inputs[0];
  for (const std::int64_t axis : axes) result = result.unsqueeze(axis);
  return {result};
}

// --- Transpose
// ------------------------------------------------------------------------------------

Extents permutation(const OpContext& context, std::int64_t rank) {
  Extents reversed(static_cast<std::size_t>(rank));
  std::iota(reversed.rbegin(), reversed.rend(), 0);
  Extents order = normal_axes(context, context.node.ints_attribute("perm", reversed), rank);
  if (static_cast<std::int64_t>(order.size()) != rank) {
    fail(context, fmt::format("perm has {} of {} axes", order.size(), rank));
  }
  return order;
}

OutputList infer_transpose(const OpContext& context, Facts inputs) {
  const Extents order = permutation(context, rank_of(inputs[0]));
  Shape to;
  for (const std::int64_t axis : order)
    to.push_back(inputs[0].shape[static_cast<std::size_t>(axis)]);
  return {
      output(inputs[0].type, std::move(to), order.size() < 2 ? inputs[0].elements : std::nullopt)};
}

Outputs run_transpose(const OpContext& context, Inputs inputs) {
  return {inputs[0].permute(permutation(context, inputs[0].dim()))};
}

// --- Expand, Tile
// -----------------------------------------------------------------------------------

UnsupportedReason check_expand(const OpContext&, Facts inputs) {
  return needs_known(inputs, 1, "target shape");
}

OutputList infer_expand(const OpContext& context, Facts inputs) {
  if (!inputs[1].elements) fail(context, "its target shape is not known");
  Shape target = *inputs[1].elements;
  // Some exporters write PyTorch's -1 for "unchanged".
  std::replace(target.begin(), target.end(), Dim::fixed(-1), Dim::fixed(1));
  Shape to = broadcast(context, inputs[0].shape, target);
  Elements elements = elements_as(inputs[0], to);
  return {output(inputs[0].type, std::move(to), std::move(elements))};
}

Outputs run_expand(const OpContext&, Inputs inputs) {
  Extents target = integers(inputs[1]);
  std::replace(target.begin(), target.end(), std::int64_t{-1}, std::int64_t{1});
  return {at::expand_copy(inputs[0], at::infer_size(inputs[0].sizes(), target))};
}

UnsupportedReason check_tile(const OpContext&, Facts inputs) {
  return needs_known(inputs, 1, "repeats");
}

OutputList infer_tile(const OpContext& context, Facts inputs) {
  const Elements& repeats = inputs[1].elements;
  Shape to = inputs[0].shape;
  if (!repeats || repeats->size() != to.size()) {
    fail(context, fmt::format("its repeats do not fit shape {}", graph::to_string(to)));
  }
  for (std::size_t i = 0; i < to.size(); ++i) {
    const MaybeDim extent = multiply(to[i], (*repeats)[i]);
    if (!extent || extent->size < 0) {
      fail(context,
           fmt::format("axis {} of shape {} cannot be repeated {} times",
                       i,
                       graph::to_string(to),
                       graph::to_string({(*repeats)[i]})));
    }
    to[i] = *extent;
  }
  return {output(inputs[0].type, std::move(to))};
}

Outputs run_tile(const OpContext&, Inputs inputs) {
  return {inputs[0].repeat(integers(inputs[1]))};
}

// --- DepthToSpace, SpaceToDepth
// -------------------------------------------------------------------

UnsupportedReason check_depth(const OpContext& context, Facts inputs) {
  const std::string mode = context.node.string_attribute("mode", "DCR");
  if (mode != "DCR" && mode != "CRD") return fmt::format("mode '{}' is unknown", mode);
  const std::int64_t block = context.node.int_attribute("blocksize", 0);
  if (block < 1 || block > INT16_MAX) return fmt::format("a blocksize of {}", block);
  const InputFacts& first = fact(inputs, 0);
  if (first.known && rank_of(first) != 4) {
    return fmt::format("needs images, but its input has shape {}", graph::to_string(first.shape));
  }
  return std::nullopt;
}

Shape moved_blocks(const OpContext& context, const Shape& from, bool to_space) {
  const std::int64_t block = context.node.int_attribute("blocksize", 1);
  const Dim side = Dim::fixed(block);
  const Dim area = Dim::fixed(block * block);
  Shape to = from;
  for (std::size_t axis = 1; axis < 4; ++axis) {
    const Dim factor = axis == 1 ? area : side;
    const bool shrinks = (axis == 1) == to_space;
    const MaybeDim extent = shrinks ? divide(from[axis], factor) : multiply(from[axis], factor);
    if (!extent || (shrinks && multiply(*extent, factor) != MaybeDim(from[axis]))) {
      fail(context,
           fmt::format("shape {} does not divide into blocks of {} x {}",
                       graph::to_string(from),
                       block,
                       block));
    }
    to[axis] = *extent;
  }
  return to;
}

OutputList infer_depth_to_space(const OpContext& context, Facts inputs) {
  return {output(inputs[0].type, moved_blocks(context, inputs[0].shape, true))};
}

OutputList infer_space_to_depth(const OpContext& context, Facts inputs) {
  return {output(inputs[0].type, moved_blocks(context, inputs[0].shape, false))};
}

Outputs run_depth_to_space(const OpContext& context, Inputs inputs) {
  const at::Tensor& x = inputs[0];
  const std::int64_t b = context.node.int_attribute("blocksize", 1);
  const std::int64_t n = x.size(0);
  const std::int64_t c = x.size(1) / (b * b);
  const std::int64_t h = x.size(2);
  const std::int64_t w = x.size(3);
  const bool columns_first = context.node.string_attribute("mode", "DCR") == "CRD";
  const at::Tensor split = columns_first
                               ? x.reshape({n, c, b, b, h, w}).permute({0, 1, 4, 2, 5, 3})
                               : x.reshape({n, b, b, c, h, w}).permute({0, 3, 4, 1, 5, 2});
  return {in_format_of(x, split.reshape({n, c, h * b, w * b}))};
}

Outputs run_space_to_depth(const OpContext& context, Inputs inputs) {
  const at::Tensor& x = inputs[0];
  const std::int64_t b = context.node.int_attribute("blocksize", 1);
  const std::int64_t n = x.size(0);
  const std::int64_t c = x.size(1);
  const std::int64_t h = x.size(2) / b;
  const std::int64_t w = x.size(3) / b;
  const at::Tensor split = x.reshape({n, c, h, b, w, b}).permute({0, 3, 5, 1, 2, 4});
  return {in_format_of(x, split.reshape({n, c * b * b, h, w}))};
}

}  // namespace

std::span<const Operator> reshaping_operators() {
  static constexpr Operator kRows[] = {
      {"Reshape", "", 7, 2, 1, check_reshape, infer_reshape, run_reshape},
      {"Flatten", "", 7, 1, 1, always_supported, infer_flatten, run_flatten},
      {"Squeeze", "", 7, 1, 1, check_axes_input, infer_squeeze, run_squeeze},
      {"Unsqueeze", "", 7, 1, 1, check_unsqueeze, infer_unsqueeze, run_unsqueeze},
      {"Transpose", "", 7, 1, 1, always_supported, infer_transpose, run_transpose},
      {"Expand", "", 8, 2, 1, check_expand, infer_expand, run_expand},
      {"Tile", "", 7, 2, 1, check_tile, infer_tile, run_tile},
      {"DepthToSpace", "", 7, 1, 1, check_depth, infer_depth_to_space, run_depth_to_space},
      {"SpaceToDepth", "", 7, 1, 1, check_depth, infer_space_to_depth, run_space_to_depth},
  };
  return kRows;
}

}  // namespace ompq::ops
