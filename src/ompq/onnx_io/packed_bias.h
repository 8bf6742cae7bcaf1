#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ompq/graph/graph.h"
#include "ompq/onnx_io/packed_weight.h"

namespace ompq::onnx_io {

/// A bias that consists of whole multiples of activation scale x weight scale, as
/// tuning::round_biases makes them: two bytes each in the file, from which and the scales, which
/// are there anyway, the runtime computes the same float.
struct PackedBias {
  graph::ValueId bias = graph::kNoValue;
  std::string weight;  ///< name of the packed weight, one scale for each element of the bias
  graph::ValueId activation_scale = graph::kNoValue;  ///< a scalar constant
  std::vector<float> steps;  ///< bias[c] == steps[c] * activation scale * weight scale[c]
};

/// The steps lie in the file as float16 of that part of them, so that float16 holds 1 (its least
/// number) to 2^40.
inline constexpr float kBiasStepUnit = 16777216.0F;

/// The bias of `node` (Conv, ConvTranspose, Gemm) with the packed weight `weight`, where it can be
/// packed so that every element comes out equal to the bit, and nothing else reads it; else
/// nothing.
[[nodiscard]] std::optional<PackedBias> pack_bias(const graph::Graph& graph,
                                                  const graph::Node& node,
                                                  const PackedWeight& weight);

}  // namespace ompq::onnx_io
