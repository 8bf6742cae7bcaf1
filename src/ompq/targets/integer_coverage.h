#pragma once

#include <functional>
#include <string>
#include <vector>

#include "ompq/graph/graph.h"
#include "ompq/graph/layers.h"
#include "ompq/targets/target_table.h"

namespace ompq::targets {

/// Which layers run on integer kernels, and what stays float between them.
struct IntegerCoverage {
  struct FloatOperator {
    std::string op_type;
    std::vector<std::string> nodes;  ///< names
  };

  std::vector<std::string> integer_layers;  ///< names
  std::vector<std::string> float_layers;    ///< names; without lookups, which read indices
  /// By type, the most frequent one first.
  std::vector<FloatOperator> float_operators;
};

/// For a graph, some of whose values and weights will be quantized for `target`. A layer runs on
/// integers if its weight and input are quantized, its operator has an integer kernel, and (for a
/// Conv, unless the target quantizes no results) its result is quantized. Between two of them, an
/// operator that computes float32 numbers stays float unless it runs on codes (TargetRow::form_of)
/// or its clipping is performed by a quantizer. Operators that only move numbers are not listed.
/// @param has_codes  true if the layer's weight and bias are written as integers.
[[nodiscard]] IntegerCoverage integer_coverage(
    const graph::Graph& graph,
    const std::vector<graph::Layer>& layers,
    const TargetRow& target,
    const std::function<bool(graph::ValueId)>& is_quantized,
    const std::function<bool(const graph::Layer&)>& has_codes);

}  // namespace ompq::targets
