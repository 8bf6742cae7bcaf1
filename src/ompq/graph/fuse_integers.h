#pragma once

#include <optional>
#include <span>
#include <vector>

#include "ompq/graph/graph.h"

namespace ompq::graph {

/// After fuse(): turns products of quantized activations and weights with known Levels into
/// **IntegerConv, IntegerGemm, IntegerMatMul** of domain "ompq", which compute as integer kernels
/// of runtimes do:
///     inputs   x (a FakeQuantize's result), int8 weight levels as float32, int32 bias as float32
///     or
///              kNoValue, multiplier of each output channel
///     sum      = sum over products of levels, plus bias: an integer
///     output   with `rounds` = 1, the output quantizer is included:
///                scale x clamp(round_half_even(float32(sum) x multiplier), low, high),
///                multiplier = (activation scale x weight scale) / scale
///              otherwise float32(sum) x multiplier, multiplier = activation scale x weight scale
/// Attributes of the operator stay, and `input_scale`, `input_low`, `input_high` (levels of x),
/// `output_scale`, `output_low`, `output_high` (levels of the result) are added.
///
/// A Conv is only replaced together with the quantizer of its result, as in ONNX Runtime; a Gemm
/// or MatMul also alone. An activation between them must be one that the quantizer performs. A
/// MatMul's bias stays float and is added in a separate node. A MatMul of two quantized activations
/// is likewise replaced by **IntegerActivationMatMul**, with `a_...`, `b_...` for `input_...`.
///
/// Likewise other operators between quantizers, with `a_scale`, `a_low`, `b_scale`, `b_low`
/// (`input_...` for one operand) and `output_...`, in the order of ONNX Runtime's kernels with
/// fused multiply-add (1.32; codes = level - low; sx, zx, ... are scales and zero points):
///     IntegerAdd                round(fma(a, ra, fma(b, rb, zy - fma(ra, za, rb x zb))))
///     IntegerMul                round(fma((a - za) x (b - zb), (sa x sb) / sy, zy))
///     IntegerGlobalAveragePool  round((sum - n za) x (sa / (sy x n))) + zy
///     IntegerAveragePool        round(mean / sy + zy), the mean of float32 numbers in order
///     IntegerSigmoid            round(logistic(sx x (x - zx)) / sy) + zy, approximated
///     IntegerSoftmax            round(e(x) x floor(1 / sy) / sum of e) + zy
/// where ra = sa / sy and rb = sb / sy, the logistic function is a rational approximation, and e is
/// a float32 table of a constant times exp(sx x (x - largest x)).
/// An operand may be a constant that a DequantizeLinear decodes. Add swaps the operands if the
/// first one is repeated along the innermost axis in which they differ.
/// @return the number of replaced operators.
int fuse_integers(Graph& graph, std::span<const ValueId> keep = {});

/// The bias in multiples of `steps` (activation scale x weight scale of each channel), as int32
/// accumulators add it; nullopt if it has others, or more than int32 holds.
[[nodiscard]] std::optional<Tensor> multiples_of(const Tensor& bias,
                                                 const std::vector<float>& steps);

}  // namespace ompq::graph
