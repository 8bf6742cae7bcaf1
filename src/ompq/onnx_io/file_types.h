#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "ompq/graph/graph.h"

/// Element types of a file that differ from those in memory, since ompq computes in float32.
namespace ompq::onnx_io {

/// Inserts Casts after inputs and before outputs, so that these have the types that graph.interface
/// declares.
void restore_interface_types(graph::Graph& graph);

enum class Narrowing : std::uint8_t {
  Exact,    ///< constants of rank 2 or more that 16-bit floats represent exactly
  Rounded,  ///< also rounded, for constants that the float file stores in 16 bits
};

/// If the file of `graph` stores constants in 16-bit floats, converts float32 constants to these
/// and inserts a Cast after each.
/// @param except  names of constants that are written in other forms.
void store_halves(graph::Graph& graph, const std::set<std::string>& except, Narrowing narrowing);

}  // namespace ompq::onnx_io
