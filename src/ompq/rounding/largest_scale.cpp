#include "ompq/rounding/largest_scale.h"

#include <algorithm>
#include <limits>

#include "ompq/graph/operator_traits.h"
#include "ompq/targets/placement.h"

namespace ompq::rounding {

float largest_scale(const graph::Graph& graph,
                    graph::ValueId value,
                    const quant::QuantParams& params) {
  float largest = std::numeric_limits<float>::infinity();
  const graph::NodeId maker = graph.producer(value);
  if (maker == graph::kNoNode) return largest;
  const graph::Node& node = graph.node(maker);
  if (!targets::is_clipped_by_quantizer(graph, node)) return largest;
  const graph::Bounds bounds = *graph::bounds_of(graph, node);
  const auto below = static_cast<float>(params.zero_point.front());
  const float above = static_cast<float>(params.bits.levels() - 1) - below;
  const auto keep_within = [&](float bound, float levels) {
    const float limit = bound / levels;
    // A bound of zero leaves nothing to quantize on its side.
    if (levels > 0.0F && limit > 0.0F) largest = std::min(largest, limit);
  };
  keep_within(-bounds.low, below);
  keep_within(bounds.high, above);
  return largest;
}

}  // namespace ompq::rounding
