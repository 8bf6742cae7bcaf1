#pragma once

#include <map>
#include <set>
#include <string>

#include "ompq/graph/graph.h"
#include "ompq/onnx_io/tensor_proto.h"

namespace ompq::onnx_io {

/// Names for nodes without a name in the file. They do not depend on nodes that our passes add or
/// remove, so an allocation file that names layers stays valid.
class NodeNames {
 public:
  /// Node names in the file are never returned.
  explicit NodeNames(const onnx::GraphProto& graph);

  /// "layer1.0.conv1" for a node that reads the constant "layer1.0.conv1.weight", else operator
  /// and number, "Relu_4", counted per operator from 0.
  [[nodiscard]] std::string name_for(const graph::Graph& graph, const graph::Node& node);

 private:
  std::string take(const std::string& wanted);

  std::set<std::string> taken_;
  std::map<std::string, int> counts_;
};

}  // namespace ompq::onnx_io
