#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ompq/graph/graph.h"
#include "ompq/onnx_io/packed_weight.h"

namespace ompq::onnx_io {

/// A bias whose elements are integer multiples of activation scale x weight scale, as
/// rounding::round_biases produces them. The file stores two bytes per element; the runtime
/// computes the same floats from these and the scales.
struct PackedBias {
  graph::ValueId bias = graph::kNoValue;
  std::string weight;  ///< name of the packed weight, one scale for each element of the bias
  graph::ValueId activation_scale = graph::kNoValue;  ///< a scalar constant
  std::vector<float> steps;  ///< bias[c] == steps[c] * activation scale * weight scale[c]
};

/// The file stores steps / 2^24 as float16, whose range then covers 1 (the smallest subnormal) to
/// 2^40.
inline constexpr float kBiasStepUnit = 16777216.0F;

/// Packs the bias of `node` (Conv, ConvTranspose, Gemm) with the packed weight `weight`. Nullopt if
/// an element would not be bit-exact or if another node reads the bias.
[[nodiscard]] std::optional<PackedBias> pack_bias(const graph::Graph& graph,
                                                  const graph::Node& node,
                                                  const PackedWeight& weight);

/// The int32 bias of an integer layer as numbers that PackedBias could store; empty if one does not
/// fit.
[[nodiscard]] std::vector<float> short_steps(const Tensor& bias);

}  // namespace ompq::onnx_io
