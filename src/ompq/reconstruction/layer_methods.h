#pragma once

#include "ompq/graph/layers.h"
#include "ompq/quant/quantized_tensor.h"
#include "ompq/reconstruction/block_state.h"
#include "ompq/rounding/gptq.h"

/// Methods for one layer without learning.
namespace ompq::reconstruction {

/// A layer, its current codes and its input.
struct LayerCodes {
  const graph::Graph& graph;
  const graph::Layer& layer;
  const quant::QuantizedTensor& codes;
  rounding::LayerInputs inputs;
};

/// Error-compensated rounding (rounding/gptq.h). Sets the codes, the corrected bias and the output
/// losses before and after in `state`.
void compensate_layer(const LayerCodes& given,
                      const rounding::GptqOptions& options,
                      BlockState& state);

struct Restoration {
  bool means = true;     ///< bias correction
  bool spreads = false;  ///< norm re-estimation
  rounding::MomentOptions moments;
};
/// Gives the layer's output the float layer's means and spreads (rounding/output_statistics.h).
/// `state` gets codes with other scales and a bias, where they change.
void restore_layer(const LayerCodes& given, const Restoration& options, BlockState& state);

}  // namespace ompq::reconstruction
