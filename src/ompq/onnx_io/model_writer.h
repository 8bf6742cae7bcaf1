#pragma once

#include <map>
#include <set>
#include <string>

#include <onnx/onnx_pb.h>

#include "ompq/graph/graph.h"
#include "ompq/onnx_io/packed_weight.h"

namespace ompq::onnx_io {

using PackedWeights = std::map<std::string, PackedWeight>;

/// How few bytes are spent on what no runtime looks at.
enum class Style {
  AsItIs,
  /// Values inside of the network get short names, but for weights and their like; quantizers lose
  /// the names of their nodes, and nodes the attributes that say what ONNX's defaults say. Other
  /// nodes keep their names, by which people know layers.
  Terse,
  /// Also one scale written for each slice becomes an Expand of the one.
  Tersest,
};

/// The model for `graph`: every constant that something reads as an initializer, except those in
/// `packed`, which are unpacked by nodes, with the biases that PackedBias fits. With packed weights
/// the style is Tersest, and constants have short names, too.
/// @param four_bits  constants of int8 or uint8 to write as int4 or uint4, by name.
/// @throws UnsupportedOp for a node whose attributes were not read.
[[nodiscard]] onnx::ModelProto write_model(const graph::Graph& graph,
                                           Style style,
                                           const PackedWeights& packed = {},
                                           const std::set<std::string>& four_bits = {});

}  // namespace ompq::onnx_io
