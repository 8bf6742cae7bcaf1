#include "ompq/ptq/integer_kernels.h"

#include <cstdint>

#include "ompq/targets/integer_coverage.h"
#include "ompq/targets/target_table.h"

namespace ompq::ptq {

std::optional<report::IntegerKernels> integer_kernels_of(const pipeline::Model& model,
                                                         const rounding::NetworkCodes& codes) {
  if (codes.activations.empty() || !targets::target(codes.target).integer_kernels) {
    return std::nullopt;
  }
  const targets::IntegerCoverage found = targets::integer_coverage(
      model.graph,
      model.discovery.layers,
      [&](graph::ValueId value) { return codes.activations.contains(value); },
      [&](const graph::Layer& layer) {
        return codes.weights.contains(model.graph.value(layer.weight).name);
      });
  report::IntegerKernels made{
      .layers = static_cast<std::int64_t>(found.integer_layers.size() + found.float_layers.size()),
      .integer_layers = static_cast<std::int64_t>(found.integer_layers.size()),
      .float_layers = found.float_layers,
      .float_operators = {}};
  for (const auto& [op_type, nodes] : found.float_operators) {
    made.float_operators.push_back({op_type, nodes});
  }
  return made;
}

}  // namespace ompq::ptq
