#include "ompq/pipeline/model.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/runtime/passes.h"

namespace ompq::pipeline {
namespace {

/// The batch axis of an input; nullopt if all samples of a pass share it.
std::optional<std::size_t> batch_axis_of(const graph::Shape& shape,
                                         std::optional<std::int64_t> fixed_batch) {
  for (std::size_t d = 0; d < shape.size(); ++d) {
    if (!shape[d].is_fixed()) return d;
  }
  if (!fixed_batch || shape.empty()) return std::nullopt;  // other inputs have the batch
  return 0;
}

/// With one sample per pass, the batch may be any axis or none: the whole input is that sample's,
/// and samples get an additional axis.
bool is_one_sample(const graph::Shape& shape, std::optional<std::int64_t> fixed_batch) {
  return fixed_batch == 1 && (shape.empty() || shape.front().size != 1);
}

data::InputSpec spec_of(const graph::Value& input, std::optional<std::int64_t> fixed_batch) {
  const graph::Shape& shape = *input.shape;
  data::InputSpec spec{input.name, {}, input.type, batch_axis_of(shape, fixed_batch)};
  if (is_one_sample(shape, fixed_batch)) {
    spec.batch_axis = 0;
    for (const graph::Dim& dim : shape) spec.extents.push_back(dim.size);
    return spec;
  }
  for (std::size_t d = 0; d < shape.size(); ++d) {
    if (d == spec.batch_axis) continue;
    if (!shape[d].is_fixed()) {
      throw ShapeError("model",
                       fmt::format("input '{}' has shape {}; only one dimension, the batch, may be "
                                   "open; set the others with --input-shape",
                                   input.name,
                                   graph::to_string(shape)));
    }
    spec.extents.push_back(shape[d].size);
  }
  return spec;
}

}  // namespace

std::vector<data::InputSpec> input_specs(const graph::Graph& graph) {
  const std::optional<std::int64_t> fixed_batch = runtime::fixed_batch(graph);
  std::vector<data::InputSpec> specs;
  for (const graph::ValueId id : graph.inputs()) {
    specs.push_back(spec_of(graph.value(id), fixed_batch));
  }
  return specs;
}

std::int64_t batch_size_for(const graph::Graph& graph, std::int64_t wanted) {
  return runtime::samples_in_memory(graph, wanted);
}

}  // namespace ompq::pipeline
