#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ompq/graph/graph.h"
#include "ompq/graph/weight_slots.h"

namespace ompq::graph {

/// Index of a layer in Discovery::layers, in topological order of the layers' operators.
using LayerId = std::int32_t;

/// A quantizable unit: one constant float32 weight of an operator (weight_slots() lists which).
struct Layer {
  std::string name;       ///< the operator's node name; of two weights, with ".W" or ".R" after it
  std::string node_name;  ///< the operator's node name
  std::string op_type;    ///< Conv, ConvTranspose, Gemm, MatMul, Gather, LSTM, GRU, RNN
  NodeId node = kNoNode;
  WeightUse use = WeightUse::Product;
  ValueId weight = kNoValue;
  std::size_t weight_operand = 1;  ///< index of the weight among the node's inputs
  /// Constant bias of the operator, or of an Add right after a MatMul; kNoValue without one, and if
  /// it is not changed (that of recurrent layers).
  ValueId bias = kNoValue;
  ValueId input = kNoValue;       ///< the value that the layer reads
  std::size_t input_operand = 0;  ///< its index among the node's inputs
  /// `input` if it is an activation that can be quantized; kNoValue for indices and for inputs that
  /// stay float.
  ValueId activation = kNoValue;
  ValueId output = kNoValue;  ///< the operator's own output
  /// The layer function's output: after batch norm, activation, and residual Add + activation.
  ValueId feature = kNoValue;
  /// Axis of the weight's output channels; in a ConvTranspose (axis 1) those of one group.
  std::int64_t weight_axis = 0;
  /// Number of leading axes of a stack: matrices of a MatMul, directions of a recurrent operator.
  /// Each member has its own channels.
  std::int64_t stacked_axes = 0;
  std::int64_t out_channels = 0;  ///< in total for all groups or members
  std::int64_t groups = 1;
  std::int64_t weight_count = 0;  ///< elements of the weight
  std::int64_t bias_count = 0;    ///< elements of the operator's constant bias, 0 if none
  /// 2 x out_channels if a batch norm belongs to it; 0 otherwise. The norm is after the operator,
  /// or was folded by fold_batch_norms. In a graph without any trace of norms, a convolution's
  /// constant bias counts as a norm folded by the exporter, since they cannot be distinguished (but
  /// a fully connected layer's counts as a bias).
  std::int64_t norm_count = 0;
  std::int64_t macs = 0;              ///< multiply-accumulates for one sample
  std::int64_t output_elements = 0;   ///< elements of the operator's output for one sample
  std::int64_t feature_elements = 0;  ///< elements of `feature` for one sample
};

/// True if each weight is used once per sample: a Gemm on a vector, or a convolution on a single
/// position, which some exporters write instead.
[[nodiscard]] bool is_fully_connected(const Layer& layer);

/// Parameters as counted in the published lists: weights and two values per output channel of a
/// batch norm (which includes the bias), or weights and bias without norm.
[[nodiscard]] std::int64_t parameter_count(const Layer& layer);

/// Layers that must share a bit-width; `leader` is the layer whose width the others take.
struct Tie {
  LayerId leader = -1;
  std::vector<LayerId> followers;
};

/// Maximum number of layers per block; more cannot be tuned with few samples.
inline constexpr std::size_t kMaxBlockLayers = 16;

/// A sub-graph with one input and one output that reconstruction optimizes as a unit: the first of
/// these that applies to a layer.
///   - a residual block: all between the value where branches split and the Add that joins them,
///   with
///     its activation; the innermost Adds first, and a chain of Adds over one fork as one block;
///   - a linear bottleneck: the convolutions from one value without activation to the
///     next that is more than one position (expand, depthwise, project);
///   - only the layer function, without an Add that joins outside values.
/// No inner value of a block is read outside; a block has at most kMaxBlockLayers layers.
struct Block {
  std::string name;
  ValueId input = kNoValue;
  ValueId output = kNoValue;
  std::vector<NodeId> nodes;  ///< in topological order
  std::vector<LayerId> layers;
};

/// Why an operator with weights stays float.
struct NotQuantizable {
  NodeId node = kNoNode;
  std::string reason;  ///< e.g. "it multiplies two activations"
};

struct Discovery {
  std::vector<Layer> layers;
  std::vector<Tie> ties;      ///< every follower in exactly one tie
  std::vector<Block> blocks;  ///< in order; every layer in exactly one block
  std::vector<NotQuantizable> rejected;
};

/// Finds layers, ties and blocks only from the data flow. Requires a graph in topological order
/// with inferred shapes and without fused nodes; batch norms may be folded or not.
///
/// The layer function includes single readers of the operator: bias, norm, activation (also one
/// that reads its argument twice, such as x * sigmoid(x)), residual Add, activation. Identity,
/// Dropout, Cast, Pad, Reshape, Transpose, QuantizeLinear and the like may be in between.
///
/// Tied are layers that share a weight (the first is the leader), and two layers whose outputs,
/// after batch norm but without activation, are added in one residual Add, if one of them is the
/// only layer on its branch (a projection shortcut): the last layer of the longer branch is the
/// leader; for equal length the one with more weights, or else the later one.
///
/// Time is near linear in the number of nodes.
/// @throws ShapeError naming a value whose shape is missing.
/// Source: Ma et al. 2023.
[[nodiscard]] Discovery discover(const Graph& graph);

}  // namespace ompq::graph
