#include "ompq/rounding/quantizer_limits.h"

#include <algorithm>

#include "ompq/graph/operator_traits.h"
#include "ompq/rounding/largest_scale.h"
#include "ompq/targets/placement.h"

namespace ompq::rounding {
namespace {

bool moves_codes(const graph::Graph& graph, graph::NodeId maker) {
  if (maker == graph::kNoNode) return false;
  return graph::integer_form(graph, graph.node(maker)) == graph::IntegerForm::PassesCodes;
}

}  // namespace

QuantizerLimits quantizer_limits(const graph::Graph& graph,
                                 const std::vector<graph::Layer>& layers,
                                 const ActivationQuantizers& quantizers,
                                 const targets::TargetRow& target) {
  QuantizerLimits limits;
  if (!target.integer_kernels) return limits;
  std::vector<graph::Layer> quantized;
  std::vector<BitWidth> widths;
  for (const graph::Layer& layer : layers) {
    const auto found = quantizers.find(layer.activation);
    if (found == quantizers.end()) continue;
    quantized.push_back(layer);
    widths.push_back(found->second.bits);
  }
  const auto placement = targets::place_quantizers(graph, quantized, widths, target);
  for (const auto& [value, place] : placement) {
    if (place.fixed) limits.fixed.insert(value);
    if (!quantizers.contains(value) || !quantizers.contains(place.same_as)) continue;
    limits.same_as.emplace(value, place.same_as);
    const bool on_grid = moves_codes(graph, graph.producer(value)) && !place.has_own_numbers;
    if (!on_grid) limits.tied.insert({value, place.same_as});
  }
  for (const auto& [value, params] : quantizers) {
    ScaleRule& rule = limits.rules[value];
    rule = {.is_short = false, .keeps_zero_point = target.symmetric_activations};
    if (limits.fixed.contains(value)) {
      rule.keeps_zero_point = true;
      rule.smallest = rule.largest = params.scale.front();
    }
    if (target.drops_bounds)
      rule.largest = std::min(rule.largest, largest_scale(graph, value, params));
  }
  // One scale for several values performs the clipping before each of them.
  for (const auto& [value, source] : limits.same_as) {
    float& largest = limits.rules[source].largest;
    largest = std::min(largest, limits.rules[value].largest);
  }
  return limits;
}

}  // namespace ompq::rounding
