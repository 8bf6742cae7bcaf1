#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ompq/pipeline/model.h"

namespace ompq::diagnosis {

enum class MatchedBy { ValueName, NodeName, Order };

/// "value name", "node name", "order".
[[nodiscard]] std::string_view text_of(MatchedBy matched_by);

/// Layers of two networks that are each other, with a value of each that means the same.
struct MatchedLayer {
  graph::LayerId layer_a = -1;
  graph::LayerId layer_b = -1;
  graph::ValueId value_a = graph::kNoValue;
  graph::ValueId value_b = graph::kNoValue;
  MatchedBy by = MatchedBy::Order;
};

struct LayerMatching {
  std::vector<MatchedLayer> layers;       ///< in a's topological order
  std::vector<graph::LayerId> only_in_a;  ///< without a partner, or without a common value
  std::vector<graph::LayerId> only_in_b;
};

/// Finds the layers that two forms of one network share (float, packed, with
/// QuantizeLinear/DequantizeLinear pairs of any tool).
///
/// Layers match by the names of their nodes, wherever in the order they stand. Those whose name the
/// other network does not have match by operator, weight shape and output shape, in topological
/// order (the longest common subsequence).
///
/// Their values are the layers' features: those of one name, if values of b have names of their own
/// (a packed file shortens them, so a name alone proves nothing); or what nodes of the same name
/// make; or the features as each network has them. Where one network has an activation that the
/// other left to a quantizer's clipping, the operators' own outputs are taken.
[[nodiscard]] LayerMatching match_layers(const pipeline::Model& a, const pipeline::Model& b);

}  // namespace ompq::diagnosis
