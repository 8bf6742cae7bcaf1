#pragma once

#include <filesystem>

#include "ompq/graph/graph.h"
#include "ompq/pipeline/model.h"
#include "ompq/pipeline/network.h"

namespace ompq::pipeline {

/// Reads the ONNX file that `network`, made of `model`, was just written to, as any other file is
/// read, and compares weights and biases of the layers that both have (by name) with those that
/// were to be written: they are equal to the bit, or, where the float network stores half floats,
/// after rounding to them.
/// @return the network in the file, ready to run: what the file computes is judged by this one.
/// @throws InternalError naming the file, and the layer and element that differ, where it cannot be
/// read or holds something else.
[[nodiscard]] graph::Graph read_back(const Model& model,
                                     const QuantizedNetwork& network,
                                     const std::filesystem::path& file);

}  // namespace ompq::pipeline
