#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ompq/graph/graph.h"

namespace ompq::graph {

/// Index of a layer in Discovery::layers, in topological order of the layers' operators.
using LayerId = std::int32_t;

/// A quantizable unit: Conv, ConvTranspose, Gemm or MatMul with a constant weight.
struct Layer {
  std::string name;     ///< the operator's node name
  std::string op_type;  ///< Conv, ConvTranspose, Gemm, MatMul
  NodeId node = kNoNode;
  ValueId weight = kNoValue;
  ValueId bias =
      kNoValue;  ///< constant bias of the operator (or of an Add right behind a MatMul), if any
  ValueId input = kNoValue;    ///< the activation that the layer reads
  ValueId output = kNoValue;   ///< what the operator itself makes
  ValueId feature = kNoValue;  ///< the layer function's output: after batch norm, activation, and
                               ///< residual Add + activation
  std::int64_t weight_axis =
      0;  ///< axis of the weight that counts output channels (see weight_groups for ConvTranspose)
  std::int64_t out_channels = 0;
  std::int64_t groups = 1;
  std::int64_t weight_count = 0;  ///< elements of the weight
  std::int64_t bias_count = 0;    ///< elements of the constant bias, 0 if none
  std::int64_t norm_count =
      0;  ///< 2 x out_channels if a batch norm belongs to it, folded or not; 0 otherwise
  std::int64_t macs = 0;              ///< multiply-accumulates for one sample
  std::int64_t output_elements = 0;   ///< elements that the operator makes for one sample
  std::int64_t feature_elements = 0;  ///< elements of `feature` for one sample
};

/// Layers that must share a bit-width; `leader` is the layer whose decision the others follow.
struct Tie {
  LayerId leader = -1;
  std::vector<LayerId> followers;
};

/// A sub-graph with one input and one output that reconstruction optimizes at once, e.g. a residual
/// block.
struct Block {
  std::string name;
  ValueId input = kNoValue;
  ValueId output = kNoValue;
  std::vector<NodeId> nodes;  ///< in topological order
  std::vector<LayerId> layers;
};

/// Why an operator that could be a layer is left in float.
struct NotQuantizable {
  NodeId node = kNoNode;
  std::string reason;
};

struct Discovery {
  std::vector<Layer> layers;
  std::vector<Tie> ties;      ///< every follower in exactly one tie
  std::vector<Block> blocks;  ///< in order; every layer in exactly one block
  std::vector<NotQuantizable> rejected;
};

/// Finds layers, ties and blocks from the data flow alone. Needs inferred shapes. Works on a graph
/// with batch norms folded or not; names no network. Tie: a layer whose output (after batch norm)
/// reaches a residual Add directly, where the other operand's path also starts with a layer and
/// both branch from the same value (a projection shortcut); the leader is the last layer of the
/// longer branch. Source: architecture.md section 2 (layer function), Ma et al. 2023.
[[nodiscard]] Discovery discover(const Graph& graph);

}  // namespace ompq::graph
