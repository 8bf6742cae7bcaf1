#pragma once

#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include <ATen/ATen.h>

#include "ompq/graph/layers.h"
#include "ompq/training/epilogue.h"
#include "ompq/training/network_options.h"
#include "ompq/training/parameters.h"

/// A graph prepared for training: executed nodes, parameters, and how to restore norms.
namespace ompq::training {

struct ParameterPart {
  std::string name;
  Role role = Role::Weight;
  at::Tensor tensor;
};

/// A norm that is not folded during training.
struct NormPart {
  graph::NodeId node =
      graph::kNoNode;         ///< the layer's operator in the folded graph, or the norm's own
  graph::Node as_imported{};  ///< the norm's own node before it was folded
  Norm norm;
  bool trained = true;        ///< takes batch statistics
  bool stands_alone = false;  ///< the node is the norm, which could not be folded
};

struct NetworkParts {
  graph::Graph folded;
  std::vector<graph::Layer> layers;
  std::set<graph::NodeId> products;  ///< nodes of layers that multiply() runs
  std::map<graph::NodeId, std::size_t> layer_of_node;
  std::map<graph::ValueId, std::size_t> layer_of_bias;
  /// By value of the folded graph. With a norm, the weight is the operator's unfolded one.
  std::map<graph::ValueId, ParameterPart> parameters;
  std::vector<NormPart> norms;
  std::unordered_map<graph::ValueId, at::Tensor> constants;
};

/// @throws UnsupportedOp for an unsupported node.
[[nodiscard]] NetworkParts take_apart(const graph::Graph& graph, NormMode mode);
/// The folded graph with the learned parameters.
[[nodiscard]] graph::Graph put_together(const NetworkParts& parts);
/// The same function with every trained norm as a separate operator, after an operator without
/// bias: the bias is merged into the running mean.
[[nodiscard]] graph::Graph with_norms(const NetworkParts& parts);

/// scale / sqrt(running variance + epsilon), one per channel.
[[nodiscard]] std::vector<float> folding_factors(const Norm& norm);
/// shift - running mean x factor.
[[nodiscard]] at::Tensor folded_bias(const NormPart& part, const std::vector<float>& factors);

}  // namespace ompq::training
