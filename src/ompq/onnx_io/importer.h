#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "ompq/graph/graph.h"

namespace ompq::onnx_io {

struct ImportOptions {
  /// Extents that replace unknown dimensions of an input ("input" -> 1,3,224,224; -1 keeps the
  /// batch open).
  std::map<std::string, std::vector<std::int64_t>> input_shapes;
};

/// Reads an ONNX file of opset 7 to 21: initializers, Constant nodes, external data (inside of the
/// model's folder only), float32 and float16 (widened to float32). The first dimension of a network
/// input with a symbolic or missing extent is the batch. Weights are checked for element count, NaN
/// and infinity. Operators are not judged here; nodes come out sorted.
/// @throws ImportError naming the file, the node or tensor and the rule.
[[nodiscard]] graph::Graph import_onnx(const std::filesystem::path& file,
                                       const ImportOptions& options = {});

}  // namespace ompq::onnx_io
