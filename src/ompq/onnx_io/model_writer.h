#pragma once

#include <map>
#include <set>
#include <string>

#include <onnx/onnx_pb.h>

#include "ompq/graph/graph.h"
#include "ompq/onnx_io/packed_weight.h"

namespace ompq::onnx_io {

using PackedWeights = std::map<std::string, PackedWeight>;

/// The model for `graph`: every constant that something reads as an initializer, except those in
/// `packed`, which are unpacked by nodes, and those in `omitted`, which are left out (to weigh the
/// rest).
/// @throws UnsupportedOp for a node whose attributes were not read.
[[nodiscard]] onnx::ModelProto write_model(const graph::Graph& graph,
                                           const PackedWeights& packed = {},
                                           const std::set<std::string>& omitted = {});

/// The names that unpacking nodes must not use.
[[nodiscard]] std::set<std::string> value_names(const graph::Graph& graph);

}  // namespace ompq::onnx_io
