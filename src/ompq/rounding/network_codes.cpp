#include "ompq/rounding/network_codes.h"

#include <fmt/format.h>

#include "ompq/core/error.h"

namespace ompq::rounding {

void replace_biases(graph::Graph& graph, const NewBiases& biases) {
  for (const auto& [name, values] : biases) {
    const graph::ValueId id = graph.find_value(name);
    if (id == graph::kNoValue || !graph.is_constant(id)) continue;
    const auto shape = graph.value(id).constant->shape();
    if (element_count(shape) != static_cast<std::int64_t>(values.size())) {
      throw ShapeError(
          "rounding",
          fmt::format("{} values for bias '{}' of {}", values.size(), name, shape_text(shape)));
    }
    graph.mutable_value(id).constant = Tensor::from(shape, values);
  }
}

}  // namespace ompq::rounding
