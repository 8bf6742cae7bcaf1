#pragma once

#include <filesystem>
#include <set>

#include "ompq/onnx_io/importer.h"
#include "ompq/pipeline/model.h"

namespace ompq::pipeline {

/// @throws ImportError, UnsupportedOp, ShapeError as the steps do.
[[nodiscard]] Model load_model(const std::filesystem::path& file,
                               const onnx_io::ImportOptions& options = {});

/// Model::graph alone, for what is only run. @throws as load_model.
[[nodiscard]] graph::Graph load_graph(const std::filesystem::path& file,
                                      const onnx_io::ImportOptions& options = {});

/// The same network before its batch norms were folded: what is trained. Values that both have
/// bear the same names. @throws as load_model.
/// @param data_files  if given: gets the files that hold external data.
[[nodiscard]] graph::Graph load_unfolded(const std::filesystem::path& file,
                                         const onnx_io::ImportOptions& options = {},
                                         std::set<std::filesystem::path>* data_files = nullptr);

}  // namespace ompq::pipeline
