#pragma once

#include <map>
#include <set>

#include "ompq/graph/graph.h"
#include "ompq/quant/quant_params.h"

namespace ompq::reconstruction {

/// The learned parts of a block; ids are those of the block's graph.
struct LearnedParts {
  std::set<graph::ValueId> weights;                         ///< constants of layers
  std::map<graph::ValueId, quant::QuantParams> quantizers;  ///< on activations, one scale each
  std::set<graph::ValueId> steps;  ///< activations whose quantizer's scale is learned
};

}  // namespace ompq::reconstruction
