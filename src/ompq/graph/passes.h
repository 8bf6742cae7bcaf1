#pragma once

#include <functional>
#include <optional>
#include <span>

#include "ompq/graph/graph.h"

namespace ompq::graph {

/// Set on an operator that a batch norm after it was folded into, so that the norm's parameters
/// can still be counted.
inline constexpr std::string_view kFoldedNormAttribute = "ompq_folded_norm";
/// Beside it: mean and standard deviation of each output channel, as the norm's parameters tell
/// them (its shift, and the magnitude of its scale).
inline constexpr std::string_view kNormMeanAttribute = "ompq_norm_mean";
inline constexpr std::string_view kNormDeviationAttribute = "ompq_norm_deviation";

/// Set on a Transpose that gives a product the table of an embedding; it is not folded, so that the
/// table is there once.
inline constexpr std::string_view kTurnedTableNote = "ompq_turned_table";

/// Tied embeddings: a MatMul or Gemm whose constant weight is the table of a Gather along axis 0,
/// as it is or transposed, reads that table: through a Transpose where a MatMul needs it, by transB
/// in a Gemm. Exporters write the same numbers twice.
/// @return how many products were changed.
int share_embedding_tables(Graph& graph);

/// Folds every BatchNormalization that is the only reader of a Conv, ConvTranspose or Gemm with
/// constant weights into it, and those whose only reader is a Conv without padding or a Gemm into
/// that reader. The arithmetic is float64, weights are rounded once. The operator's output is then
/// the value that the norm made; a weight that other nodes read too is copied first. Operators that
/// a norm after them went into carry `ompq_folded_norm` = 1.
/// @return how many were folded.
int fold_batch_norms(Graph& graph);

/// A MatMul's constant right operand of shape [1, ..., 1, K, N] becomes the matrix that it is,
/// under its old name; where the input has fewer axes than the weight had, an Unsqueeze gives them
/// back.
/// @param rank_of  how many axes a value has, if that is known; where it is not, nothing changes.
/// @return how many products were changed.
int flatten_weights(Graph& graph,
                    const std::function<std::optional<std::size_t>(ValueId)>& rank_of);
/// The same in a graph with inferred shapes.
int flatten_weights(Graph& graph);

/// Removes what changes nothing: Identity, Dropout, Cast to the same type, Pad by nothing, Concat
/// and Sum of one value. Names of network outputs stay. Makes an Add of one constant per channel
/// after a bias-free Conv, ConvTranspose or Gemm its bias.
/// @return how many nodes went.
int remove_no_ops(Graph& graph);

/// Merges nodes that say the same of the same constants, such as several Transposes of one weight:
/// what shares one constant in the file then shares one value. The graph must be in topological
/// order. @return how many nodes went.
int merge_constant_twins(Graph& graph);

/// Makes single nodes of domain "ompq" out of what one kernel can do at once. No value is fused
/// away that has another reader, is a network output or is in `keep` (values that someone wants to
/// see). Node order stays topological; weights stay the values they were.
///
/// **FusedConv, FusedConvTranspose, FusedGemm, FusedMatMul**, out of every such operator with a
/// constant weight (also where nothing follows it, so that an executor needs one kernel):
///     inputs   x, weight, bias or kNoValue [, residual or absent]
///     output   activation(op(x, weight) + bias + residual)
/// A residual has the output's shape. Of two operators that one Add joins, the later absorbs it.
/// Attributes of the operator stay; MatMul has weight [in, out] and takes its bias [out] from an
/// Add. `activation` (string, absent: none) is an operator whose traits have a post-op
/// (operator_traits.h), with its attributes, such as
///     Clip       `activation_min`, `activation_max` (float; infinite where there is no bound)
///     LeakyRelu  `activation_alpha` (float)
///     Swish      `activation_alpha`; what x * sigmoid(x) becomes
///
/// **FakeQuantize**, out of each DequantizeLinear after a QuantizeLinear with the same constant
/// scale and zero point, all of whose readers are such:
///     inputs   x, scale, zero point or kNoValue
///     output   scale * (clamp(round_half_even(x / scale) + zero point, `quant_min`, `quant_max`) -
///              zero point)
/// `axis` (int) counts where scale has more than one element. A Clip before the pair stays.
/// @return how many fused nodes were made.
int fuse(Graph& graph, std::span<const ValueId> keep = {});

/// A copy whose outputs are activations of float32, for whoever judges how far a network strays or
/// takes gradients: an output of integers or booleans, such as the classes of an ArgMax, says
/// nothing until one of them flips, so the activations that it is made of stand in its place. One
/// that is made of none stays. Values keep their ids, NodeIds move.
[[nodiscard]] Graph with_float_outputs(const Graph& graph);

}  // namespace ompq::graph
