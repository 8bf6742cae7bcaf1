#include <algorithm>
#include <map>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include "ompq/graph/passes.h"

namespace ompq::graph {
namespace {

using RankOf = std::function<std::optional<std::size_t>(ValueId)>;

/// The matrix of a MatMul's constant right operand without leading axes of extent 1.
std::optional<std::vector<std::int64_t>> matrix_in(const Graph& graph, const Node& node) {
  if (!node.domain.empty() || !node.is("MatMul") || !graph.is_constant(node.input(1))) return {};
  const std::vector<std::int64_t>& shape = graph.value(node.inputs[1]).constant->shape();
  if (shape.size() < 3) return {};
  const bool ones =
      std::all_of(shape.begin(), shape.end() - 2, [](std::int64_t extent) { return extent == 1; });
  if (!ones) return {};
  return std::vector<std::int64_t>(shape.end() - 2, shape.end());
}

/// A node that adds the missing leading axes of extent 1 to `output`.
void add_unsqueeze(Graph& graph, const Node& product, ValueId from, std::size_t lacking) {
  constexpr int kAxesAsOperand = 13;
  std::vector<std::int64_t> axes(lacking);
  std::iota(axes.begin(), axes.end(), 0);
  Node node{.name = product.name + "_axes",
            .op_type = "Unsqueeze",
            .domain = {},
            .inputs = {from},
            .outputs = {product.outputs[0]},
            .attributes = {}};
  if (graph.opset < kAxesAsOperand) {
    node.attributes["axes"] = axes;
  } else {
    const auto count = static_cast<std::int64_t>(axes.size());
    node.inputs.push_back(
        graph.add_constant(node.name + "_axes", Tensor::from<std::int64_t>({count}, axes)));
  }
  graph.add_node(std::move(node));
}

/// Restores leading axes of the product that came only from the weight.
void restore_axes(Graph& graph, NodeId id, std::size_t weight_rank, std::size_t input_rank) {
  if (input_rank >= weight_rank) return;
  const Node product = graph.node(id);
  const Value& made = graph.value(product.outputs[0]);
  const std::size_t lacking = weight_rank - input_rank;
  Value plain{.name = {}, .type = made.type, .shape = made.shape, .constant = {}};
  if (plain.shape) {
    plain.shape->erase(plain.shape->begin(),
                       plain.shape->begin() + static_cast<std::ptrdiff_t>(lacking));
  }
  const ValueId value = graph.add_value(std::move(plain));
  graph.mutable_node(id).outputs[0] = value;
  add_unsqueeze(graph, product, value, lacking);
}

/// Products that can read the weight as a matrix, and the ranks of their inputs.
std::map<NodeId, std::size_t> products_of(const Graph& graph,
                                          ValueId weight,
                                          const RankOf& rank_of) {
  std::map<NodeId, std::size_t> products;
  for (const NodeId reader : graph.consumers(weight)) {
    const Node& node = graph.node(reader);
    if (node.input(1) != weight || node.input(0) == weight || !matrix_in(graph, node)) continue;
    const auto rank = rank_of(node.input(0));
    if (rank && *rank >= 2) products.emplace(reader, *rank);
  }
  return products;
}

/// @return the number of products that now read the matrix.
int flatten(Graph& graph,
            ValueId weight,
            const std::vector<std::int64_t>& matrix,
            const RankOf& rank_of) {
  const std::map<NodeId, std::size_t> products = products_of(graph, weight, rank_of);
  if (products.empty()) return 0;
  const bool by_all = products.size() == graph.consumers(weight).size() && !graph.is_output(weight);
  const auto rank = static_cast<std::size_t>(graph.value(weight).constant->rank());
  const Tensor flat = graph.value(weight).constant->reshaped(matrix);
  if (by_all) {
    graph.mutable_value(weight).constant = flat;
    graph.mutable_value(weight).shape = fixed_shape(matrix);
  }
  const ValueId read =
      by_all ? weight : graph.add_constant(graph.value(weight).name + "_matrix", flat);
  for (const auto& [id, input_rank] : products) {
    graph.mutable_node(id).inputs[1] = read;
    restore_axes(graph, id, rank, input_rank);
  }
  return static_cast<int>(products.size());
}

}  // namespace

int flatten_weights(Graph& graph, const RankOf& rank_of) {
  int flattened = 0;
  const std::size_t before = graph.nodes().size();
  for (std::size_t i = 0; i < before; ++i) {
    const Node& node = graph.node(static_cast<NodeId>(i));
    const auto matrix = matrix_in(graph, node);
    if (matrix) flattened += flatten(graph, node.inputs[1], *matrix, rank_of);
  }
  if (graph.nodes().size() > before) graph.sort();
  return flattened;
}

int flatten_weights(Graph& graph) {
  return flatten_weights(graph, [&](ValueId id) -> std::optional<std::size_t> {
    const auto& shape = graph.value(id).shape;
    return shape ? std::optional(shape->size()) : std::nullopt;
  });
}

}  // namespace ompq::graph
