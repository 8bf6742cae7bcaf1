#pragma once

#include <map>
#include <string>
#include <vector>

#include "ompq/graph/graph.h"
#include "ompq/quant/quantized_tensor.h"
#include "ompq/rounding/calibration.h"
#include "ompq/targets/target_table.h"

namespace ompq::rounding {

/// Codes by the weight's value name.
using WeightCodes = std::map<std::string, quant::QuantizedTensor>;

/// Biases that replace the float network's, by the bias's value name.
using NewBiases = std::map<std::string, std::vector<float>>;

/// All parameters that turn a float network into a quantized one.
struct NetworkCodes {
  WeightCodes weights;
  /// By value of the whole network. Scales are short unless the target has integer kernels.
  ActivationQuantizers activations;
  NewBiases biases;  ///< not yet rounded
  std::string target{targets::kDefaultTarget};
};

/// Sets the biases in the graph; names that are not in the graph are ignored. @throws ShapeError if
/// one does not fit.
void replace_biases(graph::Graph& graph, const NewBiases& biases);

}  // namespace ompq::rounding
