#include <algorithm>

#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/ops/facts.h"
#include "ompq/ops/families/families.h"
#include "ompq/ops/run.h"

namespace ompq::ops {
namespace {

using Extents = std::vector<std::int64_t>;

// --- Slice: bounds in attributes before opset 10, in inputs since
// ---------------------------------

/// First element, step and number of elements along one axis.
struct Stretch {
  std::int64_t start;
  std::int64_t step;
  std::int64_t count;
};

/// ONNX's rule: negative bounds count from the end, then all are clamped to the axis.
Stretch stretch(std::int64_t start, std::int64_t end, std::int64_t step, std::int64_t extent) {
  const auto from_end = [&](std::int64_t bound) { return bound < 0 ? bound + extent : bound; };
  if (step > 0) {
    start = std::clamp<std::int64_t>(from_end(start), 0, extent);
    end = std::clamp<std::int64_t>(from_end(end), 0, extent);
    return {start, step, end > start ? (end - start - 1) / step + 1 : 0};
  }
  start = std::clamp<std::int64_t>(from_end(start), -1, extent - 1);
  end = std::clamp<std::int64_t>(from_end(end), -1, extent - 1);
  return {start, step, start > end ? (start - end - 1) / -step + 1 : 0};
}

/// Length of a slice of an axis of `extent` = k N elements; nullopt if it is not a number or a
/// multiple of N.
MaybeDim open_slice(Dim start, Dim end, std::int64_t step, Dim extent) {
  // No batch is that large: exporters use such bounds for "from the start" or "to the end".
  constexpr std::int64_t kBeyond = 1'000'000;
  const auto is_beyond = [](Dim bound) { return bound.is_fixed() && bound.size >= kBeyond; };
  const auto is_before = [](Dim bound) { return bound.is_fixed() && bound.size <= -kBeyond; };
  if (step > 0 && is_before(start)) start = Dim::fixed(0);
  const bool to_end = end == extent || is_beyond(end);
  if (step == 1 && start == Dim::fixed(0) && to_end) return extent;
  if (step == -1 && (start == Dim::fixed(-1) || is_beyond(start)) && is_before(end)) return extent;
  if (step != 1 || !start.is_fixed()) return std::nullopt;
  // Within the first (or last) k elements the slice is the same for every N >= 1.
  const std::int64_t min = extent.size;
  if (start.size < 0 && -start.size <= min && to_end) return Dim::fixed(-start.size);
  if (!end.is_fixed() || (start.size < 0) != (end.size < 0)) return std::nullopt;
  if (std::max(std::abs(start.size), std::abs(end.size)) > min) return std::nullopt;
  return Dim::fixed(std::max<std::int64_t>(end.size - start.size, 0));
}

MaybeDim slice_extent(Dim start, Dim end, std::int64_t step, Dim extent) {
  if (!extent.is_fixed()) return open_slice(start, end, step, extent);
  if (!start.is_fixed()) return std::nullopt;
  if (!end.is_fixed()) {
    // An end of k N is beyond the axis for every N.
    if (end.size < extent.size) return std::nullopt;
    end = extent;
  }
  return Dim::fixed(stretch(start.size, end.size, step, extent.size).count);
}

struct SliceFacts {
  std::vector<Dim> starts;
  std::vector<Dim> ends;
  Extents axes;
  Extents steps;
};

std::vector<Dim> bounds_from(const OpContext& context,
                             Facts inputs,
                             std::string_view name,
                             std::size_t index) {
  if (context.opset < 10) return graph::fixed_shape(context.node.ints_attribute(name, {}));
  if (!fact(inputs, index).elements) fail(context, fmt::format("its {} are not known", name));
  return *inputs[index].elements;
}

Extents default_axes(std::size_t count) {
  Extents axes(count);
  for (std::size_t i = 0; i < count; ++i) axes[i] = static_cast<std::int64_t>(i);
  return axes;
}

SliceFacts read_slice(const OpContext& context, Facts inputs) {
  SliceFacts facts;
  facts.starts = bounds_from(context, inputs, "starts", 1);
  facts.ends = bounds_from(context, inputs, "ends", 2);
  const std::size_t count = facts.starts.size();
  facts.axes = normal_axes(context,
                           ints_from(context, inputs, "axes", 3, 10).value_or(default_axes(count)),
                           rank_of(inputs[0]));
  facts.steps = ints_from(context, inputs, "steps", 4, 10).value_or(Extents(count, 1));
  if (facts.ends.size() != count || facts.axes.size() != count || facts.steps.size() != count) {
    fail(context,
         fmt::format("{} starts, {} ends, {} axes and {} steps do not match",
                     count,
                     facts.ends.size(),
                     facts.axes.size(),
                     facts.steps.size()));
  }
  return facts;
}

UnsupportedReason check_slice(const OpContext& context, Facts inputs) {
  if (context.opset < 10) return std::nullopt;
  static constexpr std::string_view kNames[] = {"data", "starts", "ends", "axes", "steps"};
  for (std::size_t i = 1; i <= 4; ++i) {
    if (i <= 2 && !has(inputs, i)) return fmt::format("its {} are missing", kNames[i]);
    if (auto complaint = needs_known(inputs, i, kNames[i])) return complaint;
  }
  return std::nullopt;
}

OutputList infer_slice(const OpContext& context, Facts inputs) {
  const SliceFacts slice = read_slice(context, inputs);
  Shape shape = inputs[0].shape;
  for (std::size_t i = 0; i < slice.axes.size(); ++i) {
    Dim& extent = shape[static_cast<std::size_t>(slice.axes[i])];
    if (slice.steps[i] == 0 || slice.steps[i] == INT64_MIN) {
      fail(context, fmt::format("a step of {}", slice.steps[i]));
    }
    const MaybeDim length = slice_extent(slice.starts[i], slice.ends[i], slice.steps[i], extent);
    if (!length) {
      fail(context,
           fmt::format("from {} to {} of an axis of {} is not a fixed multiple of the batch",
                       graph::to_string({slice.starts[i]}),
                       graph::to_string({slice.ends[i]}),
                       graph::to_string({extent})));
    }
    extent = *length;
  }
  Elements elements;
  if (shape.size() == 1 && shape[0].is_fixed() && inputs[0].elements && slice.axes.size() == 1 &&
      slice.starts[0].is_fixed() && slice.ends[0].is_fixed()) {
    const Stretch along =
        stretch(slice.starts[0].size, slice.ends[0].size, slice.steps[0], inputs[0].shape[0].size);
    elements = pick(inputs[0].elements, {along.count}, [&](const Extents& index) {
      return along.start + index[0] * along.step;
    });
  }
  return {output(inputs[0].type, std::move(shape), std::move(elements))};
}

at::Tensor slice_axis(const at::Tensor& x, std::int64_t axis, const Stretch& along) {
  if (along.step > 0) {
    return at::slice(x, axis, along.start, along.start + along.count * along.step, along.step);
  }
  // Negative step: slice forwards, then flip.
  const std::int64_t first = along.start + (along.count - 1) * along.step;
  if (along.count == 0) return at::slice(x, axis, 0, 0);
  return at::flip(at::slice(x, axis, first, along.start + 1, -along.step), {axis});
}

Outputs run_slice(const OpContext& context, Inputs inputs) {
  at::Tensor x = inputs[0];
  const auto starts = ints_from(context, inputs, "starts", 1, 10).value_or(Extents{});
  const auto ends = ints_from(context, inputs, "ends", 2, 10).value_or(Extents{});
  const auto axes = ints_from(context, inputs, "axes", 3, 10).value_or(default_axes(starts.size()));
  const auto steps = ints_from(context, inputs, "steps", 4, 10).value_or(Extents(starts.size(), 1));
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const std::int64_t axis = positive_axis(axes[i], x.dim());
    x = slice_axis(x, axis, stretch(starts.at(i), ends.at(i), steps.at(i), x.size(axis)));
  }
  return {x};
}

// --- Gather and its relatives: negative indices count from the end
// ----------------------------------

OutputList infer_gather(const OpContext& context, Facts inputs) {
  const Shape& data = inputs[0].shape;
  const auto axis = normal_axis(context, context.node.int_attribute("axis", 0), rank_of(inputs[0]));
  Shape shape(data.begin(), data.begin() + axis);
  shape.insert(shape.end(), inputs[1].shape.begin(), inputs[1].shape.end());
  shape.insert(shape.end(), data.begin() + axis + 1, data.end());
  Elements elements;
  const auto indices = known_integers(inputs[1]);
  if (indices && data[static_cast<std::size_t>(axis)].is_fixed()) {
    const std::int64_t extent = data[static_cast<std::size_t>(axis)].size;
    for (const std::int64_t index : *indices) {
      if (index < -extent || index >= extent) {
        fail(context, fmt::format("index {} is outside an axis of {}", index, extent));
      }
    }
    if (data.size() == 1 && inputs[0].elements) {
      elements.emplace();
      for (const std::int64_t index : *indices) {
        elements->push_back(
            inputs[0].elements->at(static_cast<std::size_t>(positive_axis(index, extent))));
      }
    }
  }
  return {output(inputs[0].type, std::move(shape), std::move(elements))};
}

UnsupportedReason check_indices(const OpContext&, Facts inputs) {
  const InputFacts& indices = fact(inputs, 1);
  if (!indices.known || is_integer(indices.type)) return std::nullopt;
  return fmt::format("its indices are {}", name_of(indices.type));
}

/// Indices as non-negative int64 on the data's device. @throws DataError for an index out of range.
at::Tensor plain_indices(const OpContext& context,
                         const at::Tensor& indices,
                         const at::Tensor& data,
                         std::int64_t extent) {
  const at::Tensor wide = indices.to(data.device(), at::kLong);
  if (wide.numel() == 0) return wide;
  const auto low = wide.min().item<std::int64_t>();
  const auto high = wide.max().item<std::int64_t>();
  if (low < -extent || high >= extent) {
    throw DataError("ops",
                    fmt::format("{} node '{}': index {} is outside an axis of {}; indices go "
                                "from {} to {}",
                                context.node.op_type,
                                context.node.name,
                                high >= extent ? high : low,
                                extent,
                                -extent,
                                extent - 1));
  }
  return low < 0 ? at::where(wide < 0, wide + extent, wide) : wide;
}

Outputs run_gather(const OpContext& context, Inputs inputs) {
  const at::Tensor& data = inputs[0];
  const std::int64_t axis = positive_axis(context.node.int_attribute("axis", 0), data.dim());
  const at::Tensor indices = plain_indices(context, inputs[1], data, data.size(axis));
  if (indices.dim() == 0) return {at::select(data, axis, indices.item<std::int64_t>())};
  const at::Tensor picked = at::index_select(data, axis, indices.reshape({-1}));
  Extents shape = data.sizes().slice(0, static_cast<std::size_t>(axis)).vec();
  shape.insert(shape.end(), indices.sizes().begin(), indices.sizes().end());
  shape.insert(shape.end(), data.sizes().begin() + axis + 1, data.sizes().end());
  return {indices.dim() == 1 ? in_format_of(data, picked) : picked.reshape(shape)};
}

OutputList infer_gather_elements(const OpContext& context, Facts inputs) {
  (void)normal_axis(context, context.node.int_attribute("axis", 0), rank_of(inputs[0]));
  if (rank_of(inputs[1]) != rank_of(inputs[0])) {
    fail(context,
         fmt::format("indices of shape {} do not fit data of shape {}",
                     graph::to_string(inputs[1].shape),
                     graph::to_string(inputs[0].shape)));
  }
  return {output(inputs[0].type, inputs[1].shape)};
}

Outputs run_gather_elements(const OpContext& context, Inputs inputs) {
  const at::Tensor& data = inputs[0];
  const std::int64_t axis = positive_axis(context.node.int_attribute("axis", 0), data.dim());
  return {at::gather(data, axis, plain_indices(context, inputs[1], data, data.size(axis)))};
}

/// Leading axes that data and indices of a GatherND share.
std::size_t shared_axes(const OpContext& context) {
  return static_cast<std::size_t>(context.node.int_attribute("batch_dims", 0));
}

UnsupportedReason check_gather_nd(const OpContext& context, Facts inputs) {
  const InputFacts& indices = fact(inputs, 1);
  const std::int64_t shared = context.node.int_attribute("batch_dims", 0);
  if (shared < 0 || (indices.known && shared >= rank_of(indices) && shared > 0)) {
    return fmt::format("batch_dims {} does not fit its indices", shared);
  }
  return check_indices(context, inputs);
}

/// Number of the data's axes that one row of indices addresses.
std::size_t indexed_axes(const OpContext& context, Facts inputs) {
  const Shape& indices = inputs[1].shape;
  if (indices.empty() || !indices.back().is_fixed() || indices.back().size > rank_of(inputs[0]) ||
      indices.back().size < 1) {
    fail(context,
         fmt::format("indices of shape {} do not fit data of shape {}",
                     graph::to_string(indices),
                     graph::to_string(inputs[0].shape)));
  }
  return static_cast<std::size_t>(indices.back().size);
}

Shape indexed_shape(const OpContext& context, Facts inputs) {
  const std::size_t axes = indexed_axes(context, inputs);
  Shape shape(inputs[1].shape.begin(), inputs[1].shape.end() - 1);
  shape.insert(shape.end(),
               inputs[0].shape.begin() + static_cast<std::ptrdiff_t>(axes),
               inputs[0].shape.end());
  return shape;
}

OutputList infer_gather_nd(const OpContext& context, Facts inputs) {
  const std::size_t shared = shared_axes(context);
  const Shape& data = inputs[0].shape;
  if (shared == 0) return {output(inputs[0].type, indexed_shape(context, inputs))};
  const std::size_t axes = indexed_axes(context, inputs);
  if (shared + axes > data.size()) {
    fail(context, fmt::format("batch_dims {} does not fit {}", shared, graph::to_string(data)));
  }
  Shape shape(inputs[1].shape.begin(), inputs[1].shape.end() - 1);
  shape.insert(shape.end(), data.begin() + static_cast<std::ptrdiff_t>(shared + axes), data.end());
  return {output(inputs[0].type, std::move(shape))};
}

/// Index tensors for each leading axis of the data, broadcast together. The first `shared` axes are
/// those of the indices.
c10::List<c10::optional<at::Tensor>> index_columns(const OpContext& context,
                                                   const at::Tensor& indices,
                                                   const at::Tensor& data,
                                                   std::size_t shared = 0) {
  c10::List<c10::optional<at::Tensor>> columns;
  const auto batch = static_cast<std::int64_t>(shared);
  for (std::int64_t axis = 0; axis < batch; ++axis) {
    Extents shape(static_cast<std::size_t>(indices.dim() - 1), 1);
    shape[static_cast<std::size_t>(axis)] = data.size(axis);
    columns.push_back(
        at::arange(data.size(axis), at::TensorOptions().dtype(at::kLong).device(data.device()))
            .view(shape));
  }
  for (std::int64_t i = 0; i < indices.size(-1); ++i) {
    columns.push_back(plain_indices(context, indices.select(-1, i), data, data.size(batch + i)));
  }
  return columns;
}

Outputs run_gather_nd(const OpContext& context, Inputs inputs) {
  return {at::index(inputs[0], index_columns(context, inputs[1], inputs[0], shared_axes(context)))};
}

/// LibTorch's name of a scatter reduction; "" for others.
c10::string_view torch_reduction(std::string_view name) {
  if (name == "mul") return "prod";
  if (name == "max") return "amax";
  return name == "min" ? "amin" : "";
}

UnsupportedReason check_scatter(const OpContext& context, Facts inputs) {
  const std::string reduction = context.node.string_attribute("reduction", "none");
  const bool known =
      reduction == "none" || reduction == "add" || !torch_reduction(reduction).empty();
  if (!known) return fmt::format("reduction '{}' is unknown", reduction);
  return check_indices(context, inputs);
}

std::string reduction_of(const OpContext& context) {
  return context.node.string_attribute("reduction", "none");
}

OutputList infer_scatter_elements(const OpContext& context, Facts inputs) {
  (void)infer_gather_elements(context, inputs);
  if (inputs[2].shape != inputs[1].shape) {
    fail(context,
         fmt::format("updates of shape {} do not fit indices of shape {}",
                     graph::to_string(inputs[2].shape),
                     graph::to_string(inputs[1].shape)));
  }
  return same_as_first(context, inputs);
}

Outputs run_scatter_elements(const OpContext& context, Inputs inputs) {
  const at::Tensor& data = inputs[0];
  const std::int64_t axis = positive_axis(context.node.int_attribute("axis", 0), data.dim());
  const at::Tensor indices = plain_indices(context, inputs[1], data, data.size(axis));
  const std::string reduction = reduction_of(context);
  if (reduction == "none") return {at::scatter(data, axis, indices, inputs[2])};
  if (reduction == "add") return {at::scatter_add(data, axis, indices, inputs[2])};
  return {at::scatter_reduce(data, axis, indices, inputs[2], torch_reduction(reduction))};
}

OutputList infer_scatter_nd(const OpContext& context, Facts inputs) {
  if (inputs[2].shape != indexed_shape(context, inputs)) {
    fail(context,
         fmt::format("updates of shape {} do not fit indices of shape {}",
                     graph::to_string(inputs[2].shape),
                     graph::to_string(inputs[1].shape)));
  }
  return same_as_first(context, inputs);
}

/// Each row of indices as one number: the position among the slices of the data.
at::Tensor flat_rows(const OpContext& context, const at::Tensor& indices, const at::Tensor& data) {
  at::Tensor rows = at::zeros({indices.numel() / indices.size(-1)}, at::kLong);
  for (std::int64_t axis = 0; axis < indices.size(-1); ++axis) {
    const at::Tensor column = indices.select(-1, axis).reshape({-1});
    rows = rows * data.size(axis) + plain_indices(context, column, data, data.size(axis));
  }
  return rows;
}

Outputs run_scatter_nd(const OpContext& context, Inputs inputs) {
  const at::Tensor& data = inputs[0];
  const std::string reduction = reduction_of(context);
  const c10::string_view torch = torch_reduction(reduction);
  if (torch.empty()) {
    return {at::index_put(
        data, index_columns(context, inputs[1], data), inputs[2], reduction == "add")};
  }
  const at::Tensor rows = flat_rows(context, inputs[1], data);
  const std::int64_t axes = inputs[1].size(-1);
  std::int64_t slices = 1;
  for (std::int64_t axis = 0; axis < axes; ++axis) slices *= data.size(axis);
  const at::Tensor flat = data.reshape({slices, -1});
  const at::Tensor updates = inputs[2].reshape({rows.size(0), -1});
  const at::Tensor index = rows.unsqueeze(1).expand(updates.sizes());
  return {at::scatter_reduce(flat, 0, index, updates, torch).reshape(data.sizes())};
}

// --- Trilu
// ----------------------------------------------------------------------------------------

UnsupportedReason check_trilu(const OpContext&, Facts inputs) {
  const InputFacts& data = fact(inputs, 0);
  if (data.known && rank_of(data) < 2) return "works on matrices";
  return needs_known(inputs, 1, "diagonal");
}

Outputs run_trilu(const OpContext& context, Inputs inputs) {
  const at::Tensor diagonal = input(inputs, 1);
  const std::int64_t k = diagonal.defined() ? diagonal.item<std::int64_t>() : 0;
  const bool upper = context.node.int_attribute("upper", 1) != 0;
  return {upper ? at::triu(inputs[0], k) : at::tril(inputs[0], k)};
}

}  // namespace

std::span<const Operator> slicing_operators() {
  static constexpr Operator kRows[] = {
      {"Slice", "", 7, 1, 1, check_slice, infer_slice, run_slice},
      {"Gather", "", 7, 2, 1, check_indices, infer_gather, run_gather},
      {"GatherElements", "", 11, 2, 1, check_indices, infer_gather_elements, run_gather_elements},
      {"GatherND", "", 11, 2, 1, check_gather_nd, infer_gather_nd, run_gather_nd},
      {"ScatterElements",
       "",
       11,
       3,
       1,
       check_scatter,
       infer_scatter_elements,
       run_scatter_elements},
      // The same with its name in opsets 9 and 10.
      {"Scatter", "", 9, 3, 1, check_scatter, infer_scatter_elements, run_scatter_elements},
      {"ScatterND", "", 11, 3, 1, check_scatter, infer_scatter_nd, run_scatter_nd},
      {"Trilu", "", 14, 1, 1, check_trilu, same_as_first, run_trilu},
  };
  return kRows;
}

}  // namespace ompq::ops
