#include <algorithm>
#include <map>
#include <vector>

#include "ompq/graph/passes.h"
#include "ompq/graph/weight_slots.h"

namespace ompq::graph {
namespace {

bool is_turned(const Tensor& a, const Tensor& b) {
  const std::int64_t rows = a.shape()[0];
  const std::int64_t columns = a.shape()[1];
  if (b.shape()[0] != columns || b.shape()[1] != rows) return false;
  const auto from = a.data<float>();
  const auto to = b.data<float>();
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t c = 0; c < columns; ++c) {
      if (from[static_cast<std::size_t>(r * columns + c)] !=
          to[static_cast<std::size_t>(c * rows + r)]) {
        return false;
      }
    }
  }
  return true;
}

class TableSharing {
 public:
  explicit TableSharing(Graph& graph) : graph_(graph) {}

  int run() {
    const std::size_t before = graph_.nodes().size();
    for (std::size_t i = 0; i < before; ++i) share_table(static_cast<NodeId>(i));
    if (tables_.empty()) return 0;
    for (std::size_t i = 0; i < before; ++i) {
      const auto id = static_cast<NodeId>(i);
      shared_ += share_product(id) ? 1 : 0;
      note_turned(id);
    }
    if (graph_.nodes().size() > before) graph_.sort();
    return shared_;
  }

 private:
  /// Makes embeddings with equal tables share one.
  void share_table(NodeId id) {
    const Node& node = graph_.node(id);
    if (!is_embedding(graph_, node)) return;
    const ValueId table = node.inputs[0];
    for (const ValueId known : tables_) {
      if (known == table) return;
      if (!graph_.value(known).constant->equals(*graph_.value(table).constant)) continue;
      graph_.mutable_node(id).inputs[0] = known;
      return;
    }
    tables_.push_back(table);
  }

  bool share_product(NodeId id) {
    const Node& node = graph_.node(id);
    const bool product = node.domain.empty() && (node.is("MatMul") || node.is("Gemm"));
    const ValueId weight = node.input(1);
    if (!product || !graph_.is_constant(weight) || graph_.is_constant(node.input(0))) return false;
    const Tensor& tensor = *graph_.value(weight).constant;
    if (tensor.rank() != 2 || tensor.type() != DataType::Float32) return false;
    for (const ValueId table : tables_) {
      if (table == weight) return false;
      const Tensor& known = *graph_.value(table).constant;
      if (known.equals(tensor)) {
        graph_.mutable_node(id).inputs[1] = table;
        return true;
      }
      if (!is_turned(known, tensor)) continue;
      read_turned(id, table);
      return true;
    }
    return false;
  }

  void read_turned(NodeId id, ValueId table) {
    if (graph_.node(id).is("Gemm")) {
      Node& gemm = graph_.mutable_node(id);
      gemm.inputs[1] = table;
      gemm.attributes["transB"] = static_cast<std::int64_t>(1 - gemm.int_attribute("transB", 0));
      return;
    }
    const ValueId turned = turned_table(table);
    graph_.mutable_node(id).inputs[1] = turned;
  }

  ValueId turned_table(ValueId table) {
    const auto known = turned_.find(table);
    if (known != turned_.end()) return known->second;
    Node turn{
        .name = graph_.value(table).name + "_turn", .op_type = "Transpose", .inputs = {table}};
    turn.attributes["perm"] = std::vector<std::int64_t>{1, 0};
    turn.attributes[std::string(kTurnedTableNote)] = std::int64_t{1};
    const ValueId turned = graph_.add_op(std::move(turn));
    const auto& shape = graph_.value(table).constant->shape();
    graph_.mutable_value(turned).shape = fixed_shape({shape[1], shape[0]});
    return turned_[table] = turned;
  }

  /// A Transpose of the original network is also kept.
  void note_turned(NodeId id) {
    const Node& node = graph_.node(id);
    if (!node.domain.empty() || !node.is("Transpose")) return;
    if (std::ranges::find(tables_, node.input(0)) == tables_.end()) return;
    graph_.mutable_node(id).attributes[std::string(kTurnedTableNote)] = std::int64_t{1};
    turned_.emplace(graph_.node(id).input(0), graph_.node(id).outputs[0]);
  }

  Graph& graph_;
  std::vector<ValueId> tables_;
  std::map<ValueId, ValueId> turned_;
  int shared_ = 0;
};

}  // namespace

int share_embedding_tables(Graph& graph) { return TableSharing(graph).run(); }

}  // namespace ompq::graph
