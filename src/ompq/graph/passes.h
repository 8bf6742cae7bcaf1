#pragma once

#include <functional>
#include <optional>
#include <span>

#include "ompq/graph/graph.h"

namespace ompq::graph {

/// Set on an operator into which a following batch norm was folded, so that the norm's parameters
/// can still be counted.
inline constexpr std::string_view kFoldedNormAttribute = "ompq_folded_norm";
/// Likewise: mean and standard deviation of each output channel, estimated from the norm's
/// parameters (its shift, and the magnitude of its scale).
inline constexpr std::string_view kNormMeanAttribute = "ompq_norm_mean";
inline constexpr std::string_view kNormDeviationAttribute = "ompq_norm_deviation";

/// Set on a Transpose of an embedding table for a product; it is not folded, so that the table is
/// stored once.
inline constexpr std::string_view kTurnedTableNote = "ompq_turned_table";

/// Tied embeddings: a MatMul or Gemm whose constant weight equals the table of a Gather along axis
/// 0, transposed or not, is changed to read that table: through a Transpose for a MatMul, by transB
/// for a Gemm. Exporters write the same numbers twice.
/// @return the number of changed products.
int share_embedding_tables(Graph& graph);

/// Set on a DequantizeLinear of constant codes that an integer kernel reads; it is not folded, so
/// that the codes stay known.
inline constexpr std::string_view kOperandCodesNote = "ompq_operand_codes";

/// Sets the note on dequantizers of constants with one scale that only operators with
/// OperatorTraits::codes_constants read.
/// @return the number of notes.
int note_operand_codes(Graph& graph);

/// Folds every BatchNormalization that is the only reader of a Conv, ConvTranspose or Gemm with
/// constant weights into it, and those whose only reader is a Conv without padding or a Gemm into
/// that reader. The arithmetic is float64, weights are rounded once. The operator's output is then
/// the norm's output; a weight that other nodes also read is copied first. Operators with a folded
/// norm have `ompq_folded_norm` = 1. @return the number of folded norms.
int fold_batch_norms(Graph& graph);

/// Turns a MatMul's constant right operand of shape [1, ..., 1, K, N] into a matrix with the same
/// name; if the input has fewer axes than the weight had, an Unsqueeze restores them.
/// @param rank_of  the rank of a value, if known; if it is not, nothing changes.
/// @return the number of changed products.
int flatten_weights(Graph& graph,
                    const std::function<std::optional<std::size_t>(ValueId)>& rank_of);
/// The same in a graph with inferred shapes.
int flatten_weights(Graph& graph);

/// Removes no-ops: Identity, Dropout, Cast to the same type, Pad by zero, Concat and Sum of one
/// value. Names of network outputs are kept. An Add of one constant per channel after a bias-free
/// Conv, ConvTranspose or Gemm becomes its bias.
/// @return the number of removed nodes.
int remove_no_ops(Graph& graph);

/// Merges equal nodes with the same constants, such as several Transposes of one weight, so that
/// readers of one constant share one value. The graph must be in topological order. @return the
/// number of removed nodes.
int merge_constant_duplicates(Graph& graph);

/// Fuses nodes that one kernel can compute into single nodes of domain "ompq". Values that have
/// another reader, are network outputs or are in `keep` (values to be observed) are not fused away.
/// Node order stays topological; weights are not changed.
///
/// **FusedConv, FusedConvTranspose, FusedGemm, FusedMatMul**, from every such operator with a
/// constant weight (also without following nodes, so that an executor needs one kernel):
///     inputs   x, weight, bias or kNoValue [, residual or absent]
///     output   activation(op(x, weight) + bias + residual)
/// A residual has the output's shape. An Add of two operators is fused into the later one.
/// Attributes of the operator stay; MatMul has weight [in, out] and takes its bias [out] from an
/// Add. `activation` (string, absent: none) is an operator with a post-op in its traits
/// (operator_traits.h), with its attributes, such as
///     Clip       `activation_min`, `activation_max` (float; infinite if there is no bound)
///     LeakyRelu  `activation_alpha` (float)
///     Swish      `activation_alpha`; also for x * sigmoid(x)
///
/// **FakeQuantize**, from each DequantizeLinear after a QuantizeLinear with the same constant scale
/// and zero point, if all readers of the latter are such:
///     inputs   x, scale, zero point or kNoValue
///     output   scale * (clamp(round_half_even(x / scale) + zero point, `quant_min`, `quant_max`) -
///              zero point)
/// `axis` (int) applies if scale has more than one element. A Clip before the pair is kept.
/// @return the number of fused nodes.
int fuse(Graph& graph, std::span<const ValueId> keep = {});

/// A copy with float32 outputs, for measuring deviations and gradients: an integer or boolean
/// output, such as the classes of an ArgMax, is replaced by the float activations from which it is
/// computed, since it does not show small changes. An output that is not computed from floats is
/// kept. Values keep their ids, NodeIds change.
[[nodiscard]] Graph with_float_outputs(const Graph& graph);

}  // namespace ompq::graph
