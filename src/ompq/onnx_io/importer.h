#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "ompq/graph/graph.h"
#include "ompq/onnx_io/import_options.h"

namespace ompq::onnx_io {

/// Reads an ONNX file of opset 7 to 28: initializers, Constant nodes, functions that the file
/// defines (inlined), the sub-networks of If, Loop and Scan, external data (in the model's folder,
/// unless the model itself is a link), float16, bfloat16 and float64 (converted to float32), int4
/// and uint4 constants (widened to int8 and uint8). A first dimension with a symbolic or missing
/// extent is the batch, as is a later one with the same symbol. Weights are checked for element
/// count, NaN and infinity. Text constants are dropped, unless a node that the outputs depend on
/// reads them. Fused operators of other tools are decomposed (lower_operators()). Operators are not
/// checked for support here; nodes are returned sorted. A node without a name is named after its
/// weight ("layer1.0.conv1" for "layer1.0.conv1.weight"), or else by operator and number
/// ("Relu_4").
/// @param data_files  if not null, receives the model's external data files.
/// @throws ImportError naming the file, the node or tensor and the rule; FileError if the file
/// cannot be read; ConfigError for input_shapes that do not fit the network.
[[nodiscard]] graph::Graph import_onnx(const std::filesystem::path& file,
                                       const ImportOptions& options = {},
                                       std::set<std::filesystem::path>* data_files = nullptr);

/// The same for a model in memory. `file` names it in errors; external data is read from its
/// folder, and refused if `file` is empty.
[[nodiscard]] graph::Graph import_onnx_bytes(std::string_view bytes,
                                             const std::filesystem::path& file = {},
                                             const ImportOptions& options = {},
                                             std::set<std::filesystem::path>* data_files = nullptr);

}  // namespace ompq::onnx_io
