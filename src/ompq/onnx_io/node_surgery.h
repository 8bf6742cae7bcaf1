#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "ompq/graph/graph.h"

namespace ompq::onnx_io {

/// Inserts nodes before or after a node that keeps its position and its name.
class NodeSurgery {
 public:
  NodeSurgery(graph::Graph& graph, graph::NodeId id) : graph_(graph), id_(id) {}

  [[nodiscard]] const graph::Node& node() const { return graph_.node(id_); }
  graph::Node& mutable_node() { return graph_.mutable_node(id_); }

  /// Adds a node named after this one and `part`, and returns its output.
  graph::ValueId add(const std::string& part,
                     const std::string& op_type,
                     std::vector<graph::ValueId> inputs,
                     std::map<std::string, graph::Attribute> attributes = {}) {
    return graph_.add_op({.name = graph_.node(id_).name + "_" + part,
                          .op_type = op_type,
                          .domain = {},
                          .inputs = std::move(inputs),
                          .outputs = {},
                          .attributes = std::move(attributes)});
  }

  graph::ValueId add_constant(const std::string& part, Tensor tensor) {
    return graph_.add_constant(graph_.node(id_).name + "_" + part, std::move(tensor));
  }

  /// Gives the node a new output value, to which `append` adds nodes.
  graph::ValueId detach_output() {
    const graph::ValueId own = graph_.add_value({});
    end_ = graph_.node(id_).outputs.front();
    graph_.mutable_node(id_).outputs.front() = own;
    return own;
  }

  /// Adds the last node after this one, which produces its original output.
  void finish(const std::string& part,
              const std::string& op_type,
              std::vector<graph::ValueId> inputs,
              std::map<std::string, graph::Attribute> attributes = {},
              const std::string& domain = "") {
    graph_.add_node({.name = graph_.node(id_).name + "_" + part,
                     .op_type = op_type,
                     .domain = domain,
                     .inputs = std::move(inputs),
                     .outputs = {end_},
                     .attributes = std::move(attributes)});
  }

 private:
  graph::Graph& graph_;
  graph::NodeId id_;
  graph::ValueId end_ = graph::kNoValue;
};

}  // namespace ompq::onnx_io
