#include "ompq/onnx_io/signed_codes.h"

#include <map>
#include <vector>

namespace ompq::onnx_io {
namespace {

using graph::Graph;
using graph::Node;
using graph::NodeId;
using graph::ValueId;

class CodeSigner {
 public:
  explicit CodeSigner(Graph& graph) : graph_(graph) {}

  void run() {
    for (std::size_t n = 0; n < graph_.nodes().size(); ++n) {
      const auto id = static_cast<NodeId>(n);
      const Node& node = graph_.node(id);
      if (!node.domain.empty() || !node.is("QuantizeLinear")) continue;
      if (graph_.is_constant(node.inputs.front()) || !is_bytes(node.input(2))) continue;
      const ValueId codes = node.outputs.front();
      replace(id, 2);
      graph_.mutable_value(codes).type = DataType::Int8;
      follow(codes);
    }
  }

 private:
  [[nodiscard]] bool is_bytes(ValueId id) const {
    return graph_.is_constant(id) && graph_.value(id).constant->type() == DataType::UInt8;
  }

  /// The readers of codes: a dequantizer, or a Clip before it.
  void follow(ValueId codes) {
    for (const NodeId reader : graph_.consumers(codes)) {
      const bool clips = graph_.node(reader).is("Clip");
      if (!clips && !graph_.node(reader).is("DequantizeLinear")) continue;
      for (std::size_t input = 1; input < graph_.node(reader).inputs.size(); ++input) {
        if (is_bytes(graph_.node(reader).inputs[input])) replace(reader, input);
      }
      if (!clips) continue;
      const ValueId clipped = graph_.node(reader).outputs.front();
      graph_.mutable_value(clipped).type = DataType::Int8;
      follow(clipped);
    }
  }

  void replace(NodeId node, std::size_t input) {
    const ValueId old = graph_.node(node).inputs[input];
    const auto found = signed_.find(old);
    const ValueId made = found == signed_.end() ? signed_constant(old) : found->second;
    graph_.mutable_node(node).inputs[input] = made;
  }

  ValueId signed_constant(ValueId old) {
    constexpr int kMiddle = 128;
    const Tensor constant = *graph_.value(old).constant;
    std::vector<std::int8_t> values;
    for (const std::uint8_t value : constant.data<std::uint8_t>()) {
      values.push_back(static_cast<std::int8_t>(static_cast<int>(value) - kMiddle));
    }
    const ValueId made = graph_.add_constant(graph_.value(old).name + "_signed",
                                             Tensor::from(constant.shape(), values));
    signed_.emplace(old, made);
    return made;
  }

  Graph& graph_;
  std::map<ValueId, ValueId> signed_;
};

}  // namespace

void make_codes_signed(Graph& graph) { CodeSigner(graph).run(); }

}  // namespace ompq::onnx_io
