#pragma once

#include <cstdint>
#include <string>

#include "ompq/graph/graph.h"
#include "ompq/reconstruction/block_state.h"
#include "ompq/rounding/network_codes.h"

/// States of an earlier run come from a file that may have been damaged or changed. They must fit
/// the network and the codes from which the step starts: then no later part reads beyond its data,
/// and the file keeps its size.
namespace ompq::reconstruction {

/// @param name     of the block.
/// @param initial  codes before the step.
/// @throws DataError unless the state is of this block, its codes have the shape, width and number
/// of scales of the initial ones, its steps and biases are of values that have them, and all
/// numbers are in range and finite.
void check_state(const BlockState& state,
                 const std::string& name,
                 const graph::Graph& graph,
                 const rounding::NetworkCodes& initial);

/// The same for the state after `epochs` epochs.
void check_state(const DistillationState& state,
                 std::int64_t epochs,
                 const graph::Graph& graph,
                 const rounding::NetworkCodes& initial);

}  // namespace ompq::reconstruction
