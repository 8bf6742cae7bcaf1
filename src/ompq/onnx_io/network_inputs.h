#pragma once

#include <set>
#include <string>
#include <string_view>

#include "ompq/graph/graph.h"
#include "ompq/onnx_io/import_options.h"
#include "ompq/onnx_io/tensor_proto.h"

namespace ompq::onnx_io {

struct InputDeclaration {
  DataType type = DataType::Float32;
  graph::Shape shape;
};

/// The axis of an input that counts samples: the first, or, where that is fixed and other inputs
/// leave theirs open, one that the file calls as it calls these ([2, batch, 128] besides
/// [batch, 512]).
[[nodiscard]] std::size_t batch_axis_of(const onnx::ValueInfoProto& info,
                                        const onnx::GraphProto& graph);

/// What a network input is, from the file and from what the user gave for it. The extent at
/// `batch_axis`, if the file leaves it open, is the batch.
/// @throws ImportError where an extent stays unknown; ConfigError where the given ones do not fit.
[[nodiscard]] InputDeclaration read_input(const onnx::ValueInfoProto& info,
                                          const ImportOptions& options,
                                          const ModelPlace& place,
                                          std::size_t batch_axis = 0);

/// `options` with the extents that the samples give to inputs whose extents are open.
/// @throws what options.sample_extents throws.
[[nodiscard]] ImportOptions with_sample_extents(const onnx::GraphProto& graph,
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
