#pragma once

#include <map>
#include <string>
#include <vector>

#include "ompq/graph/graph.h"
#include "ompq/quant/quantized_tensor.h"
#include "ompq/rounding/calibration.h"

namespace ompq::rounding {

/// Codes by the weight's value name.
using WeightCodes = std::map<std::string, quant::QuantizedTensor>;

/// Biases that stand in place of the float network's, by the bias's value name.
using NewBiases = std::map<std::string, std::vector<float>>;

/// Everything that makes a float network a quantized one.
struct NetworkCodes {
  WeightCodes weights;
  /// By value of the whole network. Scales are short.
  ActivationQuantizers activations;
  NewBiases biases;  ///< not yet rounded
};

/// Puts the biases into the graph. @throws ShapeError if one does not fit; names that the graph
/// lacks are left out.
void replace_biases(graph::Graph& graph, const NewBiases& biases);

}  // namespace ompq::rounding
