#pragma once

#include <cstdint>
#include <span>

#include "ompq/core/tensor.h"
#include "ompq/graph/graph.h"

namespace ompq::runtime {

/// The batch size for which `inputs` fit the graph's inputs; 1 where no input has a batch axis.
/// @throws ShapeError naming the input that does not fit, with the shapes.
std::int64_t check_inputs(const graph::Graph& graph, std::span<const Tensor> inputs);

}  // namespace ompq::runtime
