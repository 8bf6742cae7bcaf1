#include "ompq/onnx_io/lookups.h"

#include <algorithm>

namespace ompq::onnx_io {
namespace {

constexpr std::int64_t kLeastElements = std::int64_t{1} << 16;

}  // namespace

bool only_gathers_read(const graph::Graph& graph, graph::ValueId table) {
  if (!graph.is_constant(table) || graph.is_output(table)) return false;
  const Tensor& tensor = *graph.value(table).constant;
  if (tensor.rank() != 2 || tensor.elements() < kLeastElements) return false;
  const auto readers = graph.consumers(table);
  return !readers.empty() && std::ranges::all_of(readers, [&](graph::NodeId reader) {
    const graph::Node& node = graph.node(reader);
    const std::int64_t axis = node.int_attribute("axis", 0);
    return node.domain.empty() && node.is("Gather") && (axis == 0 || axis == -2) &&
           node.input(0) == table && node.input(1) != table && !graph.is_constant(node.input(1)) &&
           graph.value(node.input(1)).shape;
  });
}

}  // namespace ompq::onnx_io
