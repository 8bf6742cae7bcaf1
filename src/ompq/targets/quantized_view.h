#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ompq/graph/graph.h"
#include "ompq/graph/uses.h"
#include "ompq/targets/target_table.h"

namespace ompq::targets {

/// A QuantizeLinear or DequantizeLinear.
struct Quantizer {
  graph::NodeId node = graph::kNoNode;
  const Tensor* scale = nullptr;       ///< null: not constant
  const Tensor* zero_point = nullptr;  ///< null: none, or not constant
  /// Type of the codes of a QuantizeLinear, or of constant codes.
  DataType codes = DataType::UInt8;
};

/// A graph with quantizers, as the integer kernels of a target see it.
class QuantizedView {
 public:
  QuantizedView(const graph::Graph& graph, const TargetRow& target);

  [[nodiscard]] const graph::Graph& graph() const { return graph_; }
  [[nodiscard]] const graph::Uses& uses() const { return uses_; }
  [[nodiscard]] const graph::Node& node(graph::NodeId id) const { return graph_.node(id); }
  [[nodiscard]] graph::NodeId producer(graph::ValueId id) const;
  [[nodiscard]] const Tensor* constant(graph::ValueId id) const;
  [[nodiscard]] bool is(graph::NodeId id, std::string_view op_type) const;

  /// QuantizeLinear nodes of activations.
  [[nodiscard]] const std::vector<Quantizer>& quantizers() const { return quantizers_; }
  /// The DequantizeLinear of codes that are not constant which produces `value`.
  [[nodiscard]] std::optional<Quantizer> decoded(graph::ValueId value) const;
  /// The DequantizeLinear of constant codes which produces `value`.
  [[nodiscard]] std::optional<Quantizer> decoded_constant(graph::ValueId value) const;
  /// The quantizer of `value`, also after operators that clip it; nullopt if a reader needs the
  /// value itself, or it is a network output.
  [[nodiscard]] std::optional<Quantizer> quantized(graph::ValueId value) const;

  /// Operands with numbers, not shapes or indices.
  [[nodiscard]] std::vector<graph::ValueId> data_operands(const graph::Node& node) const;
  /// Conv, Gemm and MatMul of decoded codes and a decoded constant.
  [[nodiscard]] std::vector<graph::NodeId> layers() const;
  [[nodiscard]] bool is_layer(graph::NodeId id) const;
  /// True for an operator of the target that is no layer.
  [[nodiscard]] bool is_operator(graph::NodeId id) const;
  /// True for a layer, or an operator whose operands are all quantized.
  [[nodiscard]] bool runs_on_codes(graph::NodeId id) const;
  /// True for a network output, also before operators that clip it.
  [[nodiscard]] bool ends_network(graph::ValueId value) const;
  /// True if the quantizer is the prescribed one.
  [[nodiscard]] bool has_values(const Quantizer& quantizer, const FixedQuantizer& fixed) const;
  /// "Conv 'name'".
  [[nodiscard]] std::string place(graph::NodeId id) const;

 private:
  [[nodiscard]] Quantizer quantizer_of(graph::NodeId id) const;
  [[nodiscard]] bool mixes_prescribed(const std::vector<graph::ValueId>& operands) const;

  const graph::Graph& graph_;
  const TargetRow& target_;
  graph::Uses uses_;
  std::vector<Quantizer> quantizers_;
};

/// The elements; empty for null.
[[nodiscard]] std::vector<float> floats_of(const Tensor* tensor);
/// True if both represent the same numbers: equal scales and zero points.
[[nodiscard]] bool same_quantizer(const Quantizer& a, const Quantizer& b);
/// "scale 0.1, zero point 3"
[[nodiscard]] std::string text_of(const Quantizer& quantizer);

}  // namespace ompq::targets
