#pragma once

#include <filesystem>

#include "ompq/onnx_io/importer.h"
#include "ompq/pipeline/model.h"

namespace ompq::pipeline {

/// @throws ImportError, UnsupportedOp, ShapeError as the steps do.
[[nodiscard]] Model load_model(const std::filesystem::path& file,
                               const onnx_io::ImportOptions& options = {});

/// Only Model::graph, for networks that are only run. @throws as load_model.
[[nodiscard]] graph::Graph load_graph(const std::filesystem::path& file,
                                      const onnx_io::ImportOptions& options = {});

/// A model for training.
struct TrainableModel {
  Model model;
  /// Model::graph before folding its batch norms. Common values have the same names.
  graph::Graph unfolded;
};

/// @throws as load_model.
[[nodiscard]] TrainableModel load_trainable_model(const std::filesystem::path& file,
                                                  const onnx_io::ImportOptions& options = {});

}  // namespace ompq::pipeline
