#pragma once

#include <string>

#include "ompq/graph/graph.h"
#include "ompq/onnx_io/tensor_proto.h"

namespace ompq::onnx_io {

/// Reads one attribute; tensors are widened. An attribute that a Graph cannot represent (types,
/// lists of tensors, and sub-networks, which the importer reads itself) becomes kUnreadAttribute.
/// @param node names the node in errors, e.g. "Conv node 'conv1'".
/// @throws ImportError for a tensor that cannot be read, or a reference to a function's parameter.
[[nodiscard]] graph::Attribute read_attribute(const onnx::AttributeProto& proto,
                                              const std::string& node,
                                              const ModelPlace& place);

/// Sub-networks are left empty.
[[nodiscard]] onnx::AttributeProto write_attribute(const std::string& name,
                                                   const graph::Attribute& attribute);

}  // namespace ompq::onnx_io
