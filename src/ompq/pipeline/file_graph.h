#pragma once

#include <optional>

#include "ompq/pipeline/model.h"

namespace ompq::pipeline {

/// True if shape inference of `imported` is valid for every size that its file allows: no open
/// extent of the file was set, except the batch.
[[nodiscard]] bool holds_for_every_size(const graph::Graph& imported);

/// How batch norms are written.
enum class Norms { Folded, Kept };

/// The graph to be written: `imported` without no-ops, with constants folded, and norms folded if
/// requested. It does not depend on sizes that are open in the file. Layers, their weights and
/// biases have the names and values of `model`. Nodes that only repeat constants (coordinate grids,
/// Tile, Expand) are not folded, and the end that model.graph lacks (Model::tail) is included.
/// @param imported  as in the file, without no-ops.
/// @param model  with graph and layers. @return nullopt, with a warning, if a layer of the model
/// exists only with the given sizes; then only model.graph can be written.
[[nodiscard]] std::optional<graph::Graph> file_graph(const graph::Graph& imported,
                                                     const Model& model,
                                                     Norms norms = Norms::Folded);

/// The corresponding value in model.file_graph: by the layer that reads it, else by name; kNoValue
/// if there is none.
[[nodiscard]] graph::ValueId value_in_file(const Model& model,
                                           const graph::Graph& file,
                                           graph::ValueId value);

/// Copies constants from `graph` to `file` by name and shape.
void take_constants(graph::Graph& file, const graph::Graph& graph);

}  // namespace ompq::pipeline
