#include <algorithm>

#include <fmt/format.h>

#include "ompq/ops/facts.h"
#include "ompq/ops/families/families.h"
#include "ompq/ops/run.h"

namespace ompq::ops {
namespace {

using Extents = std::vector<std::int64_t>;

enum class PadMode { Constant, Reflect, Edge, Wrap };

std::optional<PadMode> mode_of(const OpContext& context) {
  const std::string mode = context.node.string_attribute("mode", "constant");
  if (mode == "constant") return PadMode::Constant;
  if (mode == "reflect") return PadMode::Reflect;
  if (mode == "edge") return PadMode::Edge;
  if (mode == "wrap") return PadMode::Wrap;
  return std::nullopt;
}

UnsupportedReason check_pad(const OpContext& context, Facts inputs) {
  if (!mode_of(context)) {
    return fmt::format("mode '{}' is unknown", context.node.string_attribute("mode", ""));
  }
  if (context.opset >= 11 && !has(inputs, 1)) return "its pads are missing";
  if (context.opset >= 11) {
    if (auto complaint = needs_known(inputs, 1, "pads")) return complaint;
  }
  return needs_known(inputs, 3, "axes");
}

struct Pads {
  Extents head;
  Extents tail;
};

/// One pair for each axis of the input, from pairs for the node's axes.
Pads spread(const OpContext& context,
            const Extents& pads,
            const std::optional<Extents>& named,
            std::int64_t rank) {
  Extents axes;
  if (named) {
    axes = normal_axes(context, *named, rank);
  } else {
    for (std::int64_t axis = 0; axis < rank; ++axis) axes.push_back(axis);
  }
  if (pads.size() != 2 * axes.size()) {
    fail(context, fmt::format("{} pads do not fit {} axes", pads.size(), axes.size()));
  }
  Pads result{Extents(static_cast<std::size_t>(rank), 0),
              Extents(static_cast<std::size_t>(rank), 0)};
  for (std::size_t i = 0; i < axes.size(); ++i) {
    result.head[static_cast<std::size_t>(axes[i])] = pads[i];
    result.tail[static_cast<std::size_t>(axes[i])] = pads[i + axes.size()];
  }
  return result;
}

OutputList infer_pad(const OpContext& context, Facts inputs) {
  const auto given = ints_from(context, inputs, "pads", 1, 11).value_or(Extents{});
  const auto axes = has(inputs, 3) ? known_integers(inputs[3]) : std::nullopt;
  const Pads pads = spread(context, given, axes, rank_of(inputs[0]));
  const PadMode mode = *mode_of(context);
  Shape shape = inputs[0].shape;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (pads.head[i] == 0 && pads.tail[i] == 0) continue;
    const std::int64_t extent = shape[i].size;
    const std::int64_t max = mode == PadMode::Reflect ? extent - 1 : INT32_MAX;
    // Negative pads remove elements.
    const auto fits = [&](std::int64_t pad) { return pad >= -extent && pad <= max; };
    if (!shape[i].is_fixed() || !fits(pads.head[i]) || !fits(pads.tail[i]) ||
        extent + pads.head[i] + pads.tail[i] < 0 || (mode != PadMode::Constant && extent == 0)) {
      fail(
          context,
          fmt::format("axis {} of shape {} cannot be padded by {} and {}; a pad can be at most {}, "
                      "and the batch axis cannot be padded",
                      i,
                      graph::to_string(inputs[0].shape),
                      pads.head[i],
                      pads.tail[i],
                      max));
    }
    shape[i] = Dim::fixed(extent + pads.head[i] + pads.tail[i]);
  }
  return {output(inputs[0].type, std::move(shape))};
}

at::Tensor pad_constant(const OpContext& context, Inputs inputs, const Pads& pads) {
  Extents amounts;
  for (std::size_t axis = pads.head.size(); axis-- > 0;) {
    amounts.push_back(pads.head[axis]);
    amounts.push_back(pads.tail[axis]);
  }
  at::Scalar value = context.opset < 11 ? context.node.float_attribute("value", 0.0F) : 0.0F;
  if (context.opset >= 11 && input(inputs, 2).defined()) value = inputs[2].item();
  return at::constant_pad_nd(inputs[0], amounts, value);
}

/// The source position in an axis of `extent` of the padded position `i` (0 = first element).
std::int64_t source_of(std::int64_t i, std::int64_t extent, PadMode mode) {
  if (mode == PadMode::Edge) return std::clamp<std::int64_t>(i, 0, extent - 1);
  if (mode == PadMode::Wrap) return ((i % extent) + extent) % extent;
  if (i < 0) return -i;
  return i < extent ? i : 2 * (extent - 1) - i;
}

at::Tensor pad_by_index(const at::Tensor& x, const Pads& pads, PadMode mode) {
  at::Tensor result = x;
  for (std::size_t axis = 0; axis < pads.head.size(); ++axis) {
    if (pads.head[axis] == 0 && pads.tail[axis] == 0) continue;
    const std::int64_t extent = x.size(static_cast<std::int64_t>(axis));
    Extents sources;
    for (std::int64_t i = -pads.head[axis]; i < extent + pads.tail[axis]; ++i) {
      sources.push_back(source_of(i, extent, mode));
    }
    const at::Tensor index = at::tensor(sources, at::kLong).to(x.device());
    result = at::index_select(result, static_cast<std::int64_t>(axis), index);
  }
  return in_format_of(x, result);
}

Outputs run_pad(const OpContext& context, Inputs inputs) {
  const auto given = ints_from(context, inputs, "pads", 1, 11).value_or(Extents{});
  const at::Tensor named = input(inputs, 3);
  const auto axes = named.defined() ? std::optional(integers(named)) : std::nullopt;
  const Pads pads = spread(context, given, axes, inputs[0].dim());
  const PadMode mode = *mode_of(context);
  if (mode == PadMode::Constant) return {pad_constant(context, inputs, pads)};
  return {pad_by_index(inputs[0], pads, mode)};
}

}  // namespace

std::span<const Operator> padding_operators() {
  static constexpr Operator kRows[] = {
      {"Pad", "", 7, 1, 1, check_pad, infer_pad, run_pad},
  };
  return kRows;
}

}  // namespace ompq::ops
