#pragma once

#include <map>
#include <string>
#include <vector>

#include <onnx/onnx_pb.h>

#include "ompq/graph/graph.h"
#include "ompq/onnx_io/integer_layers.h"
#include "ompq/onnx_io/narrow_codes.h"
#include "ompq/onnx_io/packed_weight.h"

namespace ompq::onnx_io {

using PackedWeights = std::map<std::string, PackedWeight>;

/// How much is left out that no runtime reads.
enum class Style {
  Full,
  /// Inner values except weights get short names, quantizer nodes have no names, and attributes
  /// with ONNX's default values are dropped. Other nodes keep their names, which identify layers.
  Short,
  /// Also, a single scale repeated for each slice becomes an Expand.
  Shortest,
};

/// The model for `graph`. Every used constant becomes an initializer, except those in `packed` and
/// the biases that PackedBias can represent, which are unpacked by nodes. With packed weights the
/// style is Shortest, and constants get short names, too.
/// @param narrow  int8 and uint8 constants to write in types of 4 or 2 bits.
/// @param integer  layers for integer kernels; the levels, scales and biases of those whose weights
/// are in `packed` are unpacked by nodes.
/// @throws UnsupportedOp for a node whose attributes were not read.
[[nodiscard]] onnx::ModelProto write_model(const graph::Graph& graph,
                                           Style style,
                                           const PackedWeights& packed = {},
                                           const NarrowConstants& narrow = {},
                                           const std::vector<IntegerWeight>& integer = {});

}  // namespace ompq::onnx_io
