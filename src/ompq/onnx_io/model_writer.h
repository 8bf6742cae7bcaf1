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
/// `packed`, which are unpacked by nodes, with the biases that PackedBias fits. With packed
/// weights, values inside of the network get short names, quantizers lose the names of their nodes,
/// and one scale written for each slice becomes an Expand of the one, default attributes of
/// convolutions are left out; other nodes keep their names, by which people know layers.
/// @param four_bits  constants of int8 or uint8 to write as int4 or uint4, by name.
/// @throws UnsupportedOp for a node whose attributes were not read.
[[nodiscard]] onnx::ModelProto write_model(const graph::Graph& graph,
                                           const PackedWeights& packed = {},
                                           const std::set<std::string>& four_bits = {});

}  // namespace ompq::onnx_io
