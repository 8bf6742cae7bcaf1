#pragma once

#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "ompq/core/bit_width.h"
#include "ompq/core/tensor.h"
#include "ompq/graph/graph.h"
#include "ompq/graph/layers.h"
#include "ompq/graph/uses.h"
#include "ompq/targets/target_table.h"

namespace ompq::targets {

/// The quantizer of a value.
struct Place {
  BitWidth bits{8};
  /// The value whose quantizer this one repeats, since operators between them move elements only,
  /// or have one quantizer for their inputs and results; kNoValue: it has its own.
  graph::ValueId same_as = graph::kNoValue;
  /// With same_as: it also has numbers that are not in that value, so its range counts, too.
  bool has_own_numbers = false;
  /// The quantizer that the target prescribes.
  std::optional<FixedQuantizer> fixed{};
};

/// Quantizers by value of the graph.
using Placement = std::map<graph::ValueId, Place>;

/// Decides which values are quantized: the inputs of `layers`, with `bits` (one per layer; the
/// largest if several read a value), and for targets with integer kernels also
/// - the output of each layer that has an integer kernel, after a Relu or Clip that its quantizer
///   performs,
/// - both operands of a MatMul of two values that integer layers have computed, with 8 bits,
/// - inputs and outputs of operators on the way from one integer layer to another that have an
///   integer kernel or run on codes (graph::integer_form), with 8 bits.
/// Operators elsewhere stay float: quantizing them would cost accuracy without making them faster.
/// So does a network output, and with it a Conv that produces it. The bias of a MatMul is added in
/// float, before the quantizer. Other targets quantize all operators that they have, or only the
/// other operand of a residual Add (TargetRow::between).
/// @throws ConfigError if there are not as many widths as layers.
[[nodiscard]] Placement place_quantizers(const graph::Graph& graph,
                                         const std::vector<graph::Layer>& layers,
                                         const std::vector<BitWidth>& bits,
                                         const TargetRow& target);

/// A float32 constant that an operator between quantizers reads as codes.
struct ConstantOperand {
  graph::NodeId node = graph::kNoNode;
  std::size_t input = 0;
};

/// The constants of each Add, Mul, Sub, Div and Concat whose other operands and whose result are
/// quantized. @param is_quantized  tells which values have a quantizer.
[[nodiscard]] std::vector<ConstantOperand> constants_on_codes(
    const graph::Graph& graph, const std::function<bool(graph::ValueId)>& is_quantized);

/// True if 8 bits with one scale are enough for the constant operand of an Add, Sub or Concat
/// (its numbers are not larger than 1024, as masks are) or of a Mul or Div (the factors that it
/// stands for are not rounded by more than 1/16 of themselves).
[[nodiscard]] bool fits_codes(const graph::Node& node, const Tensor& constant);

/// True if float constants do not keep the node from running on codes: they become codes, or are
/// parameters of an operator that moves numbers.
[[nodiscard]] bool allows_constants(const graph::Graph& graph, const graph::Node& node);

/// The value after the clipping that a quantizer of `value` would perform.
[[nodiscard]] graph::ValueId value_after_clipping(const graph::Graph& graph,
                                                  const graph::Uses& uses,
                                                  graph::ValueId value);

/// True if the layer's operator has an integer kernel (graph::integer_channel_axis()).
[[nodiscard]] bool has_integer_kernel(const graph::Graph& graph, const graph::Layer& layer);

/// True if a quantizer whose range is a part of [low, high] and includes 0 performs the node's
/// clipping: it clips to bounds around 0.
[[nodiscard]] bool is_clipped_by_quantizer(const graph::Graph& graph, const graph::Node& node);

}  // namespace ompq::targets
