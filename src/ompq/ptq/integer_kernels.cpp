#include "ompq/ptq/integer_kernels.h"

#include <cstdint>
#include <vector>

#include "ompq/graph/fuse_integers.h"
#include "ompq/targets/integer_coverage.h"
#include "ompq/targets/target_table.h"

namespace ompq::ptq {

namespace {

/// As onnx_io::insert_integer_layers accepts a layer: levels that fit int8, and a bias of whole
/// steps.
bool is_written_as_integers(const graph::Graph& graph,
                            const graph::Graph& written,
                            const graph::Layer& layer,
                            float scale) {
  const auto& levels = written.value(layer.weight).levels;
  if (levels == nullptr) return false;
  const bool adds_bias =
      layer.bias != graph::kNoValue && graph.node(layer.node).input(2) == layer.bias;
  if (!adds_bias) return true;
  std::vector<float> steps;
  for (const float weight_scale : levels->scale) steps.push_back(scale * weight_scale);
  return graph::multiples_of(*written.value(layer.bias).constant, steps).has_value();
}

}  // namespace

std::optional<report::IntegerKernels> integer_kernels_of(const pipeline::Model& model,
                                                         const rounding::NetworkCodes& codes,
                                                         const graph::Graph& written) {
  const targets::TargetRow& target = targets::target(codes.target);
  if (codes.activations.empty() || !target.integer_kernels) return std::nullopt;
  const bool whole_biases = target.bias == targets::BiasForm::Int32;
  const targets::IntegerCoverage found = targets::integer_coverage(
      model.graph,
      model.discovery.layers,
      target,
      [&](graph::ValueId value) { return codes.activations.contains(value); },
      [&](const graph::Layer& layer) {
        const auto activation = codes.activations.find(layer.activation);
        if (activation == codes.activations.end()) return false;
        if (!whole_biases) return written.value(layer.weight).levels != nullptr;
        return is_written_as_integers(
            model.graph, written, layer, activation->second.scale.front());
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
