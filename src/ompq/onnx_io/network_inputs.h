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

/// The batch axis of an input: the first, or, if that is fixed and the first axes of other inputs
/// are open, the one with the same symbol ([2, batch, 128] next to [batch, 512]).
[[nodiscard]] std::size_t batch_axis_of(const onnx::ValueInfoProto& info,
                                        const onnx::GraphProto& graph);

/// Type and shape of a network input, from the file and the extents given by the user. The extent
/// at `batch_axis`, if it is open in the file, is the batch. @throws ImportError if an extent stays
/// unknown; ConfigError if the given ones do not fit.
[[nodiscard]] InputDeclaration read_input(const onnx::ValueInfoProto& info,
                                          const ImportOptions& options,
                                          const ModelPlace& place,
                                          std::size_t batch_axis = 0);

/// `options` with open extents of inputs set from the samples.
/// @throws as options.sample_extents.
[[nodiscard]] ImportOptions with_sample_extents(const onnx::GraphProto& graph,
                                                const ImportOptions& options,
                                                const ModelPlace& place);

/// Name, type and extents as in the file. @throws ImportError if it is not a tensor of a supported
/// type.
/// @param kind  "input" or "output", for messages.
[[nodiscard]] graph::Declaration read_declaration(const onnx::ValueInfoProto& info,
                                                  std::string_view kind,
                                                  const ModelPlace& place);

/// Type of an output, and its shape if every extent is fixed or the batch.
/// @param batch_names  the symbols of the inputs' batch extents.
[[nodiscard]] graph::Value read_output(const onnx::ValueInfoProto& info,
                                       const std::set<std::string>& batch_names,
                                       const ModelPlace& place);

}  // namespace ompq::onnx_io
