#pragma once

#include <set>
#include <string>
#include <vector>

#include <onnx/onnx_pb.h>

#include "ompq/graph/graph.h"

namespace ompq::onnx_io {

/// Writes the sub-networks of one model. ONNX requires that their names differ from those outside.
class SubGraphWriter {
 public:
  /// @param taken  names of the outer network.
  /// @param compact  inner values get short names, too.
  SubGraphWriter(std::set<std::string> taken, bool compact)
      : taken_(std::move(taken)), compact_(compact) {}

  /// @param node  the If, Loop or Scan that `inside` belongs to.
  /// @param captured  outer names of the last inputs of `inside`.
  [[nodiscard]] onnx::GraphProto write(const graph::Node& node,
                                       const graph::Graph& inside,
                                       const std::vector<std::string>& captured);

 private:
  std::string fresh(const std::string& wanted);
  void write_node(const graph::Node& node,
                  std::vector<std::string>& names,
                  onnx::GraphProto& proto);

  std::set<std::string> taken_;
  bool compact_;
  std::size_t next_ = 0;
};

}  // namespace ompq::onnx_io
