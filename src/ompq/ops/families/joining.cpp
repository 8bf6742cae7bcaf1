#include <algorithm>

#include <fmt/format.h>

#include "ompq/ops/facts.h"
#include "ompq/ops/families/families.h"
#include "ompq/ops/run.h"

namespace ompq::ops {
namespace {

using Extents = std::vector<std::int64_t>;

UnsupportedReason check_concat(const OpContext& context, Facts inputs) {
  if (!context.node.has_attribute("axis")) return "its axis is missing";
  for (const InputFacts& input : inputs) {
    if (!input.present) return "one of its inputs is missing";
  }
  return std::nullopt;
}

/// Known elements are concatenated if the inputs are vectors.
Elements joined_elements(Facts inputs) {
  std::vector<Dim> joined;
  for (const InputFacts& input : inputs) {
    if (!input.elements || input.shape.size() != 1) return std::nullopt;
    joined.insert(joined.end(), input.elements->begin(), input.elements->end());
  }
  if (static_cast<std::int64_t>(joined.size()) > kMaxKnownElements) return std::nullopt;
  return joined;
}

OutputList infer_concat(const OpContext& context, Facts inputs) {
  Shape shape = inputs[0].shape;
  const auto axis = static_cast<std::size_t>(
      normal_axis(context, context.node.int_attribute("axis", 0), rank_of(inputs[0])));
  for (const InputFacts& next : inputs.subspan(1)) {
    bool fits = next.shape.size() == shape.size();
    for (std::size_t i = 0; fits && i < shape.size(); ++i) {
      fits = i == axis || same(shape[i], next.shape[i]);
    }
    const MaybeDim extent = fits ? add(shape[axis], next.shape[axis]) : std::nullopt;
    if (!extent) {
      fail(context,
           fmt::format("shapes {} and {} do not join along axis {}",
                       graph::to_string(inputs[0].shape),
                       graph::to_string(next.shape),
                       axis));
    }
    shape[axis] = *extent;
  }
  return {output(inputs[0].type, std::move(shape), joined_elements(inputs))};
}

Outputs run_concat(const OpContext& context, Inputs inputs) {
  return {
      at::cat(at::TensorList(inputs.data(), inputs.size()), context.node.int_attribute("axis", 0))};
}

// --- Split: parts by attribute before opset 13, by input since; equal parts without either
// ---------

/// Extents of the parts. The last of equal parts may be smaller.
Extents part_extents(const OpContext& context,
                     const std::optional<Extents>& given,
                     std::int64_t extent) {
  if (given) {
    std::int64_t sum = 0;
    for (const std::int64_t part : *given) sum += part;
    if (sum != extent || given->size() < context.node.outputs.size()) {
      fail(context,
           fmt::format("{} parts with a total of {} do not fit {} outputs and an extent of {}",
                       given->size(),
                       sum,
                       context.node.outputs.size(),
                       extent));
    }
    return *given;
  }
  const auto outputs = static_cast<std::int64_t>(context.node.outputs.size());
  const std::int64_t parts = context.node.int_attribute("num_outputs", outputs);
  if (parts < 1 || parts < outputs || parts > std::max<std::int64_t>(extent, 1)) {
    fail(context, fmt::format("an extent of {} cannot be split in {}", extent, parts));
  }
  const std::int64_t part = (extent + parts - 1) / parts;
  Extents extents(static_cast<std::size_t>(parts), part);
  extents.back() = extent - part * (parts - 1);
  if (extents.back() < 0) {
    fail(context, fmt::format("an extent of {} cannot be split in {}", extent, parts));
  }
  return extents;
}

UnsupportedReason check_split(const OpContext& context, Facts inputs) {
  return context.opset >= 13 ? needs_known(inputs, 1, "part sizes") : std::nullopt;
}

OutputList infer_split(const OpContext& context, Facts inputs) {
  const Shape& from = inputs[0].shape;
  const auto axis = static_cast<std::size_t>(
      normal_axis(context, context.node.int_attribute("axis", 0), rank_of(inputs[0])));
  const auto given = ints_from(context, inputs, "split", 1, 13);
  if (!from[axis].is_fixed()) fail(context, "it splits the batch");
  OutputList parts;
  std::int64_t start = 0;
  for (const std::int64_t extent : part_extents(context, given, from[axis].size)) {
    Shape shape = from;
    shape[axis] = Dim::fixed(extent);
    Elements elements;
    if (from.size() == 1) {
      elements = pick(
          inputs[0].elements, {extent}, [&](const Extents& index) { return start + index[0]; });
    }
    parts.push_back(output(inputs[0].type, std::move(shape), std::move(elements)));
    start += extent;
  }
  return parts;
}

Outputs run_split(const OpContext& context, Inputs inputs) {
  const std::int64_t axis = context.node.int_attribute("axis", 0);
  const auto given = ints_from(context, inputs, "split", 1, 13);
  return at::split_with_sizes(inputs[0], part_extents(context, given, inputs[0].size(axis)), axis);
}

}  // namespace

std::span<const Operator> joining_operators() {
  static constexpr Operator kRows[] = {
      {"Concat", "", 7, 1, 1, check_concat, infer_concat, run_concat},
      {"Split", "", 7, 1, SIZE_MAX, check_split, infer_split, run_split},
  };
  return kRows;
}

}  // namespace ompq::ops
