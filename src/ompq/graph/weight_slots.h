#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "ompq/graph/graph.h"

namespace ompq::graph {

/// What an operator does with its weight.
enum class WeightUse {
  Convolution,
  Product,
  Lookup,     ///< rows of a table by index: an embedding
  Recurrent,  ///< once for every step of a sequence
};

/// A constant operand of a node that is quantized as a layer's weight.
struct WeightSlot {
  WeightUse use = WeightUse::Product;
  std::size_t operand = 1;   ///< the weight's place among the inputs
  std::size_t input = 0;     ///< the place of what meets it
  std::string_view suffix;   ///< of the layer's name, where a node has several weights
  std::int64_t axis = 0;     ///< that counts output channels, of one member of a stack
  std::int64_t stacked = 0;  ///< leading axes that count members of a stack
};

/// The weights that the node could have, constant or not: none for an operator that has no weights.
/// Conv, ConvTranspose, Gemm and MatMul have one, LSTM, GRU and RNN two, and a Gather along axis 0
/// has one, its table.
[[nodiscard]] std::vector<WeightSlot> weight_slots(const Graph& graph, const Node& node);

/// True if the node is a Gather that looks up rows of a constant float32 table [V, D] by indices
/// that are computed or given: an embedding. Most Gathers pick extents, tokens or channels. Tables
/// of a few numbers are none, as a scale for each row would save nothing.
[[nodiscard]] bool is_embedding(const Graph& graph, const Node& node);

}  // namespace ompq::graph
