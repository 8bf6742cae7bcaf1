#pragma once

#include <set>
#include <string>
#include <string_view>

#include "ompq/onnx_io/importer.h"
#include "ompq/onnx_io/tensor_proto.h"

namespace ompq::onnx_io {

struct InputDeclaration {
  DataType type = DataType::Float32;
  graph::Shape shape;
};

/// What a network input is, from the file and from what the user gave for it. The first extent, if
/// the file leaves it open, is the batch.
/// @throws ImportError where an extent stays unknown; ConfigError where the given ones do not fit.
[[nodiscard]] InputDeclaration read_input(const onnx::ValueInfoProto& info,
                                          const ImportOptions& options,
                                          const ModelPlace& place);

/// Name, type and extents as they stand in the file. @throws ImportError for what is no tensor of
/// a known type.
/// @param kind  "input" or "output", for messages.
[[nodiscard]] graph::Declaration read_declaration(const onnx::ValueInfoProto& info,
                                                  std::string_view kind,
                                                  const ModelPlace& place);

/// Type and, where every extent can be said in fixed numbers and the batch, shape of an output.
/// @param batch_names the symbols that the inputs' first extents carry.
[[nodiscard]] graph::Value read_output(const onnx::ValueInfoProto& info,
                                       const std::set<std::string>& batch_names,
                                       const ModelPlace& place);

}  // namespace ompq::onnx_io
