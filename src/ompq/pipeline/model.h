#pragma once

#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "ompq/data/dataset.h"
#include "ompq/graph/layers.h"
#include "ompq/onnx_io/importer.h"
#include "ompq/ops/cut_tail.h"

namespace ompq::pipeline {

/// A prepared network: imported, with inferred shapes, folded constants and batch norms, and
/// layers.
struct Model {
  std::filesystem::path file;
  std::string sha256;  ///< of the file's bytes and, with external data, of the data files' hashes
  std::int64_t file_bytes = 0;                 ///< including external data
  std::set<std::filesystem::path> data_files;  ///< with external data
  onnx_io::ImportOptions import;               ///< with which the file was read
  graph::Graph graph;  ///< batch norms folded, no-ops removed; `discovery` has its ValueIds
  graph::Discovery discovery;
  /// The end of the network whose shapes depend on the data: not in `graph`, whose outputs are its
  /// inputs, and copied to the file unchanged.
  ops::Tail tail;
  /// The graph to be written, see pipeline/file_graph.h; nullopt: `graph`.
  std::optional<graph::Graph> file_graph;
  /// The same with unfolded batch norms, if the sizes of `graph` are not those of the file.
  std::optional<graph::Graph> unfolded_file_graph;
};

/// The inputs that a data set must provide for this network.
[[nodiscard]] std::vector<data::InputSpec> input_specs(const graph::Graph& graph);

/// Batch size for the network: `wanted`, or the fixed extent of its first dimension; less if --memory
/// requires it.
[[nodiscard]] std::int64_t batch_size_for(const graph::Graph& graph, std::int64_t wanted);

}  // namespace ompq::pipeline
