#include "ompq/ops/restore_tables.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <vector>

#include "ompq/ops/fold.h"

namespace ompq::ops {
namespace {

using graph::Graph;
using graph::kNoNode;
using graph::kNoValue;
using graph::Node;
using graph::NodeId;
using graph::ValueId;

/// Operators that decode rows; each works row by row.
constexpr std::array<std::string_view, 6> kDecoders{
    "Mul", "Sub", "Add", "Cast", "DequantizeLinear", "Reshape"};

/// The nodes between indices and decoded rows.
struct TableDecoding {
  std::vector<NodeId> lookups;  ///< Gathers by the indices
  ValueId indices = kNoValue;
  std::int64_t rows = 0;
  std::size_t index_rank = 1;  ///< the indices' rank according to a Reshape among them
};

class TableRestorer {
 public:
  explicit TableRestorer(Graph& graph) : graph_(graph), derived_(graph.values().size(), false) {
    for (std::size_t i = 0; i < derived_.size(); ++i) {
      derived_[i] = graph.is_constant(static_cast<ValueId>(i));
    }
    for (const Node& node : graph.nodes()) {
      const bool all = std::ranges::all_of(node.inputs, [&](ValueId id) { return is_derived(id); });
      for (const ValueId output : node.outputs) {
        if (output != kNoValue) derived_[static_cast<std::size_t>(output)] = all;
      }
    }
  }

  int run() {
    int restored = 0;
    // In reverse order, so that the last Mul of a group comes first.
    for (auto id = static_cast<NodeId>(graph_.nodes().size()); id-- > 0;) {
      if (!graph_.node(id).is("Mul") || !graph_.node(id).domain.empty()) continue;
      const auto decoding = decoding_of(id);
      if (!decoding) continue;
      restore(id, *decoding);
      ++restored;
    }
    if (restored > 0) graph_.erase_dead_nodes();
    return restored;
  }

 private:
  [[nodiscard]] bool is_derived(ValueId id) const {
    return id == kNoValue || derived_[static_cast<std::size_t>(id)];
  }

  [[nodiscard]] std::optional<TableDecoding> decoding_of(NodeId root) const {
    if (is_derived(graph_.node(root).outputs[0])) return std::nullopt;
    TableDecoding decoding;
    std::vector<ValueId> open(graph_.node(root).inputs);
    while (!open.empty()) {
      const ValueId id = open.back();
      open.pop_back();
      if (is_derived(id)) continue;
      const NodeId maker = graph_.producer(id);
      if (maker == kNoNode || !take(maker, decoding, open)) return std::nullopt;
    }
    // Codes, and scales by the same indices.
    if (decoding.lookups.size() < 2 || decoding.rows == 0) return std::nullopt;
    return decoding;
  }

  bool take(NodeId id, TableDecoding& decoding, std::vector<ValueId>& open) const {
    const Node& node = graph_.node(id);
    if (!node.domain.empty()) return false;
    if (node.is("Gather")) return take_lookup(id, decoding, open);
    if (std::ranges::find(kDecoders, node.op_type) == kDecoders.end()) return false;
    if (node.is("Reshape")) {
      if (!graph_.is_constant(node.input(1))) return false;
      decoding.index_rank =
          static_cast<std::size_t>(graph_.value(node.input(1)).constant->elements()) - 1;
    }
    open.insert(open.end(), node.inputs.begin(), node.inputs.end());
    return true;
  }

  bool take_lookup(NodeId id, TableDecoding& decoding, std::vector<ValueId>& open) const {
    const Node& node = graph_.node(id);
    if (node.int_attribute("axis", 0) != 0 || !is_derived(node.input(0))) return false;
    if (is_byte(node.input(1)) || is_levels(node.input(0))) {
      open.push_back(node.input(1));
      return true;
    }
    if (decoding.indices != kNoValue && decoding.indices != node.input(1)) return false;
    decoding.indices = node.input(1);
    decoding.lookups.push_back(id);
    if (graph_.is_constant(node.input(0))) {
      const std::int64_t rows = graph_.value(node.input(0)).constant->shape().at(0);
      if (decoding.rows != 0 && decoding.rows != rows) return false;
      decoding.rows = rows;
    }
    return true;
  }

  /// True for a Cast of looked-up bytes, which index a table of decoded bits.
  [[nodiscard]] bool is_byte(ValueId id) const {
    const NodeId cast = graph_.producer(id);
    if (cast == kNoNode || !graph_.node(cast).is("Cast")) return false;
    const NodeId maker = graph_.producer(graph_.node(cast).input(0));
    if (maker == kNoNode || !graph_.node(maker).is("Gather")) return false;
    const ValueId bytes = graph_.node(maker).input(0);
    return graph_.is_constant(bytes) && graph_.value(bytes).constant->type() == DataType::UInt8;
  }

  /// True for a table of levels by code. Its indices are codes, not the network's indices.
  [[nodiscard]] bool is_levels(ValueId id) const {
    constexpr std::int64_t kMostLevels = 16;
    if (!graph_.is_constant(id)) return false;
    const Tensor& levels = *graph_.value(id).constant;
    return levels.rank() == 1 && levels.elements() <= kMostLevels;
  }

  void restore(NodeId root, const TableDecoding& decoding) {
    Graph all = graph_;
    std::vector<std::int64_t> shape(std::max<std::size_t>(decoding.index_rank, 1), 1);
    shape.front() = decoding.rows;
    Tensor numbers(DataType::Int64, shape);
    std::ranges::generate(numbers.mutable_data<std::int64_t>(),
                          [next = std::int64_t{0}]() mutable { return next++; });
    const ValueId every = all.add_constant("every_row", std::move(numbers));
    for (const NodeId id : decoding.lookups) all.mutable_node(id).inputs[1] = every;
    const ValueId output = graph_.node(root).outputs[0];
    all.mutable_value(output).type = DataType::Float32;
    const Tensor rows = evaluate_constant(all, output);
    const std::int64_t width = rows.elements() / decoding.rows;
    const ValueId table = graph_.add_constant(graph_.node(root).name + "_table",
                                              rows.reshaped({decoding.rows, width}));
    derived_.resize(graph_.values().size(), true);
    Node& node = graph_.mutable_node(root);
    node.op_type = "Gather";
    node.inputs = {table, decoding.indices};
    node.attributes.clear();
  }

  Graph& graph_;
  std::vector<bool> derived_;  ///< by value: depends only on constants
};

}  // namespace

int restore_looked_up_tables(Graph& graph) { return TableRestorer(graph).run(); }

}  // namespace ompq::ops
