#pragma once

#include <map>
#include <set>
#include <string>

#include <onnx/onnx_pb.h>

#include "ompq/graph/graph.h"
#include "ompq/onnx_io/packed_weight.h"
#include "ompq/onnx_io/short_names.h"

namespace ompq::onnx_io {

using PackedWeights = std::map<std::string, PackedWeight>;

/// The model for `graph`: every constant that something reads as an initializer, except those in
/// `packed`, which are unpacked by nodes, and those in `omitted`, which are left out (to weigh the
/// rest). With either, values inside of the network get short names; nodes keep theirs, by which
/// people know layers.
/// @throws UnsupportedOp for a node whose attributes were not read.
[[nodiscard]] onnx::ModelProto write_model(const graph::Graph& graph,
                                           const PackedWeights& packed = {},
                                           const std::set<std::string>& omitted = {});

/// Names for the values inside of a packed model; inputs and outputs keep theirs.
/// @param weights how many weights are packed at most.
[[nodiscard]] ShortNames short_names_for(const graph::Graph& graph, std::size_t weights);

}  // namespace ompq::onnx_io
