#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ompq/pipeline/model.h"

namespace ompq::diagnosis {

enum class MatchedBy { ValueName, NodeName, Order };

/// "value name", "node name", "order".
[[nodiscard]] std::string_view text_of(MatchedBy matched_by);

/// A pair of matching layers of two networks, with a comparable value of each.
struct MatchedLayer {
  graph::LayerId layer_a = -1;
  graph::LayerId layer_b = -1;
  graph::ValueId value_a = graph::kNoValue;
  graph::ValueId value_b = graph::kNoValue;
  MatchedBy by = MatchedBy::Order;
};

struct LayerMatching {
  std::vector<MatchedLayer> layers;       ///< in a's topological order
  std::vector<graph::LayerId> only_in_a;  ///< without a match, or without a comparable value
  std::vector<graph::LayerId> only_in_b;
};

/// Matches the layers of two forms of one network (float, packed, with
/// QuantizeLinear/DequantizeLinear pairs of any tool).
///
/// Layers match by the names of their nodes, independent of the order. Layers whose name is missing
/// in the other network match by operator, weight shape and output shape, in topological order (the
/// longest common subsequence).
///
/// The compared values are the layers' features: values with the same name, if b's value names are
/// reliable (a packed file shortens them, so equal names alone prove nothing); else outputs of
/// nodes with the same name; else each network's own features. If one network has an activation
/// that the other replaced by a quantizer's clipping, the operators' outputs before it are used.
[[nodiscard]] LayerMatching match_layers(const pipeline::Model& a, const pipeline::Model& b);

}  // namespace ompq::diagnosis
