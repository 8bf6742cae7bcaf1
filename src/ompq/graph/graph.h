#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "ompq/core/tensor.h"
#include "ompq/graph/interface.h"
#include "ompq/graph/shape.h"

namespace ompq::graph {

/// Index of a value in Graph::values(); kNoValue marks an omitted optional input.
using ValueId = std::int32_t;
inline constexpr ValueId kNoValue = -1;
/// Index of a node in Graph::nodes().
using NodeId = std::int32_t;
inline constexpr NodeId kNoNode = -1;

class Graph;
/// A branch of an If, the body of a Loop or a Scan. Its inputs are the operator's own, followed by
/// captured values of the outer network: the node lists these after its own operands (kCapturesNote
/// has their number), so that code that rewires a graph need not look inside. Never null.
using SubGraph = std::shared_ptr<const Graph>;

using Attribute = std::variant<std::int64_t,
                               float,
                               std::string,
                               Tensor,
                               std::vector<std::int64_t>,
                               std::vector<float>,
                               std::vector<std::string>,
                               SubGraph>;

/// Attributes with this prefix are notes of our passes and are never written to files.
inline constexpr std::string_view kNotePrefix = "ompq_";
/// The number of values that a node's sub-networks capture; these are the node's last inputs.
inline constexpr std::string_view kCapturesNote = "ompq_captures";

/// An operator. Domain "" is ONNX's, "ompq" has the fused operators of our passes.
struct Node {
  std::string name;     ///< unique in its graph
  std::string op_type;  ///< e.g. "Conv"
  std::string domain{};
  std::vector<ValueId> inputs{};
  std::vector<ValueId> outputs{};
  std::map<std::string, Attribute> attributes{};

  /// The attribute, or `fallback` if it is absent. @throws ImportError if it has another type.
  [[nodiscard]] std::int64_t int_attribute(std::string_view name, std::int64_t fallback) const;
  [[nodiscard]] float float_attribute(std::string_view name, float fallback) const;
  [[nodiscard]] std::string string_attribute(std::string_view name,
                                             std::string_view fallback) const;
  [[nodiscard]] std::vector<std::int64_t> ints_attribute(std::string_view name,
                                                         std::vector<std::int64_t> fallback) const;
  [[nodiscard]] bool has_attribute(std::string_view name) const;
  /// nullptr if it is absent or not a sub-network.
  [[nodiscard]] const Graph* sub_graph(std::string_view name) const;
  [[nodiscard]] bool is(std::string_view type) const { return op_type == type; }
  /// inputs[index], or kNoValue past the end.
  [[nodiscard]] ValueId input(std::size_t index) const {
    return index < inputs.size() ? inputs[index] : kNoValue;
  }
};

/// The integers of which a float32 constant was decoded: constant = numbers x scale.
struct Levels {
  Tensor numbers;            ///< int8, the constant's shape
  std::vector<float> scale;  ///< one for each slice of `axis`
  std::int64_t axis = 0;
};

/// A tensor edge: a network input, a node's output, or a constant.
struct Value {
  std::string name;  ///< unique in its graph
  DataType type = DataType::Float32;
  std::optional<Shape> shape{};      ///< known after shape inference
  std::optional<Tensor> constant{};  ///< set for initializers and folded values
  /// Float16 or BFloat16 if the file stores the constant so; it is float32 in memory.
  std::optional<DataType> stored{};
  /// For executors that compute with integers, which check that they still fit `constant`; null if
  /// not known.
  std::shared_ptr<const Levels> levels{};
};

/// A network: operators in topological order over named values. A value type; copies share
/// constants. The index for producer() and consumers() is built on the first call after a change,
/// so one Graph must not be used from two threads at once; copies may.
class Graph {
 public:
  std::string name = "ompq";
  int opset = 13;                               ///< of domain ""
  std::map<std::string, std::string> metadata;  ///< the file's metadata_props
  Interface interface;                          ///< inputs and outputs as the file declares them
  std::int64_t source_bytes = 0;                ///< of the file and its external data; 0: no file

  // --- reading -------------------------------------------------------------------------------
  [[nodiscard]] const std::vector<Node>& nodes() const { return nodes_; }
  [[nodiscard]] const std::vector<Value>& values() const { return values_; }
  [[nodiscard]] const Node& node(NodeId id) const {
    return nodes_.at(static_cast<std::size_t>(id));
  }
  [[nodiscard]] const Value& value(ValueId id) const {
    return values_.at(static_cast<std::size_t>(id));
  }
  [[nodiscard]] const std::vector<ValueId>& inputs() const { return inputs_; }
  [[nodiscard]] const std::vector<ValueId>& outputs() const { return outputs_; }
  [[nodiscard]] ValueId find_value(std::string_view name) const;  ///< kNoValue if there is none
  [[nodiscard]] bool is_constant(ValueId id) const;
  /// The node that produces `id`, kNoNode for inputs and constants.
  [[nodiscard]] NodeId producer(ValueId id) const;
  /// Nodes that read `id`, each once, in order.
  [[nodiscard]] std::vector<NodeId> consumers(ValueId id) const;
  [[nodiscard]] bool is_output(ValueId id) const;

  // --- building (ids stay valid unless documented otherwise) -------------------------------------
  /// @throws ImportError if the name is taken. An empty name gets a fresh one ("value_17").
  ValueId add_value(Value value);
  ValueId add_input(std::string name, DataType type, Shape shape);
  /// For a sub-network: type and shape are those of the actual input.
  ValueId add_open_input(std::string name);
  ValueId add_constant(std::string name, Tensor tensor);
  void mark_output(ValueId id);
  void set_outputs(std::vector<ValueId> ids);  ///< replaces the previous outputs
  /// Appends a node; an empty or taken name is made unique. Order is restored by sort().
  NodeId add_node(Node node);
  /// Appends a node with fresh outputs named after it; returns the first of them.
  ValueId add_op(Node node, std::size_t output_count = 1);

  // --- changing -------------------------------------------------------------------------------
  [[nodiscard]] Node& mutable_node(NodeId id);
  [[nodiscard]] Value& mutable_value(ValueId id);
  /// Makes every node input (and network output, if requested) that reads `from` read `to` instead.
  void replace_uses(ValueId from, ValueId to, bool outputs_too = false);
  /// Removes nodes; NodeIds after them move down. ValueIds stay.
  void erase_nodes(std::span<const NodeId> ids);
  /// Removes nodes whose outputs are not used. NodeIds change.
  void erase_dead_nodes();
  /// Topological order, stable for nodes that do not depend on each other. NodeIds change. @throws
  /// ImportError naming the nodes of a cycle, or a value with no or two producers.
  void sort();

 private:
  std::string fresh_name(std::string_view base) const;
  void invalidate() { uses_current_ = false; }
  void index_uses() const;
  void set_nodes(std::vector<Node> nodes);
  std::vector<std::size_t> count_makers() const;  // distinct nodes that each node waits for
  [[noreturn]] void throw_cycle(const std::vector<std::size_t>& missing) const;

  std::vector<Node> nodes_;
  std::vector<Value> values_;
  std::vector<ValueId> inputs_;
  std::vector<ValueId> outputs_;
  std::unordered_map<std::string, ValueId> by_name_;
  std::unordered_map<std::string, NodeId> node_names_;
  // Producer and consumers of each value, rebuilt on the first use after a change.
  mutable bool uses_current_ = false;
  mutable std::vector<NodeId> producers_;
  mutable std::vector<std::vector<NodeId>> consumers_;
};

}  // namespace ompq::graph
