#pragma once

#include <filesystem>
#include <set>

#include "ompq/onnx_io/importer.h"
#include "ompq/pipeline/model.h"

namespace ompq::pipeline {

/// @throws ImportError, UnsupportedOp, ShapeError as the steps do.
[[nodiscard]] Model load_model(const std::filesystem::path& file,
                               const onnx_io::ImportOptions& options = {});

/// Only Model::graph, for networks that are only run. @throws as load_model.
[[nodiscard]] graph::Graph load_graph(const std::filesystem::path& file,
                                      const onnx_io::ImportOptions& options = {});

/// The same network before folding its batch norms, for training. Common values have the same
/// names. @throws as load_model.
/// @param data_files  if not null, receives the external data files.
[[nodiscard]] graph::Graph load_unfolded(const std::filesystem::path& file,
                                         const onnx_io::ImportOptions& options = {},
                                         std::set<std::filesystem::path>* data_files = nullptr);

}  // namespace ompq::pipeline
