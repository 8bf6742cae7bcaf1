#include "ompq/graph/weight_slots.h"

#include <algorithm>

namespace ompq::graph {
namespace {

std::int64_t rank_of(const Graph& graph, ValueId id) {
  if (id == kNoValue) return 0;
  const Value& value = graph.value(id);
  if (value.constant) return value.constant->rank();
  return value.shape ? static_cast<std::int64_t>(value.shape->size()) : 0;
}

}  // namespace

std::vector<WeightSlot> weight_slots(const Graph& graph, const Node& node) {
  if (!node.domain.empty()) return {};
  if (node.is("Conv")) return {{.use = WeightUse::Convolution, .bias = 2}};
  if (node.is("ConvTranspose")) return {{.use = WeightUse::Convolution, .axis = 1, .bias = 2}};
  if (node.is("Gemm")) return {{.axis = node.int_attribute("transB", 0) != 0 ? 0 : 1, .bias = 2}};
  if (node.is("MatMul")) {
    const std::int64_t rank = std::max<std::int64_t>(rank_of(graph, node.input(1)), 1);
    return {{.axis = rank - 1, .stacked = std::max<std::int64_t>(rank - 2, 0)}};
  }
  if (node.is("LSTM") || node.is("GRU") || node.is("RNN")) {
    constexpr WeightSlot kDirections{.use = WeightUse::Recurrent, .axis = 1, .stacked = 1};
    WeightSlot by_input = kDirections;
    by_input.suffix = ".W";
    WeightSlot by_state = kDirections;
    by_state.suffix = ".R";
    by_state.operand = 2;
    return {by_input, by_state};
  }
  const std::int64_t axis = node.int_attribute("axis", 0);
  if (node.is("Gather") && (axis == 0 || axis == -rank_of(graph, node.input(0)))) {
    return {{.use = WeightUse::Lookup, .operand = 0, .input = 1}};
  }
  return {};
}

bool is_embedding(const Graph& graph, const Node& node) {
  constexpr std::int64_t kLeastElements = 256;
  const ValueId table = node.input(0);
  if (!node.is("Gather") || weight_slots(graph, node).empty()) return false;
  if (!graph.is_constant(table) || graph.is_constant(node.input(1))) return false;
  const Tensor& tensor = *graph.value(table).constant;
  return tensor.type() == DataType::Float32 && tensor.rank() == 2 &&
         tensor.elements() >= kLeastElements;
}

}  // namespace ompq::graph
