#include "ompq/runtime/network_inputs.h"

#include <optional>

#include <fmt/format.h>

#include "ompq/core/error.h"

namespace ompq::runtime {
namespace {

[[noreturn]] void fail(const graph::Value& input, const Tensor& tensor, std::string_view way_out) {
  throw ShapeError("runtime",
                   fmt::format("input '{}' takes {} but got {}; {}",
                               input.name,
                               graph::to_string(input.shape.value_or(graph::Shape{})),
                               shape_text(tensor.shape()),
                               way_out));
}

/// The batch size that makes `extent` out of `dim`; nothing if none does.
std::optional<std::int64_t> batch_of(const graph::Dim& dim, std::int64_t extent) {
  if (dim.size <= 0 || extent <= 0 || extent % dim.size != 0) return std::nullopt;
  return extent / dim.size;
}

}  // namespace

std::int64_t check_inputs(const graph::Graph& graph, std::span<const Tensor> inputs) {
  if (inputs.size() != graph.inputs().size()) {
    throw ShapeError("runtime",
                     fmt::format("the network takes {} inputs but got {}; give one tensor for each",
                                 graph.inputs().size(),
                                 inputs.size()));
  }
  std::optional<std::int64_t> batch;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const graph::Value& input = graph.value(graph.inputs()[i]);
    if (!input.shape) continue;
    const auto& extents = inputs[i].shape();
    if (extents.size() != input.shape->size()) {
      fail(input, inputs[i], "give a tensor of that many axes");
    }
    for (std::size_t axis = 0; axis < extents.size(); ++axis) {
      const graph::Dim& dim = (*input.shape)[axis];
      if (dim.is_fixed()) {
        if (extents[axis] != dim.size) fail(input, inputs[i], "resize or crop the samples to it");
        continue;
      }
      const auto found = batch_of(dim, extents[axis]);
      if (!found) fail(input, inputs[i], "N is the number of samples, 1 or more");
      if (batch && *batch != *found) {
        fail(input, inputs[i], fmt::format("other inputs hold {} samples", *batch));
      }
      batch = found;
    }
  }
  return batch.value_or(1);
}

}  // namespace ompq::runtime
