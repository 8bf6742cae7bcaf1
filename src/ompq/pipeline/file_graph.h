#pragma once

#include <optional>

#include "ompq/pipeline/model.h"

namespace ompq::pipeline {

/// True where what inference found in `imported` holds for every size that its file allows: no
/// extent that the file leaves open was given, but for the batch.
[[nodiscard]] bool holds_for_every_size(const graph::Graph& imported);

/// How batch norms are written.
enum class Norms { Folded, Kept };

/// The network as it is written: `imported` without no-ops, with what constants alone decide
/// folded, and its norms where they are wanted so. Nothing in it depends on a size that the file
/// leaves open. Layers, their weights and biases have the names of `model`, whose values they are.
/// What only repeats constants (coordinate grids, Tile, Expand) stays computed, and the end that
/// model.graph lacks (Model::tail) is there.
/// @param imported  as its file says, without no-ops.
/// @param model  with graph and layers. @return nothing, which the log says, where a layer of the
/// model is none without the sizes that were given; only model.graph can be written then.
[[nodiscard]] std::optional<graph::Graph> file_graph(const graph::Graph& imported,
                                                     const Model& model,
                                                     Norms norms = Norms::Folded);

/// The same value in model.file_graph: of the layer that reads it, else the one of the same name;
/// kNoValue where there is none.
[[nodiscard]] graph::ValueId value_in_file(const Model& model,
                                           const graph::Graph& file,
                                           graph::ValueId value);

/// Every constant of `file` becomes that of the same name and shape in `graph`.
void take_constants(graph::Graph& file, const graph::Graph& graph);

}  // namespace ompq::pipeline
