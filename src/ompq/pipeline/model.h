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

/// A network made ready: imported, shapes inferred, constants folded, batch norms folded, layers
/// found.
struct Model {
  std::filesystem::path file;
  std::string sha256;  ///< of the file's bytes, and, where it has external data, of its hashes too
  std::int64_t file_bytes = 0;                 ///< external data included
  std::set<std::filesystem::path> data_files;  ///< that hold external data
  onnx_io::ImportOptions import;               ///< that the file was read with
  graph::Graph graph;  ///< batch norms folded, no-ops removed; ValueIds in `discovery` are its own
  graph::Discovery discovery;
  /// The end of the network whose shapes depend on the data: not in `graph`, whose outputs are what
  /// it reads, and in the file as it was.
  ops::Tail tail;
  /// What is written, see pipeline/file_graph.h; none: `graph` itself.
  std::optional<graph::Graph> file_graph;
  /// The same with batch norms as they were, where the sizes of `graph` are not those of the file.
  std::optional<graph::Graph> unfolded_file_graph;
};

/// What a dataset must yield for this network.
[[nodiscard]] std::vector<data::InputSpec> input_specs(const graph::Graph& graph);

/// Batch size the network accepts: `wanted`, or the fixed extent of its first dimension.
[[nodiscard]] std::int64_t batch_size_for(const graph::Graph& graph, std::int64_t wanted);

}  // namespace ompq::pipeline
