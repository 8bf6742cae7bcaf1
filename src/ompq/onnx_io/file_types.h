#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "ompq/graph/graph.h"

/// Element types of the file where a graph in memory has others: ompq computes in float32.
namespace ompq::onnx_io {

/// Casts between the graph's own types and those that graph.interface declares, after inputs and
/// before outputs. The graph's inputs and outputs then have the declared types.
void restore_interface_types(graph::Graph& graph);

enum class Narrowing : std::uint8_t {
  Exact,    ///< matrices and the like whose half floats are equal to their numbers
  Rounded,  ///< also where they are the nearest, for constants that the float file stores so
};

/// In a graph with constants that its file stores as half floats, stores float32 constants so, too,
/// with a Cast after them.
/// @param except  names of constants that are written in another form.
void store_halves(graph::Graph& graph, const std::set<std::string>& except, Narrowing narrowing);

}  // namespace ompq::onnx_io
