#include "ompq/onnx_io/default_attributes.h"

#include <algorithm>

namespace ompq::onnx_io {
namespace {

using Extents = std::vector<std::int64_t>;

bool all_are(const Extents& extents, std::int64_t value) {
  return std::ranges::all_of(extents, [&](std::int64_t extent) { return extent == value; });
}

/// Output channels, input channels, kernel.
bool is_kernel_of_weight(const graph::Graph& graph,
                         const graph::Node& node,
                         const Extents& kernel) {
  if (!graph.is_constant(node.input(1))) return false;
  const Extents& shape = graph.value(node.input(1)).constant->shape();
  return shape.size() == kernel.size() + 2 &&
         std::equal(kernel.begin(), kernel.end(), shape.begin() + 2);
}

}  // namespace

bool is_default_attribute(const graph::Graph& graph,
                          const graph::Node& node,
                          std::string_view name) {
  if (!node.domain.empty() || (!node.is("Conv") && !node.is("ConvTranspose"))) return false;
  if (name == "group") return node.int_attribute(name, 1) == 1;
  if (name == "pads") return all_are(node.ints_attribute(name, {}), 0);
  if (name == "strides" || name == "dilations") return all_are(node.ints_attribute(name, {}), 1);
  return name == "kernel_shape" && is_kernel_of_weight(graph, node, node.ints_attribute(name, {}));
}

}  // namespace ompq::onnx_io
