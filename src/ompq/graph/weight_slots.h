#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "ompq/graph/graph.h"

namespace ompq::graph {

/// How an operator uses its weight.
enum class WeightUse {
  Convolution,
  Product,
  Lookup,     ///< rows of a table by index: an embedding
  Recurrent,  ///< once for every step of a sequence
};

/// A constant operand of a node that is quantized as a layer's weight.
struct WeightSlot {
  WeightUse use = WeightUse::Product;
  std::size_t operand = 1;   ///< index of the weight among the inputs
  std::size_t input = 0;     ///< index of the input that it is multiplied with
  std::string_view suffix;   ///< of the layer's name, if a node has several weights
  std::int64_t axis = 0;     ///< of output channels, within one member of a stack
  std::int64_t stacked = 0;  ///< number of leading axes of a stack
  std::size_t bias = 0;      ///< index of the bias among the inputs; 0: the operator takes none
};

/// The possible weight operands of the node, constant or not; empty for an operator without
/// weights. Conv, ConvTranspose, Gemm and MatMul have one, LSTM, GRU and RNN two, and a Gather
/// along axis 0 has one, its table.
[[nodiscard]] std::vector<WeightSlot> weight_slots(const Graph& graph, const Node& node);

/// True if the node is a Gather that looks up rows of a constant float32 table [V, D] by indices
/// that are computed or given: an embedding. Most Gathers select extents, tokens or channels. Small
/// tables do not count, since scales per row would save nothing.
[[nodiscard]] bool is_embedding(const Graph& graph, const Node& node);

}  // namespace ompq::graph
