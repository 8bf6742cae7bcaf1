#include "ompq/ops/facts.h"

#include <algorithm>

#include <fmt/format.h>

#include "ompq/core/error.h"

namespace ompq::ops {

void fail(const OpContext& context, const std::string& rule) {
  throw ShapeError("ops",
                   fmt::format("{} node '{}': {}", context.node.op_type, context.node.name, rule));
}

const InputFacts& fact(Facts inputs, std::size_t index) {
  static const InputFacts kAbsent{};
  return index < inputs.size() ? inputs[index] : kAbsent;
}

bool has(Facts inputs, std::size_t index) { return fact(inputs, index).present; }

std::int64_t rank_of(const InputFacts& input) {
  return static_cast<std::int64_t>(input.shape.size());
}

bool is_float(DataType type) {
  return type == DataType::Float32 || type == DataType::Float16 || type == DataType::BFloat16 ||
         type == DataType::Float64;
}

bool is_integer(DataType type) { return !is_float(type) && type != DataType::Bool; }

UnsupportedReason always_supported(const OpContext&, Facts) { return std::nullopt; }

UnsupportedReason needs_float(const OpContext&, Facts inputs) {
  const InputFacts& first = fact(inputs, 0);
  if (!first.known || is_float(first.type)) return std::nullopt;
  return fmt::format("works on float types, its input is {}", name_of(first.type));
}

UnsupportedReason needs_images(const OpContext& context, Facts inputs) {
  if (auto complaint = needs_float(context, inputs)) return complaint;
  const InputFacts& first = fact(inputs, 0);
  if (!first.known || (rank_of(first) >= 3 && rank_of(first) <= 5)) return std::nullopt;
  return fmt::format("works on 1, 2 or 3 spatial axes after batch and channels, its input is {}",
                     graph::to_string(first.shape));
}

UnsupportedReason needs_known(Facts inputs, std::size_t index, std::string_view what) {
  const InputFacts& input = fact(inputs, index);
  if (!input.present || !input.known || input.constant != nullptr || input.elements) {
    return std::nullopt;
  }
  return fmt::format("its {} (input {}) is computed from data; it must be constant", what, index);
}

std::int64_t normal_axis(const OpContext& context, std::int64_t axis, std::int64_t rank) {
  if (axis < -rank || axis >= rank) {
    fail(context, fmt::format("axis {} is outside {} axes", axis, rank));
  }
  return axis < 0 ? axis + rank : axis;
}

std::vector<std::int64_t> normal_axes(const OpContext& context,
                                      const std::vector<std::int64_t>& axes,
                                      std::int64_t rank) {
  std::vector<std::int64_t> normal;
  normal.reserve(axes.size());
  for (const std::int64_t axis : axes) {
    const std::int64_t positive = normal_axis(context, axis, rank);
    if (std::find(normal.begin(), normal.end(), positive) != normal.end()) {
      fail(context, fmt::format("axis {} is given twice", axis));
    }
    normal.push_back(positive);
  }
  return normal;
}

std::optional<std::vector<std::int64_t>> known_integers(const InputFacts& input) {
  if (!input.present || !input.known) return std::nullopt;
  if (input.constant != nullptr && !is_float(input.constant->type())) {
    return input.constant->to_int64s();
  }
  if (!input.elements) return std::nullopt;
  std::vector<std::int64_t> numbers;
  numbers.reserve(input.elements->size());
  for (const Dim& element : *input.elements) {
    if (!element.is_fixed()) return std::nullopt;
    numbers.push_back(element.size);
  }
  return numbers;
}

std::optional<std::vector<std::int64_t>> ints_from(const OpContext& context,
                                                   Facts inputs,
                                                   std::string_view name,
                                                   std::size_t index,
                                                   int input_since) {
  if (context.opset < input_since) {
    if (!context.node.has_attribute(name)) return std::nullopt;
    return context.node.ints_attribute(name, {});
  }
  if (!has(inputs, index)) return std::nullopt;
  auto numbers = known_integers(inputs[index]);
  if (!numbers) fail(context, fmt::format("'{}' (input {}) is not constant", name, index));
  return numbers;
}

OutputList same_as_first(const OpContext&, Facts inputs) {
  return {output(inputs[0].type, inputs[0].shape)};
}

OutputFacts output(DataType type, Shape shape, Elements elements) {
  return {type, std::move(shape), std::move(elements)};
}

bool same(Dim a, Dim b) { return equal(a, b).value_or(false); }

Shape broadcast(const OpContext& context, const Shape& a, const Shape& b) {
  const Shape& longer = a.size() >= b.size() ? a : b;
  const Shape& shorter = a.size() >= b.size() ? b : a;
  Shape result = longer;
  const std::size_t offset = longer.size() - shorter.size();
  for (std::size_t i = 0; i < shorter.size(); ++i) {
    Dim& extent = result[offset + i];
    if (same(extent, shorter[i]) || shorter[i] == Dim::fixed(1)) continue;
    if (extent != Dim::fixed(1)) {
      fail(context,
           fmt::format(
               "shapes {} and {} do not broadcast", graph::to_string(a), graph::to_string(b)));
    }
    extent = shorter[i];
  }
  return result;
}

Shape broadcast_all(const OpContext& context, Facts inputs) {
  Shape result = inputs[0].shape;
  for (const InputFacts& input : inputs.subspan(1)) {
    result = broadcast(context, result, input.shape);
  }
  return result;
}

std::vector<std::int64_t> strides_of(const std::vector<std::int64_t>& extents) {
  std::vector<std::int64_t> strides(extents.size(), 1);
  for (std::size_t i = extents.size(); i-- > 1;) strides[i - 1] = strides[i] * extents[i];
  return strides;
}

Elements elements_as(const InputFacts& input, const Shape& to) {
  const auto extents = graph::fixed_extents(to);
  const auto own = graph::fixed_extents(input.shape);
  if (!extents || !own) return std::nullopt;
  const std::vector<std::int64_t> strides = strides_of(*own);
  const std::size_t offset = extents->size() - own->size();
  return pick(input.elements, *extents, [&](const std::vector<std::int64_t>& index) {
    std::int64_t flat = 0;
    for (std::size_t i = 0; i < own->size(); ++i) {
      if ((*own)[i] != 1) flat += index[offset + i] * strides[i];
    }
    return flat;
  });
}

Elements combine(const InputFacts& a, const InputFacts& b, const Shape& shape, DimFunction of) {
  if (is_float(a.type)) return std::nullopt;
  const Elements left = elements_as(a, shape);
  const Elements right = elements_as(b, shape);
  if (!left || !right) return std::nullopt;
  std::vector<Dim> result;
  result.reserve(left->size());
  for (std::size_t i = 0; i < left->size(); ++i) {
    const MaybeDim element = of((*left)[i], (*right)[i]);
    if (!element) return std::nullopt;
    result.push_back(*element);
  }
  return result;
}

}  // namespace ompq::ops
