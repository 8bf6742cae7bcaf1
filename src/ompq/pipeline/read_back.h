#pragma once

#include <filesystem>

#include "ompq/graph/graph.h"
#include "ompq/pipeline/model.h"
#include "ompq/pipeline/network.h"

namespace ompq::pipeline {

/// Reads back the ONNX file to which `network`, made from `model`, was written, like any other
/// file, and compares weights and biases of common layers (by name) with those of `network`: they
/// must be bit-identical, or, if the float network stores half floats, equal after rounding.
/// @return the network in the file, for its evaluation.
/// @throws InternalError naming the file, and the layer and element that differ, if it cannot be
/// read or differs.
[[nodiscard]] graph::Graph read_back(const Model& model,
                                     const QuantizedNetwork& network,
                                     const std::filesystem::path& file);

}  // namespace ompq::pipeline
